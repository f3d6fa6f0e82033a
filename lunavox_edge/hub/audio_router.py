"""Routing of the audio of one satellite's microphone.

An open utterance gets it. Without one, the wake-word session gets it and, while the satellite plays, the
detection of speech over the playback (barge-in).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from lunavox_edge.errors import UnknownModel
from lunavox_edge.hub.microphone_listeners import BargeInListener, UtteranceListener, WakeListener
from lunavox_edge.settings.satellite_settings import SatellitesSettings
from lunavox_edge.types import AudioFormat, Detection

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_LOGGER = logging.getLogger(__name__)


class AudioRouter:
    """Passes audio to the listeners of one satellite; keeps none itself. Used on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        settings: SatellitesSettings,
        *,
        wake_words: tuple[str, ...],
        language: str | None,
        sensitivity: str,
        on_word: Callable[[Detection, bytes, AudioFormat], None],
        on_overlap: Callable[[float, float, UtteranceListener | None], None],
    ) -> None:
        """Create a router without listeners; they are opened with the audio. Callbacks come on the loop.

        `on_word` gets a detected wake word, the audio that followed it, and the format of that audio.
        `on_overlap` gets the seconds and the probability of speech over the playback, and, if that
        interrupts the playback, the utterance that has begun with it.
        """
        self._engine = engine
        self._settings = settings
        self._language = language
        self._sensitivity = sensitivity
        self._on_word = on_word
        self._on_overlap = on_overlap
        self._utterance: UtteranceListener | None = None
        self._wake: WakeListener | None = None
        self._barge_in: BargeInListener | None = None
        self._stop_words: tuple[str, ...] = ()
        self._problem: str | None = None
        self.wake_words = wake_words
        """The wake words of the next wake-word session; none means those of the settings."""

    @property
    def has_utterance(self) -> bool:
        """Whether an utterance gets the audio."""
        return self._utterance is not None

    @property
    def problem(self) -> str | None:
        """Why a wake word or stop word cannot be detected; None while no problem is known."""
        return (self._wake.problem if self._wake is not None else None) or self._problem

    def is_stop_word(self, word: str) -> bool:
        """Whether a detected word only silences the satellite."""
        return word in self._stop_words

    def open_utterance(
        self, before: bytes = b"", audio_format: AudioFormat | None = None
    ) -> UtteranceListener:
        """Give the audio to a new utterance, which begins with `before`, audio that has come already."""
        utterance = self._new_utterance()
        if before and audio_format is not None:
            utterance.feed(before, audio_format)
        self.set_utterance(utterance)
        return utterance

    def set_utterance(self, utterance: UtteranceListener) -> None:
        """Give the audio to this utterance."""
        self._utterance = utterance

    def release_utterance(self, utterance: UtteranceListener) -> None:
        """Give no more audio to this utterance, if it is the one that gets it."""
        if self._utterance is utterance:
            self._utterance = None

    def feed_utterance(self, pcm: bytes, audio_format: AudioFormat) -> bool:
        """Pass audio to the utterance; False if there is none."""
        if self._utterance is None:
            return False
        self._utterance.feed(pcm, audio_format)
        return True

    def feed_waiting(self, pcm: bytes, audio_format: AudioFormat, *, barge_in: bool) -> None:
        """Pass audio to the wake-word session and, with `barge_in`, to the detection of speech over playback.

        The wake-word session is opened if there is none.
        """
        if barge_in and self._settings.overlap != "off":
            self._feed_barge_in(pcm, audio_format)
        else:
            self._close_barge_in()
        if self._utterance is not None:
            return
        if self._wake is None:
            self._wake = WakeListener(self._engine, self._words(), self._on_word)
        self._wake.feed(pcm, audio_format)

    def end_audio(self) -> None:
        """End the utterance with the audio it has; the satellite has stopped streaming."""
        self.close_wake_session()
        if self._utterance is not None:
            self._utterance.end()

    def close_wake_session(self) -> None:
        """Close the wake-word session and the detection of barge-in; the next audio opens new ones."""
        self._close_barge_in()
        if self._wake is not None:
            self._wake.close()
            self._wake = None

    def close_utterance(self) -> None:
        """Cancel the utterance, if there is one."""
        if self._utterance is not None:
            self._utterance.close()
            self._utterance = None

    def _new_utterance(self) -> UtteranceListener:
        return UtteranceListener(self._engine, language=self._language, sensitivity=self._sensitivity)

    def _feed_barge_in(self, pcm: bytes, audio_format: AudioFormat) -> None:
        if self._barge_in is None:
            self._barge_in = BargeInListener(self._new_utterance, self._settings.overlap_ms / 1000)
        noticed = self._barge_in.feed(pcm, audio_format)
        if noticed is None:
            return
        utterance = None
        if self._settings.overlap == "interrupt":
            barge_in, self._barge_in = self._barge_in, None
            utterance = barge_in.release()
        self._on_overlap(*noticed, utterance)

    def _close_barge_in(self) -> None:
        if self._barge_in is not None:
            self._barge_in.close()
            self._barge_in = None

    def _words(self) -> tuple[str, ...]:
        """Return wake words and stop words; a stop word that is not installed is reported and left out."""
        stop_words: list[str] = []
        reported, self._problem = self._problem, None
        for name in self._settings.stop_words:
            try:
                stop_words += [entry.name for entry in self._engine.wake_words((name,))]
            except UnknownModel as error:
                self._problem = self._problem or f"satellites.stop_words: {error}"
        if self._problem not in (None, reported):  # once, not for every session
            _LOGGER.warning("%s", self._problem)
        self._stop_words = tuple(stop_words)
        if not stop_words:
            return self.wake_words
        try:
            names = self.wake_words or tuple(entry.name for entry in self._engine.wake_words(()))
        except UnknownModel as error:
            names, self._problem = (), self._problem or str(error)
        return tuple(dict.fromkeys((*names, *stop_words)))
