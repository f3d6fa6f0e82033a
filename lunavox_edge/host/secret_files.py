"""Files that contain secrets (passwords, tokens, keys): read only if other users cannot read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lunavox_edge.errors import SettingsError

_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_MAX_BYTES = 65_536


def exposure(path: Path) -> str | None:
    """Return why a file is not secret, None if other users can neither read nor change it. Raises OSError."""
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        return "it belongs to another user"
    if status.st_mode & _OTHERS:
        return "others may read or change it (chmod 640 ends that)"
    return None


def check_secret(path: Path, key: str) -> None:
    """Raise SettingsError if the file that the setting `key` names is missing or not secret."""
    try:
        exposed = exposure(path)
        with path.open("rb"):
            pass
    except OSError as error:
        raise SettingsError(f"{key} cannot be read: {error.strerror}.") from error
    if exposed is not None:
        raise SettingsError(f"{key} is not secret: {exposed}.")


def read_secret(path: Path, key: str) -> str:
    """Return the first line of a secret file, without a byte-order mark.

    Raises SettingsError if the file that the setting `key` names is missing, unreadable or not secret.
    """
    check_secret(path, key)
    try:
        with path.open("rb") as file:
            lines = file.read(_MAX_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{key} cannot be read: {reason}.") from error
    return lines[0] if lines else ""
