"""Live audio is read in batches; a recording is read at once."""

from __future__ import annotations

import asyncio

import pytest

from lunavox_edge.wyoming_server import read_batching
from lunavox_edge.wyoming_server.read_batching import ReadBatching

pytestmark = pytest.mark.unit


class Socket(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def pause_reading(self) -> None:
        self.done.append("paused")

    def resume_reading(self) -> None:
        self.done.append("resumed")


async def test_what_has_just_begun_is_read_at_once() -> None:
    socket = Socket()
    await ReadBatching(socket).wait()
    assert socket.done == []


async def test_live_audio_is_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_batching, "_LIVE_AFTER_S", 0.0)
    socket = Socket()
    await ReadBatching(socket).wait()
    assert socket.done == ["paused", "resumed"]


async def test_reading_goes_on_after_a_wait_that_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_batching, "_LIVE_AFTER_S", 0.0)
    socket = Socket()
    waiting = asyncio.ensure_future(ReadBatching(socket).wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert socket.done == ["paused", "resumed"]
