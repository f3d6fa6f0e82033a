"""Endpointing of one utterance, and when to recognise it before its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.engine.hearing.audio_intake import AudioIntake
from lunavox_edge.engine.hearing.hypotheses import GuessTime, RecognizedPiece, text_of
from lunavox_edge.text.unfinished import sounds_unfinished

_PAUSE_S = 0.16
"""Shorter silences are found between words too."""
_MAX_EARLY_S = 30.0
"""Longer utterances are not recognised before their end."""
_PARTIAL_EVERY_S = 1.0
_REAL_TIME = 0.7
"""A pause counts if it took at least this share of its length to arrive."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """What was recognised in a pause: the transcript, if nothing more is said."""

    speech_end_s: float
    results: tuple[RecognizedPiece, ...]


class TurnDetector:
    """Decides about one utterance, from what its audio intake holds. Used by one slice at a time."""

    def __init__(
        self,
        rules: EndpointRules | None,
        guess_time: GuessTime,
        *,
        wants_partials: bool,
        arrived_since: Callable[[float], float],
    ) -> None:
        """Start at the beginning of an utterance.

        Without `rules` the client ends the turn. `wants_partials` asks for hypotheses while the person
        speaks. `arrived_since` returns the seconds between the arrival of the audio at a position (in
        seconds) and of the newest audio.
        """
        self._rules = rules
        self._guess_time = guess_time
        self._wants_partials = wants_partials
        self._arrived_since = arrived_since
        self._guess: _Guess | None = None
        self._hypothesis_s = 0.0
        """Audio that was there at the last hypothesis."""

    def is_over(self, intake: AudioIntake) -> bool:
        """Whether the person has finished."""
        rules, endpointer = self._rules, intake.endpointer
        if rules is None or endpointer is None:
            return False
        guess = self.valid_guess(intake)
        if guess is not None and sounds_unfinished(text_of(guess)):
            rules = replace(rules, pause_s=rules.unfinished_pause_s)
        if not endpointer.over(rules):
            return False
        silence_s = min(endpointer.silence_s, endpointer.audio_s)
        arrived_s = self._arrived_since(intake.duration_s - silence_s)
        return arrived_s >= _REAL_TIME * min(silence_s, rules.pause_s)

    def may_be_over(self, intake: AudioIntake) -> bool:
        """Whether there is a pause that may be the end and for which there is no guess yet."""
        endpointer = intake.endpointer
        if endpointer is None or intake.duration_s > _MAX_EARLY_S:
            return False
        after_s = self._guess_time.after_s(self._rules.pause_s if self._rules is not None else None)
        if not endpointer.speech_s or endpointer.silence_s < after_s:
            return False
        if self.valid_guess(intake) is not None:
            return False
        return self._arrived_since(endpointer.speech_end_s) >= _REAL_TIME * after_s

    def wants_partial(self, intake: AudioIntake) -> bool:
        """Whether enough was said since the last hypothesis to make the next one."""
        endpointer = intake.endpointer
        if not self._wants_partials or endpointer is None or intake.duration_s > _MAX_EARLY_S:
            return False
        if endpointer.silence_s >= _PAUSE_S:
            return False
        return endpointer.speech_end_s - self._hypothesis_s >= _PARTIAL_EVERY_S

    def guess(self, intake: AudioIntake, results: tuple[RecognizedPiece, ...], took_s: float) -> None:
        """Keep what was recognised up to this pause, and learn how long that took."""
        if intake.endpointer is not None:
            self._guess_time.took(took_s)
            self._guess = _Guess(intake.endpointer.speech_end_s, results)

    def made_hypothesis(self, intake: AudioIntake) -> None:
        """Note that everything in the intake has been recognised."""
        self._hypothesis_s = intake.duration_s

    def valid_guess(self, intake: AudioIntake) -> tuple[RecognizedPiece, ...] | None:
        """Return the results of the last guess if nothing more was said since, else None."""
        guess, endpointer = self._guess, intake.endpointer
        if guess is None or endpointer is None or guess.speech_end_s != endpointer.speech_end_s:
            return None
        return guess.results
