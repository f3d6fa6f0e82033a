"""`doctor` with a broker, and the `mqtt` commands of the CLI."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from lunavox_edge.checks.checkup import Finding, Severity
from lunavox_edge.checks.doctor import _broker
from lunavox_edge.cli import main, mqtt
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.mqtt_visit import Visit
from lunavox_edge.mqtt.broker import EmbeddedBroker
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.messages import Publication
from lunavox_edge.settings.mqtt_settings import MqttSettings
from tests.broker.conftest import NODE, Listen, Start
from tests.fakes.broker import PATIENCE_S, Mosquitto
from tests.fakes.ports import free_port

pytestmark = pytest.mark.broker


def examined(broker: str, **more: Any) -> Finding:  # noqa: ANN401  # settings
    return _broker(MqttSettings.model_validate({"broker": broker, **more}))


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "lunavox_edge", "mqtt", *args]


def watching(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command("watch", *args), stdout=subprocess.PIPE, text=True)


def line_with(output: IO[str], text: str) -> str:
    """Read up to the line that contains a text; limited by the test's timeout."""
    seen = []
    for line in output:
        seen.append(line)
        if text in line:
            return line
    pytest.fail(f"no {text!r} in {seen}")


def test_doctor_says_that_mqtt_is_off_and_how_to_turn_it_on() -> None:
    finding = examined("off")
    assert finding.verdict is Severity.OK
    assert "mqtt.broker" in finding.text


def test_doctor_finds_a_broker(mosquitto: Mosquitto) -> None:
    finding = examined(f"mqtt://127.0.0.1:{mosquitto.port}")
    assert finding.verdict is Severity.OK
    assert re.search(r"accepts us without a user, MQTT 5, in \d+ ms$", finding.text)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_doctor_names_a_wrong_password(
    make_mosquitto: Callable[..., Mosquitto], version: str, tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody"
    nobody.touch()
    broker = make_mosquitto(f"password_file {nobody}")
    address = f"mqtt://127.0.0.1:{broker.port}"
    for access in ({}, {"user": "joe", "password": "wrong-secret"}):
        finding = examined(address, version=version, **access)
        assert finding.verdict is Severity.FAIL
        assert "mqtt.user" in finding.text
        assert "wrong-secret" not in finding.text
        assert "Does it run" not in finding.text


def test_doctor_says_that_nobody_answers_and_what_to_look_at() -> None:
    finding = examined(f"mqtt://127.0.0.1:{free_port()}")
    assert finding.verdict is Severity.FAIL
    assert "Connection refused" in finding.text
    assert "Does it run" in finding.text


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_doctor_names_tls_where_there_is_none(mosquitto: Mosquitto) -> None:
    assert examined(f"mqtts://127.0.0.1:{mosquitto.port}").verdict is Severity.FAIL


def test_an_embedded_broker_that_does_not_run_yet_is_no_fault() -> None:
    finding = examined("embedded", listen=f"127.0.0.1:{free_port()}")
    assert finding.verdict is Severity.OK
    assert "not running" in finding.text


async def test_watch_prints_what_passes_and_outlives_the_broker(mosquitto: Mosquitto, listen: Listen) -> None:
    peer = await listen(mosquitto.port)
    peer.send("lunavox/kitchen/availability", "online", retain=True)
    broker = ("--broker", f"mqtt://127.0.0.1:{mosquitto.port}", "--node", "kitchen")
    watch = watching(*broker)
    assert watch.stdout is not None
    try:
        shown = await asyncio.to_thread(line_with, watch.stdout, "kitchen/availability")
        assert "online (retained)" in shown
        peer.send("lunavox/other/say", "not ours")
        peer.send("lunavox/kitchen/say", "Dinner\x1b[31m")
        shown = await asyncio.to_thread(line_with, watch.stdout, "/say")
        assert "Dinner [31m" in shown
        assert "\x1b" not in shown
        mosquitto.kill()
        assert "Trying again" in await asyncio.to_thread(line_with, watch.stdout, "connection")
        mosquitto.start()
        until = time.monotonic() + PATIENCE_S
        lines = asyncio.create_task(asyncio.to_thread(line_with, watch.stdout, "/stop"))
        while not lines.done() and time.monotonic() < until:
            peer.send("lunavox/kitchen/stop")
            await asyncio.wait((lines,), timeout=0.2)
        assert "(empty)" in await lines
    finally:
        watch.send_signal(signal.SIGINT)
        try:
            assert watch.wait(PATIENCE_S) == 130
        finally:
            watch.kill()
            watch.stdout.close()


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
async def test_say_waits_for_what_became_of_the_text(mosquitto: Mosquitto, start: Start, broker: str) -> None:
    if broker == "embedded":
        appliance = await start("embedded", listen=f"127.0.0.1:{free_port()}")
    else:
        appliance = await start(f"mqtt://127.0.0.1:{mosquitto.port}")
    place = ("--broker", appliance.mqtt.uri, "--node", NODE)

    async def say(*args: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            lambda: subprocess.run(
                command("say", *args, *place), capture_output=True, text=True, timeout=60, check=False
            )
        )

    done = await say("Dinner is ready.")
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["queued", "started", "finished"]
    assert appliance.played.stat().st_size > 0
    done = await say("Hi", "--voice", "nobody")
    assert done.returncode == 1
    assert "unknown_voice" in done.stdout


async def test_say_sends_on_what_is_text(mosquitto: Mosquitto, start: Start) -> None:
    address = f"mqtt://127.0.0.1:{mosquitto.port}"
    await start(address)
    said = await asyncio.to_thread(
        subprocess.run,
        [item.encode() for item in command("say", "--broker", address, "--node", NODE)] + [b"Hello \xff"],
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert b"finished" in said.stdout


def test_say_names_the_appliance_that_does_not_answer(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_TIMEOUT_S", 0.2)
    status = main(
        ["mqtt", "say", "Hello", "--broker", f"mqtt://127.0.0.1:{mosquitto.port}", "--node", "attic"]
    )
    assert status == ExitCode.UNREACHABLE
    assert "lunavox/attic" in capsys.readouterr().err


def test_watch_says_what_to_do_without_a_broker(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("{}", encoding="utf-8")
    done = subprocess.run(
        command("--config", str(file), "watch"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "--broker" in done.stderr


def test_the_embedded_broker_sends_a_newcomer_only_what_it_asked_for() -> None:
    port = free_port()
    broker = EmbeddedBroker(f"127.0.0.1:{port}", user=None, password=None)
    broker.start()
    address = BrokerAddress(f"mqtt://127.0.0.1:{port}")
    first, second = Visit(address), Visit(address)
    try:
        first.open("#")
        first.send(Publication("house/heating", b"warm", retain=True))
        assert first.next(PATIENCE_S).topic == "house/heating"
        second.open("my/audio")
        second.send(Publication("my/audio", b"for me"))
        assert second.next(PATIENCE_S).topic == "my/audio"
        second.open("house/+")
        heard = second.next(PATIENCE_S)
        assert (heard.topic, heard.retained) == ("house/heating", True)
    finally:
        first.close()
        second.close()
        broker.stop()


def test_the_embedded_broker_listens_at_an_ipv6_address_too() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = int(probe.getsockname()[1])
    except OSError:
        pytest.skip("this machine has no IPv6")
    broker = EmbeddedBroker(f"[::1]:{port}", user=None, password=None)
    broker.start()
    visit = Visit(BrokerAddress(f"mqtt://[::1]:{port}"))
    try:
        visit.open("my/audio")
        visit.send(Publication("my/audio", b"for me"))
        assert visit.next(PATIENCE_S).topic == "my/audio"
    finally:
        visit.close()
        broker.stop()
