"""A CPU quota for a service, by a control group, to emulate a slow board."""

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
    """A control group with a CPU quota, which its processes and their children share."""

    def __init__(self, folder: Path) -> None:
        """Use an existing group; `create` makes one."""
        self._folder = folder

    @classmethod
    def create(cls, name: str, *, mount: Path = _MOUNT, own: Path = _OWN) -> CpuQuota | None:
        """Create a group of version 1 or 2; None if no group can be written."""
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
        """Add a process. Raises OSError."""
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
    """Yield folders in which a group may be created: version 1 before 2, the nearest first."""
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
