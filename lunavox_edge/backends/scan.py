"""Looking through a folder that a person fills: bounded, and safe from loops of links."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_DEPTH = 8
"""A checkout of rhasspy/piper-voices is five deep, the hub's own cache four."""
MAX_FOLDERS = 5_000
_MAX_JSON_BYTES = 4_000_000


def folders(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield `root` and the folders below with the names of their files, each folder once.

    Links are followed. Hidden folders and what cannot be read are left out; so is what lies
    deeper than MAX_DEPTH or comes after MAX_FOLDERS.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(root, 0)]
    while waiting and len(seen) < MAX_FOLDERS:
        folder, depth = waiting.pop(0)
        try:
            status = folder.stat()
            with os.scandir(folder) as scan:
                items = sorted(scan, key=lambda item: item.name)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield folder, tuple(item.name for item in items if _is_file(item))
        if depth < MAX_DEPTH:
            waiting += [
                (folder / item.name, depth + 1)
                for item in items
                if not item.name.startswith(".") and _is_folder(item)
            ]


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object. Raises ValueError, with a reason for people, for anything else."""
    try:
        content = read_start(path, _MAX_JSON_BYTES + 1)
        if len(content) > _MAX_JSON_BYTES:
            raise ValueError(f"{path.name} is too large to be a description of a model")
        found = json.loads(content)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read ({error.strerror})") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not valid JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} does not describe a model")  # noqa: TRY004  # one kind for the caller
    return found


def read_start(path: Path, size_bytes: int) -> bytes:
    """Read the first bytes of a file. Raises OSError; a pipe is empty and never waited for."""
    with open(path, "rb", opener=_without_waiting) as file:  # `Path.open` takes no opener
        return file.read(size_bytes) or b""


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _is_file(item: os.DirEntry[str]) -> bool:
    """Whether this may be part of a model: neither a folder nor a pipe, socket or device."""
    try:
        return stat.S_ISREG(item.stat().st_mode)
    except OSError:
        return True  # a link to nothing: its model shall be reported as broken, not vanish


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False
