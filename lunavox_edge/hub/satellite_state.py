"""What a satellite does, and what it does next: pure, so that every case can be seen in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lunavox_edge.announcements.house import SatellitePhase as Phase


class SatelliteEvent(Enum):
    """What can happen to a satellite."""

    CONNECTED = "connected"
    LOST = "lost"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CALLED = "called"
    """A wake word was heard, or it may go on after an answer."""
    HEARD = "heard"
    """There is a transcript."""
    SPEAKS = "speaks"
    """Something begins to play."""
    DONE = "done"
    """What it did has come to its end, whatever that was."""


_REST = None
"""Stands for idle, or muted if it is."""

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
    """Where a satellite is. Muted, nothing that its microphone hears is looked at, but it still plays."""

    phase: Phase = Phase.OFFLINE
    muted: bool = False

    def after(self, happening: SatelliteEvent) -> SatelliteState | None:
        """Return what follows; None if it cannot happen now, and changes nothing."""
        muted = {SatelliteEvent.MUTED: True, SatelliteEvent.UNMUTED: False}.get(happening, self.muted)
        if happening is SatelliteEvent.LOST:
            return None if self.phase is Phase.OFFLINE else replace(self, phase=Phase.OFFLINE)
        if muted and happening is SatelliteEvent.CALLED:
            return None
        if (self.phase, happening) in _NEXT:
            phase = _NEXT[self.phase, happening]
            return SatelliteState(phase or (Phase.MUTED if muted else Phase.IDLE), muted)
        if muted != self.muted:
            return replace(self, muted=muted)
        return None

    @property
    def rests(self) -> bool:
        """Whether nothing goes on."""
        return self.phase in (Phase.IDLE, Phase.MUTED)

    @property
    def hears(self) -> bool:
        """Whether audio of its microphone may be looked at at all."""
        return not self.muted and self.phase is not Phase.OFFLINE
