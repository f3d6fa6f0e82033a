"""The machine and the process: cores, memory, open files, user folders, environment variables of libraries.

Nothing here raises on an unusual system: a file of the kernel that is missing or malformed counts as empty.
`root` is the folder that contains proc and sys; tests pass another one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.host.kernel_files import (
    control_groups,
    cpu_quota,
    fields,
    memory_limit,
    number,
    small_text,
)

_ROOT = Path("/")
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of glibc's malloc.h
_ARENAS = 2
_MMAP_THRESHOLD_BYTES = 4_000_000
"""Larger than the buffers that every decode allocates; getting those from the kernel takes a third longer."""
_SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM")


@dataclass(frozen=True, slots=True)
class MemoryInfo:
    """Memory that this process may use: of the machine, or of its control group if that is less.

    `available_bytes` can be allocated without swapping. Both are 0 if the system does not report them.
    """

    total_bytes: int
    available_bytes: int


def quiet_openmp(environ: MutableMapping[str, str] | None = None) -> None:
    """Make OpenMP threads sleep while they wait; call it before any native library is loaded.

    By default they spin, which takes the processor from everything else on a small machine. Variables that
    the user has set are kept.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environ.setdefault("KMP_BLOCKTIME", "0")


def quiet_numpy(environ: MutableMapping[str, str] | None = None) -> None:
    """Keep numpy's matrix products on one thread; call it before numpy is imported.

    OpenBLAS uses a thread per core, and each spins for 0.1 s afterwards. That costs as much as recognising a
    command, and our matrices are too small to gain from it. A variable that the user has set is kept.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def forbid_telemetry(environ: MutableMapping[str, str] | None = None) -> None:
    """Turn off the telemetry of onnxruntime; call it before onnxruntime is loaded.

    From 1.29 on it sends events about every model, and keeps an id of this machine and a database of
    unsent events in the cache folder. A variable that the user has set is kept.
    """
    environ = os.environ if environ is None else environ
    environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def bound_heap() -> None:
    """Make glibc return memory that inference has freed; does nothing with another libc.

    With its many arenas and growing mmap threshold, glibc kept 200 MB after eight speeches. This is for our
    own process, not for a program that embeds the engine.
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
    """Return the folder for state that outlives a restart: systemd's `$STATE_DIRECTORY`, else the user's.

    It need not exist.
    """
    environ = os.environ if environ is None else environ
    given = Path(environ.get("STATE_DIRECTORY", "").partition(":")[0])
    if given.is_absolute():
        return given
    return _user_folder(environ, "XDG_STATE_HOME", ".local/state") / "lunavox-edge"


def service_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables that the service manager has set: notification, watchdog, journal."""
    environ = os.environ if environ is None else environ
    return {name: environ[name] for name in _SERVICE_VARIABLES if environ.get(name)}


def machine_id(root: Path = _ROOT) -> str:
    """Return an identifier of this installation of the operating system; the host name if it has none."""
    for name in ("etc/machine-id", "var/lib/dbus/machine-id", "proc/device-tree/serial-number"):
        found = small_text(root / name).strip("\0 \n")
        if found and found != "uninitialized":
            return found
    return socket.gethostname()


def cpu_count(root: Path = _ROOT) -> int:
    """Return how many cores this process may use, at least 1, by its affinity and control group.

    Cores with less than half the capacity of the strongest one do not count: they would hold up the others.
    """
    try:
        allowed = os.sched_getaffinity(0)
    except (AttributeError, OSError):
        allowed = set(range(os.cpu_count() or 1))
    strengths = [_strength(root, core) for core in allowed]
    cores = sum(2 * strength >= max(strengths) for strength in strengths)
    for folder in control_groups(root, "cpu"):
        quota_us, period_us = cpu_quota(folder)
        if quota_us > 0 and period_us > 0:
            cores = min(cores, -(-quota_us // period_us))
    return max(1, cores)


def memory(root: Path = _ROOT) -> MemoryInfo:
    """Return the memory now; cheap enough to be called before every load."""
    known = fields(root / "proc/meminfo")
    total = known.get("MemTotal", 0) * 1024
    available = known.get("MemAvailable")
    if available is None:  # kernels before 3.14
        parts = [known[name] for name in ("MemFree", "Buffers", "Cached") if name in known]
        if not parts:
            return MemoryInfo(0, 0)
        available = sum(parts)
    available *= 1024
    for folder in control_groups(root, "memory"):
        limit, used = memory_limit(folder)
        if limit is not None:
            total = min(total, limit)
            available = min(available, max(0, limit - used))
    return MemoryInfo(total, available)


def rss_bytes(root: Path = _ROOT) -> int:
    """Return the resident memory of this process, 0 if the system does not report it."""
    words = small_text(root / "proc/self/statm").split()
    pages = number(words[1]) if len(words) > 1 else None
    return (pages or 0) * os.sysconf("SC_PAGE_SIZE")


def peak_rss_bytes(root: Path = _ROOT) -> int:
    """Return the peak resident memory of this process, 0 if the system does not report it."""
    return fields(root / "proc/self/status").get("VmHWM", 0) * 1024


def open_files(root: Path = _ROOT) -> int:
    """Return how many file descriptors this process has open, 0 if the system does not report it."""
    try:
        count = sum(1 for _ in (root / "proc/self/fd").iterdir())
    except OSError:
        return 0
    return max(0, count - 1)  # listing the folder opens one itself


def raise_file_limit(wanted: int) -> int:
    """Raise the limit of open files to `wanted` as far as the hard limit allows; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def speech_data(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of test recordings from `$LUNAVOX_SPEECH_DATA`, None if it is not set."""
    environ = os.environ if environ is None else environ
    folder = environ.get("LUNAVOX_SPEECH_DATA")
    return Path(folder) if folder else None


def _user_folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    folder = Path(environ.get(variable, ""))
    if folder.is_absolute():  # by the XDG specification relative paths are ignored
        return folder
    try:
        return Path(environ.get("HOME") or "~").expanduser() / default
    except RuntimeError:  # a user without a passwd entry, as in many containers
        return Path("/") / default


def _strength(root: Path, core: int) -> int:
    """Return the capacity of a core in relation to the others, 0 if the system does not report it."""
    return max(0, number(small_text(root / f"sys/devices/system/cpu/cpu{core}/cpu_capacity")) or 0)
