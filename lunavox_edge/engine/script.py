"""What a speech has to say: text as it was written becomes lines as they are spoken."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from lunavox_edge.text.markup import Span, parse_ssml
from lunavox_edge.text.normalize import speakable, spell
from lunavox_edge.text.segments import Segmenter
from lunavox_edge.text.thoughts import ThoughtFilter

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


class Script:
    """Text in by `add`, lines out by `next_line`. Used by one slice at a time."""

    def __init__(self, *, language: str, normalize: bool, ssml: bool, sentence_silence_ms: int) -> None:
        """Start empty."""
        self._language = language
        self._normalize = normalize
        self._ssml = ssml
        self._silence_ms = sentence_silence_ms
        self._thoughts = ThoughtFilter()
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._markup: list[str] = []
        self._spans: deque[Span] = deque()
        self._pause_ms = 0

    @property
    def waiting_chars(self) -> int:
        """Characters that wait for the end of their sentence."""
        return 0 if self._ssml else self._segmenter.waiting_chars

    @property
    def seems_whole(self) -> bool:
        """Whether they are a whole sentence, as it seems."""
        return not self._ssml and self._segmenter.seems_whole

    @property
    def pending_chars(self) -> int:
        """Characters still to be spoken."""
        return self._segmenter.waiting_chars + sum(len(span.text) for span in self._spans)

    def add(self, text: str) -> None:
        """Take text; what ends a sentence becomes speakable, and a language model's thoughts do not."""
        text = self._thoughts.feed(text)
        if self._thoughts.withdrawn:
            self._withdraw()
        self._take(text)

    def _withdraw(self) -> None:
        """Drop what is not spoken yet: it was part of a thought."""
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._markup.clear()
        self._spans.clear()

    def _take(self, text: str) -> None:
        if self._ssml:
            self._markup.append(text)
        else:
            self._spans.extend(Span(segment) for segment in self._segmenter.push(text))

    def flush(self) -> None:
        """Do not wait for the end of the sentence."""
        if not self._ssml:
            self._spans.extend(Span(segment) for segment in self._segmenter.flush())

    def flush_words(self) -> None:
        """The text has stalled: do not wait, but leave a last word that may still grow."""
        if not self._ssml:
            self._spans.extend(Span(segment) for segment in self._segmenter.flush_words())

    def finish(self) -> None:
        """No more text comes. Raises BadMarkup. Idempotent."""
        self._take(self._thoughts.finish())
        self.flush()
        markup, self._markup = "".join(self._markup), []
        if markup:
            for span in parse_ssml(markup):
                self._add_span(span)

    def next_line(self) -> Line | None:
        """Return the next text that has something to say, or None."""
        while self._spans:
            span = self._spans.popleft()
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

    def _add_span(self, span: Span) -> None:
        """Cut a span of markup into segments; its pause follows the last one."""
        segmenter = Segmenter(_MAX_SEGMENT_CHARS)
        segments = [*segmenter.push(span.text), *segmenter.flush()] or [""]
        for segment in segments[:-1]:
            self._spans.append(Span(segment, span.speed, span.volume, 0, span.spell))
        self._spans.append(Span(segments[-1], span.speed, span.volume, span.pause_ms, span.spell))

    def _prepare(self, span: Span) -> str:
        if span.spell:
            return spell(span.text, self._language)
        if self._normalize:
            return speakable(span.text, self._language)
        return span.text.strip()
