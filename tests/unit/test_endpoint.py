"""Endpointing on speech probabilities written by hand."""

from __future__ import annotations

import pytest

from lunavox_edge.audio.endpoint import Endpointer, EndpointRules
from lunavox_edge.engine.hearing.audio_inbox import ArrivalClock

pytestmark = pytest.mark.unit

FRAME_S = 0.02
RULES = EndpointRules(pause_s=0.6, unfinished_pause_s=0.6, no_speech_s=5.0, max_s=20.0)


def heard(*parts: tuple[float, float]) -> Endpointer:
    """Return an endpointer that was fed (seconds, probability) parts."""
    endpointer = Endpointer(FRAME_S)
    for seconds, probability in parts:
        endpointer.feed([probability] * round(seconds / FRAME_S))
    return endpointer


@pytest.mark.parametrize(
    ("parts", "over"),
    [
        (((1.0, 0.9), (0.5, 0.0)), False),
        (((1.0, 0.9), (0.62, 0.0)), True),
        (((1.0, 0.9), (0.5, 0.0), (0.5, 0.9), (0.5, 0.0)), False),
        (((1.0, 0.9), (0.3, 0.0), (0.06, 0.9), (0.32, 0.0)), True),
        (((1.0, 0.9), (0.3, 0.0), (0.2, 0.9), (0.32, 0.0)), False),
        (((1.0, 0.9), (2.0, 0.4)), False),
        (((4.9, 0.1),), False),
        (((5.0, 0.1),), True),
        (((0.06, 0.9), (4.0, 0.0)), False),
        (((0.2, 0.9), (0.62, 0.0)), True),
        (((19.9, 0.9),), False),
        (((20.0, 0.9),), True),
        ((), False),
    ],
)
def test_the_end(parts: tuple[tuple[float, float], ...], *, over: bool) -> None:
    assert heard(*parts).over(RULES) is over


def test_it_tells_where_speech_is() -> None:
    endpointer = heard((0.5, 0.0), (1.0, 0.9), (0.4, 0.1))

    assert endpointer.audio_s == pytest.approx(1.9)
    assert endpointer.speech_s == pytest.approx(1.0)
    assert endpointer.speech_end_s == pytest.approx(1.5)
    assert endpointer.silence_s == pytest.approx(0.4)


def test_the_result_does_not_depend_on_how_frames_are_grouped() -> None:
    probabilities = [0.0] * 7 + [0.8] * 23 + [0.4] * 5 + [0.0] * 30
    whole, single = Endpointer(FRAME_S), Endpointer(FRAME_S)
    whole.feed(probabilities)
    for probability in probabilities:
        single.feed([probability])

    assert (whole.speech_s, whole.speech_end_s) == (single.speech_s, single.speech_end_s)


def test_arrival_tells_real_time_from_a_file() -> None:
    live, file = ArrivalClock(), ArrivalClock()
    assert live.since(0.0) == 0.0
    for tick in range(1, 101):
        live.mark(tick * 0.1, 50.0 + tick * 0.1)
        file.mark(tick * 0.1, 50.0 + tick * 0.001)

    assert live.since(9.0) == pytest.approx(1.0)
    assert file.since(9.0) == pytest.approx(0.01)
    assert live.since(10.5) == 0.0


def test_the_speech_that_is_going_on() -> None:
    endpointer = Endpointer(0.032)
    endpointer.feed([0.9] * 2)
    assert (endpointer.run_s, endpointer.run_probability) == (0.0, 0.0)
    endpointer.feed([0.9, 0.5])
    assert endpointer.run_s == pytest.approx(4 * 0.032)
    assert endpointer.run_probability == pytest.approx(0.8)
    endpointer.feed([0.0])
    assert (endpointer.run_s, endpointer.run_probability) == (0.0, 0.0)
