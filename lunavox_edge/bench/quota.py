"""A share of one core for a service, by a control group: a slow board for those who have none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SHARE = 0.3
PERIOD_US = 20_000

_MOUNT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


class CpuQuota:
    """One control group with a quota; every process put into it and its children share that."""

    def __init__(self, folder: Path) -> None:
        """Store the group's folder."""
        self._folder = folder

    @classmethod
    def create(cls, name: str, *, mount: Path = _MOUNT, own: Path = _OWN) -> CpuQuota | None:
        """Make a group of version 1 or 2; None where no place for one can be written."""
        for parent in _places(mount, own):
            folder = parent / name
            try:
                folder.mkdir()
            except OSError:
                continue
            if _set_quota(folder):
                return cls(folder)
            with contextlib.suppress(OSError):
                folder.rmdir()
        return None

    def add(self, pid: int) -> None:
        """Put a process in. Raises OSError."""
        (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def close(self) -> None:
        """Remove the group; its processes must have ended."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def _set_quota(folder: Path) -> bool:
    quota_us = round(SHARE * PERIOD_US)
    try:
        if (folder / "cpu.max").exists():
            (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}", encoding="ascii")
        elif (folder / "cpu.cfs_quota_us").exists():
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US), encoding="ascii")
            (folder / "cpu.cfs_quota_us").write_text(str(quota_us), encoding="ascii")
        else:
            return False
    except OSError:
        return False
    return True


def _places(mount: Path, own: Path) -> Iterator[Path]:
    """Folders in which a group may be made: of version 1, then of version 2, the nearest first."""
    try:
        lines = own.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in sorted(lines, key=lambda line: line.startswith("0::")):
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        bases = [mount / controllers, mount / "cpu"] if controllers else [mount]
        for base in bases:
            if not base.is_dir():
                continue
            nearest = Path(os.path.normpath(f"{base}/{group}"))
            for folder in (nearest, *nearest.parents):
                if folder != base and base not in folder.parents:
                    break
                if folder.is_dir():
                    if not controllers:
                        with contextlib.suppress(OSError):
                            (folder / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
                    yield folder
