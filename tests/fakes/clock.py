"""A clock that advances only when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Call:
    when: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class ManualClock:
    def __init__(self) -> None:
        self._now_s = 100.0
        self._calls: list[Call] = []

    def time(self) -> float:
        return self._now_s

    def call_at(self, when: float, callback: Callable[[], object], /) -> Call:
        call = Call(when, callback)
        self._calls.append(call)
        return call

    @property
    def waiting(self) -> int:
        """Number of scheduled calls."""
        return sum(not call.cancelled for call in self._calls)

    def pass_s(self, seconds: float) -> None:
        """Advance the clock, and run the due calls in order of time."""
        end_s = self._now_s + seconds
        while due := [call for call in self._calls if not call.cancelled and call.when <= end_s]:
            call = min(due, key=lambda call: call.when)
            self._calls.remove(call)
            self._now_s = max(self._now_s, call.when)
            call.callback()
        self._now_s = end_s
