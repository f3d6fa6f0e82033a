"""TLS between the service and its clients, and between a satellite and its hub."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.handle import Handled
from wyoming.info import Info

from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.errors import InsecurePeer, LunavoxError, SettingsError, Unreachable
from lunavox_edge.hub.answers.asking import ConversationContext, Question, ask
from lunavox_edge.hub.answers.making import answerer_for
from lunavox_edge.hub.satellite_link import SatelliteLink
from lunavox_edge.satellite.device import SatelliteDevice
from lunavox_edge.satellite.microphone import open_microphone
from lunavox_edge.satellite.satellite_info import satellite_info
from lunavox_edge.satellite.satellite_server import SatelliteServer
from lunavox_edge.satellite.speaker import open_speaker
from lunavox_edge.settings.model import LimitSettings, WyomingSettings
from lunavox_edge.settings.satellite_settings import Answer, SatelliteSettings
from lunavox_edge.types import AudioFormat
from lunavox_edge.wire import tls
from lunavox_edge.wyoming_server import blocking_client
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.wire.conftest import PATIENCE_S, Serve

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for kitchen.invalid, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [  # whichever openssl there is
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=kitchen.invalid"),
            *("-addext", "subjectAltName=DNS:kitchen.invalid"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    return cert, key


async def test_tls_carries_speech_both_ways(serve: Serve, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    service = await serve(
        wyoming={"uri": "tls://127.0.0.1:0", "tls_cert": cert, "tls_key": key, "allow": ["192.0.2.1"]}
    )
    uri = service.server.uri
    assert uri.startswith("tls://127.0.0.1:")
    assert uri.endswith(f"?ca={cert}")
    pcm = await asyncio.to_thread(
        lambda: b"".join(chunk.pcm for chunk in blocking_client.speak(uri, "Hello.", timeout_s=PATIENCE_S))
    )
    assert pcm
    heard = await asyncio.to_thread(
        lambda: blocking_client.transcribe(uri, pcm, AudioFormat(16_000), timeout_s=PATIENCE_S)
    )
    assert heard.text == service.transcripts[-1].text
    await service.quiet()


def close_notify(peer: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        peer.unwrap().close()


def end_below(peer: ssl.SSLSocket) -> None:
    peer.shutdown(socket.SHUT_WR)
    while peer.recv(65_536):
        pass


@pytest.mark.parametrize("end", [close_notify, end_below])
async def test_a_tls_client_that_ends_takes_its_requests_along(
    serve: Serve,
    certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    end: Callable[[ssl.SSLSocket], None],
) -> None:
    """With TLS, asyncio ends a connection in both directions at once."""
    cert, key = certificate
    service = await serve(wyoming={"uri": "tls://127.0.0.1:0", "tls_cert": cert, "tls_key": key})
    service.tts.go.clear()
    port = int(service.server.uri.partition("?")[0].rpartition(":")[2])

    def ask() -> None:
        context = tls.client_context(cert, "127.0.0.1")
        bare = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        with context.wrap_socket(bare, server_hostname="127.0.0.1") as peer:
            peer.sendall(b'{"type":"synthesize","data":{"text":"Hello."}}\n{"type":"ping"}\n')
            assert b"pong" in peer.recv(1000)
            service.tts.asked.wait(PATIENCE_S)
            end(peer)

    await asyncio.to_thread(ask)
    await service.until(lambda: not service.server.connections)
    service.tts.go.set()
    await service.quiet()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_tls_is_not_spoken_to_without_trust(serve: Serve, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    service = await serve(wyoming={"uri": "tls://127.0.0.1:0", "tls_cert": cert, "tls_key": key})
    bare = service.server.uri.partition("?")[0]
    with pytest.raises(InsecurePeer, match="does not prove who it is"):
        await asyncio.to_thread(lambda: blocking_client.ping(bare, timeout_s=PATIENCE_S))
    plain = bare.replace("tls:", "tcp:")
    with pytest.raises((Unreachable, LunavoxError)):
        await asyncio.to_thread(lambda: blocking_client.ping(plain, timeout_s=PATIENCE_S))
    with pytest.raises(SettingsError, match="no certificates"):
        await asyncio.to_thread(
            lambda: blocking_client.ping(f"{bare}?ca={key.parent}/none", timeout_s=PATIENCE_S)
        )
    assert (
        await asyncio.to_thread(lambda: blocking_client.ping(service.server.uri, timeout_s=PATIENCE_S)) >= 0
    )


async def test_the_commands_of_this_machine_trust_the_certificate_of_the_settings(
    serve: Serve, certificate: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert, key = certificate
    service = await serve(wyoming={"uri": "tls://127.0.0.1:0", "tls_cert": cert, "tls_key": key})
    uri = service.server.uri.partition("?")[0]
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"wyoming": {"uri": uri, "tls_cert": str(cert), "tls_key": str(key)}}))
    for command in (["healthcheck"], ["models", "ps"]):
        assert await asyncio.to_thread(main, ["--config", str(file), *command]) == ExitCode.OK
    await asyncio.to_thread(main, ["--config", str(file), "self-check"])
    told = capsys.readouterr()
    assert "heard" in told.out
    assert not told.err


async def test_a_key_that_others_read_is_refused(serve: Serve, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    service = await serve()
    copy = key.with_name("exposed.pem")
    copy.write_bytes(key.read_bytes())
    copy.chmod(0o644)
    settings = WyomingSettings(uri="tls://127.0.0.1:0", tls_cert=cert, tls_key=copy)
    with pytest.raises(SettingsError, match=r"wyoming.tls_key is not secret"):
        await WyomingServer(service.engine, settings, service.server._limits).start()
    swapped = WyomingSettings(uri="tls://127.0.0.1:0", tls_cert=key, tls_key=key)
    with pytest.raises(SettingsError, match="no certificate and its key"):
        await WyomingServer(service.engine, swapped, service.server._limits).start()


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="set tls_cert and tls_key"):
        WyomingSettings(uri="tls://0.0.0.0:10300")


class Hub:
    """Records what a satellite link reports."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[Info | LunavoxError] = asyncio.Queue()

    def opened(self, info: Info) -> None:
        self.reports.put_nowait(info)

    def received(self, event: Event) -> None:
        """Ignore events; the satellite sends none without a request."""

    def closed(self, error: LunavoxError) -> None:
        self.reports.put_nowait(error)


@asynccontextmanager
async def linked(uri: str) -> AsyncIterator[Hub]:
    """Run the hub's link to a satellite."""
    hub = Hub()
    task = asyncio.create_task(SatelliteLink("kitchen", uri, LimitSettings(), hub).run())
    try:
        yield hub
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def satellite(certificate: tuple[Path, Path], tmp_path: Path) -> AsyncIterator[str]:
    """Run a satellite with the certificate; yield its address."""
    room = SatelliteDevice(
        microphone=open_microphone("command:true"),
        speaker=open_speaker(str(tmp_path / "speaker.wav")),
        say=lambda _: None,
    )
    server = SatelliteServer(
        room,
        satellite_info("kitchen", "Kitchen", engine=None, words=()),
        uri="tls://127.0.0.1:0",
        allow=(),
        limits=LimitSettings(),
        say=lambda _: None,
        identity=lambda: tls.server_context(*certificate),
    )
    await server.start()
    yield server.uri
    await server.stop()


async def test_a_hub_reaches_its_satellite_by_tls(satellite: str, certificate: tuple[Path, Path]) -> None:
    assert satellite.startswith("tls://127.0.0.1:")
    async with linked(f"{satellite}?ca={certificate[0]}") as hub:
        report = await asyncio.wait_for(hub.reports.get(), PATIENCE_S)
    assert isinstance(report, Info)
    assert report.satellite is not None
    assert report.satellite.name == "kitchen"


async def test_a_hub_does_not_speak_to_what_it_does_not_trust(
    satellite: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(satellite) as hub:
        report = await asyncio.wait_for(hub.reports.get(), PATIENCE_S)
    assert isinstance(report, InsecurePeer)
    assert "does not prove who it is" in caplog.text
    async with linked(f"{satellite}?ca=/nowhere.pem") as hub:
        assert isinstance(await asyncio.wait_for(hub.reports.get(), PATIENCE_S), SettingsError)


async def test_who_answers_is_asked_by_tls(certificate: tuple[Path, Path]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await async_read_event(reader)
        assert asked is not None
        await async_write_event(Handled(text=asked.data["text"].upper()).event(), writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls.server_context(*certificate))
    url = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}?ca={certificate[0]}"
    answerer = answerer_for(Answer(kind="wyoming", url=url), LimitSettings())
    assert answerer is not None
    question = Question("lights", "en", "kitchen", "Kitchen", ConversationContext())
    assert [piece async for piece in ask(answerer, question, timeout_s=PATIENCE_S, retries=0)] == ["LIGHTS"]
    server.close()


def test_a_satellite_needs_a_certificate_for_tls() -> None:
    with pytest.raises(SettingsError, match="needs --tls-cert and --tls-key"):
        tls.server_context(None, None, ("--tls-cert", "--tls-key"))


@pytest.mark.parametrize("trust", ["ca=kitchen.pem", "fingerprint=00"])
def test_trust_is_named_by_a_whole_path(trust: str) -> None:
    assert SatelliteSettings(uri="tls://kitchen.local:10700?ca=/etc/kitchen.pem").uri
    uri = f"tls://kitchen.local:10700?{trust}"
    with pytest.raises(ValueError, match="a file's whole path"):
        SatelliteSettings(uri=uri)
    with pytest.raises(ValueError, match="a file's whole path"):
        Answer(kind="wyoming", url=uri)
