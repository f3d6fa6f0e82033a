"""Keeps one kind of line from filling the log: so many a minute, then how many more there were."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

_PERIOD_S = 60.0
_MAX_KINDS = 1000


class Damper(logging.Filter):
    """Lets `most` lines of one kind through in a minute: those of one place in the code."""

    def __init__(self, most: int = 60, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet; a handler takes it by `addFilter`."""
        super().__init__()
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line goes into the log; the first of a new minute tells of those that did not."""
        if record.levelno < logging.INFO:
            return True
        kind, now = (record.pathname, record.lineno), self._clock()
        with self._lock:
            since_s, count = self._kinds.get(kind, (now, 0))
            left_out = 0
            if now - since_s >= _PERIOD_S:
                left_out, since_s, count = max(0, count - self._most), now, 0
            if len(self._kinds) >= _MAX_KINDS:
                self._kinds.clear()
            self._kinds[kind] = (since_s, count + 1)
        if count >= self._most:
            return False
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} more like this before)"
            record.args = None
        return True
