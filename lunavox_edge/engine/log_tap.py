"""Passing this package's log lines to a callback of an embedding program."""

from __future__ import annotations

import logging
from collections.abc import Callable

_PACKAGE = "lunavox_edge"


class LogTap:
    """At most one callback of one engine on the package's logger."""

    def __init__(self) -> None:
        """Start without a callback."""
        self._handler: logging.Handler | None = None
        self._set_level = False

    def set(self, callback: Callable[[str, str], None] | None) -> None:
        """Replace the callback; None removes it.

        Meanwhile a logger without a level of its own is set to INFO.
        """
        logger = logging.getLogger(_PACKAGE)
        if self._handler is not None:
            logger.removeHandler(self._handler)
            self._handler = None
            if self._set_level:
                logger.setLevel(logging.NOTSET)
        if callback is not None:
            self._handler = _CallbackHandler(callback)
            logger.addHandler(self._handler)
            self._set_level = logger.level == logging.NOTSET
            if self._set_level:
                logger.setLevel(logging.INFO)


class _CallbackHandler(logging.Handler):
    def __init__(self, callback: Callable[[str, str], None]) -> None:
        super().__init__()
        self._callback = callback

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._callback(record.levelname.lower(), record.getMessage())
        except Exception:  # noqa: BLE001  # a foreign callback must not break logging
            self.handleError(record)
