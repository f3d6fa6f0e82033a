"""Folders of users, which may contain cycles of symbolic links."""

from __future__ import annotations

import os
from pathlib import Path


def items_once(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]] | None:
    """Return what is in a folder, by name, and add the folder to `seen`.

    None if it is unreadable, or in `seen` already, which ends a cycle of symbolic links.
    """
    try:
        status = folder.stat()
        with os.scandir(folder) as scan:
            items = sorted(scan, key=lambda item: item.name)
    except OSError:
        return None
    if (status.st_dev, status.st_ino) in seen:
        return None
    seen.add((status.st_dev, status.st_ino))
    return items
