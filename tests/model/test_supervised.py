"""The service as a service manager sees it: a real process, a real notify socket, real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from lunavox_edge.types import AudioChunk
from lunavox_edge.wyoming_server import blocking_client
from tests.fakes import gated

pytestmark = [pytest.mark.model, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60.0


class Manager:
    """What systemd does for a service: start it, listen to it, send it signals."""

    def __init__(self, folder: Path, *, watchdog_s: float | None = None, library: bool) -> None:
        self.folder = folder
        self.settings = folder / "config.yaml"
        self.uri = f"unix://{folder}/edge.sock"
        self.told: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener.bind(str(folder / "notify"))
        gated.install(folder / "site")
        if not library:
            (folder / "site/systemd").mkdir()
            (folder / "site/systemd/__init__.py").write_text("raise ImportError\n")
        self.environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(folder / "notify"),
            "PYTHONPATH": f"{ROOT}:{folder / 'site'}",
            gated.FOLDER_VARIABLE: str(folder),
        }
        if watchdog_s is not None:
            self.environ["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.configure()

    def configure(self, more: str = "") -> None:
        engine = "engine: {keep_alive_s: 5.0}\n" if "engine" not in more else ""
        self.settings.write_text(f"tts: {{voice: gated}}\nwyoming: {{uri: '{self.uri}'}}\n{engine}{more}")

    def start(self) -> None:
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lunavox_edge", "--config", str(self.settings), "run"],
            env=self.environ,
            cwd=self.folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def open_gate(self, name: str) -> None:
        (self.folder / name).touch()

    def hear(self, timeout_s: float = WAIT_S) -> list[str]:
        """The lines of the next message."""
        self._listener.settimeout(timeout_s)
        try:
            lines = self._listener.recv(4096).decode().split("\n")
        except TimeoutError:
            pytest.fail(f"silence after {self.told[-5:]}: {self.output()}")
        self.told += lines
        return lines

    def until(self, start: str) -> str:
        """Listen until something that starts so is told; nothing told before counts."""
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            for line in self.hear():
                if line.startswith(start):
                    return line
        pytest.fail(f"no {start} in {self.told[-20:]}: {self.output()}")

    def output(self) -> str:
        return (self.folder / "log").read_text()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(WAIT_S)
        self.log.close()
        self._listener.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Manager]]:
    made: list[Manager] = []

    def start(*, warm: bool = True, settings: str = "", library: bool = False, **kwargs: float) -> Manager:
        manager = Manager(tmp_path, library=library, **kwargs)
        manager.configure(settings)
        made.append(manager)
        if warm:
            manager.open_gate("warm")
        manager.start()
        return manager

    yield start
    for manager in made:
        manager.close()


def speak(manager: Manager, text: str) -> tuple[threading.Event, Future[list[AudioChunk]]]:
    """Have a text spoken on a thread; return an event for the first audio, and all of it."""
    first, result = threading.Event(), Future[list[AudioChunk]]()

    def run() -> None:
        chunks = []
        try:
            for chunk in blocking_client.speak(manager.uri, text, timeout_s=WAIT_S):
                chunks.append(chunk)
                first.set()
        except Exception as error:  # noqa: BLE001  # handed to the test
            result.set_exception(error)
        else:
            result.set_result(chunks)

    threading.Thread(target=run, daemon=True).start()
    return first, result


def seconds(chunks: list[AudioChunk]) -> float:
    return sum(chunk.duration_s for chunk in chunks)


@pytest.mark.parametrize("library", [False, True])
def test_ready_means_that_it_listens_and_is_warm(make: Callable[..., Manager], *, library: bool) -> None:
    if library:
        pytest.importorskip("systemd.daemon", reason="systemd-python is not installed")
    manager = make(warm=False, library=library)
    manager.until("STATUS=Loading models")
    manager.until("EXTEND_TIMEOUT_USEC=")
    assert blocking_client.ping(manager.uri, timeout_s=WAIT_S) < WAIT_S
    manager.until("EXTEND_TIMEOUT_USEC=")
    assert "READY=1" not in manager.told
    manager.open_gate("warm")
    assert "gated" in manager.until("STATUS=Listening on")
    manager.until("READY=1")
    manager.send(signal.SIGTERM)
    manager.until("STOPPING=1")
    assert manager.process.wait(WAIT_S) == 0


def test_a_lane_that_hangs_ends_the_signs_of_life(make: Callable[..., Manager]) -> None:
    manager = make(watchdog_s=0.6, settings="engine: {stuck_after_s: 1.0}")
    manager.until("READY=1")
    manager.until("WATCHDOG=1")
    speak(manager, "Please wait.")
    assert "on cpu" in manager.until("STATUS=Stuck")
    manager.told.clear()
    assert blocking_client.ping(manager.uri, timeout_s=WAIT_S) < WAIT_S  # the loop lives
    manager.send(signal.SIGABRT)  # as systemd does when the signs of life stay away
    assert manager.process.wait(WAIT_S) == -signal.SIGABRT
    assert "WATCHDOG=1" not in manager.told
    assert "pass_gate" in manager.output()  # the log shows where it hung


def test_a_reload_takes_over_settings_and_drops_no_speech(make: Callable[..., Manager]) -> None:
    manager = make()
    manager.until("READY=1")
    first, speech = speak(manager, "One two three four five wait six seven eight nine ten.")
    assert first.wait(WAIT_S)
    manager.configure("voices: {announcer: {voice: gated}}\nengine: {threads: 1, keep_alive_s: 5.0}\n")
    manager.send(signal.SIGHUP)
    manager.until("RELOADING=1")
    assert manager.told[-1].startswith("MONOTONIC_USEC=")
    manager.until("READY=1")
    info = blocking_client.describe(manager.uri, timeout_s=WAIT_S)
    assert "announcer" in [voice.name for voice in info.tts[0].voices]
    assert "changed: voices; takes a restart: engine.threads" in manager.output()
    manager.open_gate("wait")
    assert seconds(speech.result(WAIT_S)) >= 11 * gated.WORD_S


def test_bad_settings_at_a_reload_leave_the_good_ones(make: Callable[..., Manager]) -> None:
    manager = make()
    manager.until("READY=1")
    manager.configure("no_such_section: 1\n")
    manager.send(signal.SIGHUP)
    manager.until("RELOADING=1")
    manager.until("READY=1")
    assert "goes on with the settings it had" in manager.output()
    assert "no_such_section" in manager.output()
    assert blocking_client.ping(manager.uri, timeout_s=WAIT_S) < WAIT_S


def test_what_is_being_spoken_is_finished_before_the_end(make: Callable[..., Manager]) -> None:
    manager = make()
    manager.until("READY=1")
    first, speech = speak(manager, "One two three four five wait six seven eight nine ten.")
    assert first.wait(WAIT_S)
    manager.send(signal.SIGTERM)
    manager.until("STOPPING=1")
    manager.open_gate("wait")
    assert seconds(speech.result(WAIT_S)) >= 11 * gated.WORD_S
    assert manager.process.wait(WAIT_S) == 0


def test_a_speech_that_never_ends_does_not_keep_it_from_stopping(make: Callable[..., Manager]) -> None:
    manager = make()
    manager.until("READY=1")
    first, _ = speak(manager, "One two three wait four.")
    assert first.wait(WAIT_S)
    manager.send(signal.SIGTERM)
    manager.until("STOPPING=1")
    assert manager.process.wait(WAIT_S) == 0
