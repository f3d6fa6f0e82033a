"""Chunks of PCM contain whole samples, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.audio.framing import frames

pytestmark = pytest.mark.unit


@given(st.binary(max_size=5000), st.sampled_from([8000, 16000, 22050, 24000]), st.integers(0, 100))
def test_joined_pieces_are_the_whole(pcm: bytes, rate_hz: int, chunk_ms: int) -> None:
    pieces = list(frames(pcm, rate_hz, chunk_ms))
    assert b"".join(pieces) == pcm
    assert all(pieces)
    assert all(len(piece) % 2 == 0 for piece in pieces[:-1])
    assert len({len(piece) for piece in pieces[:-1]}) <= 1


def test_length_of_a_piece() -> None:
    assert [len(piece) for piece in frames(bytes(2000), 16000, 20)] == [640, 640, 640, 80]
    assert len(next(frames(bytes(9999), 22050, 50))) == 2 * 1102
