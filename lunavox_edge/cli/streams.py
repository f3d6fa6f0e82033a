"""Standard input and output; they may be closed, on a full disk, or a broken pipe."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from typing import NoReturn

from lunavox_edge.errors import LunavoxError

_MAX_INVALID = 0.25
"""The part of a text that may be invalid, as in a text with some letters of Latin-1."""


def read_text() -> str:
    """Return all of standard input as text; "" if it is closed.

    The encoding is UTF-8, or UTF-16 with a byte-order mark; invalid bytes are replaced. Raises
    LunavoxError if there is a NUL, or if a large part is invalid.
    """
    raw = read_bytes()
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text = raw.decode(encoding, "replace")
    if "\0" in text or text.count("\ufffd") > len(text) * _MAX_INVALID:
        raise LunavoxError("The standard input is not text in UTF-8, or in UTF-16 with a byte-order mark.")
    return text


def read_bytes() -> bytes:
    """Return all of standard input; empty if it is closed."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def say(line: str) -> None:
    """Print one line at once; if that fails, this and all later output is discarded."""
    try:
        print(line, flush=True)
    except OSError:
        discard_output()


def flush_output() -> None:
    """Write buffered output. Raises OSError."""
    if sys.stdout is not None:
        sys.stdout.flush()


def end(status: int) -> NoReturn:
    """Flush the output and end the process at once, without cleanup."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(status)


def discard_output() -> None:
    """Discard all further output, including the interpreter's flush at exit."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
