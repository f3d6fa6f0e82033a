"""How much audio Whisper's encoder is given, and when a result from less than all is not trusted."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 100
FULL_FRAMES = 3000
"""The 30 s that Whisper was trained on."""
SHORT_FRAMES = 1000
"""The encoder costs a seventh of the full window here; with less the decoder loops on single words."""

_MARGIN_FRAMES = 100
_SPARING_FRAMES = 2400
"""From here on a shorter window saves too little to be worth a second try."""
LONG_FRAMES = 600
"""Seldom one command: from here on the decoder also tells times, which keeps it from stopping after the
first sentence. On short commands they make it less sure of its words."""
_TOKENS_BASE, _TOKENS_PER_S = 32, 25
"""No language is spoken faster."""
_SURE_LOGPROB = -0.7
"""Below this mean the words differ between windows about as often as not."""
_SLOW_TOKENS_PER_S, _QUIET_S = 2, 1.0
"""Speech slower than this is rarer than a decoder that stops after the first of two sentences."""
_REPETITIVE = 2.4
"""Text that zlib shrinks more than this repeats itself."""
_ROUNDS = ((1, 4), (3, 3), (10, 2))
"""People say a word thrice and a phrase twice: (longest run of tokens, how often in a row is a loop)."""


def windows(frames: int, *, full: bool) -> tuple[int, ...]:
    """Return the lengths to try, in frames, for audio of `frames`: the short one first, all 30 s last."""
    # The encoder halves the frames, so an odd one would be lost.
    short = max(SHORT_FRAMES, frames + _MARGIN_FRAMES + frames % 2)
    return (FULL_FRAMES,) if full or short > _SPARING_FRAMES else (short, FULL_FRAMES)


def allowed_tokens(frames: int) -> int:
    """Return how many tokens `frames` of speech may have; a decoder that goes on repeats itself."""
    return _TOKENS_BASE + math.ceil(frames / FRAMES_PER_S * _TOKENS_PER_S)


def fill(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Pad or cut features (bands, frames) to a length.

    Zero is the middle of the scale, not silence; with short windows it misleads the decoder less than
    silence or the recording's own noise.
    """
    missing = max(0, frames - features.shape[1])
    return np.ascontiguousarray(np.pad(features, ((0, 0), (0, missing)))[:, :frames])


def doubtful(tokens: Sequence[int], text: str, logprob: float, *, frames: int) -> bool:
    """Whether what a short window gave for `frames` may be worse than what the full one would give."""
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
    """Whether a run of tokens is said again and again, with nothing between."""
    for size in range(1, _ROUNDS[-1][0] + 1):
        rounds = next(rounds for longest, rounds in _ROUNDS if size <= longest)
        same = 0
        for index in range(size, len(tokens)):
            same = same + 1 if tokens[index] == tokens[index - size] else 0
            if same >= size * (rounds - 1):
                return True
    return False


def repetitive(text: str) -> bool:
    """Whether a text repeats itself so much that it can be packed small."""
    raw = text.encode()
    return len(raw) / max(1, len(zlib.compress(raw))) > _REPETITIVE
