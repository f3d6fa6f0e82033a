"""The queue from paho's thread to the event loop: ordered, and limited in messages and bytes."""

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
# Calls made in a row before other tasks get their turn on the event loop.
_BURST = 16


class InboxListener(Protocol):
    """Gets a connection's callbacks on the event loop. Exceptions are logged and have no other effect."""

    def opened(self) -> None:
        """The broker has accepted the connection."""

    def closed(self, error: LunavoxError) -> None:
        """The connection has ended or could not be made."""

    def received(self, message: Message) -> None:
        """A message has arrived."""

    def dropped(self, count: int) -> None:
        """`count` messages were dropped because the queue was full."""

    def delivered(self, number: int) -> None:
        """The broker has acknowledged the message with this number."""


class Inbox:
    """The ConnectionListener of one connection: passes its callbacks on to the event loop.

    The `on_` methods may be called from any thread, all others on the loop only.
    """

    def __init__(self, listener: InboxListener) -> None:
        """Bind to the running loop."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._calls: deque[tuple[str, Callable[[], None], int]] = deque()
        self._messages = self._bytes = self._dropped = 0
        self._woken = False
        self._closed = False

    def on_open(self) -> None:
        """Queue `opened`."""
        self._put("opened", self._listener.opened)

    def on_closed(self, error: LunavoxError) -> None:
        """Queue `closed`."""
        self._put("closed", partial(self._listener.closed, error))

    def on_delivered(self, number: int) -> None:
        """Queue `delivered`."""
        self._put("delivered", partial(self._listener.delivered, number))

    def on_message(self, message: Message) -> None:
        """Queue `received`; if the queue is full, the message is counted and dropped."""
        size_bytes = len(message.payload)
        with self._lock:
            if self._messages >= _MAX_MESSAGES or self._bytes + size_bytes > _MAX_BYTES:
                self._dropped += 1
                return
            self._messages += 1
            self._bytes += size_bytes
        self._put("received", partial(self._listener.received, message), size_bytes)

    def close(self) -> None:
        """Ignore all queued and later callbacks."""
        self._closed = True

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
            if not self._closed:
                guarded(f"MQTT: {what}", call)
        else:
            self._loop.call_soon(self._drain)
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped and not self._closed:
            guarded("MQTT: dropped", self._listener.dropped, dropped)
