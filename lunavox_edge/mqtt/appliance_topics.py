"""The appliance itself on MQTT: its retained state and catalogs, and all devices in Home Assistant."""

from __future__ import annotations

import asyncio
import logging
import platform
from typing import TYPE_CHECKING

from lunavox_edge._version import __version__
from lunavox_edge.errors import Busy
from lunavox_edge.mqtt.discovery_sync import DiscoverySync
from lunavox_edge.mqtt.ha_devices import Device, appliance
from lunavox_edge.mqtt.publishing import Publisher
from lunavox_edge.mqtt.satellite_topics import SatellitePublisher
from lunavox_edge.mqtt.status import ApplianceStatus, change_of
from lunavox_edge.mqtt.topics import Topics

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import Settings

_STATE_EVERY_S = 30.0
_LOOK_EVERY_S = 0.5
_DROPPED_EVERY_S = 10.0

_LOGGER = logging.getLogger(__name__)


class AppliancePublisher:
    """Keeps the retained messages of the appliance up to date; used on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        status: ApplianceStatus,
        publisher: Publisher,
        topics: Topics,
        *,
        node: str,
        satellites: SatellitePublisher,
        discovery: DiscoverySync,
    ) -> None:
        """Create it; nothing is published yet."""
        self._engine = engine
        self._status = status
        self._publisher = publisher
        self._topics = topics
        self._node = node
        self._satellites = satellites
        self._discovery = discovery
        self._dropped = 0
        self._published_choice: tuple[str | None, str | None] = (None, None)
        """The default voice and language in the published catalogs and devices."""
        self._published_fields: tuple[object, ...] = ()
        self._published_s = 0.0

    async def run(self) -> None:
        """Publish the state when it changes and every 30 s, and the catalogs when they change.

        May be run again after a failure: the catalogs are then published again.
        """
        loop = asyncio.get_running_loop()
        version: tuple[int, Settings] | None = None
        dropped_reported_s = -_DROPPED_EVERY_S
        while True:
            await self._status.refresh()
            # The settings are part of the version because they hold the default model and voice.
            if (now := (self._engine.catalog.version, self._engine.settings)) != version:
                version = now
                self.publish_catalogs()
            state = self._status.state()
            age_s = loop.time() - self._published_s
            if change_of(state) != self._published_fields or age_s >= _STATE_EVERY_S:
                self.publish_state()
                self._satellites.publish()
            if self._dropped and loop.time() - dropped_reported_s >= _DROPPED_EVERY_S:
                dropped_reported_s = loop.time()
                self._report_dropped()
            await asyncio.sleep(_LOOK_EVERY_S)

    def dropped(self, count: int) -> None:
        """Count messages that arrived too fast; `run` reports them every 10 s at most."""
        self._dropped += count

    def publish_state(self) -> None:
        """Publish the state, and the catalogs if the default voice or language has changed."""
        state = self._status.state()
        if (state.voice, state.language) != self._published_choice:
            self.publish_catalogs()
        self._published_fields = change_of(state)
        self._published_s = asyncio.get_running_loop().time()
        self._publisher.retained(self._topics.state, state.encoded())

    def publish_catalogs(self) -> None:
        """Publish the catalogs of voices and models, and the devices, whose choices they are."""
        self._published_choice = self._status.default_voice, self._status.language
        self._publisher.retained(self._topics.voices, self._status.voices().encoded())
        self._publisher.retained(self._topics.models, self._status.models().encoded())
        self.publish_devices()

    def publish_devices(self) -> None:
        """Announce the appliance and all satellites to Home Assistant."""
        words = tuple(entry.name for entry in self._engine.wake_words())
        self._discovery.set_devices((self._device(), *self._satellites.devices(words)))

    def _device(self) -> Device:
        return appliance(
            node=self._node,
            version=__version__,
            hardware=platform.machine(),
            topics=self._topics,
            offer=self._status.offer(*self._published_choice),
        )

    def _report_dropped(self) -> None:
        count, self._dropped = self._dropped, 0
        error = Busy(
            f"{count} messages came too fast and were dropped; send fewer at once.", retry_after_s=1.0
        )
        _LOGGER.warning("MQTT: %s", error)
        self._publisher.error(self._topics.root, error)
