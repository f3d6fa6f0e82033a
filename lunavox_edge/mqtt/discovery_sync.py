"""Keeping the discovery messages at the broker equal to the devices that exist now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from lunavox_edge.mqtt import discovery
from lunavox_edge.mqtt.discovery import DiscoveryConfig, Form
from lunavox_edge.mqtt.ha_devices import Device
from lunavox_edge.mqtt.messages import Message, Subscription
from lunavox_edge.mqtt.topics import HomeAssistantTopics

# How long to wait for retained messages of an earlier run before the first step, and for Home Assistant's
# work between two steps.
_SETTLE_S = 3.0
_MAX_KNOWN = 2000
_MAX_KNOWN_CHARS = 4_000_000
_BIRTH = b"online"

_LOGGER = logging.getLogger(__name__)


class DiscoverySync:
    """Publishes discovery messages, again when Home Assistant starts, and removes devices that are gone.

    Used on the event loop only.
    """

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
        """Create it; `run` publishes. Without a `form` all messages of earlier runs are removed.

        `ids` are the devices for which an earlier run may have left messages. `former_ids` are ids that an
        earlier version used and that other appliances may use too: of their messages those that name our
        `availability` topic are removed. `publish` returns False if its queue is full.
        """
        self._topics = HomeAssistantTopics(prefix)
        self._form = form
        self._publish = publish
        self._filters = tuple(found for device_id in ids for found in self._topics.filters(device_id))
        self._former_filters = tuple(
            found for device_id in former_ids for found in self._topics.filters(device_id)
        )
        self._availability = availability
        self._published: dict[str, str] = {}
        self._devices: tuple[Device, ...] = ()
        self._changed = asyncio.Event()

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The subscriptions whose messages have to be passed to `take`."""
        filters = (self._topics.status, *self._filters, *self._former_filters)
        return tuple(Subscription(topic) for topic in filters)

    def set_devices(self, devices: tuple[Device, ...]) -> None:
        """Set all devices that Home Assistant is to show."""
        if devices != self._devices:
            self._devices = devices
            self._changed.set()

    def remove(self, device: Device) -> None:
        """Remove the messages of a device in both forms at once, also those of an earlier run."""
        for form in Form:
            for topic in discovery.configs((device,), form, self._topics):
                self._publish(topic, b"")
                self._published.pop(topic, None)

    def connected(self) -> None:
        """Assume after a new connection that the broker holds nothing; what it does hold comes to `take`."""
        self._published.clear()
        self._changed.set()

    def take(self, message: Message) -> bool:
        """Handle a status message of Home Assistant or a retained discovery message; False for all others."""
        if message.topic == self._topics.status:
            if message.payload == _BIRTH:
                self._send(discovery.again(self._published))
            return True
        if not _matches(message.topic, self._filters):
            return self._take_former(message)
        if message.retained and self._has_room(message):
            self._published.setdefault(message.topic, message.payload.decode(errors="replace"))
            self._changed.set()
        return True

    def _has_room(self, message: Message) -> bool:
        """Whether one more message can be remembered: any client can write to these topics."""
        known = sum(map(len, self._published.values())) + len(message.payload)
        return len(self._published) < _MAX_KNOWN and known <= _MAX_KNOWN_CHARS

    def _take_former(self, message: Message) -> bool:
        """Handle a message under a former id; those of other appliances are left alone."""
        if not _matches(message.topic, self._former_filters):
            return False
        payload = message.payload.decode(errors="replace") if self._has_room(message) else ""
        if message.retained and discovery.is_from(payload, self._availability):
            self._published[message.topic] = payload
            self._changed.set()
        else:
            self._published.pop(message.topic, None)
        return True

    async def run(self) -> None:
        """Publish the changes until cancelled, in steps with pauses for Home Assistant.

        May be run again after a failure: the remaining changes are computed anew.
        """
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await asyncio.sleep(_SETTLE_S)
            while not self._changed.is_set() and (steps := self._steps()):
                self._send(steps)
                await asyncio.sleep(_SETTLE_S)

    def _steps(self) -> list[DiscoveryConfig]:
        wanted = discovery.configs(self._devices, self._form, self._topics) if self._form is not None else {}
        return discovery.changes(self._published, wanted)

    def _send(self, steps: list[DiscoveryConfig]) -> None:
        """Publish as many messages as the queue takes; the others remain changes to be made."""
        sent = [step for step in steps if self._publish(step.topic, step.payload.encode())]
        discovery.record(self._published, sent)
        _LOGGER.debug("MQTT: %d discovery messages sent", len(sent))


def _matches(topic: str, filters: tuple[str, ...]) -> bool:
    """Whether a topic matches one of the filters, which may hold `+` but not `#`."""
    levels = topic.split("/")
    for wanted in filters:
        parts = wanted.split("/")
        if len(parts) == len(levels) and all(
            part in ("+", level) for part, level in zip(parts, levels, strict=True)
        ):
            return True
    return False
