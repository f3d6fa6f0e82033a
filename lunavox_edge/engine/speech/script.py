"""From written text to the lines that are spoken."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace

from lunavox_edge.text.markup import Span, parse_ssml
from lunavox_edge.text.normalize import speakable, spell
from lunavox_edge.text.segments import Segmenter
from lunavox_edge.text.thoughts import ThoughtFilter

_MAX_SEGMENT_CHARS = 160
"""Time and memory of one inference grow with its text."""
_FIRST_SEGMENT_CHARS = 60
"""A longer first sentence ends at a clause, so that the first audio does not wait for all of it."""
_MAX_CONTEXT_CHARS = 200
_MAX_EMOJI_CHARS = 100
_MAX_PAUSE_MS = 10_000
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
_JOINTS = re.compile(r"(?:[,;:.–—-]+(?=\s|$)|\s)+")
"""What stands between two parts of a sentence that are spoken one after the other."""
_CLOSING = " \n\"'”’)»」"


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One text for the voice, with `pause_ms` of silence before it."""

    text: str
    speed: float = 1.0
    volume: float = 1.0
    pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """Characters still to be spoken: all of them, and those of the last sentence, which has no end yet."""

    pending_chars: int = 0
    waiting_chars: int = 0
    seems_whole: bool = False
    """Whether the last sentence seems complete although its end has not come."""


class Script:
    """Text in by `add`, lines out by `next_line`. Used by one worker at a time.

    `backlog` may be read by any thread meanwhile: it is replaced as a whole.
    """

    def __init__(self, *, language: str, normalize: bool, ssml: bool, sentence_silence_ms: int) -> None:
        """Start empty; `sentence_silence_ms` of pause follow a sentence."""
        self._language = language
        self._normalize = normalize
        self._ssml = ssml
        self._silence_ms = sentence_silence_ms
        self._thoughts = ThoughtFilter()
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._markup: list[str] = []
        self._spans: deque[Span] = deque()
        self._pause_ms = 0
        self._span_chars = 0
        self._context = ""
        self._unnamed_emoji = ""
        self._said = False
        self._finished = False
        self.backlog = Backlog()

    @property
    def pending_chars(self) -> int:
        """Characters still to be spoken."""
        return self.backlog.pending_chars

    @property
    def waiting_chars(self) -> int:
        """Characters that wait for the end of their sentence."""
        return self.backlog.waiting_chars

    @property
    def seems_whole(self) -> bool:
        """Whether the waiting characters seem to be a whole sentence."""
        return self.backlog.seems_whole

    def add(self, text: str) -> None:
        """Add text: whole sentences become lines; a language model's thoughts are removed."""
        text = self._thoughts.feed(text)
        if self._thoughts.withdrawn:
            self._withdraw()
        self._take(text)

    def _withdraw(self) -> None:
        """Drop all text that is not spoken yet, as it was part of a thought."""
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._markup.clear()
        self._spans.clear()
        self._span_chars = 0
        self._context = self._unnamed_emoji = ""

    def _take(self, text: str) -> None:
        if self._ssml:
            self._markup.append(text)
        else:
            self._add_segments(self._segmenter.push(text))

    def flush_words(self) -> None:
        """Make a line of a stalled sentence, without words whose sound may depend on what follows."""
        if not self._ssml:
            self._add_segments(self._segmenter.flush_words())

    def finish(self) -> None:
        """End the text. Raises BadMarkup. Idempotent."""
        self._take(self._thoughts.finish())
        self._finished = True
        if not self._ssml:
            self._add_segments(self._segmenter.flush())
        markup, self._markup = "".join(self._markup), []
        if markup:
            for span in parse_ssml(markup, self._language):
                self._add_markup(span)
            self._count()

    def next_line(self) -> ScriptLine | None:
        """Return the next line, or None if there is none yet or none any more."""
        while self._spans:
            span = self._spans.popleft()
            self._span_chars -= len(span.text)
            self.backlog = replace(self.backlog, pending_chars=self.backlog.pending_chars - len(span.text))
            text = self._prepare(span)
            if not text:
                self._rest(span.pause_ms)
                continue
            self._said = True
            line = ScriptLine(text, span.speed, span.volume, self._pause_ms)
            self._pause_ms = 0
            self._rest(span.pause_ms)
            if text.rstrip(_CLOSING).endswith(_SENTENCE_END):
                self._rest(self._silence_ms)
            return line
        return self._named_emoji() if self._finished and not self._said else None

    def _named_emoji(self) -> ScriptLine | None:
        """Return the names of the emoji if the whole text held nothing else."""
        emoji, self._unnamed_emoji = self._unnamed_emoji, ""
        text = speakable(emoji, self._language)
        return ScriptLine(text, pause_ms=self._pause_ms) if text else None

    def _rest(self, pause_ms: int) -> None:
        self._pause_ms = min(_MAX_PAUSE_MS, self._pause_ms + pause_ms)

    def _add_segments(self, segments: list[str]) -> None:
        for segment in segments:
            self._add_span(Span(segment))
        self._count()

    def _add_markup(self, span: Span) -> None:
        """Cut a span of SSML into segments; its pause follows the last one."""
        segmenter = Segmenter(_MAX_SEGMENT_CHARS)
        segments = [*segmenter.push(span.text), *segmenter.flush()] or [""]
        for segment in segments[:-1]:
            self._add_span(Span(segment, span.speed, span.volume, 0, span.spell))
        self._add_span(Span(segments[-1], span.speed, span.volume, span.pause_ms, span.spell))

    def _add_span(self, span: Span) -> None:
        self._spans.append(span)
        self._span_chars += len(span.text)

    def _count(self) -> None:
        """Update `backlog` after text was added."""
        waiting_chars = self._segmenter.waiting_chars
        self.backlog = Backlog(
            pending_chars=waiting_chars + self._span_chars,
            waiting_chars=waiting_chars,
            seems_whole=bool(waiting_chars) and self._segmenter.seems_whole,
        )

    def _prepare(self, span: Span) -> str:
        """Return the words to speak for a span, "" if there are none."""
        if span.spell:
            return spell(span.text, self._language)
        if not self._normalize:
            return span.text.strip()
        if self._ssml:
            text = speakable(span.text, self._language, name_emoji=False)
        else:
            text = self._speakable_in_context(span.text)
        if not text and not self._said:
            self._unnamed_emoji = (self._unnamed_emoji + span.text)[:_MAX_EMOJI_CHARS]
        return text

    def _speakable_in_context(self, text: str) -> str:
        """Return the words to speak for text that may continue a sentence begun in an earlier line.

        How a number is read may depend on words before the cut: `the code is | 4711`.
        """
        before = self._context
        after = before + text
        ends = text.endswith("\n") or after.rstrip(_CLOSING).endswith(_SENTENCE_END)
        # A later line is never the whole text, so the context keeps the line end before it.
        self._context = ("\n" if text.endswith("\n") else "") if ends else after[-_MAX_CONTEXT_CHARS:]
        if before.strip():
            said = speakable(before, self._language, name_emoji=False).rstrip(" ,;:.-–—")
            whole = speakable(after, self._language, name_emoji=False)
            rest = whole[len(said) :]
            if whole.startswith(said) and not rest[:1].isalnum():
                joint = _JOINTS.match(rest)
                return rest[joint.end() if joint else 0 :] if any(map(str.isalnum, rest)) else ""
        return speakable(before + text if before == "\n" else text, self._language, name_emoji=False)
