"""Conversion between PCM bytes and mono float samples, and resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from lunavox_edge.errors import BadAudio
from lunavox_edge.types import AudioFormat

Samples = NDArray[np.float32]

MIN_RATE_HZ = 4_000
MAX_RATE_HZ = 192_000
MAX_WIDTH_BYTES = 4
MAX_CHANNELS = 8

# Longer ones are not repeated in messages.
_LONG_NUMBER = 10**18

_INT16_SCALE = 32768.0
_EMPTY: Samples = np.zeros(0, dtype=np.float32)


def check_format(rate_hz: int, width_bytes: int, channels: int) -> None:
    """Raise BadAudio unless audio of this format can be converted."""
    for value, low, high, what in (
        (rate_hz, MIN_RATE_HZ, MAX_RATE_HZ, "a sample rate (in Hz)"),
        (width_bytes, 1, MAX_WIDTH_BYTES, "a sample width (in bytes)"),
        (channels, 1, MAX_CHANNELS, "a number of channels"),
    ):
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadAudio(f"Audio needs {what} of type int, not {type(value).__name__}.")
        if not low <= value <= high:
            found = value if abs(value) < _LONG_NUMBER else "a number of more than 18 digits"
            raise BadAudio(f"Audio needs {what} from {low} to {high}, not {found}.")


def to_mono_float(pcm: bytes, audio_format: AudioFormat) -> Samples:
    """Decode PCM and average its channels; a partial frame at the end is dropped. Raises BadAudio."""
    width, channels = audio_format.width_bytes, audio_format.channels
    check_format(audio_format.rate_hz, width, channels)
    usable = len(pcm) - len(pcm) % audio_format.frame_bytes
    samples = _decode(memoryview(pcm)[:usable], width)
    if channels == 1:
        return samples
    mono: Samples = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    return mono


def array_to_pcm16(samples: NDArray[np.generic]) -> bytes:
    """Encode a one-dimensional array of floats or int16. Raises BadAudio for any other array."""
    if samples.ndim != 1:
        raise BadAudio(f"An array of audio needs one dimension, not {samples.ndim}.")
    if samples.dtype.kind == "f":
        return to_pcm16(samples.astype(np.float32))
    if samples.dtype.kind != "i" or samples.dtype.itemsize != 2:  # noqa: PLR2004
        raise BadAudio(f"An array of audio needs floats from -1 to 1 or int16, not {samples.dtype}.")
    pcm: bytes = samples.astype("<i2").tobytes()
    return pcm


def silence(seconds: float, rate_hz: int) -> bytes:
    """Return silence as 16-bit mono PCM."""
    return bytes(2 * int(seconds * rate_hz))


def to_pcm16(samples: Samples) -> bytes:
    """Encode as 16-bit little-endian PCM; values outside [-1, 1] are clipped, NaN becomes silence."""
    scaled = np.nan_to_num(samples * np.float32(_INT16_SCALE), posinf=_INT16_SCALE, neginf=-_INT16_SCALE)
    pcm: bytes = np.clip(np.rint(scaled), -32768, 32767).astype("<i2").tobytes()
    return pcm


def to_pcm(samples: Samples, audio_format: AudioFormat) -> bytes:
    """Encode mono samples in a format of the same rate, equal on every channel. Raises BadAudio."""
    width, channels = audio_format.width_bytes, audio_format.channels
    check_format(audio_format.rate_hz, width, channels)
    mono = np.frombuffer(to_pcm16(samples), "<i2")
    if width == 1:
        encoded = (mono >> 8).astype(np.int16) + 128
        raw = encoded.astype(np.uint8)[:, None]
    else:
        # Speech has 16 bits; wider formats get zeros below them.
        wide = (mono.astype("<i4") << 16).view(np.uint8).reshape(-1, 4)
        raw = wide[:, 4 - width :]
    pcm: bytes = np.ascontiguousarray(np.tile(raw, (1, channels))).tobytes()
    return pcm


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Change the sample rate of a whole recording, with an anti-alias filter."""
    if from_hz == to_hz or samples.size == 0:
        return samples
    converted: Samples = np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), dtype=np.float32)
    return converted


class Converter:
    """Converts one stream of PCM to mono float at `to_hz`; chunks may end anywhere in a frame.

    The resampler looks ahead, so its output lags some milliseconds behind until `finish`, after which the
    converter cannot be used any more. Not thread-safe.
    """

    def __init__(self, audio_format: AudioFormat, to_hz: int) -> None:
        """Start on a stream of this format. Raises BadAudio if the format is not supported."""
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        self._format = audio_format
        self._partial_frame = b""
        self._stream: Any = None
        if audio_format.rate_hz != to_hz:
            self._stream = soxr.ResampleStream(
                audio_format.rate_hz, to_hz, num_channels=1, dtype="float32", quality="HQ"
            )

    def feed(self, pcm: bytes) -> Samples:
        """Convert the next bytes; an incomplete frame at the end is kept for the next call."""
        pcm = self._partial_frame + pcm
        usable = len(pcm) - len(pcm) % self._format.frame_bytes
        self._partial_frame = pcm[usable:]
        return self._resampled(to_mono_float(pcm[:usable], self._format), last=False)

    def finish(self) -> Samples:
        """Return what the resampler still holds; an incomplete frame is dropped."""
        self._partial_frame = b""
        return self._resampled(_EMPTY, last=True)

    def _resampled(self, samples: Samples, *, last: bool) -> Samples:
        if self._stream is None or (samples.size == 0 and not last):
            return samples
        converted: Samples = self._stream.resample_chunk(samples, last=last)
        return converted


def _decode(pcm: memoryview, width_bytes: int) -> Samples:
    if width_bytes == 1:
        return (np.frombuffer(pcm, dtype=np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if width_bytes == 2:  # noqa: PLR2004
        return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_INT16_SCALE)
    if width_bytes == 3:  # noqa: PLR2004
        # The three bytes become the upper ones of 32 bits, which keeps the sign without a branch.
        padded = np.zeros((len(pcm) // 3, 4), dtype=np.uint8)
        padded[:, 1:] = np.frombuffer(pcm, dtype=np.uint8).reshape(-1, 3)
        integers = padded.view("<i4").reshape(-1)
    else:
        integers = np.frombuffer(pcm, dtype="<i4")
    return integers.astype(np.float32) / np.float32(2**31)
