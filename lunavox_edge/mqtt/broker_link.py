"""The link to the broker: reconnects with backoff, and queues messages while there is no connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from lunavox_edge import bridge
from lunavox_edge.background import guarded
from lunavox_edge.errors import LunavoxError
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.inbox import Inbox
from lunavox_edge.mqtt.messages import Message, Publication, Subscription
from lunavox_edge.mqtt.outbox import Outbox
from lunavox_edge.mqtt.paho_client import BrokerConnection
from lunavox_edge.mqtt.refusals import no_answer
from lunavox_edge.retrying import Retrying

_ANSWER_TIMEOUT_S = 10.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
# A connection that lasted so long starts the pauses anew.
_STABLE_S = 30.0
_SEND_LAST_S = 2.0
_MAX_SHOWN_CHARS = 100

_LOGGER = logging.getLogger(__name__)


class BrokerListener(Protocol):
    """The user of a link. Called on the loop; exceptions are logged and have no other effect."""

    def connected(self) -> None:
        """There is a new connection; the broker may have lost its retained messages."""

    def received(self, message: Message) -> None:
        """A message has arrived."""

    def dropped(self, count: int) -> None:
        """`count` messages were dropped because they arrived faster than they were handled."""


class BrokerLink:
    """Keeps a connection to the broker; used on the event loop only."""

    def __init__(
        self,
        address: BrokerAddress,
        listener: BrokerListener,
        *,
        client_id: str,
        will: Publication,
        subscriptions: tuple[Subscription, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create it; `run` connects.

        `will` is published by the broker when the connection is lost. `subscriptions` are made anew on every
        connection.
        """
        self._address = address
        self._listener = listener
        self._client_id = client_id
        self._will = will
        self._subscriptions = subscriptions
        self._clock = clock
        self._outbox = Outbox()
        self._connection: BrokerConnection | None = None
        self._up = False
        self._was_up = False
        self._last_error: str | None = None
        self._connections = Retrying(
            self._connect,
            first_pause_s=_FIRST_PAUSE_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            stable_s=_STABLE_S,
        )
        self._opened = asyncio.Event()
        self._ended: asyncio.Queue[LunavoxError] = asyncio.Queue(1)
        self._emptied = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether there is a connection that the broker has accepted."""
        return self._up

    @property
    def uri(self) -> str:
        """The broker's address."""
        return self._address.uri

    def publish(self, publication: Publication, *, expiry_s: float, expendable: bool = False) -> bool:
        """Queue a message and send what can be sent; False if the queue is full.

        Without a connection the message waits for up to `expiry_s`. Expendable messages (events) may use
        only half of the queue, the rest is kept for results.
        """
        queued = self._outbox.put(publication, expires_s=self._clock() + expiry_s, expendable=expendable)
        self._send()
        return queued

    async def run(self) -> None:
        """Keep a connection until cancelled; may be run again after a failure."""
        await self._connections.run()

    async def send_last(self, last: Publication) -> None:
        """Send all queued messages and then `last`, for at most 2 s; does nothing without a connection."""
        if not self._up or not self.publish(last, expiry_s=_SEND_LAST_S):
            return
        try:
            await bridge.within(self._emptied.wait(), _SEND_LAST_S)
        except asyncio.TimeoutError:
            _LOGGER.debug("The broker has not acknowledged all messages before the end")

    async def _connect(self) -> None:
        self._log(await self._connect_once())

    async def _connect_once(self) -> LunavoxError:
        """Connect, wait for the end of the connection, and return its reason."""
        self._opened = asyncio.Event()
        self._ended = asyncio.Queue(1)
        inbox = Inbox(self)
        connection = BrokerConnection(
            self._address, inbox, client_id=self._client_id, will=self._will, resume=self._was_up
        )
        self._connection = connection
        ended = asyncio.ensure_future(self._ended.get())
        opened = asyncio.ensure_future(self._opened.wait())
        try:
            await bridge.blocking(connection.open)
            await asyncio.wait(
                (opened, ended), timeout=_ANSWER_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not opened.done() and not ended.done():
                return no_answer(self._address)
            return await ended
        except LunavoxError as error:
            return error
        finally:
            opened.cancel()
            ended.cancel()
            inbox.close()
            self._connection = None
            self._up = False
            self._outbox.take_back()
            await asyncio.shield(bridge.blocking(connection.close))

    def opened(self) -> None:
        """Handle an accepted connection (called by the inbox)."""
        if self._connection is None:
            return
        self._up = self._was_up = True
        self._opened.set()
        _LOGGER.info("MQTT: connected to %s (version %s)", self._address.uri, self._address.version)
        self._last_error = None
        self._connection.subscribe(self._subscriptions)
        guarded("MQTT: connected", self._listener.connected)
        self._send()

    def closed(self, error: LunavoxError) -> None:
        """Handle the end of the connection (called by the inbox)."""
        self._up = False
        if self._ended.empty():
            self._ended.put_nowait(error)

    def received(self, message: Message) -> None:
        """Pass a message on (called by the inbox)."""
        guarded(f"MQTT: message on {message.topic[:_MAX_SHOWN_CHARS]!r}", self._listener.received, message)

    def dropped(self, count: int) -> None:
        """Report dropped messages (called by the inbox)."""
        guarded("MQTT: dropped", self._listener.dropped, count)

    def delivered(self, number: int) -> None:
        """Note an acknowledged message, and send the next ones (called by the inbox)."""
        self._outbox.delivered(number)
        self._send()

    def _send(self) -> None:
        connection = self._connection
        if connection is not None and self._up:
            self._outbox.send(connection.publish, self._clock())
        if len(self._outbox):
            self._emptied.clear()
        else:
            self._emptied.set()

    def _log(self, error: LunavoxError) -> None:
        """Log why there is no connection; the same reason only once until there is a connection again."""
        if str(error) == self._last_error:
            _LOGGER.debug("MQTT: still: %s", error)
            return
        self._last_error = str(error)
        _LOGGER.warning(
            "MQTT: no connection to %s (%s): %s Trying again in the background.",
            self._address.uri,
            error.code,
            error,
        )
