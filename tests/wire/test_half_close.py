"""A client that closes its sending side gets its answers; requests of a client that is gone are cancelled."""

from __future__ import annotations

import asyncio
import json
import socket
from functools import partial

import pytest
from wyoming.event import Event

from lunavox_edge.wire.event_stream import encode_event
from tests.fakes.wake import said, silence
from tests.wire.conftest import Serve, Service

pytestmark = pytest.mark.wire

SHAPE = {"rate": 16_000, "width": 2, "channels": 1}
STREAM = [
    Event("synthesize-start"),
    Event("synthesize-chunk", {"text": "It is raining. Take "}),
    Event("synthesize-chunk", {"text": "an umbrella."}),
    Event("synthesize", {"text": "It is raining. Take an umbrella."}),
]


def utterance(pcm: bytes = b"\1\0" * 16_000, first: str = "transcribe") -> list[Event]:
    return [
        Event(first),
        Event("audio-start", SHAPE),
        Event("audio-chunk", SHAPE, pcm),
    ]


STOP = Event("audio-stop")


async def answers(service: Service, raw: bytes) -> list[str]:
    """Send everything, close the sending side, and return the types of all events until the end."""
    async with service.connect() as peer:
        await peer.send_bytes(raw)
        peer.writer.write_eof()
        kinds = []
        while (event := await peer.read()) is not None:
            kinds.append(event.type)
    await service.quiet()
    return [kind for at, kind in enumerate(kinds) if kind != "audio-chunk" or kinds[at - 1] != "audio-chunk"]


SPEECH = ["audio-start", "audio-chunk", "audio-stop"]
WHOLE: dict[str, tuple[list[Event], list[str]]] = {
    "describe": ([Event("describe")], ["info"]),
    "ping": ([Event("ping")], ["pong"]),
    "status": ([Event("lunavox-status")], ["lunavox-status"]),
    "text": ([Event("synthesize", {"text": "Dinner is ready."})], SPEECH),
    "several": (
        [*(Event("synthesize", {"text": "One. Two."}) for _ in range(3)), Event("ping")],
        ["pong", *SPEECH * 3],
    ),
    "streamed text": ([*STREAM, Event("synthesize-stop")], [*SPEECH, "synthesize-stopped"]),
    "utterance": ([*utterance(), STOP], ["transcript"]),
    "two utterances": ([*utterance(), STOP] * 2, ["transcript"] * 2),
    "wake word": ([*utterance(said("alexa") + silence(0.1), "detect"), STOP], ["detection"]),
    "no wake word": ([*utterance(silence(0.5), "detect"), STOP], ["not-detected"]),
    "wake word without an end": (utterance(said("alexa") + silence(0.1), "detect"), ["detection"]),
    "a bad request and a good one": (
        [Event("synthesize", {"text": []}), Event("synthesize", {"text": "Good."})],
        ["error", *SPEECH],
    ),
}


@pytest.mark.parametrize(("events", "kinds"), WHOLE.values(), ids=WHOLE.keys())
async def test_what_was_asked_is_answered(service: Service, events: list[Event], kinds: list[str]) -> None:
    assert await answers(service, b"".join(map(encode_event, events))) == kinds


async def test_a_last_line_needs_no_line_end(service: Service) -> None:
    request = json.dumps({"type": "synthesize", "data": {"text": "Dinner is ready."}}).encode()
    assert await answers(service, request) == SPEECH
    assert service.tts.texts == ["Dinner is ready."]


@pytest.mark.parametrize("rest", [b"\n", b'{"type":"pi', b'{"type":"audio-chunk","payload_length":9}\nabc'])
async def test_a_last_message_that_is_none_does_not_spoil_those_before(service: Service, rest: bytes) -> None:
    request = encode_event(Event("synthesize", {"text": "Dinner is ready."}))
    assert await answers(service, request + rest) == [*SPEECH, "error"]


async def test_a_speech_that_takes_long_is_waited_for(service: Service) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(Event("synthesize", {"text": "Dinner is ready."}))
        peer.writer.write_eof()
        await asyncio.to_thread(service.tts.asked.wait, 5.0)
        connection = next(iter(service.server._connections.values()))
        assert connection.busy
        # A client that has gone without a reset is found by keepalive probes.
        sock = connection._writer.get_extra_info("socket")
        await service.until(lambda: sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 10)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        service.tts.go.set()
        await peer.until("audio-stop")
        await peer.expect_end()


UNFINISHED: dict[str, tuple[list[Event], str]] = {
    "utterance": (utterance(), "audio-stop"),
    "streamed text": (STREAM, "synthesize-stop"),
}


@pytest.mark.parametrize(("events", "missing"), UNFINISHED.values(), ids=UNFINISHED.keys())
async def test_what_was_not_asked_to_the_end_is_dropped_and_told(
    service: Service, events: list[Event], missing: str
) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(*events)
        peer.writer.write_eof()
        assert missing in await peer.expect_error("bad_message")
        await peer.expect_end()
    service.tts.go.set()
    await service.quiet()
    assert not service.stt.heard


@pytest.mark.parametrize("uri", ["tcp://127.0.0.1:0", "unix://{folder}/edge.sock"])
@pytest.mark.parametrize("closed_first", [False, True])
async def test_a_client_that_is_reset_takes_its_requests_along(
    serve: Serve,
    tmp_path_factory: pytest.TempPathFactory,
    uri: str,
    closed_first: bool,  # noqa: FBT001
) -> None:
    """Also while the utterance is transcribed, when there is no write that could fail."""
    service = await serve(wyoming={"uri": uri.format(folder=tmp_path_factory.mktemp("s"))})
    service.stt.go.clear()
    async with service.connect() as peer:
        for _ in range(4):
            await peer.send(*utterance(), STOP)
        if closed_first:
            peer.writer.write_eof()
        await asyncio.to_thread(service.stt.asked.wait, 5.0)
        peer.vanish()
        await service.until(lambda: not service.server.connections)
    service.stt.go.set()
    await service.quiet()
    assert len(service.stt.heard) <= 2


async def test_a_client_that_has_left_a_unix_socket_is_seen_at_once(
    serve: Serve, tmp_path_factory: pytest.TempPathFactory
) -> None:
    service = await serve(wyoming={"uri": f"unix://{tmp_path_factory.mktemp('s')}/edge.sock"})
    service.stt.go.clear()
    async with service.connect() as peer:
        await peer.send(*utterance(), STOP)
        await asyncio.to_thread(service.stt.asked.wait, 5.0)
        peer.leave()
        await service.until(lambda: not service.server.connections)
    service.stt.go.set()


async def test_a_client_that_has_left_shows_as_a_failed_write(service: Service) -> None:
    sentences = "".join(f"This is sentence number {number}. " for number in range(200))
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(*(Event("synthesize", {"text": sentences}) for _ in range(4)))
        await asyncio.to_thread(service.tts.asked.wait, 5.0)
        peer.leave()
        service.tts.go.set()
        await service.quiet()
    assert len(service.tts.texts) < 200


async def test_utterances_of_a_client_that_has_left_end_with_the_first_failed_write(service: Service) -> None:
    service.stt.go.clear()
    async with service.connect() as peer:
        for _ in range(8):
            await peer.send(*utterance(), STOP)
        await asyncio.to_thread(service.stt.asked.wait, 5.0)
        peer.leave()
        service.stt.go.set()
        await service.quiet()


async def test_a_service_that_stops_waits_for_a_half_closed_client(service: Service) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(Event("synthesize", {"text": "Hello."}))
        peer.writer.write_eof()
        await asyncio.to_thread(service.tts.asked.wait, 5.0)
        stopping = asyncio.ensure_future(service.server.stop(10.0))
        service.tts.go.set()
        await peer.until("audio-stop")
        await peer.expect_end()
        await stopping
    assert not service.server.connections


async def test_a_half_closed_client_is_waited_for_no_longer_than_an_idle_one(serve: Serve) -> None:
    service = await serve(limits={"idle_timeout_s": 0.5})
    service.stt.go.clear()
    async with service.connect() as peer:
        await peer.send(*utterance(), STOP)
        peer.writer.write_eof()
        await peer.expect_end()
        await service.until(lambda: not service.server.connections)
    service.stt.go.set()


def nc(address: tuple[str, int], *events: Event) -> bytes:
    """Do what `nc -N` does: send, close the sending side, read to the end."""
    with socket.create_connection(address, timeout=20.0) as client:
        client.sendall(b"".join(map(encode_event, events)))
        client.shutdown(socket.SHUT_WR)
        received = b""
        while more := client.recv(65_536):
            received += more
    return received


async def test_a_plain_socket_gets_the_whole_speech(service: Service) -> None:
    host, port = service.server.uri.removeprefix("tcp://").split(":")
    ask = partial(nc, (host, int(port)), Event("synthesize", {"text": "Dinner. " * 100}))
    assert len(await asyncio.to_thread(ask)) > 200_000
