"""Putting pieces of audio, made by several workers, into the order of the text."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from lunavox_edge.backends.base import Piece
from lunavox_edge.engine.speech.pace import Cost
from lunavox_edge.engine.speech.script import ScriptLine


@dataclass(slots=True, eq=False)
class LineWork:
    """One line while its audio is made.

    `pieces` and `spent_s` belong to the worker that reads on; the fields after `spent_s` are guarded by
    the lock of the assembly's owner.
    """

    line: ScriptLine
    key: Hashable
    pieces: Iterator[Piece]
    eager: bool = True
    spent_s: float = 0.0
    """Seconds of work to get its next piece from `pieces`."""
    cost: Cost = field(default_factory=lambda: Cost(0))
    made: list[bytes] = field(default_factory=list)
    in_flight: int = 0
    exhausted: bool = False

    @property
    def over(self) -> bool:
        """Whether all its audio is made and handed on."""
        return self.exhausted and not self.in_flight


@dataclass(slots=True, eq=False)
class Slot:
    """The place of one piece in the order; it took `work_s` so far. `pcm` is None until it is made."""

    work: LineWork
    piece: Piece
    work_s: float
    pcm: bytes | None = None


class Assembly:
    """The pieces that are being made, in order. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        """Start empty."""
        self._slots: deque[Slot] = deque()
        self.seconds = 0.0
        """Seconds of audio being made, as estimated by the voices. May be read without the lock."""

    def __len__(self) -> int:
        """Number of pieces not handed on yet."""
        return len(self._slots)

    def clear(self) -> None:
        """Drop the pieces that are left, and with them their references to the model."""
        self._slots.clear()
        self.seconds = 0.0

    def chars_after(self, work: LineWork) -> int:
        """Count the characters of the lines that were begun after this one."""
        later = {id(slot.work): len(slot.work.line.text) for slot in self._slots if slot.work is not work}
        return sum(later.values())

    def open(self, work: LineWork, piece: Piece) -> Slot:
        """Give a piece the next place, charged with the work spent to get it."""
        slot = Slot(work, piece, work.spent_s)
        work.spent_s = 0.0
        work.in_flight += 1
        self._slots.append(slot)
        self.seconds += piece.seconds
        return slot

    def fill(self, slot: Slot, pcm: bytes, work_s: float) -> Iterator[Slot]:
        """Take the audio of a piece that took `work_s`; yield the pieces that are next in order."""
        slot.pcm = pcm
        slot.work_s += work_s
        while self._slots and self._slots[0].pcm is not None:
            ready = self._slots.popleft()
            ready.work.in_flight -= 1
            self.seconds = self.seconds - ready.piece.seconds if self._slots else 0.0
            yield ready
