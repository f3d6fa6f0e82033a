"""Live audio is left with the kernel for a moment; a recording is not."""

from __future__ import annotations

import asyncio

import pytest

from lunavox_edge.wyoming_server import gathering
from lunavox_edge.wyoming_server.gathering import Gathering

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
    await Gathering(socket).wait()
    assert socket.done == []


async def test_live_audio_gathers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_LIVE_AFTER_S", 0.0)
    socket = Socket()
    await Gathering(socket).wait()
    assert socket.done == ["paused", "resumed"]


async def test_reading_goes_on_after_a_wait_that_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_LIVE_AFTER_S", 0.0)
    socket = Socket()
    waiting = asyncio.ensure_future(Gathering(socket).wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert socket.done == ["paused", "resumed"]
