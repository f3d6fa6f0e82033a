"""Microphones of the device: a WAV file, standard input, or a program that records.

Every source yields `FORMAT` in chunks of `CHUNK_S`, in real time and without an end: silence follows a file,
and a program that ends is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shlex
import shutil
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

from lunavox_edge import program
from lunavox_edge.audio.pcm import Converter, to_pcm16
from lunavox_edge.audio.wav import read_wav, sniff_header
from lunavox_edge.bridge import within
from lunavox_edge.errors import BackendUnavailable, BadAudio, SettingsError
from lunavox_edge.types import AudioFormat

FORMAT = AudioFormat(rate_hz=16_000, width_bytes=2, channels=1)
CHUNK_S = 0.03
CHUNK_BYTES = int(CHUNK_S * FORMAT.rate_hz) * FORMAT.frame_bytes
MAX_FILE_BYTES = 256 * 1024 * 1024

# A pipe may hold a recording, so it is read in real time. It may be 5 % faster, because the clock of a real
# microphone differs from ours and the difference would add up, and ahead by 0.25 s, because a microphone
# brings more than a chunk at once.
_PIPE_SPEED = 1.05
_PIPE_SLACK_S = 0.25
# Small periods, because audio arrives only when a period is full.
_RECORDING = (
    *("-q", "-t", "raw", "-f", "S16_LE", "-r", str(FORMAT.rate_hz), "-c", str(FORMAT.channels)),
    *("--period-time=30000", "--buffer-time=1000000"),
)
_READ_BYTES = 4096
_WAV_MAGIC = b"RIFF"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_NO_PIPE = "--mic stdin reads from a pipe: … | lunavox-edge satellite --mic stdin"
_STALE_WAIT_S = 0.02
_STALE_READS = 64
_ERROR_OUTPUT_S = 1.0

_LOGGER = logging.getLogger(__name__)


class Microphone(Protocol):
    """A source of audio that can be read again and again, by one reader at a time."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield chunks of `CHUNK_BYTES` in real time, without end; closing it closes the source."""

    def close(self) -> None:
        """Release what is kept between reads; it is not read again."""


def open_microphone(source: str) -> Microphone:
    """Return the microphone for `alsa`, `alsa:DEVICE`, `stdin`, `command:PROGRAM …` or a WAV file.

    Raises SettingsError, BackendUnavailable, BadAudio.
    """
    kind, _, rest = source.partition(":")
    if kind == "alsa":
        recorder = shutil.which("arecord")
        if recorder is None:
            raise BackendUnavailable("There is no recorder here. Install one: sudo apt install alsa-utils")
        device = ("-D", rest) if rest else ()
        return ProgramMicrophone((recorder, *device, *_RECORDING))
    if source == "stdin":
        if sys.stdin is None:
            raise SettingsError(_NO_PIPE)
        return StdinMicrophone(sys.stdin.buffer)
    if kind == "command":
        try:
            command = tuple(shlex.split(rest))
        except ValueError:
            command = ()
        if not command:
            raise SettingsError("--mic command: needs a program; check its quotes.")
        return ProgramMicrophone(command)
    return FileMicrophone(Path(source))


class FileMicrophone:
    """A WAV file, which every reader gets from its beginning."""

    def __init__(self, path: Path) -> None:
        """Read and convert the file. Raises SettingsError, BadAudio."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise BadAudio("This recording is too long for a microphone; 256 MB are the limit.")
            data = path.read_bytes()
        except OSError as error:
            raise SettingsError(f"--mic {path}: {error.strerror}.") from error
        audio_format, pcm = read_wav(data)
        self._pcm = pcm if audio_format == FORMAT else _converted(pcm, audio_format)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the file, then silence."""
        pace = _Pace()
        for start in range(0, len(self._pcm), CHUNK_BYTES):
            yield self._pcm[start : start + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
            await pace.keep(CHUNK_S)
        async for silence in _silence(pace):
            yield silence

    def close(self) -> None:
        """Nothing is open."""


class StdinMicrophone:
    """PCM in `FORMAT`, or a WAV, from standard input; audio that comes while it is not read is dropped."""

    def __init__(self, file: BinaryIO) -> None:
        """Read from `file`, which must be a pipe or socket. Raises SettingsError."""
        mode = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            raise SettingsError(_NO_PIPE)
        self._file = file
        self._reader: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None
        self._decoder = _Decoder()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the audio that comes, then silence."""
        if self._reader is None:
            self._reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(self._reader)
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.connect_read_pipe(lambda: protocol, self._file)
        else:
            await _drop_stale(self._reader, self._decoder)
        try:
            async for chunk in _paced(self._reader, self._decoder):
                yield chunk
        except BadAudio as error:
            _LOGGER.warning("The audio on standard input cannot be used: %s", error)
        async for silence in _silence(_Pace()):
            yield silence

    def close(self) -> None:
        """Close standard input."""
        if self._transport is not None:
            self._transport.close()


class ProgramMicrophone:
    """The standard output of a program: PCM in `FORMAT`, or a WAV."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """Read from `command`, which runs only while it is read."""
        self._command = command

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield what the program records; start it again, after a growing pause, when it ends."""
        name, pause_s = Path(self._command[0]).name, _FIRST_PAUSE_S
        while True:
            async with contextlib.aclosing(self._run(name)) as chunks:
                async for chunk in chunks:
                    pause_s = _FIRST_PAUSE_S
                    yield chunk
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def close(self) -> None:
        """Nothing is open."""

    async def _run(self, name: str) -> AsyncGenerator[bytes, None]:
        try:
            recorder = await program.start(self._command, stdin=DEVNULL, stdout=PIPE)
        except OSError as error:
            _LOGGER.warning("The microphone cannot be opened: %s: %s", name, error.strerror)
            return
        error_output = asyncio.ensure_future(program.last_words(recorder))
        try:
            if recorder.stdout is not None:
                async for chunk in _paced(recorder.stdout, _Decoder()):
                    yield chunk
            reason = await within(error_output, _ERROR_OUTPUT_S)
            _LOGGER.warning("The microphone has ended: %s: %s", name, reason or "no reason given")
        except BadAudio as error:
            _LOGGER.warning("The audio of the microphone cannot be used: %s: %s", name, error)
        except asyncio.TimeoutError:
            _LOGGER.warning("The microphone has ended: %s", name)
        finally:
            error_output.cancel()
            await program.end(recorder)


class _Decoder:
    """Converts the bytes of a source to `FORMAT`: raw PCM is kept, a WAV is converted by its header."""

    def __init__(self) -> None:
        self._start: bytes | None = b""
        self._converter: Converter | None = None
        self._pcm = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises BadAudio for a WAV that cannot be used."""
        if self._start is not None:
            self._start += data
            if self._start[:4] == _WAV_MAGIC[: len(self._start)]:
                header = sniff_header(self._start)
                if header is None and len(self._start) < _READ_BYTES:
                    return
                if header is not None:
                    self._start = self._start[header.data_offset :]
                    if header.audio_format != FORMAT:
                        self._converter = Converter(header.audio_format, FORMAT.rate_hz)
            data, self._start = self._start, None
        self._pcm += data if self._converter is None else to_pcm16(self._converter.feed(data))

    def chunk(self) -> bytes | None:
        """Return the next whole chunk, if there is one."""
        if len(self._pcm) < CHUNK_BYTES:
            return None
        chunk = bytes(self._pcm[:CHUNK_BYTES])
        del self._pcm[:CHUNK_BYTES]
        return chunk

    def drop(self) -> None:
        """Drop the waiting audio, whole samples only."""
        del self._pcm[: len(self._pcm) & ~1]


class _Pace:
    """Limits a source to `speed` times real time, plus a lead of `slack_s`."""

    def __init__(self, speed: float = 1.0, slack_s: float = 0.0) -> None:
        self._speed = speed
        self._slack_s = slack_s
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time()

    async def keep(self, seconds: float) -> None:
        """Wait if the audio passed on, `seconds` more, is ahead. A source that was late may not catch up."""
        now_s = self._loop.time()
        self._due_s = max(self._due_s, now_s - CHUNK_S) + seconds / self._speed
        await asyncio.sleep(max(0.0, self._due_s - now_s - self._slack_s))


async def _paced(reader: asyncio.StreamReader, decoder: _Decoder) -> AsyncIterator[bytes]:
    """Yield whole chunks of a stream, up to its end. Raises BadAudio."""
    pace = _Pace(_PIPE_SPEED, _PIPE_SLACK_S)
    while data := await reader.read(_READ_BYTES):
        decoder.feed(data)
        while (chunk := decoder.chunk()) is not None:
            yield chunk
            await pace.keep(CHUNK_S)


async def _silence(pace: _Pace) -> AsyncIterator[bytes]:
    while True:
        yield bytes(CHUNK_BYTES)
        await pace.keep(CHUNK_S)


async def _drop_stale(reader: asyncio.StreamReader, decoder: _Decoder) -> None:
    """Drop the audio that has come while the stream was not read."""
    decoder.drop()
    with contextlib.suppress(asyncio.TimeoutError, BadAudio):
        for _ in range(_STALE_READS):
            data = await within(reader.read(_READ_BYTES), _STALE_WAIT_S)
            decoder.feed(data)
            decoder.drop()
            if not data:
                return


def _converted(pcm: bytes, audio_format: AudioFormat) -> bytes:
    converter = Converter(audio_format, FORMAT.rate_hz)
    return to_pcm16(converter.feed(pcm)) + to_pcm16(converter.finish())
