from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from lunavox_edge.backends import registry
from lunavox_edge.engine.engine import Engine
from lunavox_edge.hub import satellite_link
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import Transcript
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.fakes.leaping_loop import wait_for_threads_of
from tests.fakes.leftovers import assert_nothing_left, no_task_left
from tests.fakes.satellite import until
from tests.fakes.stt import ScriptedStt, SttScript
from tests.fakes.tts import ScriptedTts, TtsScript
from tests.fakes.vad import LoudnessVad
from tests.fakes.wake import ScriptedWake, WakeScript
from tests.wire.house import Build, building

PATIENCE_S = 20.0


class Peer:
    """The client of the wyoming package, and its socket for bytes that it would never send."""

    def __init__(self, uri: str) -> None:
        self.client = AsyncTcpClient.from_uri(uri, connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S)

    async def send(self, *events: Event | str) -> None:
        for event in events:
            await self.client.write_event(Event(event) if isinstance(event, str) else event)

    async def send_bytes(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def read(self) -> Event | None:
        return await self.client.read_event()

    async def expect(self, kind: str) -> Event:
        event = await self.read()
        assert event is not None, f"closed instead of {kind}"
        assert event.type == kind, event
        return event

    async def expect_error(self, code: str) -> str:
        error = await self.expect("error")
        assert error.data["code"] == code, error
        return str(error.data["text"])

    async def until(self, kind: str) -> list[Event]:
        """Return the events up to the first one of a type, including that one."""
        events: list[Event] = []
        while not events or events[-1].type != kind:
            event = await self.read()
            assert event is not None, f"closed before {kind}: {[event.type for event in events]}"
            assert kind == "error" or event.type != "error", event
            events.append(event)
        return events

    async def expect_end(self) -> None:
        assert await self.read() is None

    async def alive(self) -> None:
        await self.send("ping")
        await self.expect("pong")

    @property
    def writer(self) -> asyncio.StreamWriter:
        assert self.client._writer is not None
        return self.client._writer

    def vanish(self) -> None:
        """Disconnect like a client that leaves data unread: the connection is reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def leave(self) -> None:
        """Disconnect like a client that has read everything: the server sees only the end of input."""
        self.writer.transport.abort()


@dataclass
class Service:
    """A running server with scripted backends."""

    server: WyomingServer
    engine: Engine
    tts: TtsScript
    stt: SttScript
    transcripts: list[Transcript]
    """The transcripts passed to `on_transcript`."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Peer]:
        peer = Peer(self.server.uri)
        await peer.client.connect()
        try:
            yield peer
        finally:
            writer = peer.client._writer
            if writer is not None:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def quiet(self) -> None:
        """Wait until all connections and all sessions have ended."""
        await self.until(lambda: not self.server.connections)
        await self.engine_idle()

    async def engine_idle(self) -> None:
        """Wait until all sessions have ended."""
        await self.until(lambda: not self.engine.status().sessions and not self.engine.status().wake_sessions)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        await until(
            reached,
            lambda: f"{self.server.connections} connections, {self.engine.status().sessions} sessions",
        )


Serve = Callable[..., Awaitable["Service"]]


@pytest.fixture(autouse=True)
async def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Fail a test that leaves a session, a lease, work of a lane or a task behind."""
    left: list[str] = []
    close = Engine.close

    def checked_close(engine: Engine, timeout_s: float = 5.0) -> None:
        if not engine._closed:
            try:
                assert_nothing_left(engine)
            except AssertionError as error:
                left.append(str(error))
        close(engine, timeout_s)

    monkeypatch.setattr(Engine, "close", checked_close)
    async with no_task_left():
        yield
    assert not left


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> tuple[TtsScript, SttScript]:
    """Replace the built-in backends by scripted ones."""
    built_in = {
        "scripted-tts": "tests.fakes.tts:ScriptedTts",
        "scripted-stt": "tests.fakes.stt:ScriptedStt",
        "scripted-wake": "tests.fakes.wake:ScriptedWake",
    }
    monkeypatch.setattr(registry, "_BUILT_IN", built_in)
    monkeypatch.setattr(registry, "vad", lambda: None)
    tts, stt = TtsScript(), SttScript()
    monkeypatch.setattr(ScriptedTts, "script", tts)
    monkeypatch.setattr(ScriptedStt, "script", stt)
    monkeypatch.setattr(ScriptedWake, "script", WakeScript())
    return tts, stt


@pytest.fixture
async def serve(scripts: tuple[TtsScript, SttScript], tmp_path: Path) -> AsyncIterator[Serve]:
    """Start a service; keywords are sections of settings, such as `limits={"idle_timeout_s": 1}`."""
    async with AsyncExitStack() as stack:

        async def start(**sections: dict[str, object]) -> Service:
            sections.setdefault("wyoming", {"uri": "tcp://127.0.0.1:0"})
            settings = Settings.model_validate(
                {
                    "catalog": {"cache_dir": tmp_path},
                    "engine": {"threads": 2},
                    **sections,
                    "stt": {"model": "ear", **sections.get("stt", {})},
                    # Without the cache every sentence reaches the scripted voice.
                    "tts": {
                        "voice": "alpha",
                        "sentence_silence_ms": 0,
                        "loudness_dbfs": None,
                        "phrase_cache_mb": 0,
                    },
                }
            )
            engine = Engine(settings)
            stack.callback(engine.close)
            wait_for_threads_of(engine)
            transcripts: list[Transcript] = []
            server = WyomingServer(
                engine,
                settings.wyoming,
                settings.limits,
                on_transcript=lambda transcript, _: transcripts.append(transcript),
            )
            await server.start()
            stack.push_async_callback(server.stop, 0.0)
            for script in scripts:
                stack.callback(script.go.set)
            return Service(server, engine, *scripts, transcripts)

        yield start


@pytest.fixture
async def build(
    leaping: None, scripts: tuple[TtsScript, SttScript], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Build]:
    """Start the hub of a house; see `building`."""
    monkeypatch.setattr(registry, "vad", LoudnessVad)
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(satellite_link, "_LONGEST_PAUSE_S", 0.1)
    async with building(scripts, tmp_path) as start:
        yield start


@pytest.fixture
async def service(serve: Serve) -> Service:
    return await serve()
