"""Recordings in formats that this project only reads."""

from __future__ import annotations

import random
import struct

_BLOCK_BYTES = 65  # two frames of 20 ms
_BLOCK_SAMPLES = 320


def gsm_wav(blocks: int, *, declared_bytes: int | None = None) -> bytes:
    """Return noise in the format of telephone systems: GSM 06.10 in WAV, 8000 Hz, 40 ms a block.

    `declared_bytes` is written to the header instead of the true size, as streaming recorders do.
    """
    audio = random.Random(7).randbytes(_BLOCK_BYTES * blocks)  # noqa: S311  # any bits are sound
    fmt = struct.pack(
        "<HHIIHHHH",
        *(0x31, 1, 8000, 1625, _BLOCK_BYTES, 0, 2, _BLOCK_SAMPLES),
    )
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"fact" + struct.pack("<II", 4, _BLOCK_SAMPLES * blocks)
    body += b"data" + struct.pack("<I", len(audio) if declared_bytes is None else declared_bytes) + audio
    return b"RIFF" + struct.pack("<I", len(body) if declared_bytes is None else declared_bytes) + body
