"""Where a satellite is heard: a program that plays, a WAV file, or nowhere."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np

from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.audio.pcm import resample, to_pcm16
from lunavox_edge.audio.wav import wav_header
from lunavox_edge.errors import BackendUnavailable, PlaybackFailed, SettingsError
from lunavox_edge.host.players import player_for
from lunavox_edge.types import AudioChunk, Priority

_HEADER_BYTES = 44


class Speaker(Protocol):
    """Plays one speech at a time."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end, as fast as it is heard; cancelling falls silent at once.

        Raises PlaybackFailed.
        """


def open_speaker(target: str) -> Speaker:
    """Return the speaker for `alsa`, `alsa:DEVICE`, `command:PROGRAM …`, `null` or a WAV file.

    Raises SettingsError, BackendUnavailable.
    """
    if target == "null":
        return NullSpeaker()
    kind, _, rest = target.partition(":")
    if kind == "alsa":
        if shutil.which("aplay") is None:
            raise BackendUnavailable("There is no player here. Install one: sudo apt install alsa-utils")
        return ProgramSpeaker(target if rest else "aplay -q -")
    if kind == "command":
        player_for(rest)  # raises for what is no command
        return ProgramSpeaker(rest)
    return FileSpeaker(Path(target))


class SharedSpeaker:
    """A loudspeaker for speech and for other sounds: each begins when the one before has let it go."""

    def __init__(self, speaker: Speaker) -> None:
        """Share a speaker."""
        self._speaker = speaker
        self._turn = asyncio.Lock()

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end, after those that came before. Raises PlaybackFailed."""
        async with self._turn:
            await self._speaker.play(chunks)


class ProgramSpeaker:
    """A program that plays the WAV on its standard input, started for each speech."""

    def __init__(self, output: str) -> None:
        """Store what the sound card is given: `alsa:DEVICE` or a command."""
        self._sound_card = SoundCard(output)

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end. Raises PlaybackFailed."""
        await self._sound_card.play((), chunks, Priority.NORMAL)


class NullSpeaker:
    """Nobody hears it, but it takes its time."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Wait for as long as the speech lasts."""
        pace = _Playing()
        async for chunk in chunks:
            await pace.until_heard(chunk.duration_s)


class FileSpeaker:
    """One WAV file to which every speech is added, as much of it as was heard."""

    def __init__(self, path: Path) -> None:
        """Empty the file. Raises SettingsError."""
        self._path = path
        self._rate_hz = 0
        self._written_bytes = 0
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise SettingsError(f"--speaker {path}: {error.strerror}.") from error

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Write in real time; the file is whole after every piece. Raises PlaybackFailed."""
        pace = _Playing()
        async for chunk in chunks:
            try:
                self._add(chunk)
            except OSError as error:
                raise PlaybackFailed(f"The speaker's file cannot be written: {error.strerror}.") from error
            await pace.until_heard(chunk.duration_s)

    def _add(self, chunk: AudioChunk) -> None:
        self._rate_hz = self._rate_hz or chunk.sample_rate
        pcm = chunk.pcm
        if chunk.sample_rate != self._rate_hz:
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
            pcm = to_pcm16(resample(samples, chunk.sample_rate, self._rate_hz))
        with self._path.open("r+b") as file:
            file.seek(_HEADER_BYTES + self._written_bytes)
            file.write(pcm)
            self._written_bytes += len(pcm)
            file.seek(0)
            file.write(wav_header(self._rate_hz, self._written_bytes))


class _Playing:
    """When a loudspeaker would have finished with what it was given."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until_s = 0.0

    async def until_heard(self, seconds: float) -> None:
        now_s = self._loop.time()
        self._until_s = max(now_s, self._until_s) + seconds
        await asyncio.sleep(self._until_s - now_s)
