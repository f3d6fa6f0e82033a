"""PCM conversion is exact at full scale, anti-aliased, and independent of the size of the chunks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.audio.pcm import (
    Converter,
    Samples,
    array_to_pcm16,
    check_format,
    resample,
    to_mono_float,
    to_pcm,
    to_pcm16,
)
from lunavox_edge.errors import BadAudio
from lunavox_edge.types import AudioFormat

pytestmark = pytest.mark.unit


def tone(hz: float, rate_hz: int, seconds: float = 1.0, level: float = 0.5) -> Samples:
    """A sine."""
    return (level * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.float32)


def encode(samples: Samples, width_bytes: int) -> bytes:
    """Independent encoder: floats to PCM of any width."""
    if width_bytes == 1:
        return (np.rint(samples * 127) + 128).astype(np.uint8).tobytes()
    integers = np.rint(samples.astype(np.float64) * (2 ** (8 * width_bytes - 1) - 1)).astype(np.int64)
    return b"".join(int(value).to_bytes(width_bytes, "little", signed=True) for value in integers)


def level_db(samples: Samples) -> float:
    """RMS in dB of full scale, without the ends, where a filter rings."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    return float(10 * np.log10(np.mean(middle**2) + 1e-20))


def snr_db(wanted: Samples, got: Samples) -> float:
    """Signal to error, in dB, without the ends."""
    edge = len(wanted) // 10
    signal = wanted[edge:-edge].astype(np.float64)
    noise = signal - got[edge : len(wanted) - edge]
    return float(10 * np.log10(np.sum(signal**2) / (np.sum(noise**2) + 1e-20)))


@pytest.mark.parametrize(("width_bytes", "least_snr_db"), [(1, 38), (2, 85), (3, 120), (4, 120)])
def test_every_width_keeps_its_precision(width_bytes: int, least_snr_db: float) -> None:
    wave = tone(440, 16000)
    decoded = to_mono_float(encode(wave, width_bytes), AudioFormat(16000, width_bytes))
    assert decoded.dtype == np.float32
    assert snr_db(wave, decoded) > least_snr_db


@pytest.mark.parametrize(
    ("pcm", "width_bytes", "value"),
    [
        (b"\x00", 1, -1.0),
        (b"\x80", 1, 0.0),
        (b"\x00\x80", 2, -1.0),
        (b"\xff\x7f", 2, 32767 / 32768),
        (b"\x00\x00\x80", 3, -1.0),
        (b"\xff\xff\xff", 3, -(2.0**-23)),
        (b"\x00\x00\x00\x80", 4, -1.0),
    ],
)
def test_known_bytes(pcm: bytes, width_bytes: int, value: float) -> None:
    assert to_mono_float(pcm, AudioFormat(16000, width_bytes)).tolist() == [pytest.approx(value, abs=1e-9)]


@pytest.mark.parametrize("channels", [2, 3, 8])
def test_channels_are_averaged(channels: int) -> None:
    parts = np.stack([np.full(10, 0.1 * index, np.float32) for index in range(channels)], axis=1)
    mono = to_mono_float(to_pcm16(parts.reshape(-1)), AudioFormat(16000, 2, channels))
    assert mono == pytest.approx(np.full(10, 0.1 * (channels - 1) / 2), abs=1e-4)


def test_a_partial_frame_at_the_end_is_dropped() -> None:
    assert len(to_mono_float(bytes(4 * 3 + 3), AudioFormat(16000, 2, 2))) == 3


def test_pcm16_clips_and_silences_what_is_not_a_number() -> None:
    samples = np.array([2.0, -2.0, np.inf, -np.inf, np.nan, 0.5], np.float32)
    assert np.frombuffer(to_pcm16(samples), "<i2").tolist() == [32767, -32768, 32767, -32768, 0, 16384]


@given(st.binary(max_size=400).map(lambda pcm: pcm[: len(pcm) // 2 * 2]))
def test_pcm16_round_trip_is_exact(pcm: bytes) -> None:
    assert to_pcm16(to_mono_float(pcm, AudioFormat(16000))) == pcm


@pytest.mark.parametrize(
    ("rate_hz", "width_bytes", "channels"),
    [
        (0, 2, 1), (-1, 2, 1), (2**31, 2, 1), (3999, 2, 1), (192001, 2, 1), ("16000", 2, 1), (True, 2, 1),
        (16000.5, 2, 1), (16000, 0, 1), (16000, 5, 1), (16000, 100, 1), (16000, 2, 0), (16000, 2, 100),
    ],
)  # fmt: skip
def test_senseless_formats_are_refused(rate_hz: int, width_bytes: int, channels: int) -> None:
    with pytest.raises(BadAudio):
        check_format(rate_hz, width_bytes, channels)
    with pytest.raises(BadAudio):
        Converter(AudioFormat(rate_hz, width_bytes, channels), 16000)


@pytest.mark.parametrize(
    ("rate_hz", "found"),
    [
        (3_999, "3999"),
        (-5, "-5"),
        (10**18 - 1, "9" * 18),
        (10**18, "a number of more than 18 digits"),
        (10**30, "a number of more than 18 digits"),
        (-(10**30), "a number of more than 18 digits"),
        (10**5000, "a number of more than 18 digits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_shows_the_number_itself_or_says_that_it_is_long(rate_hz: int, found: str) -> None:
    with pytest.raises(BadAudio) as refused:
        check_format(rate_hz, 2, 1)
    assert str(refused.value).endswith(f" from 4000 to 192000, not {found}.")


def test_a_rate_of_another_type_is_refused_for_its_type() -> None:
    with pytest.raises(BadAudio, match=r"sample rate \(in Hz\) of type int, not float64"):
        check_format(np.float64(16000), 2, 1)  # type: ignore[arg-type]  # what is tested


def test_a_tone_over_the_new_limit_does_not_fold_back() -> None:
    wave = tone(10_000, 48_000)
    assert level_db(resample(wave, 48_000, 16_000)) < level_db(wave) - 50


@pytest.mark.parametrize("from_hz", [8000, 11025, 22050, 44100, 48000, 96000])
def test_a_tone_of_speech_survives_resampling(from_hz: int) -> None:
    converted = resample(tone(1000, from_hz), from_hz, 16_000)
    assert snr_db(tone(1000, 16_000), converted) > 60


def test_same_rate_and_no_audio_pass_unchanged() -> None:
    wave = tone(300, 16000, 0.1)
    assert resample(wave, 16000, 16000) is wave
    assert resample(wave[:0], 8000, 16000).size == 0


def test_stream_is_anti_aliased_too() -> None:
    converter = Converter(AudioFormat(48_000), 16_000)
    wave = tone(10_000, 48_000)
    assert (
        level_db(np.concatenate([converter.feed(to_pcm16(wave)), converter.finish()])) < level_db(wave) - 50
    )


@given(
    cuts=st.lists(st.integers(0, 4800 * 6), max_size=20),
    rate_hz=st.sampled_from([8000, 16000, 22050, 48000]),
    width_bytes=st.integers(1, 4),
    channels=st.integers(1, 3),
)
def test_pieces_give_what_the_whole_gives(
    cuts: list[int], rate_hz: int, width_bytes: int, channels: int
) -> None:
    audio_format = AudioFormat(rate_hz, width_bytes, channels)
    pcm = np.random.default_rng(1).integers(0, 256, 2400 * audio_format.frame_bytes + 1, np.uint8).tobytes()
    whole = Converter(audio_format, 16000)
    expected = np.concatenate([whole.feed(pcm), whole.finish()])
    edges = sorted({0, len(pcm), *(cut for cut in cuts if cut < len(pcm))})
    pieces = Converter(audio_format, 16000)
    got = [pieces.feed(pcm[start:end]) for start, end in itertools.pairwise(edges)]
    assert np.allclose(np.concatenate([*got, pieces.finish()]), expected, atol=1e-6)
    assert abs(len(expected) - 2400 * 16000 / rate_hz) <= 2


def test_a_stream_keeps_its_place_in_time() -> None:
    wave = tone(200, 44_100, 0.5)
    converter = Converter(AudioFormat(44_100), 16_000)
    pcm = to_pcm16(wave)
    pieces = [converter.feed(pcm[start : start + 883]) for start in range(0, len(pcm), 883)]
    assert snr_db(tone(200, 16_000, 0.5), np.concatenate([*pieces, converter.finish()])) > 60


def test_finish_without_audio_gives_none() -> None:
    assert Converter(AudioFormat(8000), 16000).finish().size == 0
    assert Converter(AudioFormat(16000), 16000).finish().size == 0


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_encoded_in_any_format_is_decoded_again(width: int, channels: int) -> None:
    samples = np.linspace(-0.99, 0.99, 200, dtype=np.float32)
    audio_format = AudioFormat(16_000, width, channels)
    encoded = to_pcm(samples, audio_format)
    assert len(encoded) == 200 * width * channels
    assert np.abs(to_mono_float(encoded, audio_format) - samples).max() < (0.01 if width == 1 else 1e-4)


@pytest.mark.parametrize("kind", ["<i2", ">i2", "<f4", ">f4", "<f8"])
def test_an_array_is_encoded_whatever_the_order_of_its_bytes(kind: str) -> None:
    wave = np.array([0, 8192, -16384], "<i2")
    samples = wave.astype(kind) if kind.endswith("i2") else (wave / 32768).astype(kind)

    assert array_to_pcm16(samples) == wave.tobytes()


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i4", "i8", "?", "c8", "O", "U1"])
def test_an_array_of_another_kind_is_refused(kind: str) -> None:
    with pytest.raises(BadAudio, match="floats from -1 to 1 or int16"):
        array_to_pcm16(np.zeros(4, kind))
