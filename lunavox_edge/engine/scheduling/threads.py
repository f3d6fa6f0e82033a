"""Threads, locks and the clock, as one object that is passed to the engine's concurrent parts.

Tests pass another one, whose threads take turns on a simulated clock, so they run the real lane.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class Lock(Protocol):
    """A mutual exclusion lock as `threading.Lock` is one: not reentrant."""

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002  # as threading.Lock has it
        """Take the lock; with `blocking` False return at once, False if it is taken already."""

    def release(self) -> None:
        """Release the lock."""

    def __enter__(self) -> bool:
        """Take the lock."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Release the lock."""


class Thread(Protocol):
    """A thread that was started."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, for at most `timeout` seconds."""

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""


class Threads:
    """The threads of the operating system, their locks, and the monotonic clock."""

    def clock(self) -> float:
        """Seconds on a clock that never jumps."""
        return time.monotonic()

    def lock(self) -> Lock:
        """Return a new lock."""
        return threading.Lock()

    def condition(self, lock: Lock | None = None) -> threading.Condition:
        """Return a new condition over `lock`, or over a lock of its own."""
        return threading.Condition(lock or self.lock())  # type: ignore[arg-type]  # it accepts any lock

    def start(self, name: str, job: Callable[[], None]) -> Thread:
        """Run `job` on a new thread, which does not keep the process alive."""
        thread = threading.Thread(target=job, name=name, daemon=True)
        thread.start()
        return thread
