"""Audio files: which are decoded, and which are rejected."""

from __future__ import annotations

import io
import time

import pytest

from lunavox_edge.audio.files import duration_s, flac_bytes, read_audio
from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.errors import BadAudio
from tests.fakes.recordings import gsm_wav

pytestmark = pytest.mark.unit

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"
SESSION = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 41234 RTP/AVP 0\n"


def test_a_recording_comes_at_the_rate_of_the_models() -> None:
    pcm = b"".join(read_audio(io.BytesIO(wav_bytes(bytes(2 * 22_050), 22_050))))
    assert len(pcm) == pytest.approx(2 * 16_000, abs=64)


def test_a_recording_says_how_long_it_is_before_it_is_read() -> None:
    file = io.BytesIO(wav_bytes(bytes(2 * 22_050 * 3), 22_050))
    assert duration_s(file) == pytest.approx(3.0)
    assert sum(map(len, read_audio(file))) == pytest.approx(2 * 48_000, abs=64)
    with pytest.raises(BadAudio, match="not a recording"):
        duration_s(io.BytesIO(b"text"))


@pytest.mark.parametrize(
    ("recording", "expected_s"),
    [
        (gsm_wav(50), 2.0),
        (gsm_wav(50, declared_bytes=0), 2.0),
        (gsm_wav(50, declared_bytes=0xFFFFFFFF), 2.0),
        (gsm_wav(50)[:-10], 1.96),
        (gsm_wav(50) + b"\0", 2.0),
    ],
)
def test_a_telephone_recording_is_read_also_when_it_is_cut_short(recording: bytes, expected_s: float) -> None:
    pcm = b"".join(read_audio(io.BytesIO(recording)))
    assert len(pcm) / 32_000 == pytest.approx(expected_s, abs=0.02)


def test_damage_in_the_middle_costs_what_is_damaged() -> None:
    whole = flac_bytes(bytes(2 * 16_000 * 10), 16_000)
    damaged = whole[: len(whole) // 2] + b"junk" * 20 + whole[len(whole) // 2 :]
    seconds = sum(map(len, read_audio(io.BytesIO(damaged)))) / 32_000
    assert 8.0 < seconds < 11.0


@pytest.mark.parametrize("content", [b"", b"text\n" * 100, bytes(10_000), PLAYLIST, b"ffconcat version 1.0"])
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(BadAudio, match="not a recording"):
        list(read_audio(io.BytesIO(content)))


def test_a_file_that_asks_to_listen_on_the_network_is_not_obeyed() -> None:
    started = time.monotonic()
    with pytest.raises(BadAudio):
        list(read_audio(io.BytesIO(SESSION)))
    assert time.monotonic() - started < 30.0, "it waited for the network"
