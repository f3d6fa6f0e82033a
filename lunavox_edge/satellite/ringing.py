"""The sound of a finished timer: repeated, slowly louder, and bounded in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from lunavox_edge.audio.chime import RINGING, chime
from lunavox_edge.errors import LunavoxError
from lunavox_edge.satellite.speaker import Speaker
from lunavox_edge.types import AudioChunk

# After so much sound, people in the room know that a timer rings, and may speak because of it.
NOTICED_S = 0.7
# The pause after other audio; a hub that waits for the answer to a question asks for audio within it.
_SETTLE_S = 0.5
# The pause after a loudspeaker has failed.
_RETRY_S = 2.0
_RATE_HZ = 22_050
_PIECE_BYTES = _RATE_HZ // 10 * 2
# How far the audio is ahead of playback: players buffer about as much before they start.
_LEAD_S = 1.0
_LOUDNESS = (0.2, 0.3, 0.45, 0.65, 0.9)
_LOUDER_EVERY_S = 8.0

_LOGGER = logging.getLogger(__name__)


class Ringing:
    """Rings from `start` to `stop`, while `may_sound` is True, for at most `ring_s` of sound.

    After every change of `may_sound`, `review` must be called. `on_end` is called when the time of ringing
    is over. Used on the event loop only.
    """

    def __init__(
        self, speaker: Speaker, *, ring_s: float, may_sound: Callable[[], bool], on_end: Callable[[], None]
    ) -> None:
        """Create a silent object; `speaker` must let a sound wait for the one before."""
        self._speaker = speaker
        self._ring_s = ring_s
        self._may_sound = may_sound
        self._on_end = on_end
        self._wanted = False
        self._left_s = 0.0
        self._sounded_s = 0.0
        self._since_s: float | None = None
        self._settle_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def sounding(self) -> bool:
        """Whether the ring plays now."""
        return self._since_s is not None

    @property
    def noticed(self) -> bool:
        """Whether the ring plays now, and has played for 0.7 s since `start`, so that people know of it."""
        if self._since_s is None:
            return False
        return self._sounded_s + asyncio.get_running_loop().time() - self._since_s >= NOTICED_S

    def start(self) -> None:
        """Start ringing, or start the time of a ring anew."""
        if not self._wanted:
            self._sounded_s = self._settle_s = 0.0
        self._wanted, self._left_s = True, self._ring_s
        self.review()

    def stop(self) -> None:
        """Stop ringing at once."""
        self._wanted = False
        self.review()

    def review(self) -> None:
        """Start or stop the sound, by the current value of `may_sound`."""
        loop, task = asyncio.get_running_loop(), self._task
        sounds = self._wanted and self._may_sound()
        if sounds and task is None:
            self._task = loop.create_task(self._run(self._settle_s), name="satellite ringing")
        elif not sounds and task is not None:
            self._task = None
            self._stop_counting()
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._settle_s = _SETTLE_S

    async def close(self) -> None:
        """Stop, and wait until the loudspeaker is free."""
        self.stop()
        if self._ending:
            await asyncio.wait(self._ending)

    async def _run(self, settle_s: float) -> None:
        warned = False
        try:
            await asyncio.sleep(settle_s)
            while self._left_s > 0:
                try:
                    async with aclosing(self._sound()) as sound:
                        await self._speaker.play(sound)
                except LunavoxError as error:
                    if not warned:
                        _LOGGER.warning("A timer rings, but is not heard: %s", error)
                    warned = True
                self._stop_counting()
                if self._left_s > 0:
                    self._left_s -= _RETRY_S
                    await asyncio.sleep(_RETRY_S)
        except Exception:
            _LOGGER.exception("A timer could not ring")
        # Not reached after a cancellation, when another task may be running already.
        self._task = None
        self._wanted = False
        self._stop_counting()
        self._on_end()

    def _stop_counting(self) -> None:
        """Add the time since the sound started to the total."""
        if self._since_s is not None:
            self._sounded_s += asyncio.get_running_loop().time() - self._since_s
            self._since_s = None

    async def _sound(self) -> AsyncGenerator[AudioChunk, None]:
        """Yield the signal again and again, at most `_LEAD_S` ahead of playback."""
        loop = asyncio.get_running_loop()
        begun_s, sent_s = loop.time(), 0.0
        self._since_s = begun_s
        while True:
            step = int((self._ring_s - self._left_s) / _LOUDER_EVERY_S)
            signal = chime(RINGING, _RATE_HZ, _LOUDNESS[min(step, len(_LOUDNESS) - 1)])
            for start in range(0, len(signal), _PIECE_BYTES):
                if self._left_s <= 0:
                    return
                piece = AudioChunk(signal[start : start + _PIECE_BYTES], _RATE_HZ)
                self._left_s -= piece.duration_s
                sent_s += piece.duration_s
                yield piece
                await asyncio.sleep(max(0.0, sent_s - _LEAD_S - (loop.time() - begun_s)))
