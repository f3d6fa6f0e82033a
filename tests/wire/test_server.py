"""Connections: their number, their timeouts, and their end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeVoice

from lunavox_edge.errors import LunavoxLibraryError, SettingsError
from lunavox_edge.host.system import rss_bytes
from lunavox_edge.settings.model import LimitSettings, WyomingSettings
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.wire.conftest import PATIENCE_S, Serve, Service

pytestmark = pytest.mark.wire


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_describe_lists_what_is_installed_the_default_first(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send("describe")
        info = Info.from_event(await peer.expect("info"))
    (asr,) = info.asr
    (tts,) = info.tts
    assert (asr.name, tts.name) == ("lunavox-edge", "lunavox-edge")
    assert asr.installed
    assert tts.installed
    assert [(model.name, model.languages) for model in asr.models] == [
        ("ear", ["en", "de"]),
        ("ear.en", ["en"]),
    ]
    assert [voice.name for voice in tts.voices] == ["alpha", "beta", "choir"]
    assert [speaker.name for speaker in tts.voices[2].speakers or []] == ["soprano", "bass"]
    assert tts.supports_synthesize_streaming
    assert not asr.requires_external_vad
    assert not asr.supports_transcript_streaming
    assert all(artifact.attribution.name for artifact in (asr, tts, *asr.models, *tts.voices))
    assert info.satellite is None


async def test_describe_follows_the_settings(serve: Serve) -> None:
    service = await serve(
        stt={"streaming": True, "model": "ear.en"},
        voices={"announcer": {"voice": "beta", "speed": 1.2}},
    )
    async with service.connect() as peer:
        await peer.send("describe")
        info = Info.from_event(await peer.expect("info"))
    assert info.asr[0].supports_transcript_streaming
    assert info.asr[0].models[0].name == "ear.en"
    (announcer,) = [voice for voice in info.tts[0].voices if voice.name == "announcer"]
    assert announcer.languages == ["de-DE", "de_DE", "de"]


async def test_every_language_that_is_announced_is_understood(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send("describe")
        info = Info.from_event(await peer.expect("info"))
        for voice in info.tts[0].voices:
            for language in voice.languages:
                speak = SynthesizeVoice(language=language)
                await peer.send(Synthesize(text=f"{voice.name} {language}", voice=speak).event())
                await peer.until("audio-stop")
        for model in info.asr[0].models:
            for language in (*model.languages, *(f"{language}_XX" for language in model.languages)):
                await peer.send(Transcribe(language=language).event())
                await peer.send(AudioStart(16_000, 2, 1).event(), AudioStop().event())
                await peer.expect("transcript")
    assert {language for voice in info.tts[0].voices for language in voice.languages} >= {"de", "de_DE", "en"}


async def test_a_program_without_models_is_left_out(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.stt.ScriptedStt.packaged", classmethod(lambda cls, cache_dir: ()))
    service = await serve()
    async with service.connect() as peer:
        await peer.send("describe")
        info = Info.from_event(await peer.expect("info"))
    assert not info.asr
    assert info.tts


async def test_ping_is_echoed(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(Ping(text=" häl\nlo ").event(), "ping")
        assert (await peer.expect("pong")).data == {"text": " häl\nlo "}
        assert (await peer.expect("pong")).data == {"text": None}


async def test_select_program_takes_our_own_name(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(Event("select-program", {"name": "lunavox-edge"}))
        await peer.alive()


async def test_status_is_told_as_an_extension(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(Synthesize(text="Hello.").event())
        await peer.until("audio-stop")
        await peer.send("lunavox-status")
        status = (await peer.expect("lunavox-status")).data
    (model,) = status["models"]
    assert (model["name"], model["kind"], model["device"]) == ("alpha", "tts", "cpu")
    assert {"state", "size_bytes", "idle_s", "pinned"} <= model.keys()


async def test_500_pipelined_describes_are_all_answered_and_a_neighbour_does_not_wait(
    service: Service,
) -> None:
    async with service.connect() as peer, service.connect() as neighbour:
        await peer.send_bytes(b'{"type":"describe"}\n' * 500)
        await neighbour.alive()
        for _ in range(500):
            await peer.expect("info")
        await peer.alive()


async def test_what_was_asked_before_a_half_close_is_answered(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send("ping", "describe")
        peer.writer.write_eof()
        await peer.expect("pong")
        await peer.expect("info")
        await peer.expect_end()


async def test_500_idle_connections_disturb_nobody_and_leave_nothing_behind(service: Service) -> None:
    async with service.connect() as neighbour:
        await neighbour.alive()
        before = open_files()
        host, port = neighbour.writer.get_extra_info("peername")
        idle = []
        for _ in range(500):
            client = socket.socket()
            client.setblocking(False)  # noqa: FBT003
            await asyncio.get_running_loop().sock_connect(client, (host, port))
            idle.append(client)
        await neighbour.send("describe")
        await neighbour.expect("info")
        for client in idle:
            client.close()
        await service.until(lambda: service.server.connections == 1)
        assert open_files() <= before + 1


async def test_memory_and_files_return_after_clients_that_leave_inside_a_message(service: Service) -> None:
    async with service.connect() as neighbour:
        await neighbour.alive()
        unfinished = b'{"type":"audio-chunk","payload_length":1000000}\n' + bytes(900_000)
        after: list[tuple[int, int]] = []
        for _ in range(6):
            async with AsyncExitStack() as stack:
                for _ in range(30):
                    peer = await stack.enter_async_context(service.connect())
                    await peer.send_bytes(unfinished)
                await neighbour.alive()
            await service.until(lambda: service.server.connections == 1)
            gc.collect()
            after.append((open_files(), rss_bytes()))
        assert after[-1][0] <= after[0][0]
        assert after[-1][1] <= after[0][1] + 40_000_000  # of 135 if it stayed


async def test_an_idle_connection_is_closed_in_time(leaping: None, serve: Serve) -> None:
    service = await serve(limits={"idle_timeout_s": 10})
    async with service.connect() as idle, service.connect() as lively:
        for _ in range(5):
            await asyncio.sleep(4)
            await lively.alive()
        await idle.expect_end()
        await lively.alive()


async def test_waiting_for_an_answer_is_not_idling(serve: Serve) -> None:
    service = await serve(limits={"idle_timeout_s": 5})
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(Synthesize(text="Hello.").event())
        await peer.send_bytes(b'{"type":5}\n')
        await peer.expect_error("bad_message")
        connection = next(iter(service.server._connections.values()))
        connection._on_timeout()
        service.tts.go.set()
        await peer.until("audio-stop")


async def test_at_the_cap_the_longest_idle_client_makes_room(serve: Serve) -> None:
    service = await serve(limits={"max_connections": 2})
    async with service.connect() as first, service.connect() as second:
        await second.alive()
        await first.alive()
        async with service.connect() as third:
            await third.alive()
            await second.expect_end()
            await first.alive()


async def test_at_the_cap_busy_clients_stay_and_a_new_one_is_refused(serve: Serve) -> None:
    service = await serve(limits={"max_connections": 2})
    service.tts.go.clear()
    async with service.connect() as first, service.connect() as second:
        for peer in (first, second):
            await peer.send(Synthesize(text="Hello.").event())
            await peer.alive()
        async with service.connect() as third:
            await third.expect_error("busy")
            await third.expect_end()
        service.tts.go.set()
        for peer in (first, second):
            await peer.until("audio-stop")


async def test_stop_lets_a_running_speech_end(service: Service) -> None:
    service.tts.go.clear()
    async with service.connect() as peer, service.connect() as idle:
        await peer.send(Synthesize(text="Hello.").event())
        await peer.alive()
        stopping = asyncio.ensure_future(service.server.stop(5.0))
        await idle.expect_end()
        with pytest.raises(ConnectionRefusedError):
            async with service.connect():
                pass
        service.tts.go.set()
        await peer.until("audio-stop")
        await peer.expect_end()
        await stopping
    assert not service.server.connections
    await service.server.stop(0.0)


async def test_stop_cuts_off_what_takes_too_long(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(Synthesize(text="Hello.").event())
        await peer.alive()
        await service.server.stop(0.05)
        await peer.expect_end()
    service.tts.go.set()
    await service.quiet()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_no_more_files_refuses_new_clients_only_until_there_are_some(service: Service) -> None:
    async with service.connect() as neighbour:
        await neighbour.alive()
        address = neighbour.writer.get_extra_info("peername")
        late = socket.socket()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        hoard = []
        try:
            try:
                while True:
                    hoard.append(os.dup(0))
            except OSError:
                pass
            late.connect(address)  # the kernel accepts it, the server is blocked
            await neighbour.alive()
        finally:
            for number in hoard:
                os.close(number)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        late.setblocking(False)  # noqa: FBT003
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(late, b'{"type":"ping"}\n')
        assert b"pong" in await asyncio.wait_for(loop.sock_recv(late, 100), PATIENCE_S)
        late.close()


async def test_a_client_that_crashes_leaves_no_trace(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        async with service.connect() as peer:
            await peer.send("describe", Synthesize(text="Hello.").event())
            peer.vanish()
    await service.quiet()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_unix_socket_works_and_goes(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    service = await serve(wyoming={"uri": f"unix://{path}"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    async with service.connect() as peer:
        await peer.alive()
    await service.server.stop(0.0)
    assert not path.exists()


async def test_a_dead_socket_file_is_replaced(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    service = await serve(wyoming={"uri": f"unix://{path}"})
    async with service.connect() as peer:
        await peer.alive()


async def test_a_living_socket_is_left_alone(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "edge.sock"
    service = await serve(wyoming={"uri": f"unix://{path}"})
    other = WyomingServer(service.engine, WyomingSettings(uri=f"unix://{path}"), LimitSettings())
    with pytest.raises(LunavoxLibraryError, match="another program"):
        await other.start()
    await other.stop(0.0)
    async with service.connect() as peer:
        await peer.alive()


async def test_a_file_in_the_way_is_left_alone(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    server = WyomingServer(service.engine, WyomingSettings(uri=f"unix://{path}"), LimitSettings())
    with pytest.raises(LunavoxLibraryError, match="no socket"):
        await server.start()
    await server.stop(0.0)
    assert path.read_text() == "data"


async def test_a_port_in_use_is_an_error_that_says_so(service: Service) -> None:
    server = WyomingServer(service.engine, WyomingSettings(uri=service.server.uri), LimitSettings())
    with pytest.raises(LunavoxLibraryError, match="another program"):
        await server.start()


@pytest.mark.parametrize(
    "uri", ["stdio://", "tcp://host", "http://host:1", "tcp://h:99999", "unix://a/b", "unix://", ""]
)
async def test_a_wrong_address_is_a_settings_error(service: Service, uri: str) -> None:
    server = WyomingServer(service.engine, WyomingSettings.model_construct(uri=uri), LimitSettings())
    with pytest.raises(SettingsError, match=r"tcp://HOST:PORT|three slashes"):
        await server.start()
