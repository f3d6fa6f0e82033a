"""Cut running text into pieces a voice can speak, as early as possible and without losing a character."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.characters import CLOSERS, NEWLINES, is_lower
from lunavox_edge.text.joints import last_cut
from lunavox_edge.text.stops import STOP, StopVerdict, judge, seems_whole

_LOOKAHEAD = 32
"""How far past a possible end the next words are read; longer words are judged by their start."""
_WRAPPED_LINE = 40
"""A line at least this long may go on in the next one: text wrapped by hand."""
_EARLIEST_CUT = 20
"""A first segment cut short has at least this many characters."""
_PATIENCE = 2
"""A first sentence may be so many times as long as wanted, in the hope of a clause boundary."""
_LATEST_STEP_BACK = 16
"""How far a cut inside a word moves back to keep an accent or an emoji whole."""

_CANDIDATE = re.compile(rf"{STOP.pattern}|(?P<newline>[{NEWLINES}])")
_CLAUSE = re.compile(
    rf"(?<![0-9] day)(?<![0-9] days)[,;:،؛][{CLOSERS}]*\s+"
    rf"|[、，；：][{CLOSERS}]*\s*|\s[–—-]\s+(?![\s0-9])|—\s*"
)
_SPACE = re.compile(r"\s+(?=\S)")
_NEXT_IN_LINE = re.compile(rf"[^\S{NEWLINES}]*([\S{NEWLINES}])")


class Segmenter:
    """Text in by `push` in pieces of any size, segments out; joined they equal the text.

    A sentence comes out as soon as its end is certain. No segment is longer than `max_chars`:
    a longer sentence is cut after a clause, else at a space, else anywhere. With
    `first_max_chars`, a first sentence longer than that is cut at a clause boundary, or in the end
    at a space, so that its speech can start sooner. How the text was cut into pushes makes no difference.
    """

    def __init__(self, max_chars: int = 250, *, first_max_chars: int | None = None) -> None:
        """Start empty; a segmenter serves one text."""
        if max_chars < 1:
            raise ValueError("max_chars must be at least 1")
        self._max_chars = max_chars
        self._early_chars = None if first_max_chars is None else min(first_max_chars, max_chars)
        self._text = ""
        self._line_chars = 0
        self._scanned = 0
        self._weak_end = 0

    def push(self, text: str) -> list[str]:
        """Add text; return the segments that are complete now."""
        self._text += text
        return self._take(final=False)

    def flush(self) -> list[str]:
        """Return the rest as segments: no text follows, or none is to be waited for."""
        return self._take(final=True)

    def flush_words(self) -> list[str]:
        """Return words that wait for the end of their sentence and sound the same whatever follows.

        The last word may still grow, a number wants its unit, a month its day: they go on waiting.
        """
        end = len(self._text)
        if not self.seems_whole:
            end = last_cut(self._text, grows=not self._text[-1:].isspace())
            if not end:
                return []
        rest, self._text = self._text[end:], self._text[:end]
        segments = self._take(final=True)
        self._text = rest
        return segments

    @property
    def seems_whole(self) -> bool:
        """Whether what waits seems to be a whole sentence, though only what follows would tell for sure."""
        return seems_whole(self._text)

    @property
    def waiting_chars(self) -> int:
        """Characters taken in and not returned yet."""
        return len(self._text)

    def _take(self, *, final: bool) -> list[str]:
        segments = []
        start = 0
        while start < len(self._text):
            stop = start + self._max_chars + _LOOKAHEAD
            window = self._text[start:stop]
            end = self._find_end(window, final=final, whole=final or stop <= len(self._text))
            if not end:
                break
            segments.append(window[:end])
            start += end
            self._start_next(segments[-1])
        self._text = self._text[start:]
        return segments

    def _start_next(self, segment: str) -> None:
        newline = segment.rfind("\n")
        self._line_chars = len(segment) - newline - 1 + (self._line_chars if newline < 0 else 0)
        self._scanned = self._weak_end = 0
        if not segment.isspace():
            self._early_chars = None

    def _find_end(self, window: str, *, final: bool, whole: bool) -> int:
        """Return where the first segment of the window ends, or 0 if that is not known yet.

        `whole` says that the decision has to be made on this window.
        """
        candidate = _CANDIDATE.search(window, self._scanned)
        while candidate:
            early_end = self._early_end(window, candidate.start(), candidate.end())
            if early_end:
                return early_end
            if candidate.end() > self._max_chars:
                break
            if candidate["newline"]:
                verdict, end = self._judge_newline(window, candidate.start(), whole=whole)
            else:
                verdict, end = judge(window, candidate, whole=whole)
            if verdict is StopVerdict.UNSURE:
                return 0
            if verdict is StopVerdict.END:
                return min(end, self._max_chars)
            if verdict is StopVerdict.WEAK:
                self._weak_end = min(end, self._max_chars)
            self._scanned = candidate.end()
            candidate = _CANDIDATE.search(window, self._scanned)
        else:
            self._scanned = len(window)
            early_end = self._early_end(window, len(window), len(window))
            if early_end:
                return early_end
        if whole and len(window) > self._max_chars:
            return self._forced_end(window)
        return len(window) if final else 0

    def _judge_newline(self, window: str, at: int, *, whole: bool) -> tuple[StopVerdict, int]:
        line = window[:at].rpartition("\n")[2]
        line_chars = len(line) + (self._line_chars if len(line) == at else 0)
        if not window[:at].strip():
            return StopVerdict.NONE, at + 1
        if line_chars < _WRAPPED_LINE:
            return StopVerdict.END, at + 1
        following = _NEXT_IN_LINE.match(window, at + 1)
        if not following:
            return (StopVerdict.END if whole else StopVerdict.UNSURE), at + 1
        return (StopVerdict.NONE if is_lower(following[1]) else StopVerdict.END), at + 1

    def _early_end(self, window: str, start: int, end: int) -> int:
        """Return where to cut a first sentence known to go on to `end`, or 0.

        That is a clause boundary; without one in twice the wanted length, a space.
        """
        if self._early_chars is None or end <= self._early_chars:
            return 0
        patience = min(_PATIENCE * self._early_chars, self._max_chars)
        best = 0
        for clause in _CLAUSE.finditer(window, 0, start):
            # At the end of what is known, more white space may follow and belong to the clause.
            if clause.end() == len(window) or clause.end() > patience:
                break
            if best and clause.end() > self._early_chars:
                break
            if clause.end() >= _EARLIEST_CUT:
                best = clause.end()
        if not best and end > patience:
            best = last_cut(window[:end], grows=False, limit=self._early_chars - 1)
            if best < _EARLIEST_CUT:
                spaces = [space.end() for space in _SPACE.finditer(window, _EARLIEST_CUT, self._early_chars)]
                best = spaces[-1] if spaces else 0
        return best

    def _forced_end(self, window: str) -> int:
        """Cut a sentence that is too long where it hurts least."""
        limit = self._max_chars
        earliest = limit // 4
        if self._weak_end > earliest:
            return self._weak_end
        clauses = [clause.end() for clause in _CLAUSE.finditer(window, 0, limit)]
        if clauses and clauses[-1] > earliest:
            return clauses[-1]
        safe = last_cut(window, grows=False, limit=limit)
        if safe > earliest:
            return safe
        head = window[:limit]
        if window[limit].isspace() or head[-1].isspace():
            return limit
        space = limit - len(head.rsplit(None, 1)[-1])
        return space if head[:space].strip() else _whole_character_end(window, limit)


def split(text: str, max_chars: int = 250, *, first_max_chars: int | None = None) -> list[str]:
    """Cut a complete text; see Segmenter."""
    segmenter = Segmenter(max_chars, first_max_chars=first_max_chars)
    return [*segmenter.push(text), *segmenter.flush()]


def _whole_character_end(text: str, end: int) -> int:
    """Move a cut back so that it does not fall inside what is seen as one character."""
    for place in range(end, max(0, end - _LATEST_STEP_BACK), -1):
        if not _continues(text[place - 1], text[place]):
            return place
    return end


def _continues(left: str, right: str) -> bool:
    """Whether `right` is drawn or spoken together with `left`."""
    return (
        unicodedata.category(right).startswith("M")
        or "\u200d" in (left, right)
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # skin tones
        or "\u1160" <= right <= "\u11ff"  # the second and third part of a Korean syllable
        or ("\U0001f1e6" <= left <= "\U0001f1ff" and "\U0001f1e6" <= right <= "\U0001f1ff")  # flags
        or ("\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff")
        or "\U000e0020" <= right <= "\U000e007f"  # flags of regions
    )
