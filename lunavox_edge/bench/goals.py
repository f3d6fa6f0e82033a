"""Goals by figure, most of them as a ratio to the peer's value in the same run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Measure(Enum):
    """What a goal is compared with."""

    RATIO = "a share of the peer's value"
    VALUE = "a value by itself"
    ABOVE = "so much more than the peer's value"
    OWN = "a share of another figure of the same service"


@dataclass(frozen=True, slots=True)
class Goal:
    """The maximum of a figure."""

    most: float
    measure: Measure = Measure.RATIO
    other: str = ""
    """The figure to which an OWN goal is a ratio."""

    def text(self, unit: str) -> str:
        """Return the goal as text for the table."""
        if self.measure is Measure.RATIO:
            return f"≤ {self.most:.2f} ×"
        if self.measure is Measure.VALUE:
            return f"≤ {self.most:g} {unit}".rstrip() if self.most else "0"
        if self.measure is Measure.ABOVE:
            return f"≤ peer + {self.most:g}" if self.most else "≤ peer"
        return f"≤ {self.most:g} × {self.other}"

    def met(self, ours: float | None, theirs: float | None, other: float | None) -> bool | None:
        """Return whether the goal is met; None if a needed value is missing.

        `ours` and `theirs` are the values of the service and of the peer, `other` that of the figure `other`.
        """
        if ours is None:
            return None
        if self.measure is Measure.VALUE:
            return ours <= self.most
        if self.measure is Measure.OWN:
            return None if other is None else ours <= self.most * other
        if theirs is None:
            return None
        return ours <= (theirs * self.most if self.measure is Measure.RATIO else theirs + self.most)


_SPOKEN = ("short sentence", "9 s sentence", "six sentences")
_NO_MORE = Goal(0, Measure.ABOVE)
_NONE = Goal(0, Measure.VALUE)

FULL: dict[str, Goal] = {
    "first audio, short sentence, 1 client": Goal(0.6),
    "first audio, 9 s sentence, 1 client": Goal(0.15),
    **{f"first audio, {what}, 8 clients": Goal(0.05) for what in _SPOKEN},
    **{f"all spoken, {what}, 1 client": Goal(0.9) for what in _SPOKEN},
    **{f"all spoken, {what}, 8 clients": Goal(0.8) for what in _SPOKEN},
    **{f"gaps, {what}, 8 clients": _NONE for what in (*_SPOKEN, "six sentences token by token")},
    **{f"audio-stop to transcript, {rooms}": Goal(0.1) for rooms in ("1 room", "4 rooms")},
    "CPU per command, 1 room": Goal(0.35),
    **{
        f"end of speech to transcript, {rooms}, {sensitivity}": Goal(most)
        for sensitivity, most in (("default", 0.45), ("aggressive", 0.25))
        for rooms in ("1 room", "4 rooms")
    },
    **{
        f"people cut off, {rooms}, {sensitivity}": _NO_MORE
        for sensitivity in ("default", "aggressive")
        for rooms in ("1 room", "4 rooms")
    },
    "word error rate, sentences": Goal(0.5, Measure.ABOVE),
    "slowest describe, 8 clients speaking": Goal(50, Measure.VALUE),
    "slowest describe, 8 rooms heard": Goal(50, Measure.VALUE),
    "RSS, both models loaded": Goal(0.75),
    "first audio, 20,000 characters without punctuation": Goal(
        1.5, Measure.OWN, "first audio, short sentence, 1 client"
    ),
    "RSS above the most before, 20,000 characters": Goal(100, Measure.VALUE),
    **{
        f"{what}: service less backend, in pairs": Goal(5, Measure.VALUE)
        for what in ("short sentence", "transcript of a command")
    },
    **{
        f"satellites: {what}": Goal(most, Measure.VALUE)
        for what, most in (
            ("CPU of all cores, 8 stream", 15),
            ("wake words missed", 0),
            ("wake word heard, p95", 200),
            ("commands lost", 0),
            ("end of speech to first audio of an echo", 600),
            ("gaps in echoes", 0),
            ("barge-in, wake word heard to silence", 100),
        )
    },
}

BOARD: dict[str, Goal] = {
    "first audio, six sentences, 4 clients": Goal(0.08),
    "first audio of the slowest, six sentences, 4 clients": Goal(0.08),
    "gaps, six sentences, 4 clients": _NONE,
}
"""Goals on an emulated board."""
