"""Invalid input: the client gets an error where a reply is possible, and other clients are not affected."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.conftest import Serve, Service

pytestmark = pytest.mark.wire


def message(header: bytes, body: bytes = b"") -> bytes:
    return header + b"\n" + body


UNUSABLE = {
    "junk": b"\x00\x01\x02\xff\xfe\n\n\n",
    "junk without a line end": b"\x8f" * 40,
    "much junk": b"\x8f" * 3_000_000,
    "a blank line": b"\n",
    "http": b"GET / HTTP/1.1\r\nHost: edge\r\nAccept: */*\r\n\r\n",
    "tls": bytes.fromhex("16030100c8010000c40303") + b"\x5a" * 190,
    "bad json": message(b'{"type": "describe"'),
    "json list": message(b'["describe"]'),
    "json text": message(b'"describe"'),
    "50,000 deep json": message(b'{"type":"x","data":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "text length": message(b'{"type":"audio-chunk","payload_length":"12"}', b"x" * 12),
    "float length": message(b'{"type":"audio-chunk","payload_length":1.5}'),
    "list length": message(b'{"type":"audio-chunk","data_length":[]}'),
    "negative length": message(b'{"type":"audio-chunk","payload_length":-1}'),
    "10 GB payload": message(b'{"type":"audio-chunk","payload_length":10000000000}', b"\0" * 100_000),
    "10 GB data": message(b'{"type":"describe","data_length":10000000000}', b"{" * 100_000),
    "a line of 100 kB": b'{"type":"' + b"a" * 100_000,
}


@pytest.mark.parametrize("raw", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_an_unusable_stream_gets_an_error_and_is_closed(service: Service, raw: bytes) -> None:
    async with service.connect() as peer, service.connect() as neighbour:
        await peer.send_bytes(raw)
        await neighbour.send("describe")
        await neighbour.expect("info")
        await peer.expect_error("bad_message")
        await peer.expect_end()
    await service.quiet()


CUT = {
    "line": b'{"type":"desc',
    "data": message(b'{"type":"describe","data_length":20}', b'{"a'),
    "payload": message(b'{"type":"audio-chunk","payload_length":2000}', b"abc"),
}


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
async def test_a_cut_message_gets_an_error(service: Service, raw: bytes) -> None:
    async with service.connect() as peer:
        await peer.send_bytes(raw)
        peer.writer.write_eof()
        assert "middle of a message" in await peer.expect_error("bad_message")
        await peer.expect_end()
    await service.quiet()


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
async def test_a_client_that_stops_inside_a_message_is_not_waited_for(serve: Serve, raw: bytes) -> None:
    service = await serve(limits={"read_timeout_s": 0.1})
    async with service.connect() as peer:
        await peer.send_bytes(raw)
        await peer.expect_error("timeout")
        await peer.expect_end()
    await service.quiet()


USABLE = {
    "no type": message(b'{"data":{}}'),
    "null type": message(b'{"type":null}'),
    "number type": message(b'{"type":5,"payload_length":4}', b"abcd"),
    "object type": message(b'{"type":{}}'),
    "list data": message(b'{"type":"describe","data":[1]}'),
    "list as data bytes": message(b'{"type":"synthesize","data_length":9}', b'["text",1]'[:9]),
    "deep data bytes": message(b'{"type":"synthesize","data_length":100000}', b"[" * 50_000 + b"]" * 50_000),
    "data bytes that are not utf-8": message(b'{"type":"synthesize","data_length":12}', b'{"text":"\xff"}'),
    "half a surrogate pair": message(b'{"type":"synthesize","data_length":17}', b'{"text":"\\udfff"}'),
    "ping with a number": message(b'{"type":"ping","data":{"text":5}}'),
    "select-program without a name": message(b'{"type":"select-program"}'),
    "select-program of a stranger": message(b'{"type":"select-program","data":{"name":"piper"}}'),
    "select-program with a list": message(b'{"type":"select-program","data":{"name":["a"]}}'),
}


@pytest.mark.parametrize("raw", USABLE.values(), ids=USABLE.keys())
async def test_a_bad_message_in_an_intact_stream_leaves_the_connection_open(
    service: Service, raw: bytes
) -> None:
    async with service.connect() as peer:
        await peer.send_bytes(raw)
        await peer.expect_error("bad_message")
        await peer.alive()


async def test_unknown_events_are_passed_over(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send("detect", "run-satellite", "x" * 64, "error", "transcript", "../../etc/passwd")
        await peer.alive()


async def test_errors_name_no_path_and_no_python(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send_bytes(b'{"type":"synthesize","data":{"text":[]}}\n')
        text = await peer.expect_error("bad_message")
        assert "/" not in text
        assert "Error" not in text
        assert text.endswith(".")


async def test_an_unexpected_failure_is_internal_and_says_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret /etc/path")

    async with service.connect() as peer:
        with monkeypatch.context() as patch:
            patch.setattr(service.engine, "status", fail)
            await peer.send("lunavox-status")
            assert "secret" not in await peer.expect_error("internal")
        assert "secret /etc/path" in caplog.text
        await peer.alive()


async def test_after_an_error_a_silent_client_is_hung_up_on(
    leaping: None, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a client that does not read `error` does not wait for ever."""
    monkeypatch.setattr("lunavox_edge.wyoming_server.connection.ERROR_PATIENCE_S", 10.0)
    async with service.connect() as silent, service.connect() as lively:
        for peer in (silent, lively):
            await peer.send_bytes(b'{"type":"synthesize"}\n')
            await peer.expect_error("bad_message")
        await lively.alive()
        await silent.expect_end()
        await asyncio.sleep(15)
        await lively.alive()
