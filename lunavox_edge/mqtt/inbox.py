"""The way from paho's thread to the event loop: bounded, in order, and fair to others on the loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from lunavox_edge import bridge
from lunavox_edge.background import guarded
from lunavox_edge.errors import LunavoxError
from lunavox_edge.mqtt.messages import Message

_MAX_MESSAGES = 256
_MAX_BYTES = 67_108_864
# Handled in a row before others get their turn on the loop.
_BURST = 16


class Owner(Protocol):
    """Is told on the loop what a connection told on its thread.

    What a method raises is logged, and the next one is called.
    """

    def opened(self) -> None:
        """The broker has let us in."""

    def closed(self, error: LunavoxError) -> None:
        """The connection has ended, or was never made."""

    def received(self, message: Message) -> None:
        """A message came in."""

    def dropped(self, count: int) -> None:
        """So many messages came faster than they could be taken in."""

    def delivered(self, number: int) -> None:
        """The broker has acknowledged a message."""


class Inbox:
    """The listener of one connection; after `close` it is deaf."""

    def __init__(self, owner: Owner) -> None:
        """Bind to the running loop."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._calls: deque[tuple[str, Callable[[], None], int]] = deque()
        self._messages = self._bytes = self._dropped = 0
        self._woken = False
        self._deaf = False

    def on_open(self) -> None:
        """From any thread."""
        self._put("opened", self._owner.opened)

    def on_closed(self, error: LunavoxError) -> None:
        """From any thread."""
        self._put("closed", partial(self._owner.closed, error))

    def on_delivered(self, number: int) -> None:
        """From any thread."""
        self._put("delivered", partial(self._owner.delivered, number))

    def on_message(self, message: Message) -> None:
        """From any thread; over the bound the message is counted and dropped."""
        size_bytes = len(message.payload)
        with self._lock:
            if self._messages >= _MAX_MESSAGES or self._bytes + size_bytes > _MAX_BYTES:
                self._dropped += 1
                return
            self._messages += 1
            self._bytes += size_bytes
        self._put("received", partial(self._owner.received, message), size_bytes)

    def close(self) -> None:
        """Pass over what is still to come."""
        self._deaf = True

    def _put(self, what: str, call: Callable[[], None], size_bytes: int = -1) -> None:
        with self._lock:
            self._calls.append((what, call, size_bytes))
            wake, self._woken = not self._woken, True
        if wake:
            bridge.call_soon(self._loop, self._drain)

    def _drain(self) -> None:
        for _ in range(_BURST):
            with self._lock:
                if not self._calls:
                    self._woken = False
                    break
                what, call, size_bytes = self._calls.popleft()
                if size_bytes >= 0:
                    self._messages -= 1
                    self._bytes -= size_bytes
            if not self._deaf:
                guarded(f"MQTT: {what}", call)
        else:
            self._loop.call_soon(self._drain)
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped and not self._deaf:
            guarded("MQTT: dropped", self._owner.dropped, dropped)
