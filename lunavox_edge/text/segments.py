"""Segmentation of streamed text into sentences, as early as possible and without losing a character."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.characters import CLOSERS, NEWLINES, is_lower
from lunavox_edge.text.joints import last_cut
from lunavox_edge.text.stops import STOP, StopVerdict, judge, seems_whole

_LOOKAHEAD = 32
"""Characters after a possible end that are needed to judge it; of longer words only the start is seen."""
_WRAPPED_LINE = 40
"""A line of at least this length may continue in the next line: text wrapped by hand."""
_EARLIEST_CUT = 20
"""Minimum length of a first segment that is cut early."""
_PATIENCE = 2
"""A first sentence may become so many times as long as wanted while waiting for a clause boundary."""
_LATEST_STEP_BACK = 16
"""How far a cut inside a word moves back in order not to split an accent or an emoji."""

_CANDIDATE = re.compile(rf"{STOP.pattern}|(?P<newline>[{NEWLINES}])")
_CLAUSE = re.compile(
    rf"(?<![0-9] day)(?<![0-9] days)[,;:،؛][{CLOSERS}]*\s+"
    rf"|[、，；：][{CLOSERS}]*\s*|\s[–—-]\s+(?![\s0-9])|—\s*"
)
_SPACE = re.compile(r"\s+(?=\S)")
_NEXT_IN_LINE = re.compile(rf"[^\S{NEWLINES}]*([\S{NEWLINES}])")


class Segmenter:
    """Segmenter for one streamed text: `push` takes pieces of any size and returns segments.

    Joined, the segments equal the text. A sentence is returned as soon as its end is certain. No segment is
    longer than `max_chars`: a longer sentence is cut after a clause, else at a space, else anywhere. With
    `first_max_chars`, a first sentence longer than that is cut at a clause boundary, or finally at a space,
    so that its speech can start sooner. The size of the pushed pieces makes no difference. Not thread-safe.
    """

    def __init__(self, max_chars: int = 250, *, first_max_chars: int | None = None) -> None:
        """Start a text. Raises ValueError if `max_chars` is less than 1."""
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
        """Return the rest as segments, without waiting for more text."""
        return self._take(final=True)

    def flush_words(self) -> list[str]:
        """Return those words of the incomplete sentence whose pronunciation does not depend on what follows.

        An incomplete last word, a number without its unit or a month without its day keep waiting.
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
        """Whether the waiting text seems to be a complete sentence; only more text would make it certain."""
        return seems_whole(self._text)

    @property
    def waiting_chars(self) -> int:
        """Number of characters that were pushed and not yet returned."""
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
        """Return the end of the first segment of the window, 0 if it is not known yet.

        `whole` says that the decision must be made with this window.
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
        """Return where to cut a first sentence that extends at least to `end`; 0 if it is not to be cut.

        The cut is at a clause boundary, or at a space if there is none within twice the wanted length.
        """
        if self._early_chars is None or end <= self._early_chars:
            return 0
        patience = min(_PATIENCE * self._early_chars, self._max_chars)
        best = 0
        for clause in _CLAUSE.finditer(window, 0, start):
            # At the end of the window, more white space may follow that belongs to the clause.
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
        """Return the best place to cut a sentence that is too long."""
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
    """Return the segments of a complete text; see Segmenter."""
    segmenter = Segmenter(max_chars, first_max_chars=first_max_chars)
    return [*segmenter.push(text), *segmenter.flush()]


def _whole_character_end(text: str, end: int) -> int:
    """Move a cut back so that it is not inside one visible character (grapheme cluster)."""
    for place in range(end, max(0, end - _LATEST_STEP_BACK), -1):
        if not _continues(text[place - 1], text[place]):
            return place
    return end


def _continues(left: str, right: str) -> bool:
    """Whether `right` forms one visible character with `left`."""
    return (
        unicodedata.category(right).startswith("M")
        or "\u200d" in (left, right)
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # skin tones
        or "\u1160" <= right <= "\u11ff"  # the second and third part of a Korean syllable
        or ("\U0001f1e6" <= left <= "\U0001f1ff" and "\U0001f1e6" <= right <= "\U0001f1ff")  # flags
        or ("\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff")
        or "\U000e0020" <= right <= "\U000e007f"  # flags of regions
    )
