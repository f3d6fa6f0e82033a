"""Simulated satellites for the hub, in this process; recordings take the place of people."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from wyoming.event import Event

from lunavox_edge.bench.home_assistant import RATE_HZ
from lunavox_edge.bench.listener_playback import Arrival
from lunavox_edge.bridge import within
from lunavox_edge.errors import TimedOut
from lunavox_edge.satellite.device import SatelliteDevice, Send
from lunavox_edge.satellite.microphone import CHUNK_BYTES, CHUNK_S
from lunavox_edge.satellite.satellite_info import satellite_info
from lunavox_edge.satellite.satellite_server import SatelliteServer
from lunavox_edge.satellite.speaker import NullSpeaker
from lunavox_edge.types import AudioChunk

if TYPE_CHECKING:
    from lunavox_edge.settings.model import LimitSettings

_HISS = 10
"""Standard deviation of the noise of a quiet room, in 16-bit steps."""
_MOST_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class SpokenCommand:
    """A wake word with a command as PCM, and the seconds at which each of them ends."""

    pcm: bytes
    word_end_s: float
    end_s: float
    said: str


@dataclass(frozen=True, slots=True)
class HubEvent:
    """An event of the hub with its time; `audio_s` is the length of an audio-chunk."""

    at_s: float
    kind: str
    text: str = ""
    audio_s: float = 0.0


class SimulatedMicrophone:
    """A microphone in a quiet room, into which PCM is spoken in real time."""

    def __init__(self) -> None:
        """Start with noise only."""
        noise = np.random.default_rng(3).normal(0, _HISS, RATE_HZ // 100 * 300)
        self._noise = noise.astype("<i2").tobytes()
        self._waiting = b""
        self._began: asyncio.Future[float] | None = None
        self.late_s = 0.0
        """Longest time for which the hub delayed a chunk."""

    def say(self, pcm: bytes) -> asyncio.Future[float]:
        """Speak from the next chunk on; the result is the time of the first sample."""
        self._waiting = pcm
        self._began = asyncio.get_running_loop().create_future()
        return self._began

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the sound, each chunk at its end."""
        began_s, count = time.monotonic(), 0
        while True:
            count += 1
            await asyncio.sleep(max(0.0, began_s + count * CHUNK_S - time.monotonic()))
            yield self._next(count, began_s + (count - 1) * CHUNK_S)
            self.late_s = max(self.late_s, time.monotonic() - began_s - count * CHUNK_S)

    def close(self) -> None:
        """Do nothing."""

    def _next(self, count: int, at_s: float) -> bytes:
        piece, self._waiting = self._waiting[:CHUNK_BYTES], self._waiting[CHUNK_BYTES:]
        if piece and self._began is not None and not self._began.done():
            self._began.set_result(at_s)
        start = count * CHUNK_BYTES % (len(self._noise) - CHUNK_BYTES)
        return piece + self._noise[start : start + CHUNK_BYTES - len(piece)]


class SimulatedLoudspeaker:
    """A loudspeaker that plays in real time and records when it became silent."""

    def __init__(self) -> None:
        """Start silent."""
        self._speaker = NullSpeaker()
        self._silent_s = 0.0
        self._silence = asyncio.Event()

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play all chunks."""
        try:
            await self._speaker.play(chunks)
        finally:
            self._silent_s = time.monotonic()
            self._silence.set()

    async def silence(self, *, since_s: float, timeout_s: float) -> float:
        """Return the first time after `since_s` at which it was silent. Raises TimedOut."""
        until_s = time.monotonic() + timeout_s
        while self._silent_s < since_s:
            self._silence.clear()
            try:
                await within(self._silence.wait(), max(0.0, until_s - time.monotonic()))
            except asyncio.TimeoutError:
                raise TimedOut("The satellite does not become silent.") from None
        return self._silent_s


class Room(SatelliteDevice):
    """A satellite that sends audio all the time and records the events of the hub."""

    def __init__(self) -> None:
        """Create the satellite with a simulated microphone and loudspeaker."""
        self.microphone, self.loudspeaker = SimulatedMicrophone(), SimulatedLoudspeaker()
        super().__init__(microphone=self.microphone, speaker=self.loudspeaker, say=lambda _: None)
        self.events: deque[HubEvent] = deque(maxlen=_MOST_EVENTS)
        self._updated = asyncio.Event()

    async def handle(self, event: Event, hub: Send) -> None:
        """Record the event, then handle it."""
        data = event.data
        audio_s = 0.0
        if event.type == "audio-chunk":
            audio_s = len(event.payload or b"") / (data["rate"] * data["width"] * data["channels"])
        self.events.append(HubEvent(time.monotonic(), event.type, str(data.get("text", "")), audio_s))
        self._updated.set()
        await super().handle(event, hub)

    async def until(self, kind: str, *, since_s: float, timeout_s: float) -> HubEvent:
        """Return the first event of a type after `since_s`. Raises TimedOut."""
        found = await self.reached(lambda: self._first(kind, since_s), timeout_s)
        if found is None:
            raise TimedOut(f"The hub sent no {kind}.")
        return found

    async def reached(self, found: Callable[[], HubEvent | None], timeout_s: float) -> HubEvent | None:
        """Call `found` after every event until it returns one; None after `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        while (came := found()) is None and (left_s := until_s - time.monotonic()) > 0:
            self._updated.clear()
            try:
                await within(self._updated.wait(), left_s)
            except asyncio.TimeoutError:
                return found()
        return came

    def speech(self, since_s: float) -> tuple[Arrival, ...]:
        """Return the audio of the first speech after `since_s`, with times relative to it."""
        found: list[Arrival] = []
        for came in self.events:
            if came.at_s < since_s:
                continue
            if came.kind == "audio-chunk":
                found.append(Arrival(came.at_s - since_s, came.audio_s))
            elif came.kind == "audio-stop" and found:
                break
        return tuple(found)

    def _first(self, kind: str, since_s: float) -> HubEvent | None:
        return next((came for came in self.events if came.kind == kind and came.at_s >= since_s), None)


@asynccontextmanager
async def rooms(count: int, limits: LimitSettings) -> AsyncIterator[dict[str, Room]]:
    """Start `count` satellites and yield them by their addresses."""
    async with AsyncExitStack() as stack:
        found: dict[str, Room] = {}
        for number in range(1, count + 1):
            room = Room()
            server = SatelliteServer(
                room,
                satellite_info(f"room {number}", None),
                uri="tcp://127.0.0.1:0",
                allow=(),
                limits=limits,
                say=lambda _: None,
            )
            await server.start()
            stack.push_async_callback(server.stop)
            found[server.uri] = room
        yield found
