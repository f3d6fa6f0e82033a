"""Voice, SynthesisParams, and the check of what a backend supports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lunavox_edge.audio.pcm import check_format
from lunavox_edge.backends.base import Capabilities
from lunavox_edge.engine.values.naming import several
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.voice import Voice, VoiceMode, check_supported
from lunavox_edge.errors import BadAudio, UnsupportedVoice
from lunavox_edge.types import AudioFormat

pytestmark = pytest.mark.unit


def test_voices_say_their_mode() -> None:
    assert Voice.base().mode is VoiceMode.BASE
    assert Voice.custom("joe").split_speaker() == ("joe", None)
    assert Voice.custom("libritts#p225").split_speaker() == ("libritts", "p225")
    assert Voice.clone_file("me.wav").reference_path is not None
    assert Voice.design("an old sailor").instruct == "an old sailor"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_voice_is_refused(blank: str) -> None:
    for build in (Voice.custom, Voice.design, Voice.clone_file):
        with pytest.raises(ValueError, match="needs"):
            build(blank)


def test_overrides_start_from_the_same_defaults() -> None:
    assert SynthesisParams.from_overrides() == SynthesisParams()
    assert SynthesisParams.from_overrides(speed=1.5, seed=None) == SynthesisParams(speed=1.5)
    assert SynthesisParams().temperature == 0.6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed", 0.0),
        ("speed", 5.0),
        ("volume", -1),
        ("top_p", 1.1),
        ("seed", -1),
        ("noise_w", 3),
        ("top_k", -1),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        SynthesisParams.from_overrides(**{name: value})


@pytest.mark.parametrize("value", ["fast", True, [1.0], float("nan")])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        SynthesisParams.from_overrides(speed=value)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, Fraction])
def test_numbers_of_other_types_become_floats(kind: Any) -> None:  # noqa: ANN401
    params = SynthesisParams(speed=kind(1.5), noise_w=kind(0.25), volume=kind(1))

    assert params == SynthesisParams(speed=1.5, noise_w=0.25, volume=1.0)
    assert {type(params.speed), type(params.noise_w), type(params.volume)} == {float}


@pytest.mark.parametrize("kind", [np.int16, np.uint64, np.float32, float])
def test_whole_numbers_of_other_types_become_ints(kind: Any) -> None:  # noqa: ANN401
    params = SynthesisParams(top_k=kind(40), seed=kind(7), speed=kind(1))

    assert params == SynthesisParams(top_k=40, seed=7)
    assert (type(params.top_k), type(params.seed), type(params.speed)) == (int, int, float)


@pytest.mark.parametrize("name", ["top_k", "seed", "n_threads", "max_audio_tokens", "language_id"])
def test_half_a_number_is_no_count(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a whole number, not 1.5"):
        SynthesisParams.from_overrides(**{name: 1.5})


@pytest.mark.parametrize("value", [np.bool_(True), 1j, np.array([1.0])])  # noqa: FBT003
def test_what_numpy_has_beside_numbers_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="speed must be a number"):
        SynthesisParams.from_overrides(speed=value)


@pytest.mark.parametrize("build", [Voice.custom, Voice.design, Voice.clone_file])
def test_a_voice_of_a_wrong_type_is_a_type_error(build: Callable[[Any], Voice]) -> None:
    for wrong in (None, 5):
        with pytest.raises(TypeError, match=f"voice|recording.* must be str.*, not {type(wrong).__name__}"):
            build(wrong)


@pytest.mark.parametrize("name", ["speed", "volume", "n_threads", "temperature"])
def test_a_number_with_a_default_is_never_none(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a number"):
        SynthesisParams(**{name: None})  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("names", [[5], ["Ann", None], b"Ann"])
def test_names_are_text(names: object) -> None:
    with pytest.raises(TypeError, match="a name must be str"):
        several(names)  # type: ignore[arg-type]  # what is tested


def test_an_unknown_parameter_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="pitch"):
        SynthesisParams.from_overrides(pitch=2)


@pytest.mark.parametrize(
    ("voice", "params"),
    [
        (Voice.clone_file("me.wav"), {}),
        (Voice.design("old"), {}),
        (Voice.custom("joe", "whisper"), {}),
        (Voice.base(), {"seed": 1}),
        (Voice.base(), {"speed": 2.0}),
        (Voice.base(), {"noise_w": 0.1}),
        (Voice.base(), {"temperature": 0.9}),
        (Voice.base(), {"n_threads": 4}),
        (Voice.base(), {"language_id": 3}),
        (Voice.base(), {"ref_text": "hello"}),
    ],
)
def test_what_a_backend_does_not_declare_is_refused_not_ignored(
    voice: Voice, params: dict[str, object]
) -> None:
    with pytest.raises(UnsupportedVoice, match="piper"):
        check_supported("piper", Capabilities(), voice, SynthesisParams.from_overrides(**params))


def test_what_a_backend_declares_is_accepted() -> None:
    everything = Capabilities(**{field.name: True for field in fields(Capabilities)})
    check_supported(
        "any", everything, Voice.design("old"), SynthesisParams(seed=1, speed=2.0, temperature=0.9)
    )


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_a_sample_rate_may_be_an_integer_of_numpy(kind: Any) -> None:  # noqa: ANN401
    audio_format = AudioFormat(kind(22_050), kind(2), kind(1))
    check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)

    assert audio_format == AudioFormat(22_050)
    assert type(audio_format.rate_hz) is int
    assert audio_format.bytes_per_s == 44_100  # more than the narrowest of them holds


@pytest.mark.parametrize("rate_hz", [16_000.0, np.float32(16_000), np.float64(16_000)])
def test_a_sample_rate_may_be_a_whole_number_of_another_type(rate_hz: Any) -> None:  # noqa: ANN401
    audio_format = AudioFormat(rate_hz)
    check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)

    assert type(audio_format.rate_hz) is int
    assert audio_format == AudioFormat(16_000)


@pytest.mark.parametrize(
    "rate_hz",
    [16_000.5, float("nan"), float("inf"), -float("inf"), np.bool_(True), True, "16000", None, 16_000j],  # noqa: FBT003
)
def test_a_sample_rate_that_is_no_integer_is_refused(rate_hz: Any) -> None:  # noqa: ANN401
    audio_format = AudioFormat(rate_hz)
    with pytest.raises(BadAudio):
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
