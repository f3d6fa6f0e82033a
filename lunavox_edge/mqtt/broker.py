"""A broker inside the service, for houses that have none; the only module that knows amqtt.

It has a thread and an event loop of its own, so that whatever its clients do, Wyoming's loop does not wait
for it. It keeps nothing over a restart.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
import weakref
from dataclasses import dataclass

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig
from amqtt.errors import AMQTTError
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxLibraryError

_MAX_CLIENTS = 64
_START_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 5.0
_SESSION_EXPIRY_S = 60

_LOGGER = logging.getLogger(__name__)


class OneUser(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets one user in."""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether the user and the password are the right ones."""
        user, password = session.username or "", session.password or ""
        right_user = hmac.compare_digest(user.encode(), self.config.user.encode())
        return hmac.compare_digest(password.encode(), self.config.password.encode()) and right_user

    @dataclass
    class Config:
        """What amqtt hands over."""

        user: str
        password: str


class _Broker(Broker):  # type: ignore[misc]  # amqtt has no types
    """Sends a newcomer what is retained for its own subscriptions; amqtt 0.12 does so for everybody's.

    Hangs up on everybody in the end, which amqtt leaves to the garbage collector.
    """

    def __init__(self, config: BrokerConfig, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config, loop)
        self._transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()

    def hang_up(self) -> None:
        for transport in tuple(self._transports):
            transport.abort()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        self._transports.add(writer.transport)
        await super().stream_connected(reader, writer, listener_name)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self._subscriptions.get(subscription[0], ())
        if any(subscriber is session for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class EmbeddedBroker:
    """A broker on a thread of its own."""

    def __init__(self, listen: str, *, user: str | None, password: str | None) -> None:
        """Store the parts; without a user everybody who reaches the port may come in."""
        plugins = (
            {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
            if user is None
            else {f"{OneUser.__module__}.OneUser": {"user": user, "password": password or ""}}
        )
        self._listen = listen
        # With the brackets of an IPv6 address it asks the resolver for them.
        bind = listen.replace("[", "").replace("]", "")
        self._config = {
            "listeners": {"default": {"type": "tcp", "bind": bind, "max_connections": _MAX_CLIENTS}},
            "session_expiry_interval": _SESSION_EXPIRY_S,
            "plugins": plugins,
        }
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._settled = threading.Event()
        self._error: Exception | None = None

    def start(self) -> None:
        """Open the port and wait until it is open. Raises LunavoxLibraryError."""
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread = threading.Thread(target=self._main, name="mqtt-broker", daemon=True)
        self._thread.start()
        if not self._settled.wait(_START_TIMEOUT_S):
            raise LunavoxLibraryError("The embedded MQTT broker does not start.")
        if self._error is not None:
            raise LunavoxLibraryError(
                f"The embedded MQTT broker cannot listen on {self._listen}; another broker may use the port. "
                "Set mqtt.broker to its address, or mqtt.listen to another port."
            ) from self._error

    def stop(self) -> None:
        """Close the port and end the thread. Idempotent."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT_S)
            self._thread = None

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # the thread's main; told to whoever started it
            self._error = error
            _LOGGER.debug("The embedded broker ended", exc_info=True)
        finally:
            self._settled.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        # amqtt lets errors of single clients, such as one that speaks MQTT 5, reach the loop.
        self._loop.set_exception_handler(
            lambda _, context: _LOGGER.debug("The embedded broker: %s", context.get("message"))
        )
        broker = _Broker(BrokerConfig.from_dict(self._config), loop=self._loop)
        await broker.start()
        self._settled.set()
        await self._stop.wait()
        try:
            await within(broker.shutdown(), _STOP_TIMEOUT_S)
        except (AMQTTError, asyncio.TimeoutError) as error:
            _LOGGER.debug("The embedded broker did not end in order: %s", error)
        broker.hang_up()
        await asyncio.sleep(0)  # the loop closes them in its next round
