"""Short signal sounds, generated from notes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lunavox_edge.audio.pcm import Samples, to_pcm16

LISTENING = ((660.0, 0.09), (990.0, 0.12))
"""Two rising notes: the satellite listens."""

ANNOUNCING = ((784.0, 0.16), (587.0, 0.3))
"""Two falling notes: an announcement follows."""

_CALL = ((1047.0, 0.12), (1319.0, 0.12), (1568.0, 0.32))
RINGING = (*_CALL, (0.0, 0.16), *_CALL, (0.0, 0.9))
"""Three rising notes, twice, and a rest, to be repeated: a timer has finished."""

FAILED = ((392.0, 0.14), (0.0, 0.04), (294.0, 0.24))
"""Two low falling notes: the request failed."""

_AMPLITUDE = 0.2
_FADE_S = 0.015


@lru_cache(maxsize=16)
def chime(notes: tuple[tuple[float, float], ...], rate_hz: int, amplitude: float = _AMPLITUDE) -> bytes:
    """Return notes (hertz, seconds; 0 Hz is a rest) as 16-bit mono PCM; `amplitude` is at most 1."""
    return b"".join(to_pcm16(_note(hertz, seconds, rate_hz, amplitude)) for hertz, seconds in notes)


def _note(hertz: float, seconds: float, rate_hz: int, amplitude: float) -> Samples:
    times = np.arange(int(seconds * rate_hz), dtype=np.float32) / np.float32(rate_hz)
    fade = np.minimum(1, np.minimum(times, seconds - times) / np.float32(_FADE_S))
    tone: Samples = (np.sin(2 * np.pi * hertz * times) * np.clip(fade, 0, 1) * amplitude).astype(np.float32)
    return tone
