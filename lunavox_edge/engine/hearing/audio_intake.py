"""The converted audio of one utterance: 16 kHz samples, the speech in it, and its endpointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lunavox_edge.audio.endpoint import Endpointer
from lunavox_edge.audio.offset import OffsetRemover
from lunavox_edge.audio.pcm import Converter
from lunavox_edge.audio.vad import chunks, speech_spans
from lunavox_edge.backends.base import Samples, Vad
from lunavox_edge.types import AudioFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL_RATE_HZ = 16_000
MAX_PIECE_S = 30.0
"""The longest audio that is recognised in one slice."""

_BEST_PIECE_S = 9.0
"""Fits the shortest window: cheapest, and the decoder seldom stops early or repeats itself in it."""
_HELD_S = 60.0
"""Long recordings are kept in windows of this length, so that memory is bounded."""
_SETTLED_S = 1.0
"""Speech that ended this long before the end of the window will not continue."""

Piece = tuple[float, float]
"""Start and end of what is recognised in one slice, in seconds."""


class AudioIntake:
    """Samples and speech probabilities of one utterance. Used by one slice at a time, so it has no lock."""

    def __init__(self, audio_format: AudioFormat, vad: Vad | None) -> None:
        """Convert from `audio_format`; without a `vad` all audio counts as speech."""
        self._converter = Converter(audio_format, MODEL_RATE_HZ)
        self._offset = OffsetRemover(MODEL_RATE_HZ)
        self._vad = vad
        self._stream = vad.stream() if vad is not None else None
        self._frame_samples = round(vad.frame_s * MODEL_RATE_HZ) if vad is not None else 1
        self._audio: list[NDArray[np.int16]] = []
        self._samples = 0
        self._forgotten = 0
        self._settled = 0
        self._probabilities: list[NDArray[np.float32]] = []
        self.endpointer = Endpointer(vad.frame_s) if vad is not None else None

    @property
    def duration_s(self) -> float:
        """Seconds of audio taken in so far, forgotten ones included."""
        return self._samples / MODEL_RATE_HZ

    @property
    def settled_s(self) -> float:
        """Second at which the audio begins that is not settled: where speech is still looked for."""
        return self._settled / MODEL_RATE_HZ

    def take(self, pcm: bytes) -> None:
        """Convert the next audio and run the VAD on it."""
        self._keep(self._converter.feed(pcm))

    def finish(self) -> None:
        """Take the rest out of the converter; no more audio comes."""
        self._keep(self._converter.finish())

    def pieces(self) -> list[Piece]:
        """Return the speech in the audio that is held, in pieces of at most MAX_PIECE_S."""
        self._forget()
        start_s = self._forgotten / MODEL_RATE_HZ
        held_s = self.duration_s - start_s
        if not held_s:
            return []
        spans = [(0.0, held_s)]
        if self._vad is not None and self._probabilities:
            found = speech_spans(np.concatenate(self._probabilities), self._vad.frame_s)
            spans = [(start, min(end, held_s)) for start, end in found]
        packed = chunks(spans, max_s=MAX_PIECE_S, best_s=_BEST_PIECE_S)
        return [(start_s + start, start_s + end) for start, end in packed]

    def settle(self) -> list[Piece]:
        """Return the pieces that no later audio will change; none before a minute is held.

        They are returned once. Their audio is dropped at the next `take` or `pieces`.
        """
        if self.duration_s - self._forgotten / MODEL_RATE_HZ < _HELD_S:
            return []
        pieces = self.pieces()
        open_from_s = max(0.0, self.duration_s - _SETTLED_S)
        if pieces and pieces[-1][1] > open_from_s:
            open_from_s = pieces.pop()[0]
        frame = self._frame_samples
        self._settled = int(open_from_s * MODEL_RATE_HZ) // frame * frame
        return pieces

    def samples(self, piece: Piece) -> Samples:
        """Return the samples of one piece, as floats."""
        if len(self._audio) > 1:
            self._audio = [np.concatenate(self._audio)]
        start, end = (int(edge_s * MODEL_RATE_HZ) - self._forgotten for edge_s in piece)
        return self._audio[0][start:end].astype(np.float32) / 32768.0

    def _forget(self) -> None:
        """Drop the audio that has settled."""
        if self._settled == self._forgotten:
            return
        audio = np.concatenate(self._audio)[self._settled - self._forgotten :]
        self._audio = [audio.copy()]
        if self._vad is not None and self._probabilities:
            gone = (self._settled - self._forgotten) // self._frame_samples
            self._probabilities = [np.concatenate(self._probabilities)[gone:]]
        self._forgotten = self._settled

    def _keep(self, samples: Samples) -> None:
        """Append samples, run the VAD on them and pass its probabilities to the endpointer."""
        if not len(samples):
            return
        samples = self._offset.feed(samples)
        self._forget()
        self._audio.append((samples * 32767.0).astype(np.int16))
        self._samples += len(samples)
        if self._stream is not None:
            probabilities = self._stream.feed(samples)
            self._probabilities.append(probabilities)
            if self.endpointer is not None:
                self.endpointer.feed(probabilities.tolist())
