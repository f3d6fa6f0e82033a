"""Spans of speech, and packing them into pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.audio.vad import Span, chunks, speech_spans

pytestmark = pytest.mark.unit

FRAME_S = 0.1


def spans(text: str, **options: float) -> list[Span]:
    """Return the spans of a text of digits, each a tenth of a probability; no padding by default."""
    settings = {"min_speech_s": 0.0, "min_silence_s": 0.0, "pad_s": 0.0, **options}
    found = speech_spans([int(digit) / 10 for digit in text], FRAME_S, **settings)
    return [(round(start, 6), round(end, 6)) for start, end in found]


def test_it_starts_high_and_ends_low() -> None:
    assert spans("004444000") == []
    assert spans("0094444000") == [(0.2, 0.7)]
    assert spans("00943") == [(0.2, 0.4)]


def test_speech_up_to_the_end() -> None:
    assert spans("0099") == [(0.2, 0.4)]


def test_nothing_in_nothing_out() -> None:
    assert spans("") == []
    assert spans("000") == []


def test_short_pauses_do_not_end_speech() -> None:
    assert spans("9909900099", min_silence_s=0.2) == [(0.0, 0.5), (0.8, 1.0)]


def test_blips_are_not_speech_but_halves_of_a_word_are() -> None:
    assert spans("0900", min_speech_s=0.15) == []
    assert spans("090900", min_speech_s=0.15, min_silence_s=0.15) == [(0.1, 0.4)]


def test_padding_stays_inside_the_audio() -> None:
    assert spans("0990000000099", pad_s=0.3) == [(0.0, 0.6), (0.8, 1.3)]


def test_padding_shares_a_short_pause() -> None:
    assert spans("0000990000990000", pad_s=0.3) == [(0.1, 0.8), (0.8, 1.5)]


@given(st.lists(st.floats(0, 1), max_size=300))
def test_spans_are_ordered_and_inside(probabilities: list[float]) -> None:
    found = speech_spans(probabilities, FRAME_S)
    edges = [edge for span in found for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(probabilities) * FRAME_S + 1e-9 for edge in edges)
    assert all(end > start for start, end in found)


def test_what_fits_is_one_piece() -> None:
    assert chunks([(1.0, 5.0), (7.0, 30.5)]) == [(1.0, 30.5)]
    assert chunks([]) == []


def test_the_cut_is_at_the_longest_late_pause() -> None:
    said = [(0.0, 2.0), (12.0, 18.0), (19.0, 22.0), (25.0, 28.0), (28.5, 35.0)]
    assert chunks(said) == [(0.0, 22.0), (25.0, 35.0)]


def test_an_early_pause_is_better_than_none() -> None:
    assert chunks([(0.0, 5.0), (6.0, 33.0)]) == [(0.0, 5.0), (6.0, 33.0)]


def test_without_a_pause_the_parts_are_equal() -> None:
    assert chunks([(0.0, 31.0)]) == [(0.0, 15.5), (15.5, 31.0)]
    assert chunks([(0.0, 30.0)]) == [(0.0, 30.0)]


def test_pieces_are_short_where_pauses_allow() -> None:
    said = [(0.0, 4.0), (4.5, 8.0), (9.0, 12.0), (12.5, 32.0), (33.0, 34.0)]
    assert chunks(said, best_s=9.0) == [(0.0, 8.0), (9.0, 12.0), (12.5, 32.0), (33.0, 34.0)]


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.05, 90)), max_size=40),
    st.sampled_from([5.0, 10.0, 30.0]),
)
def test_pieces_hold_all_speech_and_are_bounded(steps: list[tuple[float, float]], max_s: float) -> None:
    said: list[Span] = []
    now = 0.0
    for pause, length in steps:
        said.append((now + pause, now + pause + length))
        now += pause + length
    pieces = chunks(said, max_s)
    assert all(0 < end - start <= max_s + 1e-5 for start, end in pieces)
    assert all(before[1] <= after[0] + 1e-9 for before, after in itertools.pairwise(pieces))
    for start, end in said:
        covered = sum(max(0.0, min(end, stop) - max(start, begin)) for begin, stop in pieces)
        assert covered == pytest.approx(end - start, abs=1e-5)
