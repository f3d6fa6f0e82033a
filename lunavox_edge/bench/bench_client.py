"""Wyoming clients of the benchmark: one connection per request, with the time of every event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from lunavox_edge.address import Address
from lunavox_edge.bench.home_assistant import CHUNK_BYTES, CHUNK_S, RATE_HZ
from lunavox_edge.bench.listener_playback import Arrival
from lunavox_edge.bridge import cancel_and_wait, within
from lunavox_edge.errors import InternalError, ProtocolError, TimedOut, Unreachable

_T = TypeVar("_T")

_LINE_BYTES = 1024 * 1024
_BURST_BYTES = 3200
_SHAPE = {"rate": RATE_HZ, "width": 2, "channels": 1}


@dataclass(frozen=True, slots=True)
class Spoken:
    """The audio of one synthesis request; times in seconds since the request began."""

    arrivals: tuple[Arrival, ...]
    total_s: float
    pcm: bytes
    rate_hz: int

    @property
    def first_audio_s(self) -> float:
        """When playback could start."""
        return self.arrivals[0].at_s

    @property
    def audio_s(self) -> float:
        """Length of the speech in seconds."""
        return sum(arrival.audio_s for arrival in self.arrivals)


@dataclass(frozen=True, slots=True)
class HeardTranscript:
    """One transcript; times in seconds since the first audio was sent."""

    text: str
    at_s: float
    stop_s: float | None
    """When audio-stop was sent; None if the service found the end itself."""


class BenchConnection:
    """One connection to a service. Its waits have no timeout; see `bounded`."""

    def __init__(self, uri: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap the streams of an open connection."""
        self._uri = uri
        self._reader = reader
        self._writer = writer

    async def send(self, event: Event) -> None:
        """Write one event."""
        try:
            await async_write_event(event, self._writer)
        except OSError as error:
            raise Unreachable(f"The service at {self._uri} closed the connection.") from error

    async def receive(self) -> Event:
        """Return the next event. Raises Unreachable at the end, InternalError for an error event."""
        try:
            event = await async_read_event(self._reader)
        except (OSError, EOFError) as error:
            raise Unreachable(f"The service at {self._uri} closed the connection.") from error
        if event is None:
            raise Unreachable(f"The service at {self._uri} closed the connection.")
        if Error.is_type(event.type):
            raise InternalError(
                f"The service at {self._uri} answered with an error: {event.data.get('text')!s:.200}"
            )
        return event

    async def receive_type(self, wanted: str) -> Event:
        """Return the next event of a type and ignore others before it."""
        while (event := await self.receive()).type != wanted:
            pass
        return event

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(uri: str) -> AsyncIterator[BenchConnection]:
    """Context manager for a connection. Raises Unreachable."""
    address = Address.parse(uri)
    try:
        if address.path is None:
            streams = await asyncio.open_connection(address.host, address.port, limit=_LINE_BYTES)
        else:
            streams = await asyncio.open_unix_connection(address.path, limit=_LINE_BYTES)
    except OSError as error:
        raise Unreachable(f"No service answers at {uri}.") from error
    connection = BenchConnection(uri, *streams)
    try:
        yield connection
    finally:
        await connection.close()


async def describe(uri: str, *, timeout_s: float) -> tuple[Info, float]:
    """Return the service's Info and the seconds until it arrived. Raises TimedOut."""

    async def ask() -> tuple[Info, float]:
        started_s = time.perf_counter()
        async with connected(uri) as connection:
            await connection.send(Describe().event())
            event = await connection.receive_type("info")
            return Info.from_event(event), time.perf_counter() - started_s

    return await bounded(ask(), timeout_s)


async def speak(
    uri: str, text: str, *, timeout_s: float, on_first: Callable[[float], None] | None = None
) -> Spoken:
    """Request a whole text; `on_first` is called with the seconds until the first audio."""

    async def ask() -> Spoken:
        started_s = time.perf_counter()
        async with connected(uri) as connection:
            await connection.send(Synthesize(text=text).event())
            return await _receive_speech(connection, started_s, AudioStop, on_first)

    return await bounded(ask(), timeout_s)


async def speak_streamed(uri: str, tokens: Sequence[str], *, token_s: float, timeout_s: float) -> Spoken:
    """Request a text token by token, in the order of messages of Home Assistant; a token every `token_s`."""

    async def write(connection: BenchConnection, started_s: float) -> None:
        await connection.send(SynthesizeStart().event())
        for number, token in enumerate(tokens):
            await asyncio.sleep(started_s + number * token_s - time.perf_counter())
            await connection.send(SynthesizeChunk(text=token).event())
        await connection.send(Synthesize(text="".join(tokens)).event())
        await connection.send(SynthesizeStop().event())

    async def ask() -> Spoken:
        started_s = time.perf_counter()
        async with connected(uri) as connection:
            writing = asyncio.create_task(write(connection, started_s), name="tokens")
            try:
                return await _receive_speech(connection, started_s, SynthesizeStopped)
            finally:
                await cancel_and_wait(writing)

    return await bounded(ask(), timeout_s)


async def hear_at_once(uri: str, pcm: bytes, *, language: str, timeout_s: float) -> HeardTranscript:
    """Send a recording as fast as the service accepts it, and return the transcript."""

    async def ask() -> HeardTranscript:
        async with connected(uri) as connection:
            started_s = time.perf_counter()
            await connection.send(Transcribe(language=language).event())
            await connection.send(AudioStart(**_SHAPE).event())
            for start in range(0, len(pcm), _BURST_BYTES):
                await connection.send(_chunk(pcm[start : start + _BURST_BYTES]))
            await connection.send(AudioStop().event())
            stop_s = time.perf_counter() - started_s
            text = Transcript.from_event(await connection.receive_type("transcript")).text
            return HeardTranscript(text, time.perf_counter() - started_s, stop_s)

    return await bounded(ask(), timeout_s)


async def hear_live(
    uri: str,
    pcm: bytes,
    *,
    stop_s: float | None,
    sensitivity: str | None,
    language: str,
    timeout_s: float,
) -> HeardTranscript:
    """Send a recording in real time, 10 ms every 10 ms, and return the transcript.

    audio-stop is sent at `stop_s`; with None at the end of the recording, so that the service has time
    to find the end of speech itself.
    """
    size = len(pcm) if stop_s is None else min(len(pcm), round(stop_s / CHUNK_S) * CHUNK_BYTES)

    async def send_audio(connection: BenchConnection, started_s: float) -> float:
        for number, start in enumerate(range(0, size, CHUNK_BYTES), start=1):
            await asyncio.sleep(started_s + number * CHUNK_S - time.perf_counter())
            await connection.send(_chunk(pcm[start : start + CHUNK_BYTES]))
        stopped_s = time.perf_counter() - started_s
        await connection.send(AudioStop().event())
        return stopped_s

    async def ask() -> HeardTranscript:
        async with connected(uri) as connection:
            await connection.send(Transcribe(language=language, vad_sensitivity=sensitivity).event())
            await connection.send(AudioStart(**_SHAPE).event())
            started_s = time.perf_counter()
            sending = asyncio.create_task(send_audio(connection, started_s), name="room")
            try:
                event = await connection.receive_type("transcript")
                at_s = time.perf_counter() - started_s
                stopped_s = sending.result() if sending.done() and not sending.exception() else None
                return HeardTranscript(Transcript.from_event(event).text, at_s, stopped_s)
            finally:
                await cancel_and_wait(sending)

    return await bounded(ask(), timeout_s)


async def _receive_speech(
    connection: BenchConnection,
    started_s: float,
    end: type[AudioStop | SynthesizeStopped],
    on_first: Callable[[float], None] | None = None,
) -> Spoken:
    arrivals: list[Arrival] = []
    pcm = bytearray()
    rate_hz = 0
    while not end.is_type((event := await connection.receive()).type):
        if AudioChunk.is_type(event.type) and event.payload:
            chunk = AudioChunk.from_event(event)
            rate_hz = chunk.rate
            arrivals.append(Arrival(time.perf_counter() - started_s, chunk.seconds))
            if on_first is not None and len(arrivals) == 1:
                on_first(arrivals[0].at_s)
            pcm += chunk.audio
    if not arrivals:
        raise ProtocolError("The service ended a speech without any audio.")
    return Spoken(tuple(arrivals), time.perf_counter() - started_s, bytes(pcm), rate_hz)


def _chunk(pcm: bytes) -> Event:
    return Event("audio-chunk", dict(_SHAPE), pcm)


async def bounded(work: Coroutine[Any, Any, _T], timeout_s: float) -> _T:
    """Wait for `work` for at most `timeout_s`. Raises TimedOut."""
    try:
        return await within(work, timeout_s)
    except asyncio.TimeoutError as error:
        raise TimedOut(f"No answer within {timeout_s:g} seconds.") from error
