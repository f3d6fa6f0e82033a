"""The embedded MQTT broker, for homes that have none; the only module that uses amqtt.

It has a thread and an event loop of its own, so that its clients cannot delay the Wyoming server. It stores
nothing on disk.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
import weakref
from collections.abc import Callable
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
    """amqtt's authentication plugin for a single user."""

    async def authenticate(self, *, session: Session) -> bool:
        """Whether user and password are correct; both are always compared, in constant time."""
        user, password = session.username or "", session.password or ""
        right_user = hmac.compare_digest(user.encode(), self.config.user.encode())
        return hmac.compare_digest(password.encode(), self.config.password.encode()) and right_user

    @dataclass
    class Config:
        """The plugin's configuration, which amqtt fills in."""

        user: str
        password: str


class _Broker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt's broker with two corrections.

    A new client gets the retained messages of its own subscriptions only; amqtt 0.12 sends those of all
    clients' subscriptions. At the end all connections are closed; amqtt leaves that to the garbage collector.
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
    """A broker on a thread of its own; `start` and `stop` block."""

    def __init__(
        self,
        listen: str,
        *,
        user: str | None,
        password: str | None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Create it; `start` opens the port `listen`, which is HOST:PORT.

        Without a user every client may connect. `on_end` is called on the broker's thread when that ends, for
        whatever reason.
        """
        self._on_end = on_end
        plugins = (
            {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
            if user is None
            else {f"{OneUser.__module__}.OneUser": {"user": user, "password": password or ""}}
        )
        self._listen = listen
        # amqtt takes IPv6 addresses without brackets; with them it asks the resolver.
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
        except Exception as error:  # the thread's main; `start` raises it
            self._error = error
            level = logging.ERROR if self._settled.is_set() else logging.DEBUG
            _LOGGER.log(level, "The embedded broker ended", exc_info=True)
        finally:
            self._settled.set()
            self._on_end()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        # In amqtt errors of single clients, such as one that uses MQTT 5, reach the loop's handler.
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
        await asyncio.sleep(0)  # the loop closes the aborted connections in its next round
