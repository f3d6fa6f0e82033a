"""Joining recognised pieces to a transcript, and the words that are certain before the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from lunavox_edge.backends.base import Recognition
from lunavox_edge.types import Transcript, TranscriptStats, Word


@dataclass(frozen=True, slots=True)
class RecognizedPiece:
    """One recognised piece of `seconds`; word times count from the start of the utterance."""

    seconds: float
    recognition: Recognition

    @classmethod
    def at(cls, start_s: float, end_s: float, recognition: Recognition) -> RecognizedPiece:
        """Create it from a piece that was at these seconds of the utterance, shifting its word times."""
        words = tuple(
            Word(word.word, word.start_s + start_s, word.end_s + start_s, word.probability)
            for word in recognition.words
        )
        return cls(end_s - start_s, replace(recognition, words=words))


def text_of(pieces: list[RecognizedPiece] | tuple[RecognizedPiece, ...]) -> str:
    """Return the text of all pieces."""
    return " ".join(piece.recognition.text for piece in pieces if piece.recognition.text)


def transcript_of(
    pieces: list[RecognizedPiece],
    *,
    language: str | None,
    fallback_language: str,
    duration_s: float,
    stats: TranscriptStats,
) -> Transcript:
    """Join the pieces; confidence is their mean, weighted by length."""
    spoken = [piece for piece in pieces if piece.recognition.text]
    weight = sum(piece.seconds for piece in spoken)
    confidence = sum(piece.seconds * piece.recognition.confidence for piece in spoken)
    return Transcript(
        text=text_of(spoken),
        language=(spoken[0].recognition.language if spoken else language) or fallback_language,
        confidence=confidence / weight if weight else 0.0,
        duration_s=duration_s,
        words=tuple(word for piece in spoken for word in piece.recognition.words),
        stats=stats,
    )


class GuessTime:
    """After how much silence to recognise an utterance that may be over. Thread-safe.

    A short pause is often not the end, so this waits as long as it can: a decode of the length seen
    lately must still end before the turn is over. Until a length is known it is done early.
    """

    _EARLIEST_S, _LATEST_S = 0.16, 0.35
    _RESERVE_S, _FADING = 0.05, 0.8

    def __init__(self) -> None:
        """Start without a known length."""
        self._lock = threading.Lock()
        self._longest_s: float | None = None
        """Guarded by the lock; read without it, as it is one number."""

    def took(self, decode_s: float) -> None:
        """Learn how long a guess took, in seconds; a long one is forgotten over the next ones."""
        with self._lock:
            self._longest_s = max(decode_s, self._FADING * (self._longest_s or 0.0))

    def after_s(self, pause_s: float | None) -> float:
        """Return the seconds of silence to wait for.

        `pause_s` is the silence that ends the turn; None means that the client ends it at any time.
        """
        longest_s = self._longest_s
        if pause_s is None or longest_s is None:
            return self._EARLIEST_S
        in_time_s = pause_s - 2 * longest_s - self._RESERVE_S
        return min(self._LATEST_S, max(self._EARLIEST_S, in_time_s))


class StablePrefix:
    """The words on which two successive hypotheses agree; a word once returned is never taken back."""

    def __init__(self) -> None:
        """Start without a hypothesis."""
        self._last: list[str] = []
        self._returned = 0

    def add(self, text: str) -> str:
        """Take the next hypothesis; return the words that have become certain, "" if none."""
        words = text.split()
        agreed = 0
        for old, new in zip(self._last, words, strict=False):
            if _bare(old) != _bare(new):
                break
            agreed += 1
        self._last = words
        # The last word may have been cut off in the middle.
        certain = words[self._returned : max(self._returned, agreed - 1)]
        self._returned += len(certain)
        return " ".join(certain)

    def rest(self, text: str) -> str:
        """Return what the final text adds to the words that `add` returned."""
        return " ".join(text.split()[self._returned :])


def _bare(word: str) -> str:
    """Return a word without case and punctuation."""
    return "".join(character for character in word.casefold() if character.isalnum())
