"""Length of Whisper's window, and when its result is doubtful."""

from __future__ import annotations

import numpy as np
import pytest

from lunavox_edge.backends.stt.whisper_window import doubtful, fill, looping, repetitive, windows

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.1, (1000, 3000)),
        (2.0, (1000, 3000)),
        (9.0, (1000, 3000)),
        (9.5, (1050, 3000)),
        (22.9, (2390, 3000)),
        (23.1, (3000,)),
        (30.0, (3000,)),
    ],
)
def test_windows(seconds: float, expected: tuple[int, ...]) -> None:
    assert windows(round(seconds * 100), full=False) == expected
    assert windows(round(seconds * 100), full=True) == (3000,)


@pytest.mark.parametrize("frames", range(905, 915))
def test_a_window_is_even_and_holds_the_speech(frames: int) -> None:
    short, _ = windows(frames, full=False)
    assert short % 2 == 0
    assert short >= frames + 90


@pytest.mark.parametrize(("frames", "length"), [(3, 5), (5, 5), (7, 5)])
def test_fill(frames: int, length: int) -> None:
    filled = fill(np.ones((2, frames), np.float32), length)
    assert filled.shape == (2, length)
    assert filled.flags.c_contiguous
    assert filled.sum() == 2 * min(frames, length)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], False),
        ([7], False),
        ([1, 2, 3, 4, 5, 6], False),
        ([7, 7, 7], False),  # no, no, no
        ([1, 7, 7, 7, 7, 2], True),
        ([1, 2, 1, 2], False),  # good night, good night
        ([9, 1, 2, 1, 2, 1, 2], True),
        ([1, 2, 3, 1, 2, 3], False),
        ([1, 2, 3, 4, 1, 2, 3, 4], True),
        ([1, 2, 3, 4, 9, 1, 2, 3, 4], False),
        ([0, *range(10), *range(10)], True),
        ([*range(10), *range(9), 99], False),
        ([*range(11), *range(11)], False),  # left to the compression
    ],
)
def test_looping(tokens: list[int], *, expected: bool) -> None:
    assert looping(tokens) is expected


@pytest.mark.parametrize(
    ("tokens", "text", "logprob", "expected"),
    [
        ([1, 2, 3], "Turn it on.", -0.3, False),
        ([1, 2, 3], "Turn it on.", -0.69, False),
        ([1, 2, 3], "Turn it on.", -0.71, True),
        ([], "", -0.1, True),
        ([1], " ", -0.1, True),
        ([1, 1, 1, 1], "Oh, oh, oh, oh", -0.1, True),
        (list(range(56)), "As long as allowed", -0.1, False),
        (list(range(57)), "As long as allowed", -0.1, True),
        ([1, 2, 3], "I see. " * 20, -0.1, True),
    ],
)
def test_doubtful(tokens: list[int], text: str, logprob: float, *, expected: bool) -> None:
    assert doubtful(tokens, text, logprob, frames=100) is expected


@pytest.mark.parametrize(
    ("seconds", "tokens", "expected"),
    [(0.9, 1, False), (3.0, 4, False), (3.0, 3, True), (8.0, 14, False), (8.0, 11, True)],
)
def test_a_decoder_that_stopped_early_is_doubted(seconds: float, tokens: int, *, expected: bool) -> None:
    said = list(range(tokens))
    assert doubtful(said, "The quick brown fox.", -0.1, frames=round(seconds * 100)) is expected


def test_repetitive() -> None:
    assert repetitive("You " * 40)
    assert not repetitive("")
    assert not repetitive("Please turn on the lights in the kitchen, and close the door.")
