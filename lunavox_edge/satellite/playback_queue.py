"""What the hub wants to be heard: speeches in their order, bounded, and silenced at once."""

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
"""Speech that may wait to be played: twelve minutes of what Piper makes. Hubs send as fast as it is made,
and reading no further would leave their pings without an answer, so the rest is dropped."""

_MAX_SPEECHES = 16
# A hub that began a speech and sends neither audio nor its end.
_STALL_S = 30.0
_PIECE_S = 0.1

_LOGGER = logging.getLogger(__name__)


class PlaybackQueue:
    """Plays one speech after the other on a task of its own, which lives while there are any."""

    def __init__(
        self,
        speaker: Speaker,
        *,
        on_played: Callable[[LunavoxError | None], Awaitable[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Be silent.

        `on_played` is told the end of each speech of the hub, and why it was not heard if so; `on_change`
        is called when `active` has changed.
        """
        self._speaker = speaker
        self._on_played = on_played
        self._on_change = on_change
        self._speeches: deque[_Speech] = deque()
        self._open: _Speech | None = None
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._silenced: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> bool:
        """Whether something is played or about to be."""
        return self._task is not None

    def start(self, audio_format: AudioFormat) -> None:
        """Begin a speech; one that is open ends. Raises BadAudio."""
        self.stop()
        self._open = speech = _Speech(audio_format, self._took)
        self._append(speech)

    def play(self, pcm: bytes, rate_hz: int) -> None:
        """Play a sound of this satellite, 16-bit mono, after what waits; its end is told to nobody."""
        sound = _Speech(AudioFormat(rate_hz), self._took)
        sound.owned = False
        self._waiting_bytes += sound.add(pcm)
        sound.end()
        self._append(sound)

    def add(self, pcm: bytes) -> None:
        """Add audio to the open speech; nothing happens without one, or once it was silenced."""
        if self._open is None or self._open.dropped:
            return
        if self._waiting_bytes + len(pcm) > MAX_WAITING_BYTES:
            _LOGGER.warning("A speech is cut: %d MiB wait to be played", MAX_WAITING_BYTES >> 20)
            self._open.end()
            self._open = None
            return
        self._waiting_bytes += self._open.add(pcm)

    def stop(self) -> None:
        """No more audio comes for the open speech."""
        if self._open is not None:
            self._open.end()
            self._open = None

    def disown(self) -> None:
        """Whoever sent this has gone: end the open speech, and tell the end of none of them."""
        self.stop()
        for speech in self._speeches:
            speech.owned = False

    def hush(self) -> bool:
        """Fall silent at once, drop what waits and what still comes for it, and tell no end of it.

        Return whether the hub waits for an end.
        """
        owed = any(speech.owned for speech in self._speeches)
        if self._open is not None:
            self._open.drop()
        for speech in self._speeches:
            speech.drop()
            speech.owned = False
        self._speeches = deque()
        if self._task is not None:
            self._task.cancel()
            self._silenced.add(self._task)
            self._task = None
            self._on_change()
        return owed

    async def close(self) -> None:
        """Hush, and wait until it is silent."""
        self.hush()
        if self._silenced:
            await asyncio.wait(self._silenced)

    def _append(self, speech: _Speech) -> None:
        if len(self._speeches) >= _MAX_SPEECHES:
            _LOGGER.warning("A speech is dropped: %d already wait", _MAX_SPEECHES)
            speech.drop()
            return
        self._speeches.append(speech)
        if self._task is None:
            played = self._run(self._speeches, tuple(self._silenced))
            self._task = asyncio.get_running_loop().create_task(played, name="satellite playback")
            self._task.add_done_callback(self._ended)
            self._on_change()

    async def _run(self, speeches: deque[_Speech], before: tuple[asyncio.Task[None], ...]) -> None:
        if before:
            # The sound card may not be free yet.
            await asyncio.wait(before)
        while speeches:
            error: LunavoxError | None = None
            speech = speeches[0]
            try:
                await self._speaker.play(speech.chunks())
            except LunavoxError as failed:
                _LOGGER.warning("A speech was not heard: %s", failed)
                error = failed
            finally:
                speech.drop()
                speeches.popleft()
            if speech.owned:
                await self._on_played(error)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._silenced.discard(task)
        if self._task is task:
            self._task = None
            for speech in self._speeches:
                speech.drop()
            self._speeches.clear()
            self._on_change()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("Playing failed", exc_info=error)

    def _took(self, size: int) -> None:
        self._waiting_bytes -= size


class _Speech:
    """The audio of one speech on its way to the loudspeaker, as 16-bit mono."""

    def __init__(self, audio_format: AudioFormat, took: Callable[[int], None]) -> None:
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        self._rate_hz = audio_format.rate_hz
        plain = audio_format == AudioFormat(audio_format.rate_hz, 2, 1)
        self._converter = None if plain else Converter(audio_format, audio_format.rate_hz)
        self._took = took
        self._pcm = bytearray()
        self._news = asyncio.Event()
        self._over = False
        self.dropped = False
        self.owned = True

    def add(self, pcm: bytes) -> int:
        """Return how many bytes of audio this adds."""
        if self._converter is not None:
            pcm = to_pcm16(self._converter.feed(pcm))
        self._pcm += pcm
        self._news.set()
        return len(pcm)

    def end(self) -> None:
        self._over = True
        self._news.set()

    def drop(self) -> None:
        self.dropped = True
        self._took(len(self._pcm))
        self._pcm.clear()
        self.end()

    async def chunks(self) -> AsyncIterator[AudioChunk]:
        """Yield what there is, in pieces that a loudspeaker plays soon, until the end."""
        most = int(_PIECE_S * self._rate_hz) * 2
        while True:
            size = min(most, len(self._pcm) & ~1)
            if size:
                piece = bytes(self._pcm[:size])
                del self._pcm[:size]
                self._took(size)
                yield AudioChunk(piece, self._rate_hz)
            elif self._over:
                return
            else:
                self._news.clear()
                try:
                    await within(self._news.wait(), _STALL_S)
                except asyncio.TimeoutError:
                    _LOGGER.warning("A speech ends: its audio stopped coming")
                    self._over = True
