"""Rate limit for the log: so many lines a minute for each place in the code, and a count of the rest."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

_PERIOD_S = 60.0
_MAX_PLACES = 1000


class Damper(logging.Filter):
    """Filter that passes at most `most` lines a minute from one place in the code; for `addFilter`.

    Lines below INFO always pass. Safe from any thread.
    """

    def __init__(self, most: int = 60, clock: Callable[[], float] = time.monotonic) -> None:
        """Create a filter; `clock` returns monotonic seconds."""
        super().__init__()
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[tuple[str, int], tuple[float, int]] = {}
        """For each file and line: the start of its minute, and the lines since then."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged; the first line of a new minute gets the number of those dropped."""
        if record.levelno < logging.INFO:
            return True
        place, now = (record.pathname, record.lineno), self._clock()
        with self._lock:
            since_s, count = self._places.get(place, (now, 0))
            dropped = 0
            if now - since_s >= _PERIOD_S:
                dropped, since_s, count = max(0, count - self._most), now, 0
            if len(self._places) >= _MAX_PLACES:
                self._places.clear()
            self._places[place] = (since_s, count + 1)
        if count >= self._most:
            return False
        if dropped:
            record.msg = f"{record.getMessage()} (and {dropped} more like this before)"
            record.args = None
        return True
