"""The playback queue of the device: speeches of the hub and own sounds, in order and bounded."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from lunavox_edge.audio.pcm import Converter, check_format, to_pcm16
from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxError
from lunavox_edge.satellite.speaker import Speaker
from lunavox_edge.types import AudioChunk, AudioFormat

MAX_WAITING_BYTES = 32 * 1024 * 1024
"""Audio that may wait to be played: twelve minutes at 22,050 Hz. Hubs send it as fast as it is made, and
back-pressure would leave their pings unanswered, so audio beyond the limit is dropped."""

_MAX_SPEECHES = 16
# A speech ends after so long without audio.
_STALL_S = 30.0
_PIECE_S = 0.1

_LOGGER = logging.getLogger(__name__)


class PlaybackQueue:
    """Plays one speech after the other, on a task that exists while there are any.

    Used on the event loop only.
    """

    def __init__(
        self,
        speaker: Speaker,
        *,
        on_played: Callable[[LunavoxError | None], Awaitable[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Create an empty queue.

        `on_played` is awaited at the end of each speech of the hub, with the error if it could not be
        played. `on_change` is called when `active` has changed.
        """
        self._speaker = speaker
        self._on_played = on_played
        self._on_change = on_change
        self._speeches: deque[_Speech] = deque()
        self._open: _Speech | None = None
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._cancelled: set[asyncio.Task[None]] = set()
        """Tasks that were cancelled and have not ended yet."""

    @property
    def active(self) -> bool:
        """Whether something plays or waits to be played."""
        return self._task is not None

    def start(self, audio_format: AudioFormat) -> None:
        """Start a speech of the hub, ending the open one. Raises BadAudio."""
        self.stop()
        self._open = speech = _Speech(audio_format, self._removed)
        self._append(speech)

    def play(self, pcm: bytes, rate_hz: int) -> None:
        """Queue a sound of the device, 16-bit mono; `on_played` is not called for it."""
        sound = _Speech(AudioFormat(rate_hz), self._removed)
        sound.awaited = False
        self._waiting_bytes += sound.add(pcm)
        sound.end()
        self._append(sound)

    def add(self, pcm: bytes) -> None:
        """Add audio to the open speech; ignored without one, or if it was dropped.

        Beyond `MAX_WAITING_BYTES` the speech is cut off.
        """
        if self._open is None or self._open.dropped:
            return
        if self._waiting_bytes + len(pcm) > MAX_WAITING_BYTES:
            _LOGGER.warning("A speech is cut: %d MiB wait to be played", MAX_WAITING_BYTES >> 20)
            self._open.end()
            self._open = None
            return
        self._waiting_bytes += self._open.add(pcm)

    def stop(self) -> None:
        """End the open speech; the audio it has is played."""
        if self._open is not None:
            self._open.end()
            self._open = None

    def hub_lost(self) -> None:
        """Handle the loss of the hub: end the open speech, and call `on_played` for none of the queue."""
        self.stop()
        for speech in self._speeches:
            speech.awaited = False

    def silence(self) -> bool:
        """Stop playback, and drop the queue and further audio of the open speech, without `on_played`.

        Return whether the hub waits for the end of a speech.
        """
        awaited = any(speech.awaited for speech in self._speeches)
        if self._open is not None:
            self._open.drop()
        for speech in self._speeches:
            speech.drop()
            speech.awaited = False
        self._speeches = deque()
        if self._task is not None:
            self._task.cancel()
            self._cancelled.add(self._task)
            self._task = None
            self._on_change()
        return awaited

    async def close(self) -> None:
        """Stop playback as `silence` does, and wait until the loudspeaker is free."""
        self.silence()
        if self._cancelled:
            await asyncio.wait(self._cancelled)

    def _append(self, speech: _Speech) -> None:
        if len(self._speeches) >= _MAX_SPEECHES:
            _LOGGER.warning("A speech is dropped: %d already wait", _MAX_SPEECHES)
            speech.drop()
            return
        self._speeches.append(speech)
        if self._task is None:
            work = self._run(self._speeches, tuple(self._cancelled))
            self._task = asyncio.get_running_loop().create_task(work, name="satellite playback")
            self._task.add_done_callback(self._ended)
            self._on_change()

    async def _run(self, speeches: deque[_Speech], before: tuple[asyncio.Task[None], ...]) -> None:
        """Play `speeches`, after the cancelled tasks `before` have ended."""
        if before:
            # The sound card may not be free until then.
            await asyncio.wait(before)
        while speeches:
            error: LunavoxError | None = None
            speech = speeches[0]
            try:
                await self._speaker.play(speech.chunks())
            except LunavoxError as failed:
                _LOGGER.warning("A speech could not be played: %s", failed)
                error = failed
            finally:
                speech.drop()
                speeches.popleft()
            if speech.awaited:
                await self._on_played(error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._cancelled.discard(task)
        if self._task is task:
            self._task = None
            for speech in self._speeches:
                speech.drop()
            self._speeches.clear()
            self._on_change()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("Playing failed", exc_info=error)

    def _removed(self, size: int) -> None:
        self._waiting_bytes -= size


class _Speech:
    """The waiting audio of one speech, converted to 16-bit mono."""

    def __init__(self, audio_format: AudioFormat, removed: Callable[[int], None]) -> None:
        """`removed` is called with the number of bytes whenever audio is played or dropped."""
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        self._rate_hz = audio_format.rate_hz
        plain = audio_format == AudioFormat(audio_format.rate_hz, 2, 1)
        self._converter = None if plain else Converter(audio_format, audio_format.rate_hz)
        self._removed = removed
        self._pcm = bytearray()
        self._updated = asyncio.Event()
        self._over = False
        self.dropped = False
        self.awaited = True
        """Whether the hub waits for its end."""

    def add(self, pcm: bytes) -> int:
        """Add audio; return how many bytes that is after conversion."""
        if self._converter is not None:
            pcm = to_pcm16(self._converter.feed(pcm))
        self._pcm += pcm
        self._updated.set()
        return len(pcm)

    def end(self) -> None:
        self._over = True
        self._updated.set()

    def drop(self) -> None:
        self.dropped = True
        self._removed(len(self._pcm))
        self._pcm.clear()
        self.end()

    async def chunks(self) -> AsyncIterator[AudioChunk]:
        """Yield the audio in pieces of at most 0.1 s, until the end of the speech."""
        most = int(_PIECE_S * self._rate_hz) * 2
        while True:
            size = min(most, len(self._pcm) & ~1)
            if size:
                piece = bytes(self._pcm[:size])
                del self._pcm[:size]
                self._removed(size)
                yield AudioChunk(piece, self._rate_hz)
            elif self._over:
                return
            else:
                self._updated.clear()
                try:
                    await within(self._updated.wait(), _STALL_S)
                except asyncio.TimeoutError:
                    _LOGGER.warning("A speech ends: its audio stopped coming")
                    self._over = True
