"""The appliance's own loudspeaker, with a player program that saves its input."""

from __future__ import annotations

import asyncio
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


async def test_little_audio_is_with_the_player_before_its_time(tmp_path: Path) -> None:
    """An interruption loses what the player has, so it must not get a whole speech at once."""
    taken_s, second = 0.0, asyncio.Event()

    async def ten_seconds() -> AsyncIterator[AudioChunk]:
        nonlocal taken_s
        for _ in range(100):
            taken_s += 0.1
            if taken_s >= 1.0:
                second.set()
            yield AudioChunk(PCM * 2, RATE_HZ)

    loop = asyncio.get_running_loop()
    started_s = loop.time()
    playing = asyncio.ensure_future(
        SoundCard(f"sh -c 'cat > {tmp_path / 'played.wav'}'").play((), ten_seconds(), Priority.NORMAL)
    )
    await asyncio.wait_for(second.wait(), 20.0)
    assert taken_s <= loop.time() - started_s + 0.7
    playing.cancel()
    await asyncio.wait([playing])


async def test_a_speech_that_is_over_already_needs_no_player() -> None:
    async def nothing() -> AsyncIterator[AudioChunk]:
        return
        yield

    assert await SoundCard("sh -c 'exit 1'").play((), nothing(), Priority.NORMAL) == ()
