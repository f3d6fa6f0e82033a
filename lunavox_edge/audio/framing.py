"""Cutting PCM into chunks for messages."""

from __future__ import annotations

from collections.abc import Iterator

_BYTES_PER_SAMPLE = 2


def frames(pcm: bytes, rate_hz: int, chunk_ms: int) -> Iterator[bytes]:
    """Yield 16-bit mono PCM in chunks of `chunk_ms`, never cutting a sample; the last may be shorter."""
    step = max(1, rate_hz * chunk_ms // 1000) * _BYTES_PER_SAMPLE
    for start in range(0, len(pcm), step):
        yield pcm[start : start + step]
