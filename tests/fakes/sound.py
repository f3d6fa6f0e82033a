"""Sound whose loudness means something to scripted detectors."""

from __future__ import annotations

import numpy as np

RATE_HZ = 16_000


def steady(seconds: float, level: float) -> bytes:
    """16 kHz PCM that swings between `level` and its opposite, 1.0 being full scale."""
    swing = np.where(np.arange(int(seconds * RATE_HZ)) % 2, -level, level)
    return (swing * 32767).astype("<i2").tobytes()
