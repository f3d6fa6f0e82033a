"""The streamed form of one transcript: start, words as they become certain, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wyoming import asr

if TYPE_CHECKING:
    from wyoming.event import Event


class Partials:
    """Words that wait to be sent; joined, the chunks' texts are what was said."""

    def __init__(self, language: str | None, context: dict[str, Any] | None) -> None:
        """Start before any word."""
        self._language = language
        self._context = context
        self._started = False
        self._told = False
        self._waiting: list[str] = []

    def add(self, words: str) -> None:
        """Words have become certain."""
        self._waiting.append(words)

    def take(self) -> list[Event]:
        """Return the events for the words that wait, none if there are none."""
        words, self._waiting = " ".join(self._waiting), []
        if not words:
            return []
        events = self._start()
        events.append(asr.TranscriptChunk(text=f" {words}" if self._told else words).event())
        self._told = True
        return events

    def close(self, rest: str, language: str) -> list[Event]:
        """Return the last events; `rest` is what the final text adds, `language` what was heard."""
        self._language = language
        if rest:
            self.add(rest)
        return [*self.take(), *self._start(), asr.TranscriptStop().event()]

    def _start(self) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [asr.TranscriptStart(language=self._language, context=self._context).event()]
