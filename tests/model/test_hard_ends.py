"""Power cuts at any moment, full disks and odd clocks: the next start works, and nothing piles up."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lunavox_edge.errors import LunavoxError
from lunavox_edge.service.self_check import self_check
from lunavox_edge.wyoming_server import blocking_client
from tests.fakes.ports import free_port

pytestmark = [pytest.mark.model, pytest.mark.timeout(240)]

WAIT_S = 90.0
# Before the settings are read, while models load, while the voice is cut, when it is ready.
KILL_AFTER_S = (0.1, 0.6, 1.0, 1.4, 1.8, 2.4, 3.2)


class House:
    """A service with folders of its own, started as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = f"tcp://127.0.0.1:{free_port()}"
        self.config = folder / "config.yaml"
        self.config.write_text(
            f"wyoming: {{uri: '{self.uri}'}}\nstt: {{model: tiny.en}}\nengine: {{threads: 2}}\n"
            f"catalog: {{cache_dir: '{folder / 'cache'}'}}\n",
            encoding="utf-8",
        )

    @contextmanager
    def service(self, before: Callable[[], None] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        environ = {**os.environ, "STATE_DIRECTORY": str(self.folder / "state")}
        process = subprocess.Popen(
            [sys.executable, "-m", "lunavox_edge", "--config", str(self.config), "run"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
            preexec_fn=before,  # noqa: PLW1509  # no threads of ours are in the way
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(WAIT_S)

    def works(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it hears what it says, once it is there."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                blocking_client.ping(self.uri, timeout_s=5.0)
            except LunavoxError:
                assert process.poll() is None, "it ended"
                assert time.monotonic() < until, "it never answered"
                time.sleep(0.05)
            else:
                return self_check(self.uri, timeout_s=WAIT_S).ok

    def left_over(self) -> list[str]:
        found = (path for folder in ("cache", "state") for path in (self.folder / folder).rglob("*"))
        return sorted(str(path.relative_to(self.folder)) for path in found if path.is_file())


def test_a_power_cut_at_any_moment_is_harmless(tmp_path: Path) -> None:
    house = House(tmp_path)
    for delay_s in KILL_AFTER_S:
        with house.service() as process:
            try:
                process.wait(delay_s)
            except subprocess.TimeoutExpired:
                process.kill()
            else:
                pytest.fail(f"it ended by itself after a power cut: {process.returncode}")
    with house.service() as process:
        assert house.works(process)
    files = house.left_over()
    # Half-written files are cleared away by those who find them old; till then a few may lie about.
    assert len(files) <= 5 * len(KILL_AFTER_S), files


def test_a_full_disk_is_harmless(tmp_path: Path) -> None:
    house = House(tmp_path)

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with house.service(no_room) as process:
        assert house.works(process)
        assert process.poll() is None
    assert all((tmp_path / name).stat().st_size == 0 for name in house.left_over())
