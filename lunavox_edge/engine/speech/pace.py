"""Estimating when playback may start without running dry later.

The speeches of a lane ("rooms") share it equally. What a second of a voice costs on this machine is
learned while it speaks. Both together say how much audio must be ready before the first is handed out,
so that there is no gap later. On a machine with time to spare that is the first piece alone; under load
the first audio comes later.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import astuple, dataclass, replace

_MAX_VOICES = 64
_SMOOTHING = 0.3
_CAUTION = 1.3
"""Costs are assumed to be higher by this factor, as the next sentence may take more work."""
_LONG_CAUTION = 1.1
"""The same for the whole rest of a text, in which costs even out."""
_SECONDS_PER_CHARACTER = 0.06
_VOCODER_SHARE = 2.5
"""Ratio of the work after a line's first audio to that before it, for a voice not measured yet."""
_FIRST_LINE_S = 3.0
_NEXT_LINE_S = 4.0
_MAX_PATIENCE_S = 1.5
_GROWTH = 2.0
_TYPICAL_S = 5.0
"""Length of the reply for which the wait of a new request is estimated."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a line of text has taken: seconds of work and of audio, in total and for its first piece."""

    chars: int
    audio_s: float = 0.0
    work_s: float = 0.0
    first_audio_s: float = 0.0
    first_work_s: float = 0.0

    def plus(self, audio_s: float, work_s: float) -> Cost:
        """Return the cost with one more piece."""
        if not self.audio_s:
            return Cost(self.chars, audio_s, work_s, audio_s, work_s)
        return replace(self, audio_s=self.audio_s + audio_s, work_s=self.work_s + work_s)

    @property
    def more_per_s(self) -> float | None:
        """Work per second of audio after the first piece; None if there is only one."""
        audio_s = self.audio_s - self.first_audio_s
        return (self.work_s - self.first_work_s) / audio_s if audio_s > 0 else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state of a speech: the cost of its line so far, its last piece, the text that follows.

    `piece_s` is the length of the last piece. `waiting_chars` follow the line, or more if `open_ended`.
    """

    line: Cost
    piece_s: float
    waiting_chars: int
    open_ended: bool


@dataclass(frozen=True, slots=True)
class _Rate:
    """What a voice costs on this machine, averaged over its last lines."""

    seconds_per_character: float
    work_per_s: float
    lead_per_s: float
    """Work before the first audio of a line, per second of the whole line."""
    more_per_s: float
    """Work per second of audio that is not in a line's first piece."""

    @classmethod
    def of(cls, cost: Cost, seconds_per_character: float) -> _Rate:
        """Estimate the rate of an unknown voice from the beginning of a line."""
        lead = cost.first_work_s / max(cost.audio_s, cost.chars * seconds_per_character)
        more = cost.more_per_s
        if more is None:
            more = _VOCODER_SHARE * lead
        return cls(seconds_per_character, lead + more, lead, more)

    @classmethod
    def first(cls, cost: Cost) -> _Rate:
        """Create the rate from the first whole line of a voice."""
        work_per_s = cost.work_s / cost.audio_s
        return cls(
            cost.audio_s / cost.chars, work_per_s, cost.first_work_s / cost.audio_s, cost.more_per_s or 0.0
        )

    def learned(self, cost: Cost, *, eager: bool) -> _Rate:
        """Return the rate after one more line. A single piece says nothing of the cost of later pieces."""
        more = cost.more_per_s
        new = _Rate(
            cost.audio_s / cost.chars,
            cost.work_s / cost.audio_s,
            cost.first_work_s / cost.audio_s if eager else self.lead_per_s,
            more if eager and more is not None else self.more_per_s,
        )
        return _Rate(
            *(
                before + _SMOOTHING * (now - before)
                for before, now in zip(astuple(self), astuple(new), strict=True)
            )
        )


class Pace:
    """What the voices of one lane cost, and how many speeches (rooms) share it. Thread-safe."""

    def __init__(self, workers: int) -> None:
        """Start without measurements, for a lane with this number of workers."""
        self._workers = workers
        self._lock = threading.Lock()
        self._rates: OrderedDict[Hashable, _Rate] = OrderedDict()
        self._rooms: set[object] = set()
        self._waiting: set[object] = set()

    def enter(self, room: object, *, playing: bool) -> None:
        """Count a room from now on, as `playing` or as waiting for its first audio. Idempotent."""
        with self._lock:
            self._rooms.add(room)
            if playing:
                self._waiting.discard(room)
            else:
                self._waiting.add(room)

    def leave(self, room: object) -> None:
        """Count a room no more, as it has all audio that it can have for now. Idempotent."""
        with self._lock:
            self._rooms.discard(room)
            self._waiting.discard(room)

    def patience_s(self, voice: Hashable) -> float:
        """Return how long after its request a room's first audio is due, given how many rooms wait.

        Rooms that play already get their next audio meanwhile. Infinite if all rooms together are more
        than the machine can do: then those that play come first.
        """
        with self._lock:
            rate = self._rates.get(voice)
            if rate is None:
                return 0.0
            if _CAUTION * rate.work_per_s * self._share(len(self._rooms)) > 1:
                return math.inf
            return min(_MAX_PATIENCE_S, len(self._waiting) * rate.lead_per_s * _FIRST_LINE_S / self._workers)

    def learn(self, voice: Hashable, cost: Cost, *, eager: bool = True) -> None:
        """Learn what a whole line has cost; if it was not `eager`, nothing about its beginning."""
        if cost.audio_s <= 0 or not cost.chars:
            return
        with self._lock:
            old = self._rates.pop(voice, None) or _Rate.first(cost)
            self._rates[voice] = old.learned(cost, eager=eager)
            if len(self._rates) > _MAX_VOICES:
                self._rates.popitem(last=False)

    def head_start_s(self, voice: Hashable, outlook: Outlook) -> float:
        """Return the estimated seconds of audio that must be ready before playback may start."""
        with self._lock:
            rate = self._rates.get(voice)
            share = self._share(len(self._rooms))
        if rate is None:
            rate = _Rate.of(outlook.line, _SECONDS_PER_CHARACTER)
        line_s = max(outlook.line.audio_s, outlook.line.chars * rate.seconds_per_character)
        left_s = line_s - outlook.line.audio_s
        later_s = outlook.waiting_chars * rate.seconds_per_character
        if outlook.open_ended:
            later_s = max(later_s, _NEXT_LINE_S)
        # A second of work takes `share` seconds, as the other rooms share the workers.
        needs = [(left_s + later_s) * (_LONG_CAUTION * share * rate.work_per_s - 1)]
        share *= _CAUTION
        needs.append(min(left_s, _GROWTH * outlook.piece_s) * share * rate.more_per_s)
        if later_s:
            lead_s = share * rate.lead_per_s * min(later_s, _NEXT_LINE_S)
            needs.append(lead_s - left_s * (1 - share * rate.more_per_s))
        return max(needs)

    def wait_s(self, voice: Hashable) -> float:
        """Return how long one more room would wait for the first audio of a reply because of the others.

        0 without other rooms, however slow the machine was the last time.
        """
        with self._lock:
            rate = self._rates.get(voice)
            rooms = len(self._rooms)
            share = self._share(rooms + 1)
        if rate is None or not rooms:
            return 0.0
        return _TYPICAL_S * (share * rate.lead_per_s + max(0.0, share * rate.work_per_s - 1))

    def _share(self, rooms: int) -> float:
        """Return how many rooms share one worker, at least one."""
        return max(1.0, rooms / self._workers)
