"""Small files of the kernel in /proc and /sys, and the limits of control groups (cgroups) in them.

Nothing here raises: a file that is missing or malformed counts as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_MAX_FILE_BYTES = 65_536


def small_text(path: Path) -> str:
    """Return the content of a small file, "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("ascii", "replace")
    except OSError:
        return ""


def number(text: str) -> int | None:
    """Return a text as an integer, None if it is not one."""
    try:
        return int(text)
    except ValueError:
        return None


def fields(path: Path) -> dict[str, int]:
    """Return the values of lines such as `name: number unit` or `name number`, by name."""
    found = {}
    for line in small_text(path).splitlines():
        words = line.split()
        value = number(words[1]) if len(words) > 1 else None
        if value is not None:
            found[words[0].rstrip(":")] = value
    return found


def control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control groups for a controller, from its own up to the root."""
    mounts = root / "sys/fs/cgroup"
    for line in small_text(root / "proc/self/cgroup").splitlines():
        hierarchy, controllers, group = [*line.split(":", 2), "", ""][:3]
        if hierarchy == "0" and not controllers:
            candidates = [mounts]
        elif controller in controllers.split(","):
            candidates = [mounts / controllers, mounts / controller]
        else:
            continue
        parts = [part for part in group.split("/") if part not in ("", ".", "..")]
        for mount in candidates:
            if mount.is_dir():
                for depth in range(len(parts), -1, -1):
                    yield mount.joinpath(*parts[:depth])
                break


def cpu_quota(folder: Path) -> tuple[int, int]:
    """Return the CPU quota and its period in microseconds (cgroup v2 or v1); 0 or less means no limit."""
    words = small_text(folder / "cpu.max").split()
    if len(words) > 1:
        return number(words[0]) or 0, number(words[1]) or 0
    quota = number(small_text(folder / "cpu.cfs_quota_us"))
    period = number(small_text(folder / "cpu.cfs_period_us"))
    return quota or 0, period or 0


def memory_limit(folder: Path) -> tuple[int | None, int]:
    """Return limit (None if there is none) and use in bytes (cgroup v2 or v1), without droppable cache."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limits = [limit for name in names if (limit := number(small_text(folder / name))) is not None]
    if not limits:
        return None, 0
    used = number(small_text(folder / "memory.current") or small_text(folder / "memory.usage_in_bytes")) or 0
    stat = fields(folder / "memory.stat")
    cache = stat.get("total_inactive_file", stat.get("inactive_file", 0))
    return min(limits), max(0, used - cache)
