"""The service as a process: start, self-check, a second client, the end."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.ports import free_port

pytestmark = [pytest.mark.model, pytest.mark.timeout(180)]

WAIT_S = 60.0


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "lunavox_edge", *args]


def run(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*args), input=stdin, capture_output=True, timeout=WAIT_S, check=False)


class Service:
    """`lunavox-edge run` in a process of its own; its lines are read as they come."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            command(*args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip())
        self.process.stdout.close()

    def wait_for(self, text: str) -> str:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            try:
                line = self._queue.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            self.lines.append(line)
            if text in line:
                return line
        pytest.fail(f"no {text!r} in: {self.lines}")

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        status = self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        return status


def free_uri() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    uri = free_uri()
    service = Service("run", "--uri", uri, "--self-check")
    try:
        assert "OK" in service.wait_for("self-check").split(":")[0]
        service.wait_for("Ready in")
        yield uri
    finally:
        status = service.end()
        assert status == 0


def test_the_service_is_healthy(uri: str) -> None:
    done = run("healthcheck", "--uri", uri)

    assert done.returncode == 0
    assert b"2 models, 2 voices" in done.stdout


def test_say_and_transcribe_through_pipes(uri: str) -> None:
    said = run("say", "-", "-o", "-", "--uri", uri, stdin=b"The kitchen light is on and dinner is ready.")
    assert said.returncode == 0
    assert said.stdout[:4] == b"RIFF"
    heard = run("transcribe", "-", "--json", "--uri", uri, stdin=said.stdout)

    assert heard.returncode == 0
    assert "dinner is ready" in json.loads(heard.stdout)["text"].lower()


def test_the_self_check_asks_the_running_service_or_its_own(uri: str) -> None:
    for where in (("--uri", uri), ("--local",)):
        done = run("self-check", *where)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"OK: heard")


def test_what_is_loaded_can_be_asked(uri: str) -> None:
    done = run("models", "ps", "--uri", uri)

    assert done.returncode == 0
    assert b"base" in done.stdout
    assert b"en_US-joe-medium" in done.stdout


@pytest.mark.parametrize(
    ("args", "status", "sentence"),
    [
        (("say", "Hello", "-o", "x.wav", "--voice", "nobody"), 3, b"nobody"),
        (("say", "...", "-o", "x.wav"), 1, b"nothing to say"),
        (("say", "Hello"), 2, b"--play"),
        (("transcribe", "missing.wav"), 1, b"missing.wav"),
    ],
)
def test_errors_are_a_sentence_and_an_exit_status(
    uri: str, args: tuple[str, ...], status: int, sentence: bytes
) -> None:
    done = run(*args, "--uri", uri)

    assert done.returncode == status
    assert sentence in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_second_service_on_the_same_port_says_why_it_cannot_start(uri: str) -> None:
    done = run("run", "--uri", uri)

    assert done.returncode != 0
    assert b"Cannot listen" in done.stderr
    assert b"Traceback" not in done.stderr


def told_of(settings: str, tmp_path: Path) -> str:
    """Start with these settings; return the problem that is told."""
    file = tmp_path / "config.yaml"
    file.write_text(settings, encoding="utf-8")
    service = Service("--config", str(file), "run", "--uri", free_uri())
    told = service.wait_for("  problem ")
    service.end()
    return told


def test_a_model_that_is_not_installed_is_told_and_replaced(tmp_path: Path) -> None:
    told = told_of("stt: {model: smaal}\n", tmp_path)
    assert "'smaal'" in told
    assert told.endswith("is used instead.")


def test_a_wake_word_that_is_not_installed_is_told_at_the_start(tmp_path: Path) -> None:
    told = told_of("wake: {default: [okay_nabuu]}\n", tmp_path)
    assert "wake.default: " in told
    assert "Did you mean 'okay_nabu'?" in told


def test_nobody_there_is_exit_status_4() -> None:
    assert run("healthcheck", "--uri", free_uri()).returncode == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_service_while_it_starts(number: int) -> None:
    service = Service("run", "--uri", free_uri())
    service.wait_for("listening")
    status = service.end(number)

    assert status == 0
    assert not any("Traceback" in line for line in service.lines)


def test_a_unix_socket_works_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    service = Service("run", "--uri", f"unix://{path}")
    service.wait_for("Ready in")
    healthy = run("healthcheck", "--uri", f"unix://{path}")
    status = service.end()

    assert healthy.returncode == 0
    assert status == 0
    assert not path.exists()
