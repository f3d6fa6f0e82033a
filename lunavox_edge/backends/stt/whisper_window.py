"""Length of the window for Whisper's encoder, and when the result of a short window is doubtful."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 100
FULL_FRAMES = 3000
"""The full window: the 30 s that Whisper was trained on."""
SHORT_FRAMES = 1000
"""The shortest window. The encoder costs a seventh of the full one; with less, the decoder loops on single
words."""

_MARGIN_FRAMES = 100
_SPARING_FRAMES = 2400
"""A window longer than this saves too little to be worth the risk of a second try."""
LONG_FRAMES = 600
"""From this length on, audio is seldom a single command, and the decoder also predicts timestamps, which
keeps it from stopping after the first sentence. On short commands timestamps make it less certain."""
_TOKENS_BASE, _TOKENS_PER_S = 32, 25
"""Upper bound of the speaking rate: no language is spoken faster."""
_SURE_LOGPROB = -0.7
"""Below this mean, the words of the two windows differ about as often as not."""
_SLOW_TOKENS_PER_S, _QUIET_S = 2, 1.0
"""Speech slower than this is less likely than a decoder that stopped after the first of two sentences."""
_REPETITIVE = 2.4
"""Text with a higher compression ratio (zlib) repeats itself."""
_ROUNDS = ((1, 4), (3, 3), (10, 2))
"""Pairs (length up to, repetitions): so many repetitions of a sequence of up to so many tokens are a loop.
People do say a word three times and a phrase twice."""


def windows(frames: int, *, full: bool) -> tuple[int, ...]:
    """Return the window lengths to try for audio of `frames`: a short one, then the full one."""
    # The encoder halves the number of frames, so it must be even.
    short = max(SHORT_FRAMES, frames + _MARGIN_FRAMES + frames % 2)
    return (FULL_FRAMES,) if full or short > _SPARING_FRAMES else (short, FULL_FRAMES)


def allowed_tokens(frames: int) -> int:
    """Return the maximum number of tokens for `frames` of speech; with more the decoder repeats itself."""
    return _TOKENS_BASE + math.ceil(frames / FRAMES_PER_S * _TOKENS_PER_S)


def fill(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Pad or cut features (bands, frames) to a number of frames.

    They are padded with zero, which is the middle of the scale, not silence: with short windows it misleads
    the decoder less than silence or the recording's own noise.
    """
    missing = max(0, frames - features.shape[1])
    return np.ascontiguousarray(np.pad(features, ((0, 0), (0, missing)))[:, :frames])


def doubtful(tokens: Sequence[int], text: str, logprob: float, *, frames: int) -> bool:
    """Whether the result of a short window for `frames` of audio may be worse than that of the full one."""
    seconds = frames / FRAMES_PER_S
    return (
        not text.strip()
        or len(tokens) < _SLOW_TOKENS_PER_S * (seconds - _QUIET_S)
        or logprob < _SURE_LOGPROB
        or len(tokens) >= allowed_tokens(frames)
        or looping(tokens)
        or repetitive(text)
    )


def looping(tokens: Sequence[int]) -> bool:
    """Whether a sequence of tokens is repeated several times in a row (see `_ROUNDS`)."""
    for size in range(1, _ROUNDS[-1][0] + 1):
        rounds = next(rounds for longest, rounds in _ROUNDS if size <= longest)
        same = 0
        for index in range(size, len(tokens)):
            same = same + 1 if tokens[index] == tokens[index - size] else 0
            if same >= size * (rounds - 1):
                return True
    return False


def repetitive(text: str) -> bool:
    """Whether a text repeats itself, judged by its compression ratio."""
    raw = text.encode()
    return len(raw) / max(1, len(zlib.compress(raw))) > _REPETITIVE
