"""Keeping what Home Assistant was told in step with what there is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from lunavox_edge.mqtt import discovery
from lunavox_edge.mqtt.discovery import DiscoveryConfig, Form
from lunavox_edge.mqtt.ha_devices import Device
from lunavox_edge.mqtt.messages import Message, Subscription
from lunavox_edge.mqtt.topics import HomeAssistantTopics

# Retained announcements of an earlier run come first; Home Assistant needs as long between two steps.
_SETTLE_S = 3.0
_MAX_KNOWN = 2000
_MAX_KNOWN_CHARS = 4_000_000
_BIRTH = b"online"

_LOGGER = logging.getLogger(__name__)


class DiscoverySync:
    """Announces devices, again when Home Assistant starts, and removes what has gone."""

    def __init__(
        self,
        *,
        ids: Iterable[str],
        former_ids: Iterable[str],
        availability: str,
        prefix: str,
        form: Form | None,
        publish: Callable[[str, bytes], bool],
    ) -> None:
        """Store the parts; with no form everything announced before is removed.

        `ids` are the devices of which an earlier run may have told something. `former_ids` are those of an
        earlier version, which others may have as well: of these, what names our topic of `availability` is
        removed. `publish` returns False if it has no room for a message.
        """
        self._topics = HomeAssistantTopics(prefix)
        self._form = form
        self._publish = publish
        self._filters = tuple(found for device_id in ids for found in self._topics.filters(device_id))
        others = (self._topics.filters(device_id) for device_id in former_ids)
        self._former_filters = tuple(found for filters in others for found in filters)
        self._availability = availability
        self._published: dict[str, str] = {}
        self._devices: tuple[Device, ...] = ()
        self._news = asyncio.Event()

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What has to come to `take`."""
        wanted = (self._topics.status, *self._filters, *self._former_filters)
        return tuple(Subscription(topic) for topic in wanted)

    def wants(self, devices: tuple[Device, ...]) -> None:
        """These devices are to be shown."""
        if devices != self._devices:
            self._devices = devices
            self._news.set()

    def remove(self, device: Device) -> None:
        """Take back what was announced of a device in whatever form, also in an earlier run."""
        for form in Form:
            for topic in discovery.configs((device,), form, self._topics):
                self._publish(topic, b"")
                self._published.pop(topic, None)

    def connected(self) -> None:
        """The broker may have forgotten everything; what it remembers comes to `take`."""
        self._published.clear()
        self._news.set()

    def take(self, message: Message) -> bool:
        """Take a message of Home Assistant or a retained announcement; False if it is neither."""
        if message.topic == self._topics.status:
            if message.payload == _BIRTH:
                self._send(discovery.again(self._published))
            return True
        if not _matches(message.topic, self._filters):
            return self._take_former(message)
        if message.retained and self._has_room(message):
            self._published.setdefault(message.topic, message.payload.decode(errors="replace"))
            self._news.set()
        return True

    def _has_room(self, message: Message) -> bool:
        """Whether an announcement can be remembered: anybody may write to these topics."""
        known = sum(map(len, self._published.values())) + len(message.payload)
        return len(self._published) < _MAX_KNOWN and known <= _MAX_KNOWN_CHARS

    def _take_former(self, message: Message) -> bool:
        """Take what stands under a former id; what another appliance has put there stays."""
        if not _matches(message.topic, self._former_filters):
            return False
        payload = message.payload.decode(errors="replace") if self._has_room(message) else ""
        if message.retained and discovery.is_from(payload, self._availability):
            self._published[message.topic] = payload
            self._news.set()
        else:
            self._published.pop(message.topic, None)
        return True

    async def run(self) -> None:
        """Announce what is wanted until cancelled, in steps that Home Assistant can follow.

        May be run again after a failure: it looks anew for what remains to be done.
        """
        self._news.set()
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(_SETTLE_S)
            while not self._news.is_set() and (steps := self._steps()):
                self._send(steps)
                await asyncio.sleep(_SETTLE_S)

    def _steps(self) -> list[DiscoveryConfig]:
        wanted = discovery.configs(self._devices, self._form, self._topics) if self._form is not None else {}
        return discovery.changes(self._published, wanted)

    def _send(self, steps: list[DiscoveryConfig]) -> None:
        """Publish what there is room for; the rest remains to be done."""
        sent = [step for step in steps if self._publish(step.topic, step.payload.encode())]
        discovery.record(self._published, sent)
        _LOGGER.debug("MQTT: %d announcements for Home Assistant", len(sent))


def _matches(topic: str, filters: tuple[str, ...]) -> bool:
    levels = topic.split("/")
    for wanted in filters:
        parts = wanted.split("/")
        if len(parts) == len(levels) and all(
            part in ("+", level) for part, level in zip(parts, levels, strict=True)
        ):
            return True
    return False
