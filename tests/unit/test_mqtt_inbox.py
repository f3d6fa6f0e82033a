"""Inbox: the exception of one callback does not affect the others."""

from __future__ import annotations

import asyncio

import pytest

from lunavox_edge.errors import LunavoxError, Unreachable
from lunavox_edge.mqtt.inbox import Inbox
from lunavox_edge.mqtt.messages import Message

pytestmark = pytest.mark.unit


class Listener:
    """Records its calls, and raises in those that `faulty` names."""

    def __init__(self, *faulty: str) -> None:
        self.faulty = faulty
        self.calls: list[object] = []
        self.ended = asyncio.Event()

    def _note(self, what: str, value: object = None) -> None:
        self.calls.append(what if value is None else (what, value))
        if what in self.faulty:
            raise RuntimeError(f"{what} cannot be taken")

    def opened(self) -> None:
        self._note("opened")

    def closed(self, error: LunavoxError) -> None:
        self.ended.set()
        self._note("closed", error.code)

    def received(self, message: Message) -> None:
        self._note("received", message.topic)

    def dropped(self, count: int) -> None:
        self._note("dropped", count)

    def delivered(self, number: int) -> None:
        self._note("delivered", number)


@pytest.mark.parametrize("faulty", ["opened", "received", "delivered", "dropped", "closed"])
async def test_after_a_callback_that_raised_the_next_is_called(
    faulty: str, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(faulty)
    inbox = Inbox(listener)
    inbox.on_open()
    for number in range(300):
        inbox.on_message(Message(f"t{number}", b"x"))
    inbox.on_delivered(7)
    inbox.on_closed(Unreachable("gone"))
    await asyncio.wait_for(listener.ended.wait(), 20)
    messages = [("received", f"t{number}") for number in range(256)]
    expected = ["opened", *messages, ("delivered", 7), ("closed", "unreachable")]
    assert [call for call in listener.calls if call != ("dropped", 44)] == expected
    assert ("dropped", 44) in listener.calls
    assert f"{faulty} cannot be taken" in caplog.text
    caplog.clear()
    listener.ended.clear()
    inbox.on_closed(Unreachable("gone again"))
    await asyncio.wait_for(listener.ended.wait(), 20)


async def test_a_closed_inbox_ignores_everything() -> None:
    listener, other = Listener(), Listener()
    inbox = Inbox(listener)
    inbox.on_open()
    inbox.close()
    Inbox(other).on_closed(Unreachable("gone"))
    await asyncio.wait_for(other.ended.wait(), 20)
    assert not listener.calls
