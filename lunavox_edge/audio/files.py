"""Decoding of audio files (WAV, FLAC, OGG, MP3 and all other formats of FFmpeg), encoding of FLAC."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from lunavox_edge.errors import BadAudio
from lunavox_edge.types import AudioFormat

FILE_FORMAT = AudioFormat(rate_hz=16_000, width_bytes=2, channels=1)
"""The format that every recording is decoded to."""

# FFmpeg also opens playlists, which refer to other files and network addresses; this forbids it.
_ONLY_THIS_FILE = {"protocol_whitelist": "none"}
_UNREADABLE = "This is not a recording that can be read (WAV, FLAC, OGG, MP3 …)."


def duration_s(file: BinaryIO) -> float | None:
    """Return the duration in the file's header, None if it has none, and rewind the file. Raises BadAudio."""
    import av  # slow to import, and needed for files only

    try:
        with av.open(file, mode="r", metadata_errors="ignore", options=_ONLY_THIS_FILE) as container:
            found = container.duration
    except av.FFmpegError as error:
        raise BadAudio(_UNREADABLE) from error
    file.seek(0)
    return found / av.time_base if found is not None and found > 0 else None


def read_audio(file: BinaryIO) -> Iterator[bytes]:
    """Yield a recording as PCM in `FILE_FORMAT`, piece by piece.

    Damaged or truncated parts are skipped. Raises BadAudio if nothing can be decoded.
    """
    import av  # slow to import, and needed for files only

    damage: av.FFmpegError | None = None
    has_audio = False
    resampler = av.AudioResampler(format="s16", layout="mono", rate=FILE_FORMAT.rate_hz)
    try:
        with av.open(file, mode="r", metadata_errors="ignore", options=_ONLY_THIS_FILE) as container:
            if not container.streams.audio:
                raise BadAudio("There is no audio in this file.")
            for packet in container.demux(audio=0):
                try:
                    frames = packet.decode()
                except av.InvalidDataError as error:
                    damage = error
                    continue
                for frame in frames:
                    has_audio = True
                    for resampled in resampler.resample(frame):
                        yield resampled.to_ndarray().tobytes()
            if damage is not None and not has_audio:
                raise damage
            for resampled in resampler.resample(None):
                yield resampled.to_ndarray().tobytes()
    except av.FFmpegError as error:
        if not (has_audio and isinstance(error, av.InvalidDataError)):
            raise BadAudio(_UNREADABLE) from error


def flac_bytes(pcm: bytes, rate_hz: int) -> bytes:
    """Return 16-bit mono PCM as a FLAC file."""
    import av  # slow to import, and needed for files only

    file = io.BytesIO()
    with av.open(file, mode="w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(pcm, np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = rate_hz
        for encoded in (*stream.encode(frame), *stream.encode(None)):
            container.mux(encoded)
    return file.getvalue()
