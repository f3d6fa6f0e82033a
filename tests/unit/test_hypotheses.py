"""Words that are certain before the end, and joining pieces to a transcript."""

from __future__ import annotations

import pytest

from lunavox_edge.backends.base import Recognition
from lunavox_edge.engine.hearing.hypotheses import GuessTime, RecognizedPiece, StablePrefix, transcript_of
from lunavox_edge.types import TranscriptStats, Word

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("hypotheses", "told"),
    [
        (["turn on"], [""]),
        (["turn on the", "turn on the light"], ["", "turn on"]),
        (["turn on the", "turn on the light", "turn on the light in the"], ["", "turn on", "the"]),
        (["Turn on,", "turn on the"], ["", "turn"]),
        (["learn on", "turn on the", "turn on the light"], ["", "", "turn on"]),
        (["one two three", "one two three", "nine nine nine", "nine nine nine"], ["", "one two", "", ""]),
        (["", ""], ["", ""]),
    ],
)
def test_only_what_two_hypotheses_share_is_told(hypotheses: list[str], told: list[str]) -> None:
    stable = StablePrefix()

    assert [stable.add(text) for text in hypotheses] == told


def test_the_rest_completes_what_was_told() -> None:
    stable = StablePrefix()
    stable.add("turn on the")
    told = stable.add("turn on the light")

    assert f"{told} {stable.rest('Turn on the light, please.')}" == "turn on the light, please."


@pytest.mark.parametrize(
    ("decodes_s", "pause_s", "after_s"),
    [
        ([], 0.6, 0.16),
        ([0.1], 0.6, 0.35),
        ([0.1], 0.45, 0.2),
        ([0.15], 0.6, 0.25),
        ([0.6], 0.6, 0.16),
        ([0.6, 0.1], 0.6, 0.16),
        ([0.6, *[0.1] * 9], 0.6, 0.35),
        ([0.1], 1.25, 0.35),
        ([0.1], None, 0.16),
    ],
)
def test_a_guess_waits_as_long_as_a_decode_leaves_time(
    decodes_s: list[float], pause_s: float | None, after_s: float
) -> None:
    guess_time = GuessTime()
    for decode_s in decodes_s:
        guess_time.took(decode_s)

    assert guess_time.after_s(pause_s) == pytest.approx(after_s)


def test_pieces_are_joined_with_their_times_and_weights() -> None:
    first = RecognizedPiece.at(1.0, 2.0, Recognition("Hello", "en", 0.5, (Word("Hello", 0.0, 0.4, 0.9),)))
    nothing = RecognizedPiece.at(2.0, 12.0, Recognition("", "en", 0.0))
    last = RecognizedPiece.at(12.0, 15.0, Recognition("there.", "en", 0.9, (Word("there.", 0.5, 1.0, 0.8),)))
    joined = transcript_of(
        [first, nothing, last],
        language=None,
        fallback_language="de",
        duration_s=16.0,
        stats=TranscriptStats(),
    )

    assert joined.text == "Hello there."
    assert joined.language == "en"
    assert joined.confidence == pytest.approx((0.5 + 3 * 0.9) / 4)
    assert [(word.start_s, word.end_s) for word in joined.words] == [(1.0, 1.4), (12.5, 13.0)]
