"""Loudness of speech: measuring it, and applying gain without clipping."""

from __future__ import annotations

import math

import numpy as np

from lunavox_edge.audio.pcm import Samples

MAX_GAIN_DB = 18.0
MIN_GAIN_DB = -40.0

_BLOCK_S = 0.05
_GATE_DB = 25.0
"""Blocks this far below the loudest one are pauses, not speech."""
_FLOOR_DBFS = -70.0
_KNEE = 0.8


def speech_dbfs(samples: Samples, rate_hz: int) -> float:
    """Return the RMS level without the pauses, in dBFS; -inf for silence."""
    block = max(1, int(_BLOCK_S * rate_hz))
    whole = len(samples) - len(samples) % block
    blocks = samples[:whole].reshape(-1, block) if whole else samples.reshape(1, -1)
    if blocks.size == 0:
        return -math.inf
    power = np.mean(np.square(blocks, dtype=np.float64), axis=1)
    gate = max(power.max() * 10 ** (-_GATE_DB / 10), 10 ** (_FLOOR_DBFS / 10))
    speech = power[power >= gate]
    if speech.size == 0:
        return -math.inf
    return 10 * math.log10(float(speech.mean()))


def gain_to(dbfs: float | None, target_dbfs: float) -> float:
    """Return the factor from a level to the target, within MIN_GAIN_DB and MAX_GAIN_DB; 1 for no level."""
    if dbfs is None or not math.isfinite(dbfs):
        return 1.0
    gain_db = min(max(target_dbfs - dbfs, MIN_GAIN_DB), MAX_GAIN_DB)
    return float(10 ** (gain_db / 20))


def apply_gain(samples: Samples, gain: float) -> Samples:
    """Return the samples times `gain`; peaks above the knee are compressed to stay below full scale.

    Each sample is processed on its own, so chunks of a stream join without an audible seam.
    """
    louder: Samples = samples * np.float32(gain)
    size = np.abs(louder)
    over = size > _KNEE
    if over.any():
        room = np.float32(1 - _KNEE)
        bent = _KNEE + room * np.tanh((size[over] - np.float32(_KNEE)) / room)
        louder[over] = np.copysign(bent, louder[over])
    return louder
