"""The state machine of a satellite: phase × event → phase, as a pure table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lunavox_edge.announcements.house import SatellitePhase as Phase


class SatelliteEvent(Enum):
    """An event that may change the phase of a satellite."""

    CONNECTED = "connected"
    LOST = "lost"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CALLED = "called"
    """A conversation starts, or listens again after an answer."""
    HEARD = "heard"
    """A transcript is there."""
    SPEAKS = "speaks"
    """Playback starts."""
    DONE = "done"
    """The conversation or the announcement has ended."""


_REST = None
"""Stands for `IDLE`, or `MUTED` if the satellite is muted."""

_NEXT: dict[tuple[Phase, SatelliteEvent], Phase | None] = {
    (Phase.OFFLINE, SatelliteEvent.CONNECTED): _REST,
    (Phase.IDLE, SatelliteEvent.MUTED): Phase.MUTED,
    (Phase.IDLE, SatelliteEvent.CALLED): Phase.LISTENING,
    (Phase.IDLE, SatelliteEvent.SPEAKS): Phase.SPEAKING,
    (Phase.LISTENING, SatelliteEvent.MUTED): Phase.MUTED,
    (Phase.LISTENING, SatelliteEvent.CALLED): Phase.LISTENING,
    (Phase.LISTENING, SatelliteEvent.HEARD): Phase.PROCESSING,
    (Phase.LISTENING, SatelliteEvent.SPEAKS): Phase.SPEAKING,
    (Phase.LISTENING, SatelliteEvent.DONE): _REST,
    (Phase.PROCESSING, SatelliteEvent.CALLED): Phase.LISTENING,
    (Phase.PROCESSING, SatelliteEvent.MUTED): Phase.PROCESSING,
    (Phase.PROCESSING, SatelliteEvent.SPEAKS): Phase.SPEAKING,
    (Phase.PROCESSING, SatelliteEvent.DONE): _REST,
    (Phase.SPEAKING, SatelliteEvent.CALLED): Phase.LISTENING,
    (Phase.SPEAKING, SatelliteEvent.MUTED): Phase.SPEAKING,
    (Phase.SPEAKING, SatelliteEvent.SPEAKS): Phase.SPEAKING,
    (Phase.SPEAKING, SatelliteEvent.DONE): _REST,
    (Phase.MUTED, SatelliteEvent.UNMUTED): Phase.IDLE,
    (Phase.MUTED, SatelliteEvent.SPEAKS): Phase.SPEAKING,
}


@dataclass(frozen=True, slots=True)
class SatelliteState:
    """Phase and mute. While muted, audio of the microphone is dropped; playback goes on."""

    phase: Phase = Phase.OFFLINE
    muted: bool = False

    def after(self, event: SatelliteEvent) -> SatelliteState | None:
        """Return the state after `event`; None if the event is not possible in this state."""
        muted = {SatelliteEvent.MUTED: True, SatelliteEvent.UNMUTED: False}.get(event, self.muted)
        if event is SatelliteEvent.LOST:
            return None if self.phase is Phase.OFFLINE else replace(self, phase=Phase.OFFLINE)
        if muted and event is SatelliteEvent.CALLED:
            return None
        if (self.phase, event) in _NEXT:
            phase = _NEXT[self.phase, event]
            return SatelliteState(phase or (Phase.MUTED if muted else Phase.IDLE), muted)
        if muted != self.muted:
            return replace(self, muted=muted)
        return None

    @property
    def rests(self) -> bool:
        """Whether there is neither a conversation nor playback."""
        return self.phase in (Phase.IDLE, Phase.MUTED)

    @property
    def hears(self) -> bool:
        """Whether audio of the microphone is used at all."""
        return not self.muted and self.phase is not Phase.OFFLINE
