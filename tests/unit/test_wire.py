from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event, async_write_event

from lunavox_edge.audio import pcm
from lunavox_edge.errors import ProtocolError, TimedOut
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.wire.bounded_json import MAX_JSON_DEPTH
from lunavox_edge.wire.event_stream import (
    AUDIO_PIECE_BYTES,
    MAX_AUDIO_BYTES_PER_S,
    BrokenStreamError,
    EventReader,
    encode_event,
)
from tests.fakes import processor_time

pytestmark = pytest.mark.unit

LIMITS = LimitSettings(max_header_bytes=4096, max_message_bytes=300_000, read_timeout_s=30)
IMPATIENT = LIMITS.model_copy(update={"read_timeout_s": 0.05})


def reader_of(raw: bytes, *, eof: bool = True, limits: LimitSettings = LIMITS) -> EventReader:
    stream = asyncio.StreamReader()
    stream.feed_data(raw)
    if eof:
        stream.feed_eof()
    return EventReader(stream, limits)


async def read_all(raw: bytes) -> list[Event]:
    reader = reader_of(raw)
    events = []
    while (event := await reader.read()) is not None:
        events.append(event)
    return events


async def test_the_end_between_messages_is_no_error() -> None:
    assert await reader_of(b"").read() is None
    assert [event.type for event in await read_all(b'{"type":"ping"}\n{"type":"describe"}\n')] == [
        "ping",
        "describe",
    ]


async def test_data_may_be_in_the_line_or_behind_it_or_both() -> None:
    (event,) = await read_all(
        b'{"type":"x","data":{"a":1,"b":1},"data_length":7,"payload_length":3}\n{"b":2}abc'
    )
    assert event.data == {"a": 1, "b": 2}
    assert event.payload == b"abc"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"x","data":null}\n',
        b'{"type":"x","data_length":null,"payload_length":null}\n',
        b'{"type":"x","data_length":4}\nnull',
        b'{"type":"x","data_length":0,"payload_length":0,"version":7}\n',
    ],
)
async def test_null_data_is_no_data(raw: bytes) -> None:
    (event,) = await read_all(raw)
    assert event == Event("x")


@given(
    kind=st.text(min_size=1, max_size=20),
    data=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), max_size=9
    ),
    payload=st.none() | st.binary(min_size=1),
)
def test_what_is_written_is_read_by_us_and_by_the_library(
    kind: str, data: dict[str, object], payload: bytes | None
) -> None:
    event = Event(kind, data, payload)

    async def check() -> None:
        raw = encode_event(event)
        assert await read_all(raw) == [event]
        stream = asyncio.StreamReader()
        stream.feed_data(raw)
        stream.feed_eof()
        assert await async_read_event(stream) == event

    asyncio.run(check())


async def test_the_librarys_messages_are_read() -> None:
    class Sink(bytearray):
        def write(self, data: bytes) -> None:
            self.extend(data)

        def writelines(self, lines: list[bytes]) -> None:
            self.extend(b"".join(lines))

        async def drain(self) -> None:
            return None

    sink = Sink()
    event = Event("audio-chunk", {"rate": 16000, "note": "ü😀"}, b"\x00\n\x01")
    await async_write_event(event, sink)  # type: ignore[arg-type]
    assert await read_all(bytes(sink)) == [event]


async def test_a_message_may_come_byte_by_byte() -> None:
    stream = asyncio.StreamReader()
    reader = EventReader(stream, LIMITS)
    task = asyncio.ensure_future(reader.read())
    for byte in encode_event(Event("x", {"a": 1}, b"abc")):
        stream.feed_data(bytes([byte]))
        await asyncio.sleep(0)
    assert await task == Event("x", {"a": 1}, b"abc")


async def test_a_last_line_without_its_end_is_read() -> None:
    assert await read_all(b'{"type":"ping"}\n{"type":"describe","data":{"a":1}}') == [
        Event("ping"),
        Event("describe", {"a": 1}),
    ]


def audio(size: int, data: dict[str, object] | None = None) -> bytes:
    return encode_event(
        Event("audio-chunk", {"rate": 16_000} if data is None else data, b"\1\2" * (size // 2))
    )


@pytest.mark.parametrize(
    "size", [AUDIO_PIECE_BYTES, AUDIO_PIECE_BYTES + 2, 2 * AUDIO_PIECE_BYTES, 5 * AUDIO_PIECE_BYTES + 999_998]
)
async def test_long_audio_comes_in_pieces_that_join(size: int) -> None:
    events = await read_all(audio(size, {"rate": 16_000, "timestamp": 7}) + encode_event(Event("ping")))
    *pieces, ping = events
    assert ping == Event("ping")
    assert {piece.type for piece in pieces} == {"audio-chunk"}
    assert b"".join(piece.payload or b"" for piece in pieces) == b"\1\2" * (size // 2)
    assert max(len(piece.payload or b"") for piece in pieces) <= AUDIO_PIECE_BYTES
    assert [piece.data for piece in pieces] == [
        {"rate": 16_000, "timestamp": 7},
        *[{"rate": 16_000}] * (len(pieces) - 1),
    ]


async def test_a_piece_is_there_before_the_message_is() -> None:
    stream = asyncio.StreamReader()
    reader = EventReader(stream, LIMITS)
    raw = audio(10 * AUDIO_PIECE_BYTES)
    stream.feed_data(raw[: 2 * AUDIO_PIECE_BYTES])
    assert len((await reader.read() or Event("")).payload or b"") == AUDIO_PIECE_BYTES


async def test_the_pieces_of_long_audio_must_come_in_time_each() -> None:
    stream = asyncio.StreamReader()
    reader = EventReader(stream, IMPATIENT)
    stream.feed_data(audio(4 * AUDIO_PIECE_BYTES)[:-1])
    for _ in range(3):
        assert await reader.read()
    with pytest.raises(TimedOut, match="did not come"):
        await reader.read()


async def test_audio_with_bad_data_is_passed_over_to_its_end() -> None:
    header = b'{"type":"audio-chunk","data_length":3,"payload_length":%d}\n[1]' % (3 * AUDIO_PIECE_BYTES)
    reader = reader_of(header + bytes(3 * AUDIO_PIECE_BYTES) + b'{"type":"ping"}\n')
    with pytest.raises(ProtocolError):
        await reader.read()
    assert await reader.read() == Event("ping")


async def test_audio_may_be_as_long_as_an_utterance_in_any_format() -> None:
    assert MAX_AUDIO_BYTES_PER_S == pcm.MAX_RATE_HZ * pcm.MAX_WIDTH_BYTES * pcm.MAX_CHANNELS
    limits = LIMITS.model_copy(update={"max_utterance_s": 2.0})
    longest = b'{"type":"audio-chunk","payload_length":%d}\n'
    assert await reader_of(
        longest % (2 * MAX_AUDIO_BYTES_PER_S) + bytes(AUDIO_PIECE_BYTES), limits=limits
    ).read()
    with pytest.raises(BrokenStreamError, match=r"more than 2 seconds .*limits\.max_utterance_s"):
        await reader_of(longest % (3 * MAX_AUDIO_BYTES_PER_S), limits=limits).read()


def nested(depth: int) -> bytes:
    return b'{"type":"x","data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}\n"


def with_data(data: bytes) -> bytes:
    return b'{"type":"x","data_length":%d}\n%b' % (len(data), data)


BROKEN = {
    "junk": (b"\x00\xff\x13junk\n", "must begin with"),
    "a blank line": (b"\n", "must begin with"),
    "junk without a line": (b"\x80\x81\x82", "must begin with"),
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not HTTP"),
    "http post": (b"POST /api HTTP/1.1\r\n\r\n{}", "not HTTP"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
    "bad json": (b'{"type":\n', "not valid JSON"),
    "a list": (b'["type"]\n', "must begin with"),
    "utf-8": (b'{"type":"\xff\xfe"}\n', "UTF-8"),
    "half a surrogate pair": (b'{"type":"\\ud800"}\n', "UTF-8"),
    "NaN": (b'{"type":"x","data":{"a":NaN}}\n', "NaN"),
    "Infinity": (b'{"type":"x","data":{"a":-Infinity}}\n', "Infinity"),
    "text length": (b'{"type":"x","payload_length":"7"}\n', "whole number"),
    "negative length": (b'{"type":"x","payload_length":-1}\n', "whole number"),
    "float length": (b'{"type":"x","data_length":1.0}\n', "whole number"),
    "true length": (b'{"type":"x","data_length":true}\n', "whole number"),
    "list length": (b'{"type":"x","data_length":[1]}\n', "whole number"),
    "endless length": (b'{"type":"x","data_length":1e999}\n', "whole number"),
    "10 GB payload": (
        b'{"type":"x","payload_length":10000000000}\n',
        r"limit of 300000 bytes \(limits.max_message_bytes\)",
    ),
    "10 GB data": (b'{"type":"x","data_length":10000000000}\n', "limit of 300000 bytes"),
    "a length of 300 digits": (b'{"type":"x","data_length":1%s}\n' % (b"0" * 300), "limit of 300000 bytes"),
    "a length of 2000 digits": (
        b'{"type":"x","data_length":1%s}\n' % (b"0" * 2000),
        "number that is too long",
    ),
    "long line": (b'{"type":"' + b"x" * 5000 + b'"}\n', "longer than 4096"),
    "endless line": (b"{" + b" " * 9000, "longer than 4096"),
    "cut line": (b'{"type":"x"', "middle of a message"),
    "cut data": (b'{"type":"x","data_length":9}\n{"a":', "middle of a message"),
    "cut payload": (b'{"type":"x","payload_length":9}\nabc', "middle of a message"),
    "deep": (nested(600), "nested"),
}


@pytest.mark.parametrize(("raw", "words"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_stream_is_named(raw: bytes, words: str) -> None:
    with pytest.raises(BrokenStreamError, match=words):
        await reader_of(raw).read()


BAD = {
    "no type": b'{"data":{}}\n',
    "null type": b'{"type":null}\n',
    "number type": b'{"type":7}\n',
    "list type": b'{"type":["ping"]}\n',
    "empty type": b'{"type":""}\n',
    "long type": b'{"type":"' + b"x" * 65 + b'"}\n',
    "list data": b'{"type":"x","data":[1]}\n',
    "text data": b'{"type":"x","data":"a"}\n',
    "no type with a body": b'{"data_length":2,"payload_length":3}\n{}abc',
    "data that is a list": with_data(b"[1,2]"),
    "data that is a text": with_data(b'"abc"'),
    "data that is no json": with_data(b"{'a':1}"),
    "data with junk behind": with_data(b"{}{}"),
    "data that is not utf-8": with_data(b'{"a":"\xc3\x28"}'),
    "data with half a surrogate pair": with_data(b'{"text":"a\\uDC00b"}'),
    "data with NaN": with_data(b'{"rate":NaN}'),
    "deep data": with_data(b'{"a":' * 17 + b"1" + b"}" * 17),
    "50,000 deep data": with_data(b"[" * 50_000 + b"]" * 50_000),
    "50,000 deep, unclosed": with_data(b'{"a":[' * 25_000),
    "100,000 values": with_data(b"[" + b"1," * 100_000 + b"1]"),
    "depth behind an escaped quote": with_data(b'{"\\"":' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
    "a number of 5000 digits": with_data(b'{"a":' + b"9" * 5_000 + b"}"),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
async def test_a_bad_message_leaves_the_stream_intact(raw: bytes) -> None:
    reader = reader_of(raw + b'{"type":"ping"}\n')
    with pytest.raises(ProtocolError) as caught:
        await reader.read()
    assert not isinstance(caught.value, BrokenStreamError)
    assert await reader.read() == Event("ping")


async def test_brackets_and_commas_inside_text_are_only_text() -> None:
    text = '[{"\\' * 20_000 + "," * 20_000
    (event,) = await read_all(with_data(json.dumps({"text": text}).encode()))
    assert event.data["text"] == text


async def test_the_depth_that_is_allowed_is_read() -> None:
    (event,) = await read_all(nested(MAX_JSON_DEPTH - 1))
    assert event.type == "x"


async def test_a_surrogate_pair_is_a_character() -> None:
    (event,) = await read_all(with_data(b'{"text":"\\ud83d\\ude00 \\\\ud800"}'))
    assert event.data["text"] == "😀 \\ud800"


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 300_000,
        b'{"a":"' + b"\\u0041" * 49_000 + b'"}',
        b'{"a":"' + b'\\"[' * 99_000 + b'"}',
        b"[" + b"1," * 149_000 + b"1]",
        b'"' * 299_999,
        b"1" * 299_999,
    ],
    ids=["brackets", "escapes", "quotes", "numbers", "strings", "digits"],
)
async def test_no_data_keeps_the_loop_busy(data: bytes) -> None:
    reader = reader_of(with_data(data))
    with processor_time.at_most(2), contextlib.suppress(ProtocolError):  # milliseconds where bounded
        await reader.read()


@pytest.mark.parametrize(
    "raw",
    [b"{", b'{"type":"x","data_length":2}\n{', b'{"type":"x","payload_length":5}\nabc'],
    ids=["line", "data", "payload"],
)
async def test_the_rest_of_a_message_must_come_in_time(raw: bytes) -> None:
    with pytest.raises(TimedOut, match="did not come"):
        await reader_of(raw, eof=False, limits=IMPATIENT).read()


async def test_dripping_does_not_extend_the_time() -> None:
    stream = asyncio.StreamReader()
    reader = EventReader(stream, IMPATIENT)
    task = asyncio.ensure_future(reader.read())
    stream.feed_data(b"{")
    while not task.done():
        await asyncio.sleep(0.005)
        stream.feed_data(b" ")
    with pytest.raises(TimedOut):
        await task


async def test_a_message_may_begin_as_late_as_it_likes() -> None:
    stream = asyncio.StreamReader()
    reader = EventReader(stream, IMPATIENT)
    task = asyncio.ensure_future(reader.read())
    await asyncio.sleep(IMPATIENT.read_timeout_s * 2)
    stream.feed_data(b'{"type":"ping"}\n')
    assert await task == Event("ping")
