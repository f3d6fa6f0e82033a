"""The appliance's own loudspeaker, with a player program that saves its input."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.audio.wav import UNKNOWN_SIZE, wav_header
from lunavox_edge.types import AudioChunk, Priority

pytestmark = pytest.mark.unit

RATE_HZ = 16_000
PCM = b"\1\2" * 800


async def two_chunks() -> AsyncIterator[AudioChunk]:
    yield AudioChunk(PCM, RATE_HZ)
    yield AudioChunk(PCM, RATE_HZ)


@pytest.mark.parametrize("lead_in_s", [0.0, 0.25])
async def test_silence_comes_once_before_the_speech(tmp_path: Path, lead_in_s: float) -> None:
    played = tmp_path / "played.wav"
    card = SoundCard(f"sh -c 'cat > {played}'", lead_in_s=lead_in_s)
    assert await card.play((), two_chunks(), Priority.NORMAL) == ()
    silent = bytes(2 * int(lead_in_s * RATE_HZ))
    assert played.read_bytes() == wav_header(RATE_HZ, UNKNOWN_SIZE) + silent + PCM + PCM
