"""Pieces of audio in the order of the text, whichever worker makes them first."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from lunavox_edge.backends.base import Piece
from lunavox_edge.engine.speech.pace import Cost
from lunavox_edge.engine.speech.script import ScriptLine


@dataclass(slots=True, eq=False)
class LineWork:
    """One line while it is made: where its pieces come from, what is made of it, what it has cost.

    `pieces` and `spent_s` are for the worker that reads on; what follows `spent_s` is guarded by the
    lock of the assembly's owner.
    """

    line: ScriptLine
    key: Hashable
    pieces: Iterator[Piece]
    eager: bool = True
    spent_s: float = 0.0
    """What it took to get to its next piece."""
    cost: Cost = field(default_factory=lambda: Cost(0))
    made: list[bytes] = field(default_factory=list)
    in_flight: int = 0
    exhausted: bool = False

    @property
    def over(self) -> bool:
        """Whether all of it is made and handed on."""
        return self.exhausted and not self.in_flight


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one piece, which took `work_s` so far; `pcm` is None until it is made."""

    work: LineWork
    piece: Piece
    work_s: float
    pcm: bytes | None = None


class Assembly:
    """The pieces that are being made. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        """Start empty."""
        self._slots: deque[Slot] = deque()
        self.seconds = 0.0
        """How much audio is on its way, as far as its makers know."""

    def __len__(self) -> int:
        """Pieces not handed on yet."""
        return len(self._slots)

    def clear(self) -> None:
        """Forget the pieces that are left, and with them what they hold of the model."""
        self._slots.clear()
        self.seconds = 0.0

    def chars_after(self, work: LineWork) -> int:
        """Characters of the lines that were begun after this one."""
        later = {id(slot.work): len(slot.work.line.text) for slot in self._slots if slot.work is not work}
        return sum(later.values())

    def open(self, work: LineWork, piece: Piece) -> Slot:
        """Give a piece the next place, and what it took to get to it."""
        slot = Slot(work, piece, work.spent_s)
        work.spent_s = 0.0
        work.in_flight += 1
        self._slots.append(slot)
        self.seconds += piece.seconds
        return slot

    def fill(self, slot: Slot, pcm: bytes, work_s: float) -> Iterator[Slot]:
        """Take a piece that was made; yield those whose turn has come."""
        slot.pcm = pcm
        slot.work_s += work_s
        while self._slots and self._slots[0].pcm is not None:
            ready = self._slots.popleft()
            ready.work.in_flight -= 1
            self.seconds = self.seconds - ready.piece.seconds if self._slots else 0.0
            yield ready
