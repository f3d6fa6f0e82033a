"""Silero's voice activity detector, with the model file of the package faster-whisper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunavox_edge.backends.base import Samples, Vad, VadStream
from lunavox_edge.backends.ort import OrtSession, open_session
from lunavox_edge.backends.packages import missing_modules, package_folder
from lunavox_edge.errors import BackendUnavailable

FRAME_SAMPLES = 512
RATE_HZ = 16_000

_CONTEXT_SAMPLES = 64
_STATE_SHAPE = (1, 1, 128)
_BATCH_FRAMES = 256
"""Maximum number of frames in one call of the model, which bounds its memory."""
_MODEL_FILE = "silero_vad_v6.onnx"


class SileroVad(Vad):
    """One loaded detector for any number of streams. Thread-safe."""

    frame_s = FRAME_SAMPLES / RATE_HZ

    def __init__(self, path: Path | None = None) -> None:
        """Load the model. Raises BackendUnavailable, BrokenModel."""
        found = path or _model_file()
        if found is None:
            raise BackendUnavailable(self.missing() or "The voice detector's model is missing.")
        self._session = open_session(found)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence that says what to install, None if nothing is missing."""
        absent = missing_modules("Voice detection", "starter", "onnxruntime", "faster_whisper")
        if absent is None and _model_file() is None:
            return "This faster-whisper has no voice detector. Upgrade it with: pip install -U faster-whisper"
        return absent

    def stream(self) -> SileroStream:
        """Start on a new utterance."""
        return SileroStream(self._session)

    def speech_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Return one probability for every frame of a recording; the last frame is padded with zeros."""
        missing = -len(samples) % FRAME_SAMPLES
        return self.stream().feed(np.concatenate((samples, np.zeros(missing, np.float32))))


class SileroStream(VadStream):
    """State of the detector for one utterance; used by one thread at a time."""

    def __init__(self, session: OrtSession) -> None:
        """Start in the state of silence."""
        self._session = session
        self._waiting: Samples = np.zeros(0, np.float32)
        self._h: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._c: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._context: NDArray[np.float32] = np.zeros((1, _CONTEXT_SAMPLES), np.float32)

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        """Take 16 kHz audio; return one probability for every frame that it completes."""
        audio = np.concatenate((self._waiting, samples)) if self._waiting.size else samples
        whole = len(audio) - len(audio) % FRAME_SAMPLES
        self._waiting = audio[whole:].copy()
        frames = audio[:whole].reshape(-1, FRAME_SAMPLES)
        batches = [
            self._probabilities(frames[start : start + _BATCH_FRAMES])
            for start in range(0, len(frames), _BATCH_FRAMES)
        ]
        return np.concatenate(batches) if batches else np.zeros(0, np.float32)

    def _probabilities(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        if not frames.any():
            # Digital silence needs no model; the state is reset, which speech after it does not notice.
            self._reset()
            return np.zeros(len(frames), np.float32)
        before = np.concatenate((self._context, frames[:-1, -_CONTEXT_SAMPLES:]))
        found, self._h, self._c = self._session.run(
            None, {"input": np.concatenate((before, frames), axis=1), "h": self._h, "c": self._c}
        )
        self._context = frames[-1:, -_CONTEXT_SAMPLES:].copy()
        probabilities: NDArray[np.float32] = np.asarray(found, np.float32).reshape(-1)
        return probabilities

    def _reset(self) -> None:
        self._h = np.zeros_like(self._h)
        self._c = np.zeros_like(self._c)
        self._context = np.zeros_like(self._context)


def _model_file() -> Path | None:
    folder = package_folder("faster_whisper")
    if folder is None or not (folder / "assets" / _MODEL_FILE).is_file():
        return None
    return folder / "assets" / _MODEL_FILE
