"""WAV (RIFF/WAVE): recognising its header in raw audio, reading and writing files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import BadAudio
from lunavox_edge.types import AudioFormat

_PCM = 0x0001
_EXTENSIBLE = 0xFFFE
_FMT_BYTES = 16
_EXTENSIBLE_FMT_BYTES = 26
"""Up to and including the first two bytes of the sub-format, which contain the real encoding."""
UNKNOWN_SIZE = 0xFFFFFFFF


class WavHeader(NamedTuple):
    """Format of a WAV file, and the offset of its audio in bytes."""

    audio_format: AudioFormat
    data_offset: int


def sniff_header(prefix: bytes) -> WavHeader | None:
    """Return the WAV header at the start of raw audio; None if there is none or it is incomplete.

    Extra chunks before the audio are skipped. The sizes of file and audio are ignored, because recorders
    that stream leave them 0 or 0xFFFFFFFF. Raises only BadAudio: for a complete header of anything but
    supported integer PCM (floating point, compressed, no channels), whose bytes would sound like noise.
    """
    found = _walk(prefix)
    return None if found is None else found[0]


def read_wav(data: bytes) -> tuple[AudioFormat, bytes]:
    """Return the format and the audio of a WAV file. Raises BadAudio if it is not one."""
    found = _walk(data)
    if found is None:
        raise BadAudio("This is not a WAV file, or its header is incomplete.")
    header, size = found
    end = len(data) if size in (0, UNKNOWN_SIZE) else header.data_offset + size
    return header.audio_format, data[header.data_offset : end]


def wav_header(rate_hz: int, data_bytes: int) -> bytes:
    """Return the 44-byte header for `data_bytes` of 16-bit mono PCM."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", min(36 + data_bytes, UNKNOWN_SIZE), b"WAVE",
        b"fmt ", _FMT_BYTES, _PCM, 1, rate_hz, 2 * rate_hz, 2, 16,
        b"data", min(data_bytes, UNKNOWN_SIZE),
    )  # fmt: skip


def wav_bytes(pcm: bytes, rate_hz: int) -> bytes:
    """Return 16-bit mono PCM as a WAV file."""
    return wav_header(rate_hz, len(pcm)) + pcm


def write_wav(file: BinaryIO | str | Path, pcm: bytes, rate_hz: int) -> None:
    """Write 16-bit mono PCM as a WAV file to a path or to an open file, which may be a pipe."""
    if isinstance(file, (str, Path)):
        Path(file).write_bytes(wav_bytes(pcm, rate_hz))
        return
    file.write(wav_header(rate_hz, len(pcm)))
    file.write(pcm)


def _walk(data: bytes) -> tuple[WavHeader, int] | None:
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        return None
    audio_format: AudioFormat | None = None
    offset = 12
    while offset + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, offset)
        offset += 8
        if kind == b"data":
            return None if audio_format is None else (WavHeader(audio_format, offset), size)
        if kind == b"fmt ":
            body = data[offset : offset + size]
            if len(body) < size:
                return None
            audio_format = _parse_fmt(body)
        offset += size + size % 2
    return None


def _parse_fmt(body: bytes) -> AudioFormat:
    if len(body) < _FMT_BYTES:
        raise BadAudio("The WAV header does not describe its audio.")
    encoding, channels, rate_hz, _, block_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if encoding == _EXTENSIBLE and len(body) >= _EXTENSIBLE_FMT_BYTES:
        (encoding,) = struct.unpack_from("<H", body, _EXTENSIBLE_FMT_BYTES - 2)
    if encoding != _PCM:
        raise BadAudio("The WAV audio is compressed or floating point; send 16-bit integer PCM.")
    # Samples of 12 or 20 bits are stored in whole bytes, so the width comes from the block size.
    width_bytes = block_bytes // channels if channels and block_bytes else (bits + 7) // 8
    check_format(rate_hz, width_bytes, channels)
    return AudioFormat(rate_hz, width_bytes, channels)
