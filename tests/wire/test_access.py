"""Allowed networks, and the limits for one address, seen by clients."""

from __future__ import annotations

import pytest
from wyoming.event import Event
from wyoming.tts import Synthesize

from tests.wire.conftest import Serve

pytestmark = pytest.mark.wire


async def test_this_machine_may_always_come_in(serve: Serve) -> None:
    service = await serve(wyoming={"uri": "tcp://127.0.0.1:0", "allow": ["192.0.2.0/24"]})
    async with service.connect() as peer:
        await peer.alive()


async def test_a_stranger_is_hung_up_on(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = await serve(wyoming={"uri": "tcp://127.0.0.1:0", "allow": ["192.0.2.0/24"]})
    monkeypatch.setattr("lunavox_edge.wyoming_server.server.host_of", lambda _: "198.51.100.1")
    async with service.connect() as peer:
        try:
            answer = await peer.read()
        except OSError:
            answer = None
    assert answer is None
    assert service.server.connections == 0


async def test_one_address_too_many(serve: Serve) -> None:
    service = await serve(limits={"max_connections_per_address": 2})
    async with service.connect() as one, service.connect() as two:
        await one.alive()
        await two.alive()
        async with service.connect() as three:
            assert "too many connections open" in await three.expect_error("busy")
            await three.expect_end()
        await one.alive()
    await service.quiet()
    async with service.connect() as again:
        await again.alive()


async def test_too_many_requests_are_busy_and_what_runs_goes_on(serve: Serve) -> None:
    service = await serve(limits={"max_requests_per_minute": 2})
    async with service.connect() as peer:
        await peer.send("describe")
        await peer.expect("info")
        await peer.send(Synthesize(text="Hello.").event())
        await peer.until("audio-stop")
        await peer.send("describe")
        assert "Too many requests" in await peer.expect_error("busy")


async def test_utterances_that_nobody_asked_for_are_counted_too(serve: Serve) -> None:
    service = await serve(limits={"max_requests_per_minute": 2})
    shape = {"rate": 16_000, "width": 2, "channels": 1}
    chunk, stop = Event("audio-chunk", shape, b"\1\0" * 1600), Event("audio-stop")
    async with service.connect() as peer:
        for audio in ([chunk], [Event("audio-start", shape), chunk]):
            await peer.send(*audio, stop)
            await peer.expect("transcript")
        await peer.send(*[chunk] * 20, stop)
        assert "Too many requests" in await peer.expect_error("busy")
        await peer.send(*[chunk] * 20, stop)
        assert "Too many requests" in await peer.expect_error("busy")
    assert len(service.transcripts) == 2
