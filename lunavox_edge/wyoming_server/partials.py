"""Partial results of one utterance as Wyoming events: transcript-start, -chunk and -stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wyoming import asr

if TYPE_CHECKING:
    from wyoming.event import Event


class Partials:
    """Collects the words of one utterance until they are sent.

    The texts of all chunks, joined, are the transcript.
    """

    def __init__(self, language: str | None, context: dict[str, Any] | None) -> None:
        """Create it without words; `language` and `context` go into `transcript-start`."""
        self._language = language
        self._context = context
        self._started = False
        self._any_sent = False
        self._waiting: list[str] = []

    def add(self, words: str) -> None:
        """Add words that will not change any more."""
        self._waiting.append(words)

    def take(self) -> list[Event]:
        """Return the events for the waiting words; an empty list if there are none."""
        words, self._waiting = " ".join(self._waiting), []
        if not words:
            return []
        events = self._start()
        events.append(asr.TranscriptChunk(text=f" {words}" if self._any_sent else words).event())
        self._any_sent = True
        return events

    def close(self, rest: str, language: str) -> list[Event]:
        """Return the last events; `rest` is the text after the words added, `language` the recognised one."""
        self._language = language
        if rest:
            self.add(rest)
        return [*self.take(), *self._start(), asr.TranscriptStop().event()]

    def _start(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [asr.TranscriptStart(language=self._language, context=self._context).event()]
