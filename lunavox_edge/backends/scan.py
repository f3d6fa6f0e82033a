"""Scanning of the user's model folders: bounded, and safe from cycles of symbolic links."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lunavox_edge.host.folders import items_once

MAX_DEPTH = 8
"""A checkout of rhasspy/piper-voices has five levels, the cache of huggingface_hub four."""
MAX_FOLDERS = 5_000
LFS_MARK = b"version https://git-lfs"
"""Beginning of a file that was checked out without Git LFS."""
LFS_PROBLEM = "is only a Git LFS pointer; fetch the real file with `git lfs pull`"
_MAX_JSON_BYTES = 4_000_000


def folders(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield `root` and the folders below it with the names of their files, each folder once.

    Symbolic links are followed. Hidden and unreadable folders are left out, and so are folders deeper than
    MAX_DEPTH or after the first MAX_FOLDERS.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(root, 0)]
    while waiting and len(seen) < MAX_FOLDERS:
        folder, depth = waiting.pop(0)
        items = items_once(folder, seen)
        if items is None:
            continue
        yield folder, tuple(item.name for item in items if _is_file(item))
        if depth < MAX_DEPTH:
            waiting += [
                (folder / item.name, depth + 1)
                for item in items
                if not item.name.startswith(".") and _is_folder(item)
            ]


def read_json(path: Path) -> dict[str, Any]:
    """Read a small JSON object. Raises ValueError, with a reason for people, if it is not one."""
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
        raise ValueError(f"{path.name} does not describe a model")  # noqa: TRY004  # callers expect one type
    return found


def read_start(path: Path, size_bytes: int) -> bytes:
    """Read the first bytes of a file without blocking: a pipe counts as empty. Raises OSError."""
    with open(path, "rb", opener=_open_nonblocking) as file:  # `Path.open` takes no opener
        return file.read(size_bytes) or b""


def _open_nonblocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _is_file(item: os.DirEntry[str]) -> bool:
    """Whether this is a regular file, not a folder, pipe, socket or device; True for a broken link."""
    try:
        return stat.S_ISREG(item.stat().st_mode)
    except OSError:
        return True  # so that the model of a broken link is reported as broken


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False
