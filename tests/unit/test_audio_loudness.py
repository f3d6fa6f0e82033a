"""Loudness is measured over speech only and adjusted within bounds, without clipping."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lunavox_edge.audio.loudness import MAX_GAIN_DB, MIN_GAIN_DB, apply_gain, gain_to, speech_dbfs
from lunavox_edge.audio.pcm import Samples

pytestmark = pytest.mark.unit

RATE_HZ = 16000


def tone(level: float, seconds: float = 1.0) -> Samples:
    """A sine of this peak."""
    return (level * np.sin(2 * np.pi * 220 * np.arange(int(RATE_HZ * seconds)) / RATE_HZ)).astype(np.float32)


def test_a_full_sine_is_3_db_under_full_scale() -> None:
    assert speech_dbfs(tone(1.0), RATE_HZ) == pytest.approx(-3.01, abs=0.05)
    assert speech_dbfs(tone(0.1), RATE_HZ) == pytest.approx(-23.01, abs=0.05)


def test_pauses_do_not_count() -> None:
    with_pauses = np.concatenate(
        [np.zeros(RATE_HZ, np.float32), tone(0.1), np.zeros(3 * RATE_HZ, np.float32)]
    )
    assert speech_dbfs(with_pauses, RATE_HZ) == pytest.approx(speech_dbfs(tone(0.1), RATE_HZ), abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(RATE_HZ, np.float32), tone(1e-5)])
def test_silence_has_no_level(samples: Samples) -> None:
    assert speech_dbfs(samples, RATE_HZ) == -math.inf


def test_less_than_a_block_is_measured_too() -> None:
    assert speech_dbfs(tone(0.5, 0.02), RATE_HZ) == pytest.approx(-9, abs=1)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_the_gain_reaches_the_target(level: float) -> None:
    wave = tone(level)
    evened = apply_gain(wave, gain_to(speech_dbfs(wave, RATE_HZ), -20.0))
    assert speech_dbfs(evened, RATE_HZ) == pytest.approx(-20.0, abs=0.1)


def test_the_gain_is_bounded() -> None:
    assert 20 * math.log10(gain_to(-90.0, -20.0)) == pytest.approx(MAX_GAIN_DB)
    assert 20 * math.log10(gain_to(0.0, -80.0)) == pytest.approx(MIN_GAIN_DB)


@pytest.mark.parametrize("dbfs", [None, -math.inf, math.nan])
def test_no_level_no_gain(dbfs: float | None) -> None:
    assert gain_to(dbfs, -20.0) == 1.0


def test_nothing_clips_however_loud() -> None:
    loud = apply_gain(tone(0.9), 8.0)
    assert 0.95 < float(np.abs(loud).max()) <= 1.0
    assert np.all(np.diff(loud[: RATE_HZ // 220 // 4]) >= 0), "the limiter keeps the order of levels"


def test_below_the_knee_nothing_is_bent() -> None:
    wave = tone(0.39)
    assert apply_gain(wave, 2.0) == pytest.approx(wave * 2.0)


def test_the_input_stays_as_it_was() -> None:
    wave = tone(0.9)
    before = wave.copy()
    apply_gain(wave, 1.0)
    assert np.array_equal(wave, before)
