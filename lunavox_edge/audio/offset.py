"""Removal of the DC offset that some microphones add to their signal.

It is inaudible, but the voice activity detector misses speech that is on top of it: with an offset of 3 % of
full scale, one recording in ten counts as silence.
"""

from __future__ import annotations

import numpy as np

from lunavox_edge.audio.pcm import Samples

_LEAST = 0.004
"""Smallest offset that is removed, as a share of full scale. The mean of speech alone stays below it."""
_PIECE_S = 0.02
_FIRST_S = 0.06
"""Audio needed before its mean is an estimate of the offset, if there is more than hiss."""
_HISS = 0.25
"""Up to this standard deviation, as a share of the mean, a piece is only offset and hiss."""
_MEMORY_S = 2.0


class OffsetRemover:
    """Tracks the mean of one stream and subtracts it where it is too large to be sound. Not thread-safe."""

    def __init__(self, rate_hz: int) -> None:
        """Start on a new stream."""
        self._piece = round(_PIECE_S * rate_hz)
        self._first = round(_FIRST_S * rate_hz)
        self._memory = round(_MEMORY_S * rate_hz)
        self._seen = 0
        self._mean = 0.0
        self._removed = 0.0

    def feed(self, samples: Samples) -> Samples:
        """Return the next audio without the offset: the same array if there is none."""
        starts = range(0, len(samples), self._piece)
        offsets = [self._follow(samples[start : start + self._piece]) for start in starts]
        if not any(first or last for first, last in offsets):
            return samples
        ramps = [
            np.linspace(first, last, min(self._piece, len(samples) - start), endpoint=False, dtype=np.float32)
            for start, (first, last) in zip(starts, offsets, strict=True)
        ]
        without: Samples = samples - np.concatenate(ramps)
        return without

    def _follow(self, piece: Samples) -> tuple[float, float]:
        """Return the offset to subtract at the beginning and at the end of a piece."""
        is_first = not self._seen
        self._seen = min(self._seen + len(piece), self._memory)
        self._mean += (float(piece.mean()) - self._mean) * len(piece) / self._seen
        is_known = self._seen >= self._first or float(piece.std()) < _HISS * abs(self._mean)
        before = self._removed
        self._removed = self._mean if is_known and abs(self._mean) >= _LEAST else 0.0
        return self._removed if is_first else before, self._removed
