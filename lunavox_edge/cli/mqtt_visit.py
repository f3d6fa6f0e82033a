"""A connection to the broker for one command: blocking, on the main thread."""

from __future__ import annotations

import contextlib
import queue
from dataclasses import replace

from lunavox_edge.errors import LunavoxError, TimedOut, Unreachable
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.messages import Message, Publication, Subscription
from lunavox_edge.mqtt.paho_client import BrokerConnection
from lunavox_edge.mqtt.refusals import no_answer

_ANSWER_TIMEOUT_S = 10.0
_MAX_WAITING = 1000


class Visit:
    """A subscription to one topic filter; may be opened again after the connection has ended.

    Its methods block. Not thread-safe.
    """

    def __init__(self, address: BrokerAddress) -> None:
        """Create without a connection; MQTT 3.1.1 is used, which every broker supports."""
        self._address = replace(address, version="3.1.1")
        self._connection: BrokerConnection | None = None
        self._inbox = _Inbox()

    @property
    def uri(self) -> str:
        """The broker's address."""
        return self._address.uri

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; its loss is noticed by `next`."""
        return self._connection is not None

    def open(self, topic: str) -> None:
        """Connect and subscribe to `topic`.

        Raises Unreachable, NotAllowed, InsecurePeer, TimedOut, SettingsError.
        """
        self.close()
        self._inbox = _Inbox()
        self._connection = BrokerConnection(self._address, self._inbox, client_id="")
        try:
            self._connection.open()
            self._inbox.wait_for_open(no_answer(self._address))
        except LunavoxError:
            self.close()
            raise
        self._connection.subscribe((Subscription(topic),))

    def next(self, timeout_s: float | None = None) -> Message:
        """Wait for a message; without `timeout_s` for ever.

        Raises TimedOut, or the error that ended the connection.
        """
        try:
            return self._inbox.message(timeout_s)
        except TimedOut:
            raise
        except LunavoxError:
            self.close()
            raise

    def send(self, publication: Publication) -> None:
        """Publish. Raises Unreachable."""
        if self._connection is None or self._connection.publish(publication) is None:
            raise Unreachable("The connection to the broker ended.")

    def close(self) -> None:
        """Disconnect. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Inbox:
    """Queue from the connection's thread; messages over the limit are dropped."""

    def __init__(self) -> None:
        self._opened: queue.Queue[LunavoxError | None] = queue.Queue(2)
        self._waiting: queue.Queue[Message | LunavoxError] = queue.Queue(_MAX_WAITING)

    def wait_for_open(self, otherwise: TimedOut) -> None:
        try:
            error = self._opened.get(timeout=_ANSWER_TIMEOUT_S)
        except queue.Empty:
            raise otherwise from None
        if error is not None:
            raise error

    def message(self, timeout_s: float | None) -> Message:
        try:
            found = self._waiting.get(timeout=timeout_s)
        except queue.Empty:
            raise TimedOut("No message arrived in time.") from None
        if isinstance(found, LunavoxError):
            raise found
        return found

    def on_open(self) -> None:
        self._opened.put_nowait(None)

    def on_closed(self, error: LunavoxError) -> None:
        self._opened.put_nowait(error)
        with contextlib.suppress(queue.Empty):
            if self._waiting.full():
                self._waiting.get_nowait()
        self._waiting.put_nowait(error)

    def on_message(self, message: Message) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(message)

    def on_delivered(self, number: int) -> None:
        """Ignore: no caller waits for a delivery."""
