"""Sound of a given loudness, for scripted detectors."""

from __future__ import annotations

import numpy as np

RATE_HZ = 16_000


def steady(seconds: float, level: float) -> bytes:
    """Return 16 kHz PCM that alternates between `level` and `-level`; 1.0 is full scale."""
    swing = np.where(np.arange(int(seconds * RATE_HZ)) % 2, -level, level)
    return (swing * 32767).astype("<i2").tobytes()
