"""A timer that detects inactivity."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class IdleTimer:
    """Calls `on_idle` once after `timeout_s` without a `touch`.

    `touch` only stores the time, so it may be called for every message.
    """

    def __init__(self, on_idle: Callable[[], None]) -> None:
        """Bind to the running loop; `start` starts it."""
        self._loop = asyncio.get_running_loop()
        self._on_idle = on_idle
        self._timeout_s = 0.0
        self._touched_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, timeout_s: float) -> None:
        """Start, or start again with another timeout."""
        self.stop()
        self._timeout_s = timeout_s
        self.touch()
        self._timer = self._loop.call_later(timeout_s, self._check)

    def touch(self) -> None:
        """Note activity."""
        self._touched_s = self._loop.time()

    @property
    def idle_s(self) -> float:
        """Seconds since the last touch."""
        return self._loop.time() - self._touched_s

    def stop(self) -> None:
        """Stop the timer. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        left_s = self._timeout_s - self.idle_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check)
        else:
            self._timer = None
            self._on_idle()
