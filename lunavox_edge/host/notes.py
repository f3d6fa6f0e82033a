"""Small JSON files of the service's own: read with a size limit, replaced atomically.

All of them may be lost or damaged; the service then creates them again.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from pathlib import Path

_MAX_BYTES = 1_048_576
_REPLACING = threading.Lock()


def read(file: Path, *, max_bytes: int = _MAX_BYTES) -> object:
    """Return the JSON value in `file`; at most `max_bytes` are read.

    Raises FileNotFoundError, OSError, and ValueError for invalid JSON.
    """
    with file.open("rb") as opened:
        content = opened.read(max_bytes)
    try:
        found: object = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


def recall(file: Path) -> dict[str, object]:
    """Return the JSON object in `file`; an empty one if the file is missing, damaged or no JSON object."""
    try:
        found = read(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def replace(file: Path, value: object, *, indent: int | None = None) -> None:
    """Write `value` as JSON, safe from a power cut: readers find the old or the new file. Raises OSError."""
    text = json.dumps(value, indent=indent)
    # The temporary file always has the same name, so that one left by a power cut is overwritten; the lock
    # keeps two threads from writing it at once.
    with _REPLACING:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.new")
        try:
            with draft.open("w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)


def keep(file: Path, value: object, *, indent: int | None = None, mode: int = 0o600) -> None:
    """Write `value` as JSON; several processes may do so at once. A failure to write is ignored.

    `mode` are the permissions of the file.
    """
    text = json.dumps(value, indent=indent)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            Path(name).chmod(mode)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
