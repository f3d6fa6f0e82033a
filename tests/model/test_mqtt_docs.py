"""The one-liners of docs/MQTT.md, run as they are printed, against the service and a real broker."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.broker import MOSQUITTO, Mosquitto

pytestmark = [pytest.mark.model, pytest.mark.timeout(240)]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/MQTT.md"
WAIT_S = 90.0
CLIENTS = ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr")


def printed_lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder and an environment in which the service and its broker are where the lines expect them."""
    for needed in ("bash", *CLIENTS):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed: sudo apt install mosquitto-clients")
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    broker = Mosquitto(tmp_path)
    broker.start()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/lunavox-edge"
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lunavox_edge "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    for client in CLIENTS:  # their port, so that the lines need not name it
        (tmp_path / client).write_text(f"-p {broker.port}\n", encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(DOCUMENT.parents[1]),
        "LUNAVOX_EDGE__WYOMING__URI": "tcp://127.0.0.1:0",
        "LUNAVOX_EDGE__STT__MODEL": "tiny.en",
        "LUNAVOX_EDGE__MQTT__BROKER": f"mqtt://127.0.0.1:{broker.port}",
        "LUNAVOX_EDGE__MQTT__NODE": "kitchen",
        "LUNAVOX_EDGE__AUDIO__OUTPUT": f"sh -c 'cat >> {tmp_path / 'played.wav'}'",
    }
    with (tmp_path / "service.log").open("wb") as log:
        service = subprocess.Popen(
            [str(program), "run"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield tmp_path, environment
    finally:
        service.terminate()
        try:
            service.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            service.kill()
        broker.kill()


def test_every_line_does_what_it_says(shell: tuple[Path, dict[str, str]]) -> None:
    folder, environment = shell
    bash = shutil.which("bash") or "bash"

    def run(line: str) -> str:
        done = subprocess.run(
            [bash, "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    # The state is retained. One message a time, because a subscriber in a pipe ends with its second only.
    state = "mosquitto_sub -t lunavox/kitchen/state -C 1 -W 60"
    run(f"until {state} | grep --quiet '\"idle\"'; do sleep 0.1; done")
    said = {line: run(line) for line in printed_lines()}
    assert (folder / "hello.wav").read_bytes()[:4] == b"RIFF"
    assert (folder / "hello.flac").read_bytes()[:4] == b"fLaC"
    assert len((folder / "played.wav").read_bytes()) > 20_000
    (first, *_), (transcript,) = (
        [said[line] for line in said if part in line] for part in ("lunavox/#", "transcribe")
    )
    assert "lunavox/kitchen/availability online" in first
    assert "kitchen" in transcript.lower()
    assert any(
        "finished" in shown for line, shown in said.items() if line.startswith("lunavox-edge mqtt say")
    )
