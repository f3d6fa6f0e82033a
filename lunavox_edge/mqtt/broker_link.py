"""The link to the broker as the event loop sees it: up or down, and always ready to take messages.

A connection that ends is followed by the next one, after a pause that grows and is never quite the
same, so that a house full of clients does not come back all at once.
"""

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
_FAREWELL_S = 2.0
_MAX_SHOWN_CHARS = 100

_LOGGER = logging.getLogger(__name__)


class BrokerListener(Protocol):
    """Whoever talks over the link; what a method raises is logged and changes nothing."""

    def connected(self) -> None:
        """A new connection is there; the broker may have forgotten everything."""

    def received(self, message: Message) -> None:
        """A message came in."""

    def dropped(self, count: int) -> None:
        """So many messages came faster than they could be taken in."""


class BrokerLink:
    """Keeps a connection up; used on the loop only."""

    def __init__(
        self,
        address: BrokerAddress,
        correspondent: BrokerListener,
        *,
        client_id: str,
        will: Publication,
        subscriptions: tuple[Subscription, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parts; `run` connects."""
        self._address = address
        self._correspondent = correspondent
        self._client_id = client_id
        self._will = will
        self._subscriptions = subscriptions
        self._clock = clock
        self._outbox = Outbox()
        self._connection: BrokerConnection | None = None
        self._up = False
        self._was_up = False
        self._trouble: str | None = None
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
        """Whether the broker is there."""
        return self._up

    @property
    def uri(self) -> str:
        """The broker's address."""
        return self._address.uri

    def publish(self, publication: Publication, *, expiry_s: float, expendable: bool = False) -> bool:
        """Send a message, now or when the broker is back within `expiry_s`; False if there is no room.

        Expendable ones (events) leave half of the room to results.
        """
        taken = self._outbox.put(publication, expires_s=self._clock() + expiry_s, expendable=expendable)
        self._send()
        return taken

    async def run(self) -> None:
        """Keep the connection up until cancelled; may be run again after a failure."""
        await self._connections.run()

    async def farewell(self, last: Publication) -> None:
        """Send a last message after all that waits, if the broker is there and takes it in time."""
        if not self._up or not self.publish(last, expiry_s=_FAREWELL_S):
            return
        try:
            await bridge.within(self._emptied.wait(), _FAREWELL_S)
        except asyncio.TimeoutError:
            _LOGGER.debug("The broker did not take everything before the end")

    async def _connect(self) -> None:
        self._note(await self._connect_once())

    async def _connect_once(self) -> LunavoxError:
        """Connect, serve, and return why the connection ended."""
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
        """Called by the inbox."""
        if self._connection is None:
            return
        self._up = self._was_up = True
        self._opened.set()
        _LOGGER.info("MQTT: connected to %s (version %s)", self._address.uri, self._address.version)
        self._trouble = None
        self._connection.subscribe(self._subscriptions)
        guarded("MQTT: connected", self._correspondent.connected)
        self._send()

    def closed(self, error: LunavoxError) -> None:
        """Called by the inbox."""
        self._up = False
        if self._ended.empty():
            self._ended.put_nowait(error)

    def received(self, message: Message) -> None:
        """Called by the inbox."""
        guarded(
            f"MQTT: message on {message.topic[:_MAX_SHOWN_CHARS]!r}", self._correspondent.received, message
        )

    def dropped(self, count: int) -> None:
        """Called by the inbox."""
        guarded("MQTT: dropped", self._correspondent.dropped, count)

    def delivered(self, number: int) -> None:
        """Called by the inbox."""
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

    def _note(self, error: LunavoxError) -> None:
        """Log a change of state once, however often the attempt is repeated."""
        if str(error) == self._trouble:
            _LOGGER.debug("MQTT: still: %s", error)
            return
        self._trouble = str(error)
        _LOGGER.warning(
            "MQTT: no connection to %s (%s): %s Trying again in the background.",
            self._address.uri,
            error.code,
            error,
        )
