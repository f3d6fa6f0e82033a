"""Brokers that restart, refuse clients, or serve a second appliance of the same name."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.errors import InsecurePeer, LunavoxLibraryError, NotAllowed, SettingsError, Unreachable
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.broker_probe import probe
from lunavox_edge.mqtt.inbox import Inbox
from lunavox_edge.mqtt.messages import Message, Publication
from lunavox_edge.mqtt.paho_client import BrokerConnection
from lunavox_edge.settings.mqtt_settings import MqttSettings
from lunavox_edge.types import Transcript
from tests.broker.conftest import Listen, Start
from tests.fakes.broker import Mosquitto, until
from tests.fakes.ports import free_port

pytestmark = pytest.mark.broker

BASE = "lunavox/kitchen"
Make = Callable[..., Mosquitto]


def uri(mosquitto: Mosquitto) -> str:
    return f"mqtt://127.0.0.1:{mosquitto.port}"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize("end", [Mosquitto.stop, Mosquitto.kill])
async def test_a_result_waits_for_a_broker_that_restarts(
    make_mosquitto: Make,
    start: Start,
    listen: Listen,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    end: Callable[[Mosquitto], None],
    version: str,
) -> None:
    kept = ("persistence true", f"persistence_location {tmp_path}/", "autosave_on_changes true")
    mosquitto = make_mosquitto(*kept, "autosave_interval 1")
    appliance = await start(uri(mosquitto), version=version)
    peer = await listen(mosquitto.port, version="3.1.1", kept_as="automation")
    await peer.message("availability")
    appliance.tts.go.clear()
    peer.send(f"{BASE}/synthesize", {"text": "Kept.", "reply_to": "answer"})
    await peer.until(appliance.tts.asked.is_set)
    end(mosquitto)
    await peer.until(lambda: "no connection to" in caplog.text)
    appliance.tts.go.set()
    await peer.until(lambda: not appliance.engine.status().sessions)
    peer.heard.clear()
    mosquitto.start()
    assert (await peer.message("answer")).payload[:4] == b"RIFF"
    await peer.until(lambda: [m.payload for m in peer.on("availability")][-1:] == [b"online"])
    await peer.value("kitchen/state", phase="idle")


async def test_a_broker_that_is_not_there_at_first_is_found_later(
    make_mosquitto: Make, start: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto = make_mosquitto()
    mosquitto.stop()
    await start(uri(mosquitto))
    with caplog.at_level(logging.DEBUG, "lunavox_edge"):
        await until(lambda: caplog.text.count("still:") >= 2)
        assert caplog.text.count("no connection") == 1
        mosquitto.start()
        peer = await listen(mosquitto.port)
        await peer.message("availability")
    assert caplog.text.count("connected to") == 1


async def test_a_wrong_password_is_named_once_and_never_shown(
    make_mosquitto: Make,
    start: Start,
    listen: Listen,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("anna:hunter2\n", encoding="utf-8")
    hashing = await asyncio.create_subprocess_exec("mosquitto_passwd", "-U", str(passwords))
    assert await hashing.wait() == 0
    mosquitto = make_mosquitto(f"password_file {passwords}")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("wrong-secret\n", encoding="utf-8")
    with caplog.at_level(logging.DEBUG, "lunavox_edge"):
        await start(uri(mosquitto), user="anna", password_file=str(secret))
        peer = await listen(mosquitto.port, user="anna", password="hunter2")  # noqa: S106  # a test's
        await until(lambda: caplog.text.count("still:") >= 2)
        assert caplog.text.count("no connection") == 1
    assert "not_allowed" in caplog.text
    assert "wrong-secret" not in caplog.text
    with pytest.raises(NotAllowed):
        probe(BrokerAddress(uri(mosquitto), "anna", "wrong"), 20.0)
    probe(BrokerAddress(uri(mosquitto), "anna", "hunter2"), 20.0)
    secret.write_text("hunter2\n", encoding="utf-8")
    await start(uri(mosquitto), user="anna", password_file=str(secret), name="attic")
    await peer.message("attic/availability")


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "tls"
    folder.mkdir()
    for name in ("good", "stranger"):
        subprocess.run(
            [  # whichever openssl there is
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            ],
            check=True,
            capture_output=True,
        )
    return folder


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_is_checked_in_both_directions(
    make_mosquitto: Make, start: Start, listen: Listen, certificates: Path
) -> None:
    port = free_port()
    mosquitto = make_mosquitto(
        f"listener {port} 127.0.0.1",
        f"cafile {certificates}/good.pem",
        f"certfile {certificates}/good.pem",
        f"keyfile {certificates}/good.key",
        "require_certificate true",
        "tls_version tlsv1.2",
    )
    good, key = certificates / "good.pem", certificates / "good.key"
    address = f"mqtts://localhost:{port}"
    with pytest.raises(InsecurePeer, match="not trusted"):
        probe(BrokerAddress(address, tls_ca=certificates / "stranger.pem", tls_cert=good, tls_key=key), 20.0)
    with pytest.raises(Unreachable):
        probe(BrokerAddress(address, tls_ca=good), 20.0)
    with pytest.raises(SettingsError):
        probe(BrokerAddress(address, tls_ca=certificates / "nowhere.pem"), 20.0)
    files = {"tls_ca": str(good), "tls_cert": str(good), "tls_key": str(key)}
    await start(address, **files)
    peer = await listen(mosquitto.port)
    assert (await peer.message("availability")).payload == b"online"


async def test_a_namesake_is_reported_by_both(
    mosquitto: Mosquitto, start: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await listen(mosquitto.port)
    await start(uri(mosquitto))
    await peer.message("availability")
    await start(uri(mosquitto))
    error = await peer.value("events/error")
    assert error["error"]["code"] == "name_taken"
    await peer.until(lambda: "Another appliance is called 'kitchen' too" in caplog.text)


async def test_a_restarted_appliance_is_no_namesake(
    mosquitto: Mosquitto, start: Start, listen: Listen
) -> None:
    first = await start(uri(mosquitto))
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", phase="idle")
    await first.mqtt.stop()
    await peer.until(lambda: peer.on("availability")[-1].payload == b"offline")
    await start(uri(mosquitto))
    await peer.until(lambda: peer.on("availability")[-1].payload == b"online")
    peer.send(f"{BASE}/say", {"text": "Hello.", "id": "1"})
    await peer.value("events/speech", status="finished")
    assert not peer.on("events/error")


async def test_a_late_will_of_ours_is_put_right(mosquitto: Mosquitto, start: Start, listen: Listen) -> None:
    await start(uri(mosquitto))
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    peer.send(f"{BASE}/availability", "offline", retain=True)
    await peer.until(lambda: [m.payload for m in peer.on("availability")][-2:] == [b"offline", b"online"])


async def test_what_a_namesake_has_told_and_removed_is_put_right_when_it_has_gone(
    mosquitto: Mosquitto, start: Start, listen: Listen
) -> None:
    peer = await listen(mosquitto.port)
    known = {"known": {"bath": {"uri": "tcp://127.0.0.1:9"}}}
    told = {f"{BASE}/satellites/bath/state", "homeassistant/device/lunavox_kitchen_bath/config"}

    def present() -> set[str]:
        return told & {
            topic for topic, payload in {m.topic: m.payload for m in peer.heard}.items() if payload
        }

    await start(uri(mosquitto), satellites=known)
    await peer.until(lambda: present() == told)
    namesake = await start(uri(mosquitto))
    await peer.until(lambda: not present())
    await namesake.mqtt.stop()
    await peer.until(lambda: present() == told)
    assert peer.values("kitchen/state")[-1]["phase"] == "idle"


async def test_the_last_will_tells_of_a_sudden_end(mosquitto: Mosquitto, listen: Listen) -> None:
    peer = await listen(mosquitto.port)

    class Nobody:
        def opened(self) -> None:
            is_open.set()

        def closed(self, error: Exception) -> None: ...
        def received(self, message: Message) -> None: ...
        def dropped(self, count: int) -> None: ...
        def delivered(self, number: int) -> None: ...

    is_open = asyncio.Event()
    connection = BrokerConnection(
        BrokerAddress(uri(mosquitto)),
        Inbox(Nobody()),
        client_id="sudden",
        will=Publication("will", b"offline", retain=True),
    )
    await asyncio.to_thread(connection.open)
    await asyncio.wait_for(is_open.wait(), 20.0)
    sock: Any = connection._client.socket()
    sock.shutdown(socket.SHUT_RDWR)
    assert (await peer.message("will")).payload == b"offline"
    await asyncio.to_thread(connection.close)


async def test_a_flood_is_survived(mosquitto: Mosquitto, start: Start, listen: Listen) -> None:
    await start(uri(mosquitto))
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    for _ in range(5000):
        peer.send(f"{BASE}/say", b"\xff junk", qos=0)
        peer.send(f"{BASE}/models/none/set", b"load", qos=0)
    for _ in range(300):
        peer.send(f"{BASE}/synthesize", {"text": "Still here.", "reply_to": "answer"})
        if any(message.payload[:4] == b"RIFF" for message in peer.on("answer")):
            break
        await asyncio.sleep(0.1)
    await peer.until(lambda: any(message.payload[:4] == b"RIFF" for message in peer.on("answer")))
    assert [message.payload for message in peer.on("availability")] == [b"online"]
    assert {event["error"]["code"] for event in peer.values("events/speech")} <= {"bad_message"}


async def test_the_embedded_broker_keeps_strangers_out(start: Start, listen: Listen) -> None:
    port = free_port()
    await start("embedded", listen=f"127.0.0.1:{port}", user="anna", password="hunter2")  # noqa: S106  # a test's
    address = f"mqtt://127.0.0.1:{port}"
    for user, password in (("anna", "wrong"), ("bob", "hunter2"), (None, None)):
        with pytest.raises(NotAllowed):
            await asyncio.to_thread(probe, BrokerAddress(address, user, password, version="3.1.1"), 20.0)
    peer = await listen(port, version="3.1.1", user="anna", password="hunter2")  # noqa: S106  # a test's
    await peer.message("availability")


async def test_a_port_that_is_taken_is_named(mosquitto: Mosquitto, start: Start) -> None:
    with pytest.raises(LunavoxLibraryError, match="another broker may use the port"):
        await start("embedded", listen=f"127.0.0.1:{mosquitto.port}")


async def test_the_embedded_broker_ends_with_the_service(start: Start) -> None:
    port = free_port()
    appliance = await start("embedded", listen=f"127.0.0.1:{port}")
    await appliance.mqtt.stop()
    with pytest.raises(Unreachable):
        await asyncio.to_thread(probe, BrokerAddress(f"mqtt://127.0.0.1:{port}", version="3.1.1"), 20.0)
    again = await start("embedded", listen=f"127.0.0.1:{port}")
    await again.mqtt.stop()


async def test_two_appliances_share_a_broker(mosquitto: Mosquitto, start: Start, listen: Listen) -> None:
    await start(uri(mosquitto))
    attic = await start(uri(mosquitto), name="attic")
    peer = await listen(mosquitto.port)
    await peer.message("kitchen/availability")
    await peer.message("attic/availability")
    peer.send("lunavox/attic/say", {"text": "Up here.", "id": "1"})
    await peer.value("attic/events/speech", id="1", status="finished")
    assert attic.played.exists()
    assert not peer.on("kitchen/events/speech")
    assert not peer.on("events/error")


@pytest.mark.parametrize(("sources", "published"), [(("mqtt",), True), (("satellites",), False)])
async def test_transcripts_are_published_as_the_settings_say(
    mosquitto: Mosquitto, start: Start, listen: Listen, sources: tuple[str, ...], *, published: bool
) -> None:
    await start(uri(mosquitto), publish_transcripts=sources)
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    peer.send(f"{BASE}/transcribe", wav_bytes(b"\x00\x10" * 16_000, 16_000), reply_to="me")
    await peer.message("me")
    peer.send(f"{BASE}/say", {"text": "End.", "id": "end"})
    await peer.value("events/speech", status="finished")
    assert bool(peer.on("events/transcript")) is published


@pytest.mark.parametrize(("sources", "published"), [(("wyoming",), True), (("satellites", "mqtt"), False)])
async def test_what_the_wyoming_port_heard_is_published_only_if_asked_for(
    mosquitto: Mosquitto, start: Start, listen: Listen, sources: tuple[str, ...], *, published: bool
) -> None:
    appliance = await start(uri(mosquitto), publish_transcripts=sources)
    peer = await listen(mosquitto.port)
    await peer.message("availability")
    appliance.mqtt.publish_transcript(Transcript("hello", "en", 0.9, 1.0), 12.0)
    peer.send(f"{BASE}/say", {"text": "End.", "id": "end"})
    await peer.value("events/speech", status="finished")
    heard = [(event["text"], event["source"]) for event in peer.values("events/transcript")]
    assert heard == ([("hello", "wyoming")] if published else [])


def test_the_password_file_must_be_readable(tmp_path: Path) -> None:
    settings = MqttSettings(broker="mqtt://broker", user="anna", password_file=tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"mqtt\.password_file cannot be read"):
        BrokerAddress.of(settings)
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_text("hunter2\n", encoding="utf-8")
    address = BrokerAddress.of(settings.model_copy(update={"password_file": tmp_path / "secret"}))
    assert address.password == "hunter2"  # noqa: S105  # a test's
    assert "hunter2" not in repr(address)
