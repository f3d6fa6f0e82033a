"""Logging handler for the systemd journal, with fields that can be searched for.

Besides the usual fields, each of `FIELDS` that a log call passes in `extra` becomes a field of the entry:
`journalctl LUNAVOX_CODE=busy`, `journalctl LUNAVOX_VOICE=en_US-joe-medium`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path

FIELDS = ("code", "satellite", "voice", "peer")
"""Keys of `extra`: the code of an error, the id of a satellite, a voice or model, the address of a client."""

SOCKET = Path("/run/systemd/journal/socket")
_IDENTIFIER = "lunavox-edge"
_MAX_MESSAGE_CHARS = 20_000
_MAX_FIELD_CHARS = 500
# Priorities of syslog; everything below INFO is "debug".
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG = 7


class JournalHandler(logging.Handler):
    """Sends every record as one datagram, without blocking: a record that the journal cannot take is lost."""

    def __init__(self, address: Path = SOCKET) -> None:
        """Open an unconnected socket, so that the journal may restart meanwhile."""
        super().__init__()
        self._address = str(address)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one entry. Never raises, never blocks."""
        try:
            entry = encode(fields_of(record, self.format(record)))
        except (TypeError, ValueError):  # arguments that do not match the format string
            self.handleError(record)
            return
        with contextlib.suppress(OSError):
            self._socket.sendto(entry, self._address)

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self._socket.close()
        super().close()


def journal_handler(variables: Mapping[str, str], *, stream_fd: int = 2) -> JournalHandler | None:
    """Return a handler if standard error of this process is connected to the journal, else None."""
    device, _, inode = variables.get("JOURNAL_STREAM", "").partition(":")
    try:
        stream = os.fstat(stream_fd)
    except OSError:
        return None
    if (device, inode) != (str(stream.st_dev), str(stream.st_ino)) or not SOCKET.exists():
        return None
    return JournalHandler(SOCKET)


def fields_of(record: logging.LogRecord, message: str) -> dict[str, str]:
    """Return the journal fields of a record with its formatted message."""
    fields = {
        "MESSAGE": message[:_MAX_MESSAGE_CHARS],
        "PRIORITY": str(next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG)),
        "SYSLOG_IDENTIFIER": _IDENTIFIER,
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
        "THREAD_NAME": record.threadName or "",
    }
    for name in FIELDS:
        value = getattr(record, name, None)
        if value:
            fields[f"LUNAVOX_{name.upper()}"] = str(value)[:_MAX_FIELD_CHARS]
    return fields


def encode(fields: Mapping[str, str]) -> bytes:
    """Encode fields in the journal's native protocol: `NAME=value`, or length-prefixed if multi-line."""
    entry = bytearray()
    for name, value in fields.items():
        data = value.encode(errors="backslashreplace")
        if b"\n" in data:
            entry += name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
        else:
            entry += name.encode() + b"=" + data + b"\n"
    return bytes(entry)
