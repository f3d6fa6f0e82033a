"""Who gets the audio of one satellite's microphone: an utterance, else those who wait for a call.

That is for a wake word, and, while the satellite speaks, for somebody who speaks over it.
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
    """Gives audio to one listener at a time, and forgets it."""

    def __init__(
        self,
        engine: Engine,
        house: SatellitesSettings,
        *,
        wake_words: tuple[str, ...],
        language: str | None,
        sensitivity: str,
        on_word: Callable[[Detection, bytes, AudioFormat], None],
        on_overlap: Callable[[float, float, UtteranceListener | None], None],
    ) -> None:
        """Store the parts, whose callbacks come while audio is taken or later on the loop.

        `on_overlap` gets the seconds and the probability of speech over speech, and, if that interrupts, the
        utterance that it belongs to.
        """
        self._engine = engine
        self._house = house
        self._language = language
        self._sensitivity = sensitivity
        self._on_word = on_word
        self._on_overlap = on_overlap
        self._listening: UtteranceListener | None = None
        self._waking: WakeListener | None = None
        self._overhearing: BargeInListener | None = None
        self._stops: tuple[str, ...] = ()
        self._problem: str | None = None
        self.wake_words = wake_words
        """The words that are waited for from now on; none means those of the settings."""

    @property
    def listens(self) -> bool:
        """Whether an utterance gets the audio."""
        return self._listening is not None

    @property
    def problem(self) -> str | None:
        """Why a word cannot be waited for; None if all can, as far as is known."""
        return (self._waking.problem if self._waking is not None else None) or self._problem

    def stops(self, word: str) -> bool:
        """Whether a word that was heard only tells the satellite to fall silent."""
        return word in self._stops

    def begin(self, heard: bytes = b"", audio_format: AudioFormat | None = None) -> UtteranceListener:
        """Give the audio to a new utterance, at once: none is to be missed. `heard` came before."""
        listening = self._utterance()
        if heard and audio_format is not None:
            listening.feed(heard, audio_format)
        self.listen(listening)
        return listening

    def listen(self, listening: UtteranceListener) -> None:
        """Give the audio to an utterance."""
        self._listening = listening

    def listen_no_more(self, listening: UtteranceListener) -> None:
        """Give it to nobody, if that one still has it."""
        if self._listening is listening:
            self._listening = None

    def hear(self, pcm: bytes, audio_format: AudioFormat) -> bool:
        """Give audio to the utterance; False if there is none."""
        if self._listening is None:
            return False
        self._listening.feed(pcm, audio_format)
        return True

    def wait(self, pcm: bytes, audio_format: AudioFormat, *, overhears: bool) -> None:
        """Look for a wake word in audio, and, if it `overhears`, for somebody who speaks over an answer."""
        if overhears and self._house.overlap != "off":
            self._overhear(pcm, audio_format)
        else:
            self._end_overhearing()
        if self._listening is not None:
            return
        if self._waking is None:
            self._waking = WakeListener(self._engine, self._waited_for(), self._on_word)
        self._waking.feed(pcm, audio_format)

    def end(self) -> None:
        """No more audio will come for now: what was said so far is the utterance."""
        self.forget()
        if self._listening is not None:
            self._listening.end()

    def forget(self) -> None:
        """Forget what was waited for; there is more once there is more audio."""
        self._end_overhearing()
        if self._waking is not None:
            self._waking.close()
            self._waking = None

    def close(self) -> None:
        """End the utterance, which nobody wants any more."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _utterance(self) -> UtteranceListener:
        return UtteranceListener(self._engine, language=self._language, sensitivity=self._sensitivity)

    def _overhear(self, pcm: bytes, audio_format: AudioFormat) -> None:
        if self._overhearing is None:
            self._overhearing = BargeInListener(self._utterance, self._house.overlap_ms / 1000)
        noticed = self._overhearing.feed(pcm, audio_format)
        if noticed is None:
            return
        listening = None
        if self._house.overlap == "interrupt":
            overhearing, self._overhearing = self._overhearing, None
            listening = overhearing.release()
        self._on_overlap(*noticed, listening)

    def _end_overhearing(self) -> None:
        if self._overhearing is not None:
            self._overhearing.close()
            self._overhearing = None

    def _waited_for(self) -> tuple[str, ...]:
        """Return the names of what is waited for; a stop word that is not installed stops nothing else."""
        stops: list[str] = []
        known, self._problem = self._problem, None
        for name in self._house.stop_words:
            try:
                stops += [entry.name for entry in self._engine.wake_words((name,))]
            except UnknownModel as error:
                self._problem = self._problem or f"satellites.stop_words: {error}"
        if self._problem not in (None, known):  # once, not at every wait
            _LOGGER.warning("%s", self._problem)
        self._stops = tuple(stops)
        if not stops:
            return self.wake_words
        try:
            names = self.wake_words or tuple(entry.name for entry in self._engine.wake_words(()))
        except UnknownModel as error:
            names, self._problem = (), self._problem or str(error)
        return tuple(dict.fromkeys((*names, *stops)))
