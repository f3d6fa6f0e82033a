"""A speech over a voice in parts: a slice for each piece, no seams, and an end between two pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lunavox_edge import Engine, SynthesisParams
from lunavox_edge.errors import Cancelled
from lunavox_edge.host.system import rss_bytes
from lunavox_edge.settings.model import Settings

pytestmark = pytest.mark.model

SENTENCE = (
    "Tomorrow it will be mostly cloudy in the morning with some showers near the coast and then it will "
    "be sunny and dry for the rest of the day."
)
STILL = SynthesisParams(noise_scale=0.0, noise_w=0.0)
HOP = 256
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # Loud enough that peaks are bent, and nothing repeated from memory.
    settings = Settings.model_validate({"tts": {"loudness_dbfs": -10.0, "phrase_cache_mb": 0}})
    with Engine(settings) as engine:
        engine.load(engine.voices()[0].name)
        yield engine


def test_each_piece_is_a_slice_of_its_own(engine: Engine) -> None:
    frames = [len(chunk.pcm) // 2 / HOP for chunk in engine.stream(SENTENCE, params=STILL)]
    assert frames[:4] == [12, 24, 48, 64]
    assert max(frames) < 116
    assert len(frames) > 5


def test_pieces_join_without_a_seam(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = engine.synthesize(SENTENCE, params=STILL).audio
    for sizes in ("EAGER_FRAMES", "CALM_FRAMES"):
        monkeypatch.setattr(f"lunavox_edge.backends.tts.piper_sound.{sizes}", (100_000,))
    whole = engine.synthesize(SENTENCE, params=STILL).audio
    assert pieces.shape == whole.shape
    assert np.abs(whole).max() > 0.8
    # One step of 16 bits.
    assert np.abs(pieces - whole).max() < 1.5 / 32768


def test_a_speech_ends_between_two_pieces(engine: Engine) -> None:
    speech = engine.open_speech(params=STILL)
    speech.write(SENTENCE)
    speech.finish()
    assert speech.read(TIMEOUT_S) is not None
    speech.cancel()
    with pytest.raises(Cancelled):
        list(iter(lambda: speech.read(TIMEOUT_S), None))
    assert speech.stats.audio_duration_ms < 5000


def test_memory_is_flat_in_the_length_of_the_text(engine: Engine) -> None:
    words = "one and another thing to say and then "
    peaks = []
    # What both workers hold at the same time is not the same in every run.
    for text in (words * 10, words * 10, words * 40):
        peak = 0
        for _ in engine.stream(text, params=SynthesisParams(speed=2.0)):
            peak = max(peak, rss_bytes())
        peaks.append(peak)
    assert peaks[-1] - max(peaks[:-1]) < 80_000_000
