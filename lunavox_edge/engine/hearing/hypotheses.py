"""From what was heard, piece by piece, to a transcript, and to the words that are certain early."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from lunavox_edge.backends.base import Recognition
from lunavox_edge.types import Transcript, TranscriptStats, Word


@dataclass(frozen=True, slots=True)
class RecognizedPiece:
    """One recognised piece of `seconds`; word times are those of the whole audio."""

    seconds: float
    recognition: Recognition

    @classmethod
    def at(cls, start_s: float, end_s: float, recognition: Recognition) -> RecognizedPiece:
        """Place a piece where it was in the audio."""
        words = tuple(
            Word(word.word, word.start_s + start_s, word.end_s + start_s, word.probability)
            for word in recognition.words
        )
        return cls(end_s - start_s, replace(recognition, words=words))


def text_of(heard: list[RecognizedPiece] | tuple[RecognizedPiece, ...]) -> str:
    """The pieces' text."""
    return " ".join(piece.recognition.text for piece in heard if piece.recognition.text)


def transcript_of(
    heard: list[RecognizedPiece],
    *,
    language: str | None,
    fallback_language: str,
    duration_s: float,
    stats: TranscriptStats,
) -> Transcript:
    """Join the pieces; confidence is their mean, weighted by length."""
    said = [piece for piece in heard if piece.recognition.text]
    weight = sum(piece.seconds for piece in said)
    confidence = sum(piece.seconds * piece.recognition.confidence for piece in said)
    return Transcript(
        text=text_of(said),
        language=(said[0].recognition.language if said else language) or fallback_language,
        confidence=confidence / weight if weight else 0.0,
        duration_s=duration_s,
        words=tuple(word for piece in said for word in piece.recognition.words),
        stats=stats,
    )


class GuessTime:
    """After how much silence to guess that the person has finished. Thread-safe.

    Many a short pause is not the end, so a guess waits as long as decodes took of late leave time for
    one before the turn is over; until that is known it is made early.
    """

    _EARLIEST_S, _LATEST_S = 0.16, 0.35
    _RESERVE_S, _FADING = 0.05, 0.8

    def __init__(self) -> None:
        """Start with nothing known."""
        self._lock = threading.Lock()
        self._longest_s: float | None = None
        """Guarded by the lock; read without it, as it is one number."""

    def took(self, decode_s: float) -> None:
        """Learn how long a guess took; a long one is forgotten over the next ones."""
        with self._lock:
            self._longest_s = max(decode_s, self._FADING * (self._longest_s or 0.0))

    def after_s(self, pause_s: float | None) -> float:
        """Seconds of silence to wait for, if `pause_s` end the turn; None: the client ends it any time."""
        longest_s = self._longest_s
        if pause_s is None or longest_s is None:
            return self._EARLIEST_S
        in_time_s = pause_s - 2 * longest_s - self._RESERVE_S
        return min(self._LATEST_S, max(self._EARLIEST_S, in_time_s))


class StablePrefix:
    """The words on which two hypotheses in a row agree; what was told once is never taken back."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._last: list[str] = []
        self._told = 0

    def add(self, text: str) -> str:
        """Take the next hypothesis; return the words that have become certain, if any."""
        words = text.split()
        agreed = 0
        for old, new in zip(self._last, words, strict=False):
            if _bare(old) != _bare(new):
                break
            agreed += 1
        self._last = words
        # The last word may have been cut off in the middle.
        certain = words[self._told : max(self._told, agreed - 1)]
        self._told += len(certain)
        return " ".join(certain)

    def rest(self, text: str) -> str:
        """Return what the final text adds to the words that were told."""
        return " ".join(text.split()[self._told :])


def _bare(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
