"""One connection to a broker; the only module that uses paho.

paho reads and writes on a thread of its own, and all callbacks of a `BrokerConnection` come from that thread:
they must be quick and thread-safe.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from lunavox_edge.background import guarded
from lunavox_edge.errors import InsecurePeer, LunavoxError, SettingsError, Unreachable
from lunavox_edge.mqtt.broker_address import BrokerAddress
from lunavox_edge.mqtt.messages import Message, Publication, Subscription
from lunavox_edge.mqtt.refusals import refusal, tls_reason

_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_CONNECT_TIMEOUT_S = 5.0
_KEEP_ALIVE_S = 30
# How long `close` waits until DISCONNECT is sent; then it cuts the connection.
_GOODBYE_S = 2.0
# How long the broker keeps commands while the connection is down (MQTT 5): a short outage loses nothing, and
# a text that was to be spoken an hour ago is not spoken any more.
_SESSION_EXPIRY_S = 60

_LOGGER = logging.getLogger(__name__)


class ConnectionListener(Protocol):
    """The callbacks of a connection, on paho's thread. Exceptions are logged."""

    def on_open(self) -> None:
        """The broker has accepted the connection."""

    def on_closed(self, error: LunavoxError) -> None:
        """The connection has ended or was refused; called at most once."""

    def on_message(self, message: Message) -> None:
        """A message has arrived."""

    def on_delivered(self, number: int) -> None:
        """The broker has acknowledged the message for which `publish` returned this number."""


class BrokerConnection:
    """One connection, used once: `open`, then `subscribe` and `publish`, then `close`.

    `close` may be called from another thread while `open` runs.
    """

    def __init__(
        self,
        address: BrokerAddress,
        listener: ConnectionListener,
        *,
        client_id: str,
        will: Publication | None = None,
        resume: bool = False,
    ) -> None:
        """Create it; `open` connects.

        The broker publishes `will` when the connection is lost. `resume` continues the session that the
        broker has kept for this client id (MQTT 5).
        """
        self._address = address
        self._listener = listener
        self._will = will
        self._resume = resume
        self._five = address.version == "5"
        self._lock = threading.Lock()
        self._closed = False
        self._leaving = False
        self._loop_done = threading.Event()
        self._started = False
        self._client = self._create_client(client_id)

    def open(self) -> None:
        """Open the network connection; the broker's answer comes by callback. Blocks for seconds at most.

        After `close` it disconnects again at once. Raises Unreachable, InsecurePeer, SettingsError.
        """
        parts = urlsplit(self._address.uri)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            if parts.scheme in ("mqtts", "wss"):
                self._client.tls_set_context(self._tls())
            self._connect(host, port)
        except ssl.SSLError as error:
            raise InsecurePeer(f"TLS with {host}:{port} failed: {tls_reason(error)}.") from error
        except socket.gaierror as error:
            raise Unreachable(f"The name {host} cannot be resolved.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error) or "no answer"
            raise Unreachable(f"No broker answers at {host}:{port}: {reason}.") from error
        with self._lock:
            if not self._leaving:
                self._client.loop_start()
                self._started = True
                return
        self._client.disconnect()

    def subscribe(self, subscriptions: tuple[Subscription, ...]) -> None:
        """Subscribe with QoS 1; each message may be delivered more than once."""
        if self._five:
            options = [
                (
                    wanted.topic,
                    SubscribeOptions(
                        qos=1, noLocal=wanted.others_only, retainAsPublished=wanted.as_published
                    ),
                )
                for wanted in subscriptions
            ]
            self._client.subscribe(options)
        else:
            self._client.subscribe([(wanted.topic, 1) for wanted in subscriptions])

    def publish(self, publication: Publication, expiry_s: float | None = None) -> int | None:
        """Send a message with QoS 1; return its number, or None if the connection has ended.

        With MQTT 5 the broker drops a message that is not retained after `expiry_s`.
        """
        properties = None
        if self._five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if publication.correlation is not None:
                properties.CorrelationData = publication.correlation
            if publication.content_type is not None:
                properties.ContentType = publication.content_type
            if expiry_s is not None and not publication.retain:
                properties.MessageExpiryInterval = max(1, int(expiry_s))
        try:
            info = self._client.publish(
                publication.topic, publication.payload, 1, publication.retain, properties=properties
            )
        except (OSError, ValueError):
            return None
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def close(self) -> None:
        """Disconnect and wait for paho's thread. Blocks for some seconds at most. Idempotent."""
        with self._lock:
            self._leaving = True
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
        if self._started and not self._loop_done.wait(_GOODBYE_S):
            _LOGGER.debug("The broker does not receive the disconnect; the connection is cut")
            with contextlib.suppress(OSError, AttributeError):  # it may end by itself at this moment
                self._socket().shutdown(socket.SHUT_RDWR)
        # paho clears its thread attribute when the thread ends by itself, which may be at this moment.
        with contextlib.suppress(AttributeError):
            self._client.loop_stop()
        # Breaks the reference cycle of client and connection, which would keep sockets open until the garbage
        # collector runs.
        self._client.on_connect = self._client.on_disconnect = None
        self._client.on_message = self._client.on_publish = None
        self._client.on_loop_end = _do_nothing

    def _connect(self, host: str, port: int) -> None:
        if not self._five:
            self._client.connect(host, port, _KEEP_ALIVE_S)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_EXPIRY_S
        properties.MaximumPacketSize = self._address.max_message_bytes
        self._client.connect(host, port, _KEEP_ALIVE_S, clean_start=not self._resume, properties=properties)

    def _create_client(self, client_id: str) -> _Client:
        parts = urlsplit(self._address.uri)
        web = parts.scheme in ("ws", "wss")
        client = _Client(
            self._loop_ended,
            client_id=client_id,
            protocol=paho.MQTTv5 if self._five else paho.MQTTv311,
            transport="websockets" if web else "tcp",
            reconnect_on_failure=False,
        )
        if web:
            client.ws_set_options(path=parts.path or "/mqtt")
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, 1, self._will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _tls(self) -> ssl.SSLContext:
        address = self._address
        try:
            context = ssl.create_default_context(cafile=address.tls_ca)
            if address.tls_cert is not None:
                context.load_cert_chain(address.tls_cert, address.tls_key)
        except ssl.SSLError as error:
            raise SettingsError(
                "mqtt.tls_ca, mqtt.tls_cert or mqtt.tls_key is no usable PEM file."
            ) from error
        except OSError as error:
            raise SettingsError(
                f"mqtt.tls_ca, mqtt.tls_cert or mqtt.tls_key cannot be read: {error.strerror}."
            ) from error
        return context

    def _on_connect(self, _c: paho.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        if reason.is_failure:
            self._end(refusal(reason.value, str(reason)))
        else:
            guarded("MQTT: on_open", self._listener.on_open)

    def _on_disconnect(self, _c: paho.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        self._end(refusal(reason.value, str(reason)))

    def _on_message(self, _c: paho.Client, _u: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        properties = message.properties
        received = Message(
            topic=topic,
            payload=bytes(message.payload),
            retained=message.retain,
            duplicate=message.dup,
            response_topic=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
        )
        guarded("MQTT: on_message", self._listener.on_message, received)

    def _on_publish(self, _c: paho.Client, _u: object, number: int, _r: object, _p: object) -> None:
        guarded("MQTT: on_delivered", self._listener.on_delivered, number)

    def _loop_ended(self) -> None:
        """Handle the end of paho's loop, for whatever reason."""
        self._end(Unreachable("The connection to the broker ended."))
        self._loop_done.set()

    def _socket(self) -> socket.socket:
        """Return the socket below TLS and websockets. Raises AttributeError if there is none."""
        found: Any = self._client.socket()
        wrapped: socket.socket = getattr(found, "_socket", found)  # paho's wrapper for websockets has it
        return wrapped

    def _end(self, error: LunavoxError) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        guarded("MQTT: on_closed", self._listener.on_closed, error)


def _do_nothing() -> None:
    """Do nothing."""


class _Client(paho.Client):
    """Calls `on_loop_end` when paho's loop ends, also by an exception, for which paho has no callback."""

    def __init__(self, on_loop_end: Callable[[], None], **options: Any) -> None:  # noqa: ANN401  # paho's own
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self.on_loop_end = on_loop_end

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: FBT001, FBT002  # paho's own
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception:
            _LOGGER.exception("MQTT: the connection failed")
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        finally:
            self.on_loop_end()
