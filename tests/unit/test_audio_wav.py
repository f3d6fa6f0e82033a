"""WAV headers, correct and incorrect ones."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.audio.wav import read_wav, sniff_header, wav_bytes, write_wav
from lunavox_edge.errors import BadAudio
from lunavox_edge.types import AudioFormat

pytestmark = pytest.mark.unit

PCM = bytes(range(200))


def made_by_python(rate_hz: int = 22050, width_bytes: int = 2, channels: int = 1) -> bytes:
    """A file written by the standard library."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width_bytes)
        file.setframerate(rate_hz)
        file.writeframes(PCM)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One RIFF chunk with its padding."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(
    encoding: int = 1, channels: int = 1, rate_hz: int = 16000, width_bytes: int = 2, more: bytes = b""
) -> bytes:
    """A fmt chunk."""
    block = channels * width_bytes
    return chunk(
        b"fmt ",
        struct.pack("<HHIIHH", encoding, channels, rate_hz, rate_hz * block, block, 8 * width_bytes) + more,
    )


def riff(*chunks: bytes) -> bytes:
    """A file of these chunks."""
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


@pytest.mark.parametrize(("rate_hz", "width_bytes", "channels"), [(16000, 2, 1), (48000, 3, 2), (8000, 1, 1)])
def test_files_of_the_standard_library(rate_hz: int, width_bytes: int, channels: int) -> None:
    data = made_by_python(rate_hz, width_bytes, channels)
    header = sniff_header(data)
    assert header is not None
    assert header.audio_format == AudioFormat(rate_hz, width_bytes, channels)
    assert data[header.data_offset :].startswith(PCM[:192])


def test_chunks_before_the_audio_are_skipped() -> None:
    data = riff(chunk(b"LIST", b"INFOx"), fmt(), chunk(b"fact", b"1234"), chunk(b"data", PCM))
    header = sniff_header(data)
    assert header == (AudioFormat(16000), len(data) - len(PCM))


def test_extensible_pcm() -> None:
    more = (
        struct.pack("<HHI", 22, 16, 3) + b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    )
    header = sniff_header(riff(fmt(0xFFFE, 2, 48000, 2, more), chunk(b"data", PCM)))
    assert header is not None
    assert header.audio_format == AudioFormat(48000, 2, 2)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 7])
def test_the_size_of_the_audio_is_not_believed(size: int) -> None:
    data = b"RIFF\xff\xff\xff\xffWAVE" + fmt() + b"data" + struct.pack("<I", size) + PCM
    assert sniff_header(data) == (AudioFormat(16000), 44)


@pytest.mark.parametrize("length", range(44))
def test_a_truncated_header_is_no_header(length: int) -> None:
    assert sniff_header(made_by_python()[:length]) is None


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"OggS" + PCM, PCM, b"RIFX\0\0\0\0WAVE" + fmt() + chunk(b"data", PCM)]
)
def test_other_bytes_are_no_header(data: bytes) -> None:
    assert sniff_header(data) is None


def test_audio_before_its_format_is_no_header() -> None:
    assert sniff_header(riff(chunk(b"data", PCM), fmt())) is None


@pytest.mark.parametrize(
    "bad",
    [
        fmt(3, width_bytes=4),
        fmt(0x55),
        fmt(channels=0),
        fmt(rate_hz=0),
        fmt(width_bytes=8),
        chunk(b"fmt ", b"\1\0"),
    ],
)
def test_what_is_not_integer_pcm_is_refused(bad: bytes) -> None:
    with pytest.raises(BadAudio):
        sniff_header(riff(bad, chunk(b"data", PCM)))


@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda tail: b"RIFF\0\0\0\0WAVE" + tail),
        st.binary(max_size=60).map(
            lambda tail: b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(tail)) + tail + b"data\0\0\0\0"
        ),
    )
)
def test_bytes_never_raise_anything_else(data: bytes) -> None:
    try:
        header = sniff_header(data)
    except BadAudio:
        return
    assert header is None or header.data_offset <= len(data)


def test_written_files_are_read_by_the_standard_library(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_wav(path, PCM, 24000)
    buffer = io.BytesIO()
    write_wav(buffer, PCM, 24000)
    assert path.read_bytes() == buffer.getvalue() == wav_bytes(PCM, 24000)
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24000, 1, 2)
        assert file.readframes(1000) == PCM


def test_read_wav_stops_where_the_audio_stops() -> None:
    data = riff(fmt(), chunk(b"data", PCM), chunk(b"LIST", b"a" * 50))
    assert read_wav(data) == (AudioFormat(16000), PCM)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 5000])
def test_read_wav_takes_what_is_there_if_the_size_is_wrong(size: int) -> None:
    data = b"RIFF\0\0\0\0WAVE" + fmt() + b"data" + struct.pack("<I", size) + PCM
    assert read_wav(data)[1] == PCM


def test_read_wav_refuses_other_files() -> None:
    with pytest.raises(BadAudio):
        read_wav(b"ID3" + PCM)
