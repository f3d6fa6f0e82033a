"""Noticing that nothing has happened for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Watch:
    """Calls back once when it was not touched for `patience_s`; touching costs next to nothing."""

    def __init__(self, on_quiet: Callable[[], None]) -> None:
        """Bind to the running loop; `start` starts it."""
        self._loop = asyncio.get_running_loop()
        self._on_quiet = on_quiet
        self._patience_s = 0.0
        self._touched_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self, patience_s: float) -> None:
        """Start, or start anew with another patience."""
        self.stop()
        self._patience_s = patience_s
        self.touch()
        self._timer = self._loop.call_later(patience_s, self._check)

    def touch(self) -> None:
        """Something happened."""
        self._touched_s = self._loop.time()

    @property
    def quiet_s(self) -> float:
        """Seconds since the last touch."""
        return self._loop.time() - self._touched_s

    def stop(self) -> None:
        """Stop watching. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        left_s = self._patience_s - self.quiet_s
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check)
        else:
            self._timer = None
            self._on_quiet()
