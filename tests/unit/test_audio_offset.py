"""The DC offset of a microphone is removed, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest

from lunavox_edge.audio.offset import OffsetRemover
from lunavox_edge.audio.pcm import Samples

pytestmark = pytest.mark.unit

RATE_HZ = 16_000


def tone(seconds: float, level: float = 0.2) -> Samples:
    return (level * np.sin(2 * np.pi * 110 * np.arange(int(RATE_HZ * seconds)) / RATE_HZ)).astype(np.float32)


def hiss(seconds: float) -> Samples:
    return np.random.default_rng(1).normal(0, 0.001, int(RATE_HZ * seconds)).astype(np.float32)


def without(samples: Samples, piece: int) -> Samples:
    remover = OffsetRemover(RATE_HZ)
    return np.concatenate(
        [remover.feed(samples[start : start + piece]) for start in range(0, len(samples), piece)]
    )


def test_sound_without_a_constant_stays_as_it_is() -> None:
    remover = OffsetRemover(RATE_HZ)
    for sound in (hiss(0.5), tone(2.0), np.zeros(800, np.float32), np.zeros(0, np.float32), tone(0.001)):
        assert remover.feed(sound) is sound


@pytest.mark.parametrize("piece", [1, 160, 1024, 100_000])
@pytest.mark.parametrize("constant", [0.02, -0.3])
def test_a_constant_is_gone_from_the_first_sample_on(constant: float, piece: int) -> None:
    sound = np.concatenate((hiss(0.3), tone(1.0), hiss(0.3)))
    left = without((sound + constant).astype(np.float32), piece) - sound
    assert np.abs(left).max() < 0.004


def test_sound_that_begins_at_once_is_cleaned_soon() -> None:
    sound = tone(1.0)
    left = without((sound + 0.05).astype(np.float32), 480) - sound
    assert np.abs(left[RATE_HZ // 5 :]).max() < 0.005


def test_a_constant_that_goes_is_forgotten() -> None:
    sound = np.concatenate((hiss(3.0) + np.float32(0.1), hiss(20.0)))
    left = without(sound, 512)
    assert np.abs(left[-RATE_HZ:]).max() < 0.01


def test_there_are_no_steps() -> None:
    sound = np.full(RATE_HZ, 0.3, np.float32)
    sound[RATE_HZ // 2 :] = 0.1
    taken = sound - without(sound, 320)
    assert np.abs(np.diff(taken)).max() < 0.001
