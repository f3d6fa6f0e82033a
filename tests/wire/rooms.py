"""A running satellite device for tests that act as its hub; microphone and loudspeaker are files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from lunavox_edge.audio.wav import read_wav, wav_bytes
from lunavox_edge.engine.engine import Engine
from lunavox_edge.satellite.device import SOUNDS, SatelliteDevice, Sounds
from lunavox_edge.satellite.microphone import open_microphone
from lunavox_edge.satellite.satellite_info import satellite_info
from lunavox_edge.satellite.satellite_server import SatelliteServer
from lunavox_edge.satellite.speaker import open_speaker
from lunavox_edge.satellite.timers import Clock
from lunavox_edge.satellite.words import Words
from lunavox_edge.settings.model import Settings
from tests.fakes.satellite import until
from tests.wire.conftest import Peer

RATE_HZ = 22_050


def speech(seconds: float, *, rate_hz: int = RATE_HZ, level: int = 1000) -> list[Event]:
    pcm = level.to_bytes(2, "little", signed=True) * int(rate_hz * seconds)
    shape = {"rate": rate_hz, "width": 2, "channels": 1}
    return [
        AudioStart(**shape).event(),
        *(AudioChunk(**shape, audio=pcm[at : at + 2048]).event() for at in range(0, len(pcm), 2048)),
        AudioStop().event(),
    ]


@dataclass
class Room:
    """A running satellite device."""

    satellite: SatelliteDevice
    server: SatelliteServer
    said: list[str]
    speaker: Path

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Peer]:
        peer = Peer(self.server.uri)
        await peer.client.connect()
        try:
            yield peer
        finally:
            with suppress(OSError):
                await peer.client.disconnect()

    def heard(self) -> bytes:
        written = self.speaker.read_bytes()
        return read_wav(written)[1] if written else b""

    async def until(self, reached: Callable[[], bool]) -> None:
        await until(reached, lambda: f"{self.satellite.phase}: {self.said}")


Furnish = Callable[..., Awaitable[Room]]


@asynccontextmanager
async def furnishing(tmp_path: Path) -> AsyncIterator[Furnish]:
    """Yield a function that starts devices; `sound` is the PCM in the microphone's file."""
    async with AsyncExitStack() as stack:

        async def start(
            sound: bytes = b"",
            *,
            words: tuple[str, ...] | None = None,
            mic: str | None = None,
            speaker: str | None = None,
            stop_words: tuple[str, ...] = (),
            sounds: Sounds = SOUNDS,
            clock: Clock | None = None,
            **settings: object,
        ) -> Room:
            sections = Settings.model_validate({"catalog": {"cache_dir": tmp_path}, **settings})
            recording = tmp_path / "microphone.wav"
            recording.write_bytes(wav_bytes(sound, 16_000))
            engine = None
            if words is not None:
                engine = Engine(sections)
                stack.callback(engine.close)
            told: list[str] = []
            satellite = SatelliteDevice(
                microphone=open_microphone(mic or str(recording)),
                speaker=open_speaker(speaker or str(tmp_path / "speaker.wav")),
                say=told.append,
                engine=engine,
                words=Words(words or (), stop_words),
                sounds=sounds,
                clock=clock,
            )
            info = satellite_info("kitchen", "Kitchen", engine=engine, words=words or ())
            server = SatelliteServer(
                satellite,
                info,
                uri="tcp://127.0.0.1:0",
                allow=sections.wyoming.allow,
                limits=sections.limits,
                say=told.append,
            )
            await server.start()
            stack.push_async_callback(server.stop)
            return Room(satellite, server, told, tmp_path / "speaker.wav")

        yield start
