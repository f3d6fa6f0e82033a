"""The reasons why activity at a satellite ends, and what each of them ends, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lunavox_edge.hub.satellite_state import SatelliteEvent


class EndReason(Enum):
    """Why activity at a satellite ends."""

    STOPPED = "stopped"
    """The hub stops, or removes the satellite."""
    LOST = "lost"
    """The connection is gone."""
    MUTED = "muted"
    """The satellite was muted."""
    SILENCED = "silenced"
    """A stop word, a `stop` over MQTT, or an announcement that is no answer."""
    ANSWERED = "answered"
    """The announcement starts that the conversation waits for."""
    CALLED = "called"
    """A new conversation starts."""
    OVER = "over"
    """The conversation has ended by itself."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends for one reason; by default the playback and the conversation."""

    restarts_wake_words: bool = False
    """Whether the wake-word session is closed and a new one opened with the next audio.

    A session counts the pause after a detection in audio, which it does not get during a conversation.
    """
    ends_turn: bool = False
    """Whether, after a conversation, the satellite is sent a transcript, at which it stops streaming."""
    keeps_playback: bool = False
    keeps_conversation: bool = False
    """Whether a conversation goes on, unless it listens just now."""
    event: SatelliteEvent | None = None
    """The event for the satellite's state."""


ENDINGS = {
    EndReason.STOPPED: Ending(restarts_wake_words=True, event=SatelliteEvent.LOST),
    EndReason.LOST: Ending(restarts_wake_words=True, event=SatelliteEvent.LOST),
    EndReason.MUTED: Ending(restarts_wake_words=True, keeps_playback=True, keeps_conversation=True),
    EndReason.SILENCED: Ending(ends_turn=True, event=SatelliteEvent.DONE),
    EndReason.ANSWERED: Ending(),
    EndReason.CALLED: Ending(restarts_wake_words=True),
    EndReason.OVER: Ending(event=SatelliteEvent.DONE),
}
