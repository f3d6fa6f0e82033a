"""Recordings on disk: what is one, and what only passes for one."""

from __future__ import annotations

import io
import time

import pytest

from lunavox_edge.audio.files import duration_s, read_audio
from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.errors import BadAudio

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


@pytest.mark.parametrize("content", [b"", b"text\n" * 100, bytes(10_000), PLAYLIST, b"ffconcat version 1.0"])
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(BadAudio, match="not a recording"):
        list(read_audio(io.BytesIO(content)))


def test_a_file_that_asks_to_listen_on_the_network_is_not_obeyed() -> None:
    started = time.monotonic()
    with pytest.raises(BadAudio):
        list(read_audio(io.BytesIO(SESSION)))
    assert time.monotonic() - started < 5.0, "it waited for the network"
