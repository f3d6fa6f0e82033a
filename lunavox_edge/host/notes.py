"""Small files that the service writes for itself: read with a bound, replaced in one step, JSON inside.

All of them may be lost or damaged; what they say is then made anew.
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
    """Return the JSON value in `file`, of which at most `max_bytes` are read.

    Raises FileNotFoundError, OSError, and ValueError for what is no JSON.
    """
    with file.open("rb") as opened:
        content = opened.read(max_bytes)
    try:
        found: object = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


def recall(file: Path) -> dict[str, object]:
    """Return the JSON object in `file`; an empty one if it is missing, damaged or something else."""
    try:
        found = read(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def replace(file: Path, value: object, *, indent: int | None = None) -> None:
    """Write `value` as JSON, safe from a power cut: readers find the old or the new. Raises OSError."""
    text = json.dumps(value, indent=indent)
    # One at a time, and always the same name: what a power cut leaves is written over.
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
    """Write `value` as JSON, as several processes may at once; what cannot be written is not kept.

    `mode` says who may read the file.
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
