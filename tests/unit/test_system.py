from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunavox_edge.host import system
from lunavox_edge.host.system import MemoryInfo

pytestmark = pytest.mark.unit

MEMINFO = (
    "MemTotal:        8000 kB\nMemFree:  1000 kB\nMemAvailable:  6000 kB\nBuffers: 10 kB\nCached: 500 kB\n"
)
KIB = 1024
BINARY = "\x00\x80 nonsense : : \n\n:\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)
    return tmp_path


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000"}, 8),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "250000 100000"}, 3),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "100000 100000"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/cpu.max": "30000 100000"}, 1),
        ({"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/x/cpu.max": "200000 100000"}, 2),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us": "150000",
                "sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            8,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 0"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": BINARY}, 8),
        ({"proc/self/cgroup": BINARY, "sys/fs/cgroup/cpu.max": "100000 100000"}, 8),
    ],
)
def test_cores(root: Path, files: dict[str, str], cores: int) -> None:
    assert system.cpu_count(tree(root, files)) == cores


def test_cores_by_affinity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3}, raising=False)
    assert system.cpu_count(tmp_path) == 1


@pytest.mark.parametrize(
    ("strengths", "cores"),
    [
        ((414, 414, 414, 414, 1024, 1024, 1024, 1024), 4),
        ((1024, 1024, 900, 900), 4),
        ((1024, 250), 1),
        ((), 8),
        (("junk", 1024), 1),
    ],
)
def test_weak_cores_do_not_count(
    root: Path, monkeypatch: pytest.MonkeyPatch, strengths: tuple[object, ...], cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(len(strengths) or 8)), raising=False)
    for core, strength in enumerate(strengths):
        tree(root, {f"sys/devices/system/cpu/cpu{core}/cpu_capacity": f"{strength}\n"})
    assert system.cpu_count(root) == cores


@pytest.mark.parametrize(
    ("files", "total_kib", "available_kib"),
    [
        ({}, 8000, 6000),
        ({"proc/meminfo": "MemTotal: 8000 kB\nMemFree: 1000 kB\nBuffers: 10 kB\nCached: 500 kB"}, 8000, 1510),
        (
            {
                "proc/self/cgroup": "0::/s\n",
                "sys/fs/cgroup/s/memory.max": str(4000 * KIB),
                "sys/fs/cgroup/s/memory.current": str(3000 * KIB),
                "sys/fs/cgroup/s/memory.stat": f"anon 5\ninactive_file {500 * KIB}\n",
            },
            4000,
            1500,
        ),
        (
            {
                "proc/self/cgroup": "0::/s\n",
                "sys/fs/cgroup/s/memory.max": "max",
                "sys/fs/cgroup/s/memory.high": str(2000 * KIB),
                "sys/fs/cgroup/s/memory.current": str(3000 * KIB),
            },
            2000,
            0,
        ),
        (
            {
                "proc/self/cgroup": "3:memory:/d\n",
                "sys/fs/cgroup/memory/d/memory.limit_in_bytes": str(5000 * KIB),
                "sys/fs/cgroup/memory/d/memory.usage_in_bytes": str(4000 * KIB),
                "sys/fs/cgroup/memory/d/memory.stat": f"inactive_file 7\ntotal_inactive_file {1000 * KIB}\n",
            },
            5000,
            2000,
        ),
        (
            {
                "proc/self/cgroup": "3:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "0",
            },
            8000,
            6000,
        ),
        ({"proc/self/cgroup": "0::/s\n", "sys/fs/cgroup/s/memory.max": BINARY}, 8000, 6000),
        ({"proc/meminfo": BINARY}, 0, 0),
    ],
)
def test_memory(root: Path, files: dict[str, str], total_kib: int, available_kib: int) -> None:
    tree(root, {"proc/meminfo": MEMINFO, **files})
    assert system.memory(root) == MemoryInfo(total_kib * KIB, available_kib * KIB)


def test_own_memory(root: Path) -> None:
    tree(root, {"proc/self/statm": "100 7 3 1 0 2 0\n", "proc/self/status": "Name:\tx\nVmHWM:\t  9 kB\n"})
    assert system.rss_bytes(root) == 7 * os.sysconf("SC_PAGE_SIZE")
    assert system.peak_rss_bytes(root) == 9 * KIB


def test_open_files_of_this_process() -> None:
    before = system.open_files()
    with Path(__file__).open(), Path(__file__).open():
        assert system.open_files() == before + 2
    assert system.open_files() == before


def test_nothing_raises_where_nothing_is_known(root: Path) -> None:
    assert (system.rss_bytes(root), system.peak_rss_bytes(root), system.open_files(root)) == (0, 0, 0)
    assert system.memory(root) == MemoryInfo(0, 0)
    tree(root, {"proc/meminfo": "MemTotal: 4096 kB\n"})
    assert system.memory(root) == MemoryInfo(0, 0)
    tree(root, {"proc/self/statm": BINARY, "proc/self/status": BINARY, "proc/self/fd": "a file"})
    assert (system.rss_bytes(root), system.peak_rss_bytes(root), system.open_files(root)) == (0, 0, 0)


def test_the_real_machine_is_read() -> None:
    memory = system.memory()
    assert 0 < memory.available_bytes <= memory.total_bytes
    assert 0 < system.rss_bytes() <= system.peak_rss_bytes()
    assert 1 <= system.cpu_count() <= (os.cpu_count() or 1)


@pytest.fixture
def file_limit() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_file_limit_rises_and_never_falls(file_limit: tuple[int, int]) -> None:
    assert file_limit
    assert system.raise_file_limit(300) == 300
    assert system.raise_file_limit(100) == 300
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300


def test_the_file_limit_stops_at_what_is_allowed(file_limit: tuple[int, int]) -> None:
    hard = file_limit[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this user may open any number of files")
    assert system.raise_file_limit(hard + 1) == hard


def test_bounding_the_heap_is_harmless() -> None:
    system.bound_heap()
    assert len(bytearray(5_000_000)) == 5_000_000


def test_what_the_user_set_stays() -> None:
    environ = {"OMP_WAIT_POLICY": "ACTIVE"}
    system.quiet_openmp(environ)
    assert environ == {"OMP_WAIT_POLICY": "ACTIVE", "KMP_BLOCKTIME": "0"}


def test_numpy_is_kept_to_one_thread_unless_the_user_wants_more() -> None:
    environ: dict[str, str] = {}
    system.quiet_numpy(environ)
    assert environ == {"OPENBLAS_NUM_THREADS": "1"}
    environ["OPENBLAS_NUM_THREADS"] = "4"
    system.quiet_numpy(environ)
    assert environ == {"OPENBLAS_NUM_THREADS": "4"}


def test_no_model_is_reported_to_anybody() -> None:
    environ: dict[str, str] = {}
    system.forbid_telemetry(environ)
    assert environ == {"ORT_DISABLE_TELEMETRY": "1"}


def test_who_wants_to_report_may() -> None:
    environ = {"ORT_DISABLE_TELEMETRY": "0"}
    system.forbid_telemetry(environ)
    assert environ == {"ORT_DISABLE_TELEMETRY": "0"}


def test_a_service_manager_is_found_by_its_variables() -> None:
    environ = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "", "HOME": "/home/a"}
    assert system.service_variables(environ) == {"NOTIFY_SOCKET": "/run/n"}


@pytest.mark.parametrize(
    ("environ", "cache", "config"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache", "/home/a/.config"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/c", "XDG_CONFIG_HOME": "/d"}, "/c", "/d"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "relative"}, "/home/a/.cache", "/home/a/.config"),
        ({"HOME": "~no_such_user"}, "/.cache", "/.config"),
    ],
)
def test_folders_of_the_user(environ: dict[str, str], cache: str, config: str) -> None:
    assert system.cache_home(environ) == Path(cache)
    assert system.config_home(environ) == Path(config)


def test_recordings_are_where_the_variable_says() -> None:
    assert system.speech_data({"LUNAVOX_SPEECH_DATA": "a/b"}) == Path("a/b")
    assert system.speech_data({"LUNAVOX_SPEECH_DATA": ""}) is None
    assert system.speech_data({}) is None
