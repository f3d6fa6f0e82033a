"""Short sounds that tell people what is going on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lunavox_edge.audio.pcm import Samples, to_pcm16

LISTENING = ((660.0, 0.09), (990.0, 0.12))
"""Two notes upwards: go on, speak."""

ANNOUNCING = ((784.0, 0.16), (587.0, 0.3))
"""Two notes downwards: somebody is about to speak."""

_AMPLITUDE = 0.2
_FADE_S = 0.015


@lru_cache(maxsize=16)
def chime(notes: tuple[tuple[float, float], ...], rate_hz: int) -> bytes:
    """Return notes (hertz, seconds) as 16-bit mono PCM."""
    return b"".join(to_pcm16(_note(hertz, seconds, rate_hz)) for hertz, seconds in notes)


def _note(hertz: float, seconds: float, rate_hz: int) -> Samples:
    times = np.arange(int(seconds * rate_hz), dtype=np.float32) / np.float32(rate_hz)
    fade = np.minimum(1, np.minimum(times, seconds - times) / np.float32(_FADE_S))
    tone: Samples = (np.sin(2 * np.pi * hertz * times) * np.clip(fade, 0, 1) * _AMPLITUDE).astype(np.float32)
    return tone
