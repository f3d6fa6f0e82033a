"""What the slices of an utterance do with its audio: find speech, recognise it, join the transcript."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.backends.base import RecognizeRequest, SttModel
from lunavox_edge.engine.hearing.audio_intake import AudioIntake, Piece
from lunavox_edge.engine.hearing.hypotheses import (
    GuessTime,
    RecognizedPiece,
    StablePrefix,
    text_of,
    transcript_of,
)
from lunavox_edge.engine.hearing.turn_detection import TurnDetector
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.errors import InternalError
from lunavox_edge.types import Transcript, TranscriptStats


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """How one utterance is recognised.

    `max_s` None accepts audio of any length and transcribes it while it arrives; `endpoint` None
    means that the client ends the utterance.
    """

    request: RecognizeRequest
    fallback_language: str
    max_s: float | None = None
    endpoint: EndpointRules | None = None
    guess_time: GuessTime = field(default_factory=GuessTime)
    """Shared by all utterances of one model."""


@dataclass(frozen=True, slots=True)
class AudioState:
    """What a slice found in the audio, for other threads to read while the next slice runs."""

    run_s: float = 0.0
    """Seconds of the speech that is going on."""
    run_probability: float = 0.0
    is_pausing: bool = False
    """Whether there is silence after speech."""
    wants_early: bool = False
    """Whether the next work is recognition before the end of the turn."""


class Transcription:
    """The recognition work of one utterance. Used by one slice at a time, so it has no lock."""

    def __init__(
        self,
        plan: ListenPlan,
        *,
        wants_partials: bool,
        arrived_since: Callable[[float], float],
    ) -> None:
        """Start without audio; see `TurnDetector` for `wants_partials` and `arrived_since`."""
        self._plan = plan
        self._wants_partials = wants_partials
        self._turn = TurnDetector(
            plan.endpoint, plan.guess_time, wants_partials=wants_partials, arrived_since=arrived_since
        )
        self.intake: AudioIntake | None = None
        """None before the format is known, and after the end."""
        self.found_all = False
        """Whether every piece of the transcript was found."""
        self.recognized_s = 0.0
        """Seconds of audio that need no more work. May be read by any thread."""
        self._pieces: deque[Piece] = deque()
        self._results: list[RecognizedPiece] = []
        self._stable = StablePrefix()
        self._decode_s = 0.0

    @property
    def has_pieces(self) -> bool:
        """Whether pieces of the transcript wait to be recognised."""
        return bool(self._pieces)

    @property
    def is_over(self) -> bool:
        """Whether the person has finished."""
        return self.intake is not None and self._turn.is_over(self.intake)

    @property
    def may_be_over(self) -> bool:
        """Whether there is a pause that may be the end and for which there is no guess yet."""
        return self.intake is not None and self._turn.may_be_over(self.intake)

    @property
    def wants_partial(self) -> bool:
        """Whether enough was said for the next partial result."""
        return self.intake is not None and self._turn.wants_partial(self.intake)

    @property
    def wants_early(self) -> bool:
        """Whether the audio so far should be recognised although the turn is not over."""
        return self.may_be_over or self.wants_partial

    def state(self) -> AudioState:
        """Describe the audio so far."""
        state = AudioState(wants_early=self.has_pieces or self.wants_early)
        if self.intake is None or self.intake.endpointer is None:
            return state
        found = self.intake.endpointer
        is_pausing = found.speech_s > 0 and found.silence_s > 0
        return replace(state, run_s=found.run_s, run_probability=found.run_probability, is_pausing=is_pausing)

    def settle(self) -> None:
        """Look for pieces of a long recording that can be recognised already."""
        if self._plan.max_s is None and self.intake is not None:
            self._pieces.extend(self.intake.settle())
            if not self._pieces:
                self.recognized_s = max(self.recognized_s, self.intake.settled_s)

    def find_last(self) -> None:
        """Look for the pieces that are left after the end; none if the guess of the last pause is valid."""
        self.found_all = True
        if self.intake is None:
            return
        guess = self._turn.valid_guess(self.intake)
        if guess is not None:
            self._results = list(guess)
        else:
            self._pieces.extend(self.intake.pieces())

    def recognize_next(self, lease: Lease) -> None:
        """Recognise the next piece of the transcript; to be called if `has_pieces`."""
        piece = self._pieces[0]
        self._results.append(self._recognize(lease, piece))
        self._pieces.popleft()
        self.recognized_s = piece[1]

    def recognize_early(self, lease: Lease, clock: Callable[[], float], *, guesses: bool) -> str:
        """Recognise all audio so far, before the end of the turn; return the words now certain, or "".

        With `guesses` the result is the transcript if nothing more is said. Words are returned only if
        partial results are wanted.
        """
        intake = self.intake
        if intake is None:
            return ""
        began_s = clock()
        results = tuple(self._recognize(lease, piece) for piece in intake.pieces())
        if guesses:
            self._turn.guess(intake, results, clock() - began_s)
        self._turn.made_hypothesis(intake)
        return self._stable.add(text_of(results)) if self._wants_partials else ""

    def rest_of(self, text: str) -> str:
        """Return what a final text adds to the words that `recognize_early` returned."""
        return self._stable.rest(text)

    def transcript(self, *, queue_ms: float, total_ms: float) -> Transcript:
        """Join the results; the two times are for its stats."""
        return transcript_of(
            self._results,
            language=self._plan.request.language,
            fallback_language=self._plan.fallback_language,
            duration_s=self.intake.duration_s if self.intake is not None else 0.0,
            stats=TranscriptStats(
                queue_ms=queue_ms,
                decode_ms=self._decode_s * 1000,
                total_ms=total_ms,
                speech_s=sum(result.seconds for result in self._results),
            ),
        )

    def close(self) -> None:
        """Drop the audio."""
        self._pieces.clear()
        self.intake = None

    def _recognize(self, lease: Lease, piece: Piece) -> RecognizedPiece:
        """Recognise one piece, in the language of the first result if the request names none."""
        if self.intake is None:
            raise InternalError("A piece was asked for before any audio came.")
        started = time.perf_counter()
        request = self._plan.request
        if request.language is None:
            known = (done.recognition.language for done in self._results if done.recognition.text)
            request = replace(request, language=next(known, None))
        with lease.turn:
            recognition = cast("SttModel", lease.model).recognize(self.intake.samples(piece), request)
        self._decode_s += time.perf_counter() - started
        return RecognizedPiece.at(*piece, recognition)
