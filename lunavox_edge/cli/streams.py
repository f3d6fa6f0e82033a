"""Standard input and output, which may be closed, full or left by whoever was at the other end."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from typing import NoReturn


def read_text() -> str:
    """Return all of standard input as text, "" where there is none.

    It is UTF-8, or UTF-16 if it says so by its byte-order mark; what cannot be read is replaced.
    """
    raw = read_bytes()
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return raw.decode(encoding, "replace")


def read_bytes() -> bytes:
    """Return all of standard input; empty where there is none."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def say(line: str) -> None:
    """Print one line at once; if that fails, this one and all that follow go nowhere."""
    try:
        print(line, flush=True)
    except OSError:
        discard_output()


def flush_output() -> None:
    """Write what is still buffered. Raises OSError."""
    if sys.stdout is not None:
        sys.stdout.flush()


def end(status: int) -> NoReturn:
    """End the process here and now, with what was printed on its way."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(status)


def discard_output() -> None:
    """Let all further output go nowhere, the interpreter's last flush included."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
