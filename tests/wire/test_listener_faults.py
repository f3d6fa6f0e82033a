"""Exceptions of an `on_transcript` callback do not affect clients."""

from __future__ import annotations

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from lunavox_edge.settings.model import WyomingSettings
from lunavox_edge.types import Transcript
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.wire.conftest import Peer, Serve

pytestmark = pytest.mark.wire

UTTERANCE = (
    AudioStart(rate=16_000, width=2, channels=1).event(),
    AudioChunk(rate=16_000, width=2, channels=1, audio=bytes(16_000)).event(),
    AudioStop().event(),
)


async def test_a_client_is_served_on_whatever_the_listener_does(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    engine = (await serve()).engine
    told: list[Transcript] = []

    def listener(heard: Transcript, _: float) -> None:
        told.append(heard)
        raise KeyError("a topic that cannot be written")

    settings = WyomingSettings(uri="tcp://127.0.0.1:0")
    server = WyomingServer(engine, settings, engine.settings.limits, on_transcript=listener)
    await server.start()
    peer = Peer(server.uri)
    await peer.client.connect()
    for _ in range(2):
        await peer.send("transcribe", *UTTERANCE)
        await peer.expect("transcript")
    await peer.send("describe")
    await peer.expect("info")
    await peer.client.disconnect()
    await server.stop(1.0)
    assert len(told) == 2
    assert len([record for record in caplog.records if record.exc_info]) == 2
