"""The life of the embedded broker: started before the first connection, restarted, stopped last."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.errors import BackendUnavailable, LunavoxLibraryError
from lunavox_edge.mqtt.broker_address import password_of
from lunavox_edge.settings.mqtt_settings import MqttSettings

if TYPE_CHECKING:
    from lunavox_edge.mqtt.broker import EmbeddedBroker

_LOGGER = logging.getLogger(__name__)


class OwnBroker:
    """Starts, restarts and stops the embedded broker; used on the event loop only."""

    def __init__(self, settings: MqttSettings) -> None:
        """Create it; `start` opens the port."""
        self._settings = settings
        self._broker: EmbeddedBroker | None = None
        self._ended = bridge.Wakeup()

    async def start(self) -> None:
        """Open the port. Raises LunavoxLibraryError, also if amqtt is not installed."""
        try:
            from lunavox_edge.mqtt.broker import EmbeddedBroker  # noqa: PLC0415  # heavy, and seldom needed
        except ImportError as error:
            raise BackendUnavailable(
                "The embedded broker needs one more package: pip install 'lunavox-edge[mqtt]'"
            ) from error
        settings = self._settings
        password = await bridge.blocking(lambda: password_of(settings))
        ended = bridge.Wakeup()
        broker = EmbeddedBroker(settings.listen, user=settings.user, password=password, on_end=ended.notify)
        try:
            await bridge.blocking(broker.start)
        except LunavoxLibraryError:
            await bridge.blocking(broker.stop)
            raise
        self._broker, self._ended = broker, ended
        open_to_all = not settings.listen.startswith(("127.", "localhost", "[::1]"))
        if open_to_all and settings.user is None:
            _LOGGER.warning("MQTT: the embedded broker accepts every client; set mqtt.user and a password")

    async def run(self) -> None:
        """Start the broker if it does not run, and raise LunavoxLibraryError when it has ended.

        To be run again after that, which starts the broker anew.
        """
        if self._broker is None:
            await self.start()
        await self._ended.wait()
        await self.stop()
        raise LunavoxLibraryError("The embedded MQTT broker has ended.")

    async def stop(self) -> None:
        """Close the port. Idempotent."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await bridge.blocking(broker.stop)
