"""What a satellite's microphone is listened to for: wake words all the time, one utterance after a call.

Of the audio, the last two seconds are kept in memory while wake words are waited for, because the first word
after the wake word is often said before that is known; nothing is kept otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.errors import LunavoxError
from lunavox_edge.types import AudioFormat, Detection, Transcript

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.hearing.utterance import Utterance
    from lunavox_edge.engine.waking.wake_session import WakeSession

_KEPT_S = 2.0
# A microphone that sends nothing for so long has been unplugged.
_NO_AUDIO_S = 3.0
_TRANSCRIPT_TIMEOUT_S = 60.0
# Past the settings' own bounds on an utterance there is no reason to wait.
_SPARE_S = 10.0
_AGAIN_S = 5.0

_LOGGER = logging.getLogger(__name__)


class WakeListener:
    """Waits for wake words in the audio of one satellite."""

    def __init__(
        self, engine: Engine, names: tuple[str, ...], on_word: Callable[[Detection, bytes, AudioFormat], None]
    ) -> None:
        """Store; `on_word` is called on the loop with the audio that followed the word, and its format."""
        self._engine = engine
        self._names = names
        self._on_word = on_word
        self._wake_session: WakeSession | None = None
        self._format: AudioFormat | None = None
        self._kept: deque[tuple[float, bytes]] = deque()
        self._fed_s = 0.0
        self._refused_until_s = 0.0
        self.problem: str | None = None

    def feed(self, pcm: bytes, audio_format: AudioFormat) -> None:
        """Take the next audio."""
        if self._wake_session is None or audio_format != self._format:
            self.close()
            self._open(audio_format)
        if self._wake_session is None:
            return
        self._wake_session.feed(pcm)
        self._kept.append((self._fed_s, pcm))
        self._fed_s += len(pcm) / (audio_format.rate_hz * audio_format.frame_bytes)
        while len(self._kept) > 1 and self._kept[1][0] <= self._fed_s - _KEPT_S:
            self._kept.popleft()

    def close(self) -> None:
        """Stop waiting, and forget the audio. Idempotent."""
        wake_session, self._wake_session = self._wake_session, None
        self._kept.clear()
        self._fed_s = 0.0
        if wake_session is not None:
            wake_session.cancel()

    def _open(self, audio_format: AudioFormat) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < self._refused_until_s:
            return
        self._format = audio_format

        def told(detection: Detection) -> None:
            bridge.call_soon(loop, partial(self._detected, wake_session, detection))

        def left_out(problem: LunavoxError) -> None:
            # It may come before the engine has returned the vigil; on the loop that is over.
            bridge.call_soon(loop, lambda: self._left_out(wake_session, problem))

        try:
            wake_session = self._engine.open_wake_session(
                audio_format, names=self._names, on_detection=told, on_problem=left_out
            )
        except LunavoxError as error:
            self._refused(error)
            return
        self._wake_session, self.problem = wake_session, None
        wake_session.outcome.add_done_callback(
            lambda _: bridge.call_soon(loop, partial(self._ended, wake_session))
        )

    def _detected(self, wake_session: WakeSession, detection: Detection) -> None:
        if wake_session is not self._wake_session or self._format is None:
            return
        after = b"".join(pcm for start_s, pcm in self._kept if start_s >= detection.at_s)
        self._on_word(detection, after, self._format)

    def _left_out(self, wake_session: WakeSession, problem: LunavoxError) -> None:
        """One word is not waited for, but others are."""
        if wake_session is self._wake_session:
            _LOGGER.info("a wake word is not waited for (%s): %s", problem.code, problem)
            self.problem = str(problem)

    def _ended(self, wake_session: WakeSession) -> None:
        """The vigil ended by itself, which only an error makes it do."""
        if wake_session is not self._wake_session:
            return
        error = wake_session.outcome.exception()
        self.close()
        if isinstance(error, LunavoxError):
            self._refused(error)

    def _refused(self, error: LunavoxError) -> None:
        if self.problem != str(error):
            _LOGGER.warning("wake words cannot be waited for (%s): %s", error.code, error)
        self.problem = str(error)
        self._refused_until_s = asyncio.get_running_loop().time() + _AGAIN_S


class UtteranceListener:
    """One utterance at a satellite, from the wake word to the pause."""

    def __init__(self, engine: Engine, *, language: str | None, sensitivity: str) -> None:
        """Store; the utterance opens with the first audio."""
        self._engine = engine
        self._language = language
        self._sensitivity = sensitivity
        self._utterance: Utterance | None = None
        self._format: AudioFormat | None = None
        self._wakeup = bridge.Wakeup()
        self._error: LunavoxError | None = None
        self._over = False
        self._fed = 0

    def feed(self, pcm: bytes, audio_format: AudioFormat) -> None:
        """Take the next audio; errors come out of `transcript`."""
        if self._over:
            return
        try:
            if self._utterance is None:
                self._format = audio_format
                self._utterance = self._engine.open_utterance(
                    audio_format,
                    language=self._language,
                    sensitivity=self._sensitivity,
                    on_ended=self._wakeup.notify,
                )
            if audio_format == self._format:
                self._utterance.feed(pcm)
                self._fed += len(pcm)
        except LunavoxError as error:
            self._error = error
            self.end()

    @property
    def ongoing_speech(self) -> tuple[float, float]:
        """Seconds of the speech that is going on and its mean probability; zeros in a pause."""
        return self._utterance.ongoing_speech if self._utterance is not None else (0.0, 0.0)

    @property
    def over(self) -> bool:
        """Whether it has ended, by itself or by an error."""
        return self._over or (self._utterance is not None and self._utterance.done)

    def end(self) -> None:
        """No more audio will come."""
        self._over = True
        self._wakeup.notify()

    async def transcript(self) -> Transcript | None:
        """Wait for the pause and return what was said; None if no audio came. Raises LunavoxError."""
        stt = self._engine.settings.stt
        loop = asyncio.get_running_loop()
        until_s = loop.time() + stt.max_command_s + stt.no_speech_timeout_s + _SPARE_S
        try:
            while loop.time() < until_s:
                fed = self._fed
                try:
                    await bridge.within(self._wakeup.wait(), _NO_AUDIO_S)
                    break
                except asyncio.TimeoutError:
                    if fed == self._fed:
                        break
            self._over = True
            if self._error is not None:
                raise self._error
            if self._utterance is None:
                return None
            return await bridge.transcript(self._utterance, _TRANSCRIPT_TIMEOUT_S)
        finally:
            self.close()

    def close(self) -> None:
        """Forget the audio. Idempotent."""
        self._over = True
        if self._utterance is not None:
            self._utterance.cancel()


class BargeInListener:
    """Notices speech over what a satellite says; what was said over it is not lost."""

    def __init__(self, listen: Callable[[], UtteranceListener], least_s: float) -> None:
        """`listen` makes an utterance that nobody waits for yet."""
        self._listen = listen
        self._least_s = least_s
        self._listening = listen()
        self._noticed = False

    def feed(self, pcm: bytes, audio_format: AudioFormat) -> tuple[float, float] | None:
        """Take the next audio; return seconds and probability of speech that has lasted long enough, once."""
        if self._listening.over:
            self.close()
            self._listening = self._listen()
        self._listening.feed(pcm, audio_format)
        seconds, probability = self._listening.ongoing_speech
        if seconds < self._least_s:
            self._noticed = self._noticed and seconds > 0
            return None
        if self._noticed:
            return None
        self._noticed = True
        return seconds, probability

    def release(self) -> UtteranceListener:
        """Return the utterance, which now is somebody else's."""
        return self._listening

    def close(self) -> None:
        """Forget the audio. Idempotent."""
        self._listening.close()
