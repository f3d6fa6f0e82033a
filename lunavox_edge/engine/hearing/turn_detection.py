"""Whether a person who speaks has finished, may have, or has said enough for the next words to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.engine.hearing.audio_intake import AudioIntake
from lunavox_edge.engine.hearing.hypotheses import GuessTime, RecognizedPiece, text_of
from lunavox_edge.text.unfinished import sounds_unfinished

_PAUSE_S = 0.16
"""Shorter silences are found between words too."""
_MAX_GUESSED_S = 30.0
_PARTIAL_EVERY_S = 1.0
_REAL_TIME = 0.7
"""A pause counts if it took at least this share of its length to arrive."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """What was heard up to a pause: the transcript, if nothing more is said."""

    speech_end_s: float
    heard: tuple[RecognizedPiece, ...]


class TurnDetector:
    """Decides about one utterance, from what its ear has taken in."""

    def __init__(
        self,
        rules: EndpointRules | None,
        guess_time: GuessTime,
        *,
        tells: bool,
        arrived_since: Callable[[float], float],
    ) -> None:
        """Without `rules` the client ends the turn; `tells` asks for words while the person speaks.

        `arrived_since` says how long ago the audio at some second arrived, before the newest did.
        """
        self._rules = rules
        self._guess_time = guess_time
        self._tells = tells
        self._arrived_since = arrived_since
        self._guess: _Guess | None = None
        self._told_s = 0.0

    def is_over(self, ear: AudioIntake) -> bool:
        """Whether the person has finished."""
        rules, endpointer = self._rules, ear.endpointer
        if rules is None or endpointer is None:
            return False
        heard = self.foreseen(ear)
        if heard is not None and sounds_unfinished(text_of(heard)):
            rules = replace(rules, pause_s=rules.unfinished_pause_s)
        if not endpointer.over(rules):
            return False
        silence_s = min(endpointer.silence_s, endpointer.heard_s)
        arrived_s = self._arrived_since(ear.duration_s - silence_s)
        return arrived_s >= _REAL_TIME * min(silence_s, rules.pause_s)

    def may_be_over(self, ear: AudioIntake) -> bool:
        """Whether there is a pause in which nobody has guessed yet what was said."""
        endpointer = ear.endpointer
        if endpointer is None or ear.duration_s > _MAX_GUESSED_S:
            return False
        after_s = self._guess_time.after_s(self._rules.pause_s if self._rules is not None else None)
        if not endpointer.speech_s or endpointer.silence_s < after_s or self.foreseen(ear) is not None:
            return False
        return self._arrived_since(endpointer.speech_end_s) >= _REAL_TIME * after_s

    def is_worth_telling(self, ear: AudioIntake) -> bool:
        """Whether enough was said since the last hypothesis to make the next one."""
        endpointer = ear.endpointer
        if not self._tells or endpointer is None or ear.duration_s > _MAX_GUESSED_S:
            return False
        return endpointer.silence_s < _PAUSE_S and endpointer.speech_end_s - self._told_s >= _PARTIAL_EVERY_S

    def guess(self, ear: AudioIntake, heard: tuple[RecognizedPiece, ...], took_s: float) -> None:
        """Keep what was heard up to this pause, and learn how long that took."""
        if ear.endpointer is not None:
            self._guess_time.took(took_s)
            self._guess = _Guess(ear.endpointer.speech_end_s, heard)

    def told(self, ear: AudioIntake) -> None:
        """What was said so far has been heard."""
        self._told_s = ear.duration_s

    def foreseen(self, ear: AudioIntake) -> tuple[RecognizedPiece, ...] | None:
        """Return what was heard, if it was guessed and nothing more was said since."""
        guess, endpointer = self._guess, ear.endpointer
        if guess is None or endpointer is None or guess.speech_end_s != endpointer.speech_end_s:
            return None
        return guess.heard
