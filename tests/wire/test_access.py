"""Networks, limits for one address, and TLS, as clients meet them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest
from wyoming.tts import Synthesize

from lunavox_edge.errors import InsecurePeer, LunavoxError, SettingsError, Unreachable
from lunavox_edge.settings_model import WyomingSettings
from lunavox_edge.types import AudioFormat
from lunavox_edge.wyoming_server import client
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.wire.conftest import PATIENCE_S, Serve

pytestmark = pytest.mark.wire


async def test_this_machine_may_always_come_in(serve: Serve) -> None:
    service = await serve(wyoming={"uri": "tcp://127.0.0.1:0", "allow": ["192.0.2.0/24"]})
    async with service.connect() as peer:
        await peer.alive()


async def test_a_stranger_is_hung_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await serve(wyoming={"uri": "tcp://127.0.0.1:0", "allow": ["192.0.2.0/24"]})
    monkeypatch.setattr("lunavox_edge.wyoming_server.server.host_of", lambda _: "198.51.100.1")
    async with service.connect() as peer:
        try:
            answer = await peer.read()
        except OSError:
            answer = None
    assert answer is None
    assert service.server.connections == 0


async def test_one_address_too_many(serve: Serve) -> None:
    service = await serve(limits={"max_connections_per_address": 2})
    async with service.connect() as one, service.connect() as two:
        await one.alive()
        await two.alive()
        async with service.connect() as three:
            assert "too many connections open" in await three.expect_error("busy")
            await three.expect_end()
        await one.alive()
    await service.quiet()
    async with service.connect() as again:
        await again.alive()


async def test_too_many_requests_are_busy_and_what_runs_goes_on(serve: Serve) -> None:
    service = await serve(limits={"max_requests_per_minute": 2})
    async with service.connect() as peer:
        await peer.send("describe")
        await peer.expect("info")
        await peer.send(Synthesize(text="Hello.").event())
        await peer.until("audio-stop")
        await peer.send("describe")
        assert "Too many requests" in await peer.expect_error("busy")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for kitchen.invalid that signed itself, and its key."""
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
        lambda: b"".join(chunk.pcm for chunk in client.speak(uri, "Hello.", timeout_s=PATIENCE_S))
    )
    assert pcm
    heard = await asyncio.to_thread(
        lambda: client.transcribe(uri, pcm, AudioFormat(16_000), timeout_s=PATIENCE_S)
    )
    assert heard.text == service.told[-1].text
    await service.quiet()


async def test_tls_is_not_spoken_to_without_trust(serve: Serve, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    service = await serve(wyoming={"uri": "tls://127.0.0.1:0", "tls_cert": cert, "tls_key": key})
    bare = service.server.uri.partition("?")[0]
    with pytest.raises(InsecurePeer, match="does not prove who it is"):
        await asyncio.to_thread(lambda: client.ping(bare, timeout_s=PATIENCE_S))
    plain = bare.replace("tls:", "tcp:")
    with pytest.raises((Unreachable, LunavoxError)):
        await asyncio.to_thread(lambda: client.ping(plain, timeout_s=PATIENCE_S))
    with pytest.raises(SettingsError, match="no certificates"):
        await asyncio.to_thread(lambda: client.ping(f"{bare}?ca={key.parent}/none", timeout_s=PATIENCE_S))
    assert await asyncio.to_thread(lambda: client.ping(service.server.uri, timeout_s=PATIENCE_S)) >= 0


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
