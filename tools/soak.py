"""Soak test: run the service under mixed load and check that its use of resources does not grow.

Eight clients request speech, transcripts and descriptions. Bad clients send junk and disconnect; others
stall in the middle of a text or of audio. The MQTT broker is restarted, if mosquitto is installed;
otherwise the service runs without one. Announcements go to satellites that are away, models load slowly and
sometimes too slowly, and front-ends fail (`tools/soak_service.py`). Memory, file handles, threads and tasks
at the end are compared with those after the first twelfth of the time (in two hours: the tenth minute). No
session and no lease may be left.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.errors import LunavoxError
from lunavox_edge.types import AudioFormat
from lunavox_edge.wyoming_server import blocking_client

_CLIENTS = 8
_TIMEOUT_S = 60.0
_START_S = 120.0
_STOP_S = 15.0
_BROKER_EVERY_S = 20.0
_SAMPLE_S = 1.0
_QUIET_S = 90.0
_STALL_S = (1.0, 8.0)
_SERVICE = Path(__file__).with_name("soak_service.py")
_WINDOW = 1 / 12
# Inference keeps buffers for the longest input so far; a leak grows by more than this.
_MAX_GROWTH, _SPARE_MB = 1.08, 16
_SPARE_FILES, _SPARE_THREADS, _SPARE_TASKS = 8, 2, 8
_LEFT = ("sessions", "wake-word sessions", "models in use", "slices", "lost workers", "failing tasks")
_LOST = ("does not end and is left", "never retrieved", "was destroyed but", "never awaited")
"""Messages in the log about a task that was never finished or awaited."""
_TEXTS = (
    "The kitchen light is on for {number} minutes.",
    "It is raining. Take an umbrella, and mind the {number} steps at the door.",
    "Dinner is ready at 19:30, and there are {number} new messages.",
)
_JUNK = (
    b"\x16\x03\x01\x02\x00",
    b"GET / HTTP/1.1\r\n\r\n",
    b'{"type": "audio-chunk", "payload_length": 1000000}\nxx',
    b'{"type": "synthesize", "data": {"text": "Left before the end of this sentence."}}\n',
    b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n',
    b"[" * 5000 + b"\n",
)
_STALLING = (
    (
        b'{"type": "synthesize-start"}\n{"type": "synthesize-chunk", "data": {"text": "One. Then one"}}\n',
        b'{"type": "synthesize-chunk", "data": {"text": " more."}}\n{"type": "synthesize-stop"}\n',
    ),
    (
        b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n',
        b'{"type": "audio-stop"}\n',
    ),
    (b'{"type": "synthesize", "data": {"text": "Nobody reads what is said here. "}}\n' * 3, b""),
)
"""Bytes that a client sends before it stalls, and afterwards if it continues."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Resources of the service at one moment."""

    rss_mb: float
    files: int
    threads: int
    tasks: int


class Soak:
    """One soak test."""

    def __init__(self, seconds: float, folder: Path) -> None:
        """Create a test of `seconds`; `run` starts it. Files go to `folder`."""
        self._seconds = seconds
        self._folder = folder
        self._stop = threading.Event()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._uri = f"tcp://127.0.0.1:{_free_port()}"
        self._mqtt_port = _free_port()
        self._numbers = itertools.count()

    def run(self) -> bool:
        """Run the test, print the results and return whether it passed."""
        broker = shutil.which("mosquitto")
        if broker is None:
            print("mosquitto is not installed: the broker is not restarted")
        with self._service(with_broker=broker is not None) as service:
            jobs: list[Callable[[], None]] = [self._client] * _CLIENTS + [self._vandal, self._staller]
            if broker is not None:
                jobs.append(lambda: self._broker(broker))
            threads = [threading.Thread(target=job, name=f"soak-{at}") for at, job in enumerate(jobs)]
            for thread in threads:
                thread.start()
            try:
                samples = list(self._samples(service.pid))
            finally:
                self._stop.set()
                for thread in threads:
                    thread.join(_TIMEOUT_S)
            left = self._left()
            alive = service.poll() is None
        print("requests:", ", ".join(f"{count} {what}" for what, count in sorted(self._counts.items())))
        if not alive:
            print("FAIL  the service ended during the test")
            return False
        log = (self._folder / "service.log").read_text(encoding="utf-8", errors="replace")
        lost = [line for line in log.splitlines() if any(words in line for words in _LOST)]
        print(f"{'FAIL' if left else 'ok  '}  left over: {left or 'nothing'}")
        print(f"{'FAIL' if lost else 'ok  '}  lost tasks: {lost[:3] or 'none'}")
        return _verdict(samples) and not left and not lost

    def _left(self) -> dict[str, int]:
        """Wait until nothing is held any more; return what is left after the timeout."""
        (self._folder / "quiet").touch()
        until = time.monotonic() + _QUIET_S
        while (left := {key: held for key, held in self._held().items() if key in _LEFT and held}) and (
            time.monotonic() < until
        ):
            time.sleep(_SAMPLE_S)
        return left

    def _held(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self._folder / "held.json").read_text(encoding="utf-8"))
        return found

    @contextlib.contextmanager
    def _service(self, *, with_broker: bool) -> Iterator[subprocess.Popen[bytes]]:
        config = self._folder / "config.yaml"
        silent = socket.create_server(("127.0.0.1", 0))  # accepts connections and never answers
        silent_port = silent.getsockname()[1]
        mqtt = f"mqtt://127.0.0.1:{self._mqtt_port}" if with_broker else "'off'"
        config.write_text(
            f"wyoming: {{uri: '{self._uri}'}}\nmqtt: {{broker: {mqtt}}}\nstt: {{model: tiny.en}}\n"
            "limits: {read_timeout_s: 5}\n"
            "engine: {load_timeout_s: 3}\n"
            "satellites: {zeroconf: false, known: {away: {uri: 'tcp://127.0.0.1:9'}, "
            f"silent: {{uri: 'tcp://127.0.0.1:{silent_port}'}}}}}}\n",
            encoding="utf-8",
        )
        with silent, (self._folder / "service.log").open("wb") as log:
            command = [sys.executable, str(_SERVICE), str(config), str(self._folder)]
            place = {**os.environ, "XDG_STATE_HOME": str(self._folder / "state")}
            service = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=place)  # noqa: S603  # our own
            try:
                self._wait_until_ready(service)
                yield service
            finally:
                service.send_signal(signal.SIGTERM)
                try:
                    service.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    service.kill()
                    service.wait()

    def _wait_until_ready(self, service: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + _START_S
        log = self._folder / "service.log"
        while time.monotonic() < until and service.poll() is None:
            if b"Ready in" in log.read_bytes():
                return
            time.sleep(0.2)
        raise SystemExit(f"The service does not start:\n{log.read_text(encoding='utf-8')[-4000:]}")

    def _client(self) -> None:
        while not self._stop.is_set():
            try:
                number = next(self._numbers)
                # Every other text is one that the phrase cache contains.
                text = _TEXTS[number % len(_TEXTS)].format(number=number // 2 if number % 2 else 0)
                chunks = list(blocking_client.speak(self._uri, text, timeout_s=_TIMEOUT_S))
                self._count("spoken")
                pcm = b"".join(chunk.pcm for chunk in chunks)
                blocking_client.transcribe(
                    self._uri, pcm, AudioFormat(chunks[0].sample_rate), timeout_s=_TIMEOUT_S
                )
                self._count("heard")
                blocking_client.describe(self._uri, timeout_s=_TIMEOUT_S)
                self._count("described")
            except LunavoxError as error:
                self._count(error.code)
                self._stop.wait(0.5)

    def _vandal(self) -> None:
        dice = random.Random(0)  # noqa: S311  # nothing secret
        host, _, port = self._uri.removeprefix("tcp://").partition(":")
        while not self._stop.wait(0.1):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5.0) as peer:
                peer.sendall(dice.choice(_JUNK))
                self._count("junk")
                if dice.random() < 0.5:  # noqa: PLR2004  # half of the clients wait for the answer
                    peer.settimeout(2.0)
                    peer.recv(4096)

    def _staller(self) -> None:
        dice = random.Random(1)  # noqa: S311  # nothing secret
        host, _, port = self._uri.removeprefix("tcp://").partition(":")
        while not self._stop.wait(0.2):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5.0) as peer:
                first, rest = dice.choice(_STALLING)
                peer.sendall(first)
                self._stop.wait(dice.uniform(*_STALL_S))
                self._count("stalled")
                if rest and dice.random() < 0.5:  # noqa: PLR2004  # the others disconnect
                    peer.sendall(rest)
                    peer.settimeout(5.0)
                    while peer.recv(65_536):
                        pass

    def _broker(self, program: str) -> None:
        while not self._stop.is_set():
            command = [program, "-p", str(self._mqtt_port)]
            broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
            self._stop.wait(_BROKER_EVERY_S)
            broker.terminate()
            broker.wait(_STOP_S)
            self._count("broker restarts")
            self._stop.wait(2.0)

    def _samples(self, pid: int) -> Iterator[Sample]:
        until = time.monotonic() + self._seconds
        while time.monotonic() < until:
            try:
                yield _sample(pid, self._held()["tasks"])
            except FileNotFoundError:
                if not Path(f"/proc/{pid}").exists():
                    return
            except OSError:
                return
            time.sleep(_SAMPLE_S)

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


def _sample(pid: int, tasks: int) -> Sample:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return Sample(int(fields["VmRSS"].split()[0]) / 1024, files, int(fields["Threads"]), tasks)


def _verdict(samples: list[Sample]) -> bool:
    """Compare the end with the second twelfth: by then everything was used once."""
    width = max(3, int(len(samples) * _WINDOW))
    early, late = samples[width : 2 * width], samples[-width:]
    return all(
        [
            _compare("memory in MB", [[one.rss_mb for one in part] for part in (early, late)], _SPARE_MB),
            _compare("file handles", [[one.files for one in part] for part in (early, late)], _SPARE_FILES),
            _compare("threads", [[one.threads for one in part] for part in (early, late)], _SPARE_THREADS),
            _compare("tasks", [[one.tasks for one in part] for part in (early, late)], _SPARE_TASKS),
        ]
    )


def _compare(what: str, parts: Sequence[Sequence[float]], spare: float) -> bool:
    before, after = (statistics.median(part) for part in parts)
    growth = _MAX_GROWTH if what.startswith("memory") else 1.0
    good = after <= before * growth + spare
    print(f"{'ok  ' if good else 'FAIL'}  {what}: {before:.0f} early, {after:.0f} at the end")
    return good


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run the test; return 1 if something grew or is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    long_form = "default: %(default)g; 120 for the long form"
    parser.add_argument("--minutes", type=float, default=5.0, help=long_form)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lunavox-soak-") as folder:
        return 0 if Soak(args.minutes * 60, Path(folder)).run() else 1


if __name__ == "__main__":
    sys.exit(main())
