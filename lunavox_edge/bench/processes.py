"""CPU time and memory of a process and its children, from /proc. Ended processes count as zero."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")

_LISTENING = "0A"
_ADDRESS, _STATE, _INODE = 1, 3, 9
_TIMES = slice(11, 15)
"""Fields of /proc/PID/stat after the name: user and system time, own and of ended children."""
_PARENT = 1


def tree(pid: int, proc: Path = PROC) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in proc.glob("[0-9]*"):
        fields = _stat(folder)
        if fields:
            children.setdefault(int(fields[_PARENT]), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return [pid for pid in found if (proc / str(pid)).exists()]


def cpu_s(pids: Iterable[int], proc: Path = PROC) -> float:
    """Return the CPU seconds that processes have used."""
    ticks = 0
    for pid in pids:
        ticks += sum(int(value) for value in _stat(proc / str(pid))[_TIMES])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_bytes(pids: Iterable[int], proc: Path = PROC) -> int:
    """Return the resident memory of processes in bytes."""
    pages = 0
    for pid in pids:
        words = _read(proc / str(pid) / "statm").split()
        pages += int(words[1]) if len(words) > 1 else 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_rss_bytes(pids: Iterable[int], proc: Path = PROC) -> int:
    """Return the sum of each process's peak resident memory in bytes."""
    size = 0
    for pid in pids:
        for line in _read(proc / str(pid) / "status").splitlines():
            if line.startswith("VmHWM:"):
                size += int(line.split()[1]) * 1024
    return size


def listener(port: int, proc: Path = PROC) -> int | None:
    """Return the id of the process that listens on a local TCP port; None if it is not visible."""
    inodes = set()
    for table in ("net/tcp", "net/tcp6"):
        for line in _read(proc / table).splitlines()[1:]:
            fields = line.split()
            if fields[_STATE] == _LISTENING and int(fields[_ADDRESS].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[_INODE]}]")
    for folder in proc.glob("[0-9]*/fd"):
        try:
            if any(str(handle.readlink()) in inodes for handle in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:  # a process of another user, or one that has ended
            continue
    return None


def _stat(folder: Path) -> list[str]:
    return _read(folder / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
