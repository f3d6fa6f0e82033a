"""Record which files a thread opens or lists, by Python's audit events."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_EVENTS = frozenset(("open", "os.listdir", "os.scandir"))
_CALLERS = 6
_watched: dict[int, list[str]] = {}
_installed: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS and (found := _watched.get(threading.get_ident())) is not None:
        # Not by `traceback`, which would open the sources.
        callers: list[str] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and len(callers) < _CALLERS:
            callers.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            frame = frame.f_back
        found.append(f"{event} {arguments[0]!r} from {' < '.join(callers)}")


@contextmanager
def files_opened_here() -> Iterator[list[str]]:
    """Yield a list of what this thread opens within the block."""
    if not _installed:  # an audit hook cannot be removed
        _installed.append(True)
        sys.addaudithook(_hook)
    found: list[str] = []
    _watched[threading.get_ident()] = found
    try:
        yield found
    finally:
        del _watched[threading.get_ident()]
