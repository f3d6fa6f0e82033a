"""Audio of any length in bounded memory: settled pieces are returned once, their audio is dropped."""

from __future__ import annotations

import numpy as np
import pytest

from lunavox_edge.engine.hearing.audio_intake import AudioIntake, Piece
from lunavox_edge.types import AudioFormat
from tests.fakes.sound import steady
from tests.fakes.vad import LoudnessVad

pytestmark = pytest.mark.unit

RATE_HZ = 16_000


def pieces_of(intake: AudioIntake, parts: list[tuple[float, float]]) -> list[tuple[Piece, float]]:
    """Feed (seconds, level) parts; return every piece with the loudest level in it."""
    found: list[tuple[Piece, float]] = []

    def ask(pieces: list[Piece]) -> None:
        found.extend((piece, float(np.abs(intake.samples(piece)).max())) for piece in pieces)

    for seconds, level in parts:
        for start in np.arange(0.0, seconds, 5.0):
            intake.take(steady(min(5.0, seconds - start), level))
            ask(intake.settle())
    intake.finish()
    ask(intake.pieces())
    return found


def test_every_speech_is_told_once_where_it_was() -> None:
    intake = AudioIntake(AudioFormat(RATE_HZ), LoudnessVad())
    levels = [0.1 + 0.01 * number for number in range(40)]
    parts = [part for level in levels for part in ((6.0, level), (2.0, 0.0))]
    found = pieces_of(intake, parts)

    assert [level for _, level in found] == pytest.approx(levels, abs=0.001)
    for number, ((start, end), _) in enumerate(found):
        assert start == pytest.approx(8.0 * number, abs=0.4)
        assert end == pytest.approx(8.0 * number + 6.0, abs=0.4)


def test_what_is_held_is_bounded_whatever_comes() -> None:
    for parts in ([(300.0, 0.0)], [(300.0, 0.5)], [(50.0, 0.0), (1.0, 0.5)] * 6):
        intake = AudioIntake(AudioFormat(RATE_HZ), LoudnessVad())
        found = pieces_of(intake, parts)
        spoken_s = sum(seconds for seconds, level in parts if level)
        assert sum(end - start for (start, end), _ in found) >= spoken_s - 0.1
        assert all(end - start <= 30.0 for (start, end), _ in found)
        assert intake.duration_s - intake.settled_s <= 60.0
        assert intake.duration_s == pytest.approx(sum(seconds for seconds, _ in parts))


def test_without_a_detector_everything_is_speech() -> None:
    found = pieces_of(AudioIntake(AudioFormat(RATE_HZ), None), [(200.0, 0.5)])

    assert found[0][0][0] == 0.0
    assert found[-1][0][1] == pytest.approx(200.0)
    for (_, end), (start, _) in zip([p for p, _ in found], [p for p, _ in found][1:], strict=False):
        assert start == pytest.approx(end, abs=0.001)


def test_a_minute_is_not_settled() -> None:
    intake = AudioIntake(AudioFormat(RATE_HZ), LoudnessVad())
    intake.take(steady(5.0, 0.5) + steady(50.0, 0.0))

    assert intake.settle() == []
    assert len(intake.pieces()) == 1


def test_what_a_microphone_adds_to_everything_is_no_speech() -> None:
    intake = AudioIntake(AudioFormat(RATE_HZ), LoudnessVad())
    quiet, loud = (np.frombuffer(steady(1.0, level), "<i2") + 2000 for level in (0.0, 0.3))
    for part in (quiet, loud, quiet):
        intake.take(part.astype("<i2").tobytes())
    intake.finish()

    ((start_s, end_s),) = intake.pieces()
    assert (start_s, end_s) == pytest.approx((1.0, 2.0), abs=0.4)
