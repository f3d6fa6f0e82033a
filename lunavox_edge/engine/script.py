"""What a speech has to say: text as it was written becomes lines as they are spoken."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from lunavox_edge.text.markup import Span, parse_ssml
from lunavox_edge.text.normalize import speakable, spell
from lunavox_edge.text.segments import Segmenter

_MAX_SEGMENT_CHARS = 160
"""What one inference needs grows with its text."""
_FIRST_SEGMENT_CHARS = 60
"""A longer first sentence ends at a clause, so that the first audio does not wait for all of it."""
_MAX_PAUSE_MS = 10_000
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
_CLOSING = " \n\"'”’)»」"


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of text for the voice; `pause_ms` of silence come before it."""

    text: str
    speed: float = 1.0
    volume: float = 1.0
    pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left of a text, in characters: all of it, and the last sentence, which has no end yet."""

    pending_chars: int = 0
    waiting_chars: int = 0
    seems_whole: bool = False
    """Whether the last sentence seems to be a whole one."""


class Script:
    """Text in by `add`, lines out by `next_line`. To be called by one worker at a time.

    `backlog` may be read by any thread meanwhile: it is replaced as a whole.
    """

    def __init__(self, *, language: str, normalize: bool, ssml: bool, sentence_silence_ms: int) -> None:
        """Start empty."""
        self._language = language
        self._normalize = normalize
        self._ssml = ssml
        self._silence_ms = sentence_silence_ms
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._markup: list[str] = []
        self._spans: deque[Span] = deque()
        self._pause_ms = 0
        self._span_chars = 0
        self.backlog = Backlog()

    @property
    def pending_chars(self) -> int:
        """Characters still to be spoken."""
        return self.backlog.pending_chars

    def add(self, text: str) -> None:
        """Take text; what ends a sentence becomes speakable."""
        if self._ssml:
            self._markup.append(text)
        else:
            self._add_segments(self._segmenter.push(text))

    def flush_words(self) -> None:
        """The text has stalled: do not wait, but leave a last word that may still grow."""
        if not self._ssml:
            self._add_segments(self._segmenter.flush_words())

    def finish(self) -> None:
        """No more text comes. Raises BadMarkup. Idempotent."""
        if not self._ssml:
            self._add_segments(self._segmenter.flush())
        markup, self._markup = "".join(self._markup), []
        if markup:
            for span in parse_ssml(markup):
                self._add_markup(span)
            self._count()

    def next_line(self) -> Line | None:
        """Return the next text that has something to say, or None."""
        while self._spans:
            span = self._spans.popleft()
            self._span_chars -= len(span.text)
            self.backlog = replace(self.backlog, pending_chars=self.backlog.pending_chars - len(span.text))
            text = self._prepare(span)
            if not text:
                self._rest(span.pause_ms)
                continue
            line = Line(text, span.speed, span.volume, self._pause_ms)
            self._pause_ms = 0
            self._rest(span.pause_ms)
            if text.rstrip(_CLOSING).endswith(_SENTENCE_END):
                self._rest(self._silence_ms)
            return line
        return None

    def _rest(self, pause_ms: int) -> None:
        self._pause_ms = min(_MAX_PAUSE_MS, self._pause_ms + pause_ms)

    def _add_segments(self, segments: list[str]) -> None:
        for segment in segments:
            self._add_span(Span(segment))
        self._count()

    def _add_markup(self, span: Span) -> None:
        """Cut a span of markup into segments; its pause follows the last one."""
        segmenter = Segmenter(_MAX_SEGMENT_CHARS)
        segments = [*segmenter.push(span.text), *segmenter.flush()] or [""]
        for segment in segments[:-1]:
            self._add_span(Span(segment, span.speed, span.volume, 0, span.spell))
        self._add_span(Span(segments[-1], span.speed, span.volume, span.pause_ms, span.spell))

    def _add_span(self, span: Span) -> None:
        self._spans.append(span)
        self._span_chars += len(span.text)

    def _count(self) -> None:
        """Tell what is left, after text was taken in."""
        waiting_chars = self._segmenter.waiting_chars
        self.backlog = Backlog(
            pending_chars=waiting_chars + self._span_chars,
            waiting_chars=waiting_chars,
            seems_whole=bool(waiting_chars) and self._segmenter.seems_whole,
        )

    def _prepare(self, span: Span) -> str:
        if span.spell:
            return spell(span.text, self._language)
        if self._normalize:
            return speakable(span.text, self._language)
        return span.text.strip()
