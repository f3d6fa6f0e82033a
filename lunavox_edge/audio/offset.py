"""The constant that some microphones add to all they hear, taken out again.

Nobody hears it, but to the voice detector speech above it is hardly speech: at 3 % of full scale one
recording in ten is silence.
"""

from __future__ import annotations

import numpy as np

from lunavox_edge.audio.pcm import Samples

_LEAST = 0.004
"""Of full scale. Speech alone stays below it, and is then passed on as it is."""
_PIECE_S = 0.02
_FIRST_S = 0.06
"""What has to be heard before its mean says anything, if there is more than hiss above it."""
_HISS = 0.25
_MEMORY_S = 2.0


class OffsetRemover:
    """Follows the mean of one stream and takes it out where it cannot be sound."""

    def __init__(self, rate_hz: int) -> None:
        """Know nothing yet."""
        self._piece = round(_PIECE_S * rate_hz)
        self._first = round(_FIRST_S * rate_hz)
        self._memory = round(_MEMORY_S * rate_hz)
        self._heard = 0
        self._mean = 0.0
        self._taken = 0.0

    def feed(self, samples: Samples) -> Samples:
        """Return the next audio without the constant: the same array if there is none."""
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
        """Return what is to be taken out of a piece at its beginning and at its end."""
        is_first = not self._heard
        self._heard = min(self._heard + len(piece), self._memory)
        self._mean += (float(piece.mean()) - self._mean) * len(piece) / self._heard
        known = self._heard >= self._first or float(piece.std()) < _HISS * abs(self._mean)
        before = self._taken
        self._taken = self._mean if known and abs(self._mean) >= _LEAST else 0.0
        return self._taken if is_first else before, self._taken
