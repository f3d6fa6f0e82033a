"""Loudspeakers of the device: a player program, a WAV file, or none."""

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
    """A loudspeaker; the caller must play one speech at a time."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end, in real time; cancelling stops playback at once.

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
        player_for(rest)  # raises for an invalid command
        return ProgramSpeaker(rest)
    return FileSpeaker(Path(target))


class SharedSpeaker:
    """A loudspeaker with several users, each of which waits until the one before has ended."""

    def __init__(self, speaker: Speaker) -> None:
        """Share `speaker`."""
        self._speaker = speaker
        self._turn = asyncio.Lock()

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Wait for earlier calls to end, then play to the end. Raises PlaybackFailed."""
        async with self._turn:
            await self._speaker.play(chunks)


class ProgramSpeaker:
    """A program that plays the WAV on its standard input, started for each speech."""

    def __init__(self, output: str) -> None:
        """Play through `output`: `alsa:DEVICE` or a command."""
        self._sound_card = SoundCard(output)

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end. Raises PlaybackFailed."""
        await self._sound_card.play((), chunks, Priority.NORMAL)


class NullSpeaker:
    """A loudspeaker without sound, which takes as long as a real one."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Wait for the duration of the speech."""
        clock = _PlaybackClock()
        async for chunk in chunks:
            await clock.until_played(chunk.duration_s)


class FileSpeaker:
    """A WAV file to which every speech is appended, in real time.

    The rate is that of the first speech; others are resampled.
    """

    def __init__(self, path: Path) -> None:
        """Create or empty the file. Raises SettingsError."""
        self._path = path
        self._rate_hz = 0
        self._written_bytes = 0
        try:
            path.write_bytes(b"")
        except OSError as error:
            raise SettingsError(f"--speaker {path}: {error.strerror}.") from error

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Append the speech; the file is a valid WAV after every chunk. Raises PlaybackFailed."""
        clock = _PlaybackClock()
        async for chunk in chunks:
            try:
                self._add(chunk)
            except OSError as error:
                raise PlaybackFailed(f"The speaker's file cannot be written: {error.strerror}.") from error
            await clock.until_played(chunk.duration_s)

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


class _PlaybackClock:
    """The clock of a loudspeaker that plays in real time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until_s = 0.0

    async def until_played(self, seconds: float) -> None:
        """Wait until the next `seconds` of audio would have been played."""
        now_s = self._loop.time()
        self._until_s = max(now_s, self._until_s) + seconds
        await asyncio.sleep(self._until_s - now_s)
