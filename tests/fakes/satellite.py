"""A satellite controlled by the test: a real server on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution, Describe, Info, Satellite
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import RunSatellite
from wyoming.snd import Played

from tests.fakes.ports import free_port

RATE_HZ = 16_000
CHUNK_S = 0.02


@dataclass
class Came:
    """One event of the hub, and the time at which it came."""

    at_s: float
    event: Event


@dataclass
class FakeSatellite:
    """A server to which the hub connects."""

    name: str = "fake"
    area: str | None = None
    waits_itself: bool = False
    """Whether it detects wake words itself."""
    tells_played: bool = False
    answers_pings: bool = True
    takes_requests: bool = False
    """Whether it streams when the hub sends `run-pipeline`, as our device does."""
    streaming: bool = False
    """Whether a satellite with own wake words streams: from the wake word to the transcript."""
    info: dict[str, object] | None = None
    """Replaces the info of a satellite."""
    came: list[Came] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def start(self) -> None:
        self.port = self.port or free_port()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Disconnect without a goodbye, as after a power cut."""
        self._server.close()
        # A connection accepted a moment ago gets its writer a few turns of the loop later.
        await _turns()
        for writer in list(self._writers):
            writer.transport.abort()
        await _turns()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), 5)

    def __post_init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def uri(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def writer(self) -> asyncio.StreamWriter:
        return self._writers[-1]

    async def say(self, pcm: bytes, *, fast: bool = False) -> None:
        """Send audio of the microphone, in real time."""
        step = int(RATE_HZ * CHUNK_S) * 2
        for start in range(0, len(pcm), step):
            chunk = AudioChunk(RATE_HZ, 2, 1, pcm[start : start + step])
            await async_write_event(chunk.event(), self.writer)
            if not fast:
                await asyncio.sleep(CHUNK_S)

    async def wake(self) -> None:
        """Report its own wake word."""
        self.streaming = True
        await self.send(RunPipeline(PipelineStage.ASR, PipelineStage.TTS).event())

    async def send_stop(self) -> None:
        """Send the end of the audio."""
        await self.send(AudioStop().event())

    async def send(self, event: Event) -> None:
        await async_write_event(event, self.writer)

    def all(self, kind: str) -> list[Event]:
        return [came.event for came in self.came if came.event.type == kind]

    async def until(self, kind: str, count: int = 1) -> Event:
        """Wait for an event of this type."""
        await until(lambda: len(self.all(kind)) >= count, lambda: [came.event.type for came in self.came])
        return self.all(kind)[count - 1]

    def pcm(self) -> bytes:
        return b"".join(event.payload or b"" for event in self.all("audio-chunk"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while (event := await async_read_event(reader)) is not None:
                    await self._take(event, writer)
        finally:
            self._writers.remove(writer)
            writer.close()

    async def _take(self, event: Event, writer: asyncio.StreamWriter) -> None:
        if Describe.is_type(event.type):
            await async_write_event(self._described(), writer)
            return
        if Ping.is_type(event.type):
            if self.answers_pings:
                await async_write_event(Pong().event(), writer)
            return
        self.came.append(Came(time.monotonic(), event))
        if RunSatellite.is_type(event.type) and not self.waits_itself:
            await self.send(RunPipeline(PipelineStage.WAKE, PipelineStage.TTS).event())
        if event.type == "transcript":
            self.streaming = False
        if RunPipeline.is_type(event.type) and self.takes_requests:
            await self.wake()
        if event.type == "audio-stop" and self.tells_played:
            await self.send(Played().event())

    def _described(self) -> Event:
        if self.info is not None:
            return Event("info", self.info)
        about = Satellite(
            name=self.name,
            attribution=Attribution("", ""),
            installed=True,
            description=None,
            version=None,
            area=self.area,
            supports_trigger=self.takes_requests or None,
        )
        return Info(satellite=about).event()


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def until(
    reached: Callable[[], object], seen: Callable[[], object] = list, wait_s: float = 30.0
) -> None:
    """Wait until `reached` returns a true value; else fail with what `seen` returns."""
    end_s = time.monotonic() + wait_s
    while not reached():
        assert time.monotonic() < end_s, seen()
        await asyncio.sleep(0.005)
