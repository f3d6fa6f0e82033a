"""From speech probabilities to spans of speech, and from spans to pieces for a recogniser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Span = tuple[float, float]
"""Start and end in seconds."""

_ROUNDING_S = 1e-6


def speech_spans(
    probabilities: Iterable[float],
    frame_s: float,
    *,
    start: float = 0.5,
    end: float = 0.35,
    min_speech_s: float = 0.1,
    min_silence_s: float = 0.2,
    pad_s: float = 0.3,
) -> list[Span]:
    """Return the spans of speech: each begins at probability `start` and lasts while it is at least `end`.

    Pauses shorter than `min_silence_s` do not end a span, and spans shorter than `min_speech_s` are
    dropped. Every span is extended by `pad_s` on both sides, so that no first or last sound is lost; where
    two would overlap, they meet in the middle of the pause.
    """
    raw: list[Span] = []
    opened: float | None = None
    frames = 0
    for index, probability in enumerate(probabilities):
        frames = index + 1
        if opened is None and probability >= start:
            opened = index * frame_s
        elif opened is not None and probability < end:
            raw.append((opened, index * frame_s))
            opened = None
    if opened is not None:
        raw.append((opened, frames * frame_s))
    joined = _join(raw, min_silence_s)
    return _padded([span for span in joined if span[1] - span[0] >= min_speech_s], pad_s, frames * frame_s)


def chunks(spans: Sequence[Span], max_s: float = 30.0, *, best_s: float | None = None) -> list[Span]:
    """Pack spans, in order, into as few pieces of at most `best_s` (None: `max_s`) as their pauses allow.

    A piece covers its spans and the pauses between them. If not all spans fit, it ends at the longest pause
    in the second half of those that fit, or else in the first half. A span longer than `best_s` is a piece
    of its own; one longer than `max_s` is cut into equal parts.
    """
    best_s = max_s if best_s is None else best_s
    waiting = [part for span in spans for part in _parts(span, max_s)]
    pieces: list[Span] = []
    while waiting:
        begin = waiting[0][0]
        fitting = max(1, sum(1 for span in waiting if span[1] - begin <= best_s + _ROUNDING_S))
        taken = fitting if fitting == len(waiting) else _cut(waiting[: fitting + 1], begin + best_s / 2)
        pieces.append((begin, waiting[taken - 1][1]))
        waiting = waiting[taken:]
    return pieces


def _join(spans: Sequence[Span], min_silence_s: float) -> list[Span]:
    joined: list[Span] = []
    for begin, finish in spans:
        if joined and begin - joined[-1][1] < min_silence_s:
            joined[-1] = (joined[-1][0], finish)
        else:
            joined.append((begin, finish))
    return joined


def _padded(spans: Sequence[Span], pad_s: float, duration_s: float) -> list[Span]:
    padded: list[Span] = []
    for index, (begin, finish) in enumerate(spans):
        # Both sides compute the middle of a pause by the same sum, so neighbours meet exactly.
        earliest = (spans[index - 1][1] + begin) / 2 if index else 0.0
        latest = (finish + spans[index + 1][0]) / 2 if index + 1 < len(spans) else duration_s
        padded.append((max(begin - pad_s, earliest), min(finish + pad_s, latest)))
    return padded


def _parts(span: Span, max_s: float) -> list[Span]:
    begin, finish = span
    count = max(1, math.ceil((finish - begin - _ROUNDING_S) / max_s))
    step = (finish - begin) / count
    return [(begin + step * i, finish if i + 1 == count else begin + step * (i + 1)) for i in range(count)]


def _cut(spans: Sequence[Span], half_s: float) -> int:
    """Return how many spans to take: up to the longest pause after `half_s`, or else before it."""
    pauses = [(spans[i][0] - spans[i - 1][1], i) for i in range(1, len(spans))]
    late = [pause for pause in pauses if spans[pause[1] - 1][1] >= half_s]
    return max(late or pauses)[1]
