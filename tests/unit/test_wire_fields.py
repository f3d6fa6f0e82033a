"""Fields of events: unambiguous values are accepted, all others refused."""

from __future__ import annotations

import pytest
from wyoming.event import Event

from lunavox_edge.errors import BadAudio, Busy, ProtocolError
from lunavox_edge.types import AudioFormat
from lunavox_edge.wire import fields
from lunavox_edge.wire.errors_wire import error_from

pytestmark = pytest.mark.unit

SPEECH = AudioFormat(16_000, 2, 1)


NO_WHOLE_NUMBERS: list[object] = [0.5, float("inf"), float("nan"), True, False, "7", "", None, [7], {}]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((0, 0), (7, 7), (-3, -3), (16_000.0, 16_000), (-0.0, 0), (2**70, 2**70)),
        *((value, None) for value in NO_WHOLE_NUMBERS),
    ],
)
def test_whole_numbers(value: object, number: int | None) -> None:
    assert fields.whole_number(value) == number
    assert type(fields.whole_number(value)) in (int, type(None))


@pytest.mark.parametrize("first", [{}, {"rate": 16_000}, {"rate": None, "width": 2.0}])
def test_a_format_may_be_completed(first: dict[str, object]) -> None:
    whole: dict[str, object] = {"rate": 16_000.0, "width": 2, "channels": 1, "timestamp": "x"}
    assert fields.audio_format(first, whole) == fields.audio_format(whole) == SPEECH


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({}, {}),
        ({"rate": 16_000}, {"width": 2}),
        ({"rate": "fast"}, {"width": 2, "channels": 1}),
        ({"rate": True, "width": 2, "channels": 1}, {}),
        ({"rate": 16_000.5, "width": 2, "channels": 1}, {}),
        ({"rate": [16_000], "width": 2, "channels": 1}, {}),
        ({"rate": 8_000}, {"rate": 16_000, "width": 2, "channels": 1}),
        ({"rate": 16_000}, {"width": "2", "channels": 1}),
    ],
)
def test_a_format_that_is_not_clear_is_none(first: dict[str, object], more: dict[str, object]) -> None:
    with pytest.raises(BadAudio):
        fields.audio_format(first, more)


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ({}, True),
        ({"rate": None}, True),
        ({"rate": 16_000.0, "width": 2.0, "channels": 1.0}, True),
        ({"rate": 8_000}, False),
        ({"channels": 2}, False),
        ({"rate": "16000"}, False),
        ({"channels": True}, False),
    ],
)
def test_chunks_have_the_format_of_the_start(told: dict[str, object], same: bool) -> None:  # noqa: FBT001
    assert fields.same_format(told, SPEECH) is same


def test_a_voice_is_an_object_or_its_name() -> None:
    assert fields.voice({}) == fields.voice({"voice": None}) == {}
    assert fields.voice({"voice": "joe"}) == fields.voice({"voice": {"name": "joe"}}) == {"name": "joe"}
    for value in (5, True, ["joe"]):
        with pytest.raises(ProtocolError, match="'voice'"):
            fields.voice({"voice": value})


def test_a_speaker_is_a_name_or_a_number() -> None:
    known = {None: None, "": None, " bass ": "bass", 0: "0", 3: "3", 2.0: "2", -1: "-1"}
    for value, speaker in known.items():
        assert fields.speaker({"speaker": value}) == speaker
    refused: list[object] = [True, False, 1.5, ["bass"], {}, "x" * 300]
    for wrong in refused:
        with pytest.raises(ProtocolError, match="'speaker'"):
            fields.speaker({"speaker": wrong})


@pytest.mark.parametrize(
    ("told", "retry_s"),
    [
        *((5, 5.0), (0.25, 0.25), (0, 0.0)),
        *((value, 1.0) for value in (None, True, "5", 1e999, float("nan"), [1])),
        *((-1, 0.0), (1e300, 3600.0), (10**400, 1.0)),
    ],
)
def test_a_busy_service_says_when_to_come_again(told: object, retry_s: float) -> None:
    error = error_from(Event("error", {"text": "Full.", "code": "busy", "retry_after_s": told}))
    assert isinstance(error, Busy)
    assert error.retry_after_s == retry_s
