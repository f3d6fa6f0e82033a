"""The machine and the process: cores, memory, open files, and environment variables of libraries.

Nothing here raises on an odd system: a file that is missing or strange counts as "says nothing".
`root` is where /proc and /sys are looked for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
_MAX_FILE_BYTES = 65_536
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_ARENAS = 2
_MMAP_THRESHOLD_BYTES = 4_000_000
"""Above the buffers that every decode takes anew, or asking the kernel for them costs a third more."""
_SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM")


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """Memory that this process may use: of the machine, or of its control group if that is less.

    `available_bytes` can be taken without swapping. Both are 0 where the system does not say.
    """

    total_bytes: int
    available_bytes: int


def quiet_openmp(environ: MutableMapping[str, str] | None = None) -> None:
    """Make OpenMP threads sleep while they wait; to be called before any native library loads.

    By default they spin, which starves everything else on a small machine. What the user has set stays.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environ.setdefault("KMP_BLOCKTIME", "0")


def quiet_numpy(environ: MutableMapping[str, str] | None = None) -> None:
    """Keep numpy's products of matrices on one thread; to be called before numpy is imported.

    OpenBLAS shares them out to a thread per core, and each spins for a tenth of a second afterwards: as much
    as a command costs to hear, and ours are too small to gain from it. What the user has set stays.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def forbid_telemetry(environ: MutableMapping[str, str] | None = None) -> None:
    """Keep onnxruntime from reporting to its maker; to be called before it loads.

    From 1.29 on it sends events about every model, and keeps a number for this machine and a database of
    unsent events in the cache folder. What the user has set stays.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def bound_heap() -> None:
    """Keep what inference frees from staying in the process; a no-op where libc is not glibc.

    Many arenas and a growing threshold for mapped blocks made glibc keep 200 MB of what eight
    speeches had used. For a process of our own, not for a program that embeds the engine.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_ARENA_MAX, _ARENAS)
    mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


def cache_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return the user's cache folder: `$XDG_CACHE_HOME`, else `~/.cache`."""
    environ = os.environ if environ is None else environ
    return _user_folder(environ, "XDG_CACHE_HOME", ".cache")


def config_home(environ: Mapping[str, str] | None = None) -> Path:
    """Return the user's settings folder: `$XDG_CONFIG_HOME`, else `~/.config`."""
    environ = os.environ if environ is None else environ
    return _user_folder(environ, "XDG_CONFIG_HOME", ".config")


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return our folder for what outlives a restart: systemd's `$STATE_DIRECTORY`, else one of the user.

    It need not exist.
    """
    environ = os.environ if environ is None else environ
    given = Path(environ.get("STATE_DIRECTORY", "").partition(":")[0])
    if given.is_absolute():
        return given
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state") / "lunavox-edge"


def service_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables in which a service manager says where it is to be told what."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in _SERVICE_VARIABLES if environ.get(name)}


def machine_id(root: Path = _ROOT) -> str:
    """Return what stays the same for this installation of the system, its host name if there is nothing."""
    for name in ("etc/machine-id", "var/lib/dbus/machine-id", "proc/device-tree/serial-number"):
        found = small_text(root / name).strip("\0 \n")
        if found and found != "uninitialized":
            return found
    return socket.gethostname()


def cpu_count(root: Path = _ROOT) -> int:
    """Return the cores this process may use at once, at least 1: by affinity and control group.

    Of cores of different strength only the strong ones count: a weak one would hold up the others.
    """
    try:
        allowed = os.sched_getaffinity(0)
    except (AttributeError, OSError):
        allowed = set(range(os.cpu_count() or 1))
    strengths = [_strength(root, core) for core in allowed]
    cores = sum(2 * strength >= max(strengths) for strength in strengths)
    for folder in _control_groups(root, "cpu"):
        quota_us, period_us = _cpu_quota(folder)
        if quota_us > 0 and period_us > 0:
            cores = min(cores, -(-quota_us // period_us))
    return max(1, cores)


def memory(root: Path = _ROOT) -> MemoryInfo:
    """Return the memory now; cheap enough to be asked before every load."""
    fields = _fields(root / "proc/meminfo")
    total = fields.get("MemTotal", 0) * 1024
    available = fields.get("MemAvailable")
    if available is None:  # kernels before 3.14
        parts = [fields[name] for name in ("MemFree", "Buffers", "Cached") if name in fields]
        if not parts:
            return MemoryInfo(0, 0)
        available = sum(parts)
    available *= 1024
    for folder in _control_groups(root, "memory"):
        limit, used = _memory_limit(folder)
        if limit is not None:
            total = min(total, limit)
            available = min(available, max(0, limit - used))
    return MemoryInfo(total, available)


def rss_bytes(root: Path = _ROOT) -> int:
    """Return this process's resident memory, 0 where the system does not say."""
    words = small_text(root / "proc/self/statm").split()
    pages = number(words[1]) if len(words) > 1 else None
    return (pages or 0) * os.sysconf("SC_PAGE_SIZE")


def peak_rss_bytes(root: Path = _ROOT) -> int:
    """Return the most resident memory this process ever had, 0 where the system does not say."""
    return _fields(root / "proc/self/status").get("VmHWM", 0) * 1024


def open_files(root: Path = _ROOT) -> int:
    """Return how many file handles this process holds, 0 where the system does not say."""
    try:
        count = sum(1 for _ in (root / "proc/self/fd").iterdir())
    except OSError:
        return 0
    return max(0, count - 1)  # listing takes a handle of its own


def raise_file_limit(wanted: int) -> int:
    """Allow this process at least `wanted` file handles if it may; return how many it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def speech_data(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of recordings that `$LUNAVOX_SPEECH_DATA` names, None if it names none."""
    environ = os.environ if environ is None else environ
    folder = environ.get("LUNAVOX_SPEECH_DATA")
    return Path(folder) if folder else None


def _user_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    folder = Path(environ.get(variable, ""))
    if folder.is_absolute():  # the XDG rules ignore relative ones
        return folder
    try:
        return Path(environ.get("HOME") or "~").expanduser() / default
    except RuntimeError:  # a user without an entry, as in many containers
        return Path("/") / default


def _control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the groups this process is in for a controller, from its own up to the mount."""
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


def _strength(root: Path, core: int) -> int:
    """What one core can do beside the others, 0 where the system does not say."""
    return max(0, number(small_text(root / f"sys/devices/system/cpu/cpu{core}/cpu_capacity")) or 0)


def _cpu_quota(folder: Path) -> tuple[int, int]:
    """Microseconds of CPU per period, of version 2 or 1; 0 or less means no limit."""
    words = small_text(folder / "cpu.max").split()
    if len(words) > 1:
        return number(words[0]) or 0, number(words[1]) or 0
    quota = number(small_text(folder / "cpu.cfs_quota_us"))
    period = number(small_text(folder / "cpu.cfs_period_us"))
    return quota or 0, period or 0


def _memory_limit(folder: Path) -> tuple[int | None, int]:
    """Limit and used bytes, of version 2 or 1; file cache that can be dropped is not "used"."""
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limits = [limit for name in names if (limit := number(small_text(folder / name))) is not None]
    if not limits:
        return None, 0
    used = number(small_text(folder / "memory.current") or small_text(folder / "memory.usage_in_bytes")) or 0
    stat = _fields(folder / "memory.stat")
    cache = stat.get("total_inactive_file", stat.get("inactive_file", 0))
    return min(limits), max(0, used - cache)


def _fields(path: Path) -> dict[str, int]:
    """Lines of `name: number unit` or `name number`."""
    found = {}
    for line in small_text(path).splitlines():
        words = line.split()
        value = number(words[1]) if len(words) > 1 else None
        if value is not None:
            found[words[0].rstrip(":")] = value
    return found


def number(text: str) -> int | None:
    """Return the whole number that a text is, None if it is none."""
    try:
        return int(text)
    except ValueError:
        return None


def small_text(path: Path) -> str:
    """Return what the system tells in a small file, "" where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
