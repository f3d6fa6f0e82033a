"""The listeners of a satellite's microphone: wake words, one utterance, and barge-in.

The wake-word listener keeps the last two seconds of audio in memory, because the first word of a command is
often said before the wake word is detected. Nothing else is kept.
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
# After so long without audio an utterance ends: the microphone was unplugged.
_NO_AUDIO_S = 3.0
_TRANSCRIPT_TIMEOUT_S = 60.0
# An utterance must end within the limits of the settings; this much later the wait is given up.
_SPARE_S = 10.0
_RETRY_S = 5.0

_LOGGER = logging.getLogger(__name__)


class WakeListener:
    """The wake-word session of one satellite, opened with the first audio; used on the event loop only."""

    def __init__(
        self, engine: Engine, names: tuple[str, ...], on_word: Callable[[Detection, bytes, AudioFormat], None]
    ) -> None:
        """Create a closed listener for the words `names`; none means those of the settings.

        `on_word` is called on the loop with the detection, the audio that followed the word, and its format.
        """
        self._engine = engine
        self._names = names
        self._on_word = on_word
        self._wake_session: WakeSession | None = None
        self._format: AudioFormat | None = None
        self._kept: deque[tuple[float, bytes]] = deque()
        self._fed_s = 0.0
        self._refused_until_s = 0.0
        self.problem: str | None = None
        """Why wake words, or one of them, cannot be detected."""

    def feed(self, pcm: bytes, audio_format: AudioFormat) -> None:
        """Take the next audio; opens a session, after a failure 5 s later."""
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
        """Close the session and drop the audio. Idempotent."""
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

        def on_detection(detection: Detection) -> None:
            bridge.call_soon(loop, partial(self._detected, wake_session, detection))

        def on_problem(problem: LunavoxError) -> None:
            # May be called before the engine returns the session; on the loop, `wake_session` is set.
            bridge.call_soon(loop, lambda: self._left_out(wake_session, problem))

        try:
            wake_session = self._engine.open_wake_session(
                audio_format, names=self._names, on_detection=on_detection, on_problem=on_problem
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
        """Report a word that cannot be detected, while others can."""
        if wake_session is self._wake_session:
            _LOGGER.info("a wake word is left out (%s): %s", problem.code, problem)
            self.problem = str(problem)

    def _ended(self, wake_session: WakeSession) -> None:
        """Handle a session that ended by itself, which happens only by an error."""
        if wake_session is not self._wake_session:
            return
        error = wake_session.outcome.exception()
        self.close()
        if isinstance(error, LunavoxError):
            self._refused(error)

    def _refused(self, error: LunavoxError) -> None:
        if self.problem != str(error):
            _LOGGER.warning("wake words cannot be detected (%s): %s", error.code, error)
        self.problem = str(error)
        self._refused_until_s = asyncio.get_running_loop().time() + _RETRY_S


class UtteranceListener:
    """One utterance at a satellite, from the wake word to its end; used on the event loop only."""

    def __init__(self, engine: Engine, *, language: str | None, sensitivity: str) -> None:
        """Create a listener; the utterance is opened with the first audio."""
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
        """Take the next audio; dropped after the end. `transcript` raises the errors."""
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
        """Seconds of the current speech, and its mean probability; zeros in a pause."""
        return self._utterance.ongoing_speech if self._utterance is not None else (0.0, 0.0)

    @property
    def over(self) -> bool:
        """Whether the utterance has ended, by endpointing, `end`, `close` or an error."""
        return self._over or (self._utterance is not None and self._utterance.done)

    def end(self) -> None:
        """End the utterance with the audio it has."""
        self._over = True
        self._wakeup.notify()

    async def transcript(self) -> Transcript | None:
        """Wait for the end and return the transcript; None if no audio came. Raises LunavoxError."""
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
        """Cancel the utterance. Idempotent."""
        self._over = True
        if self._utterance is not None:
            self._utterance.cancel()


class BargeInListener:
    """Detection of speech over a satellite's playback; its audio goes into an utterance meanwhile."""

    def __init__(self, new_utterance: Callable[[], UtteranceListener], least_s: float) -> None:
        """Detect speech of at least `least_s`."""
        self._new_utterance = new_utterance
        self._least_s = least_s
        self._utterance = new_utterance()
        self._noticed = False

    def feed(self, pcm: bytes, audio_format: AudioFormat) -> tuple[float, float] | None:
        """Take the next audio; return seconds and mean probability of speech, once it lasted long enough.

        Each speech is returned once.
        """
        if self._utterance.over:
            self.close()
            self._utterance = self._new_utterance()
        self._utterance.feed(pcm, audio_format)
        seconds, probability = self._utterance.ongoing_speech
        if seconds < self._least_s:
            self._noticed = self._noticed and seconds > 0
            return None
        if self._noticed:
            return None
        self._noticed = True
        return seconds, probability

    def release(self) -> UtteranceListener:
        """Return the utterance, which the caller owns from now on."""
        return self._utterance

    def close(self) -> None:
        """Cancel the utterance. Idempotent."""
        self._utterance.close()
