"""A voice activity detector that takes loud sound for speech."""

from __future__ import annotations

import numpy as np

from lunavox_edge.backends.base import Samples, Vad, VadStream


class LoudnessStream(VadStream):
    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Samples) -> Samples:
        audio = np.concatenate((self._rest, samples))
        whole = len(audio) - len(audio) % 512
        self._rest = audio[whole:]
        peaks = np.abs(audio[:whole].reshape(-1, 512)).max(axis=1)
        speech: Samples = (peaks > 0.01).astype(np.float32)
        return speech


class LoudnessVad(Vad):
    """Reports speech for every frame that is not silent."""

    frame_s = 512 / 16_000

    def stream(self) -> VadStream:
        return LoudnessStream()
