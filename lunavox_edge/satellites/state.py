"""What a satellite does, and what it does next: pure, so that every case can be seen in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lunavox_edge.speaking.house import SatellitePhase as Phase


class Happening(Enum):
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

_NEXT: dict[tuple[Phase, Happening], Phase | None] = {
    (Phase.OFFLINE, Happening.CONNECTED): _REST,
    (Phase.IDLE, Happening.MUTED): Phase.MUTED,
    (Phase.IDLE, Happening.CALLED): Phase.LISTENING,
    (Phase.IDLE, Happening.SPEAKS): Phase.SPEAKING,
    (Phase.LISTENING, Happening.MUTED): Phase.MUTED,
    (Phase.LISTENING, Happening.CALLED): Phase.LISTENING,
    (Phase.LISTENING, Happening.HEARD): Phase.PROCESSING,
    (Phase.LISTENING, Happening.SPEAKS): Phase.SPEAKING,
    (Phase.LISTENING, Happening.DONE): _REST,
    (Phase.PROCESSING, Happening.CALLED): Phase.LISTENING,
    (Phase.PROCESSING, Happening.MUTED): Phase.PROCESSING,
    (Phase.PROCESSING, Happening.SPEAKS): Phase.SPEAKING,
    (Phase.PROCESSING, Happening.DONE): _REST,
    (Phase.SPEAKING, Happening.CALLED): Phase.LISTENING,
    (Phase.SPEAKING, Happening.MUTED): Phase.SPEAKING,
    (Phase.SPEAKING, Happening.SPEAKS): Phase.SPEAKING,
    (Phase.SPEAKING, Happening.DONE): _REST,
    (Phase.MUTED, Happening.UNMUTED): Phase.IDLE,
    (Phase.MUTED, Happening.SPEAKS): Phase.SPEAKING,
}


@dataclass(frozen=True, slots=True)
class State:
    """Where a satellite is. Muted, nothing that its microphone hears is looked at, but it still plays."""

    phase: Phase = Phase.OFFLINE
    muted: bool = False

    def after(self, happening: Happening) -> State | None:
        """Return what follows; None if it cannot happen now, and changes nothing."""
        muted = {Happening.MUTED: True, Happening.UNMUTED: False}.get(happening, self.muted)
        if happening is Happening.LOST:
            return None if self.phase is Phase.OFFLINE else replace(self, phase=Phase.OFFLINE)
        if muted and happening is Happening.CALLED:
            return None
        if (self.phase, happening) in _NEXT:
            phase = _NEXT[self.phase, happening]
            return State(phase or (Phase.MUTED if muted else Phase.IDLE), muted)
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
