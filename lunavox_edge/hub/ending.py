"""Why what goes on at a satellite ends, and what that does, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lunavox_edge.hub.satellite_state import SatelliteEvent


class EndReason(Enum):
    """Why the work at a satellite ends."""

    STOPPED = "stopped"
    """The hub does not serve it any more."""
    LOST = "lost"
    """Its connection is gone."""
    MUTED = "muted"
    """It is not to listen any more."""
    HUSHED = "hushed"
    """Somebody wants silence: a stop word, a `stop` over MQTT, or an announcement that comes instead."""
    ANSWERED = "answered"
    """The announcement that the conversation waits for begins."""
    CALLED = "called"
    """A new conversation begins."""
    OVER = "over"
    """The conversation has come to its end by itself."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends; the loudspeaker falls silent unless `plays_on`."""

    forgets: bool = False
    """Whether wake words are waited for anew: the rest after a word is counted in audio."""
    closes_turn: bool = False
    """Whether the satellite is told that the turn it streams for is over."""
    plays_on: bool = False
    spares_talk: bool = False
    """Whether a conversation goes on that does not listen just now."""
    happening: SatelliteEvent | None = None
    """What the state is told."""


ENDINGS = {
    EndReason.STOPPED: Ending(forgets=True, happening=SatelliteEvent.LOST),
    EndReason.LOST: Ending(forgets=True, happening=SatelliteEvent.LOST),
    EndReason.MUTED: Ending(forgets=True, plays_on=True, spares_talk=True),
    EndReason.HUSHED: Ending(closes_turn=True, happening=SatelliteEvent.DONE),
    EndReason.ANSWERED: Ending(),
    EndReason.CALLED: Ending(forgets=True),
    EndReason.OVER: Ending(happening=SatelliteEvent.DONE),
}
