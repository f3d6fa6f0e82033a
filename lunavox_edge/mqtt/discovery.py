"""Home Assistant's MQTT discovery: the retained messages that make devices appear there.

All functions are pure. The caller keeps a mapping of what the broker holds (topic to payload), updated by
`record` and by the retained messages that the filters of `HomeAssistantTopics.filters` bring, and publishes,
retained, what `changes` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from lunavox_edge.mqtt.ha_devices import PRODUCT, Device, Entity
from lunavox_edge.mqtt.topics import HomeAssistantTopics

_MANUFACTURER = "LunaVox"
# One component with an unknown platform makes Home Assistant refuse the whole device.
_PLATFORMS = frozenset(
    {"binary_sensor", "button", "event", "notify", "number", "select", "sensor", "switch", "text"}
)
_MIGRATE = '{"migrate_discovery":true}'


class Form(str, Enum):
    """The form of a device's discovery messages."""

    DEVICE = "device"
    """One message for the whole device; Home Assistant 2024.12 and newer."""

    ENTITIES = "entities"
    """One message for each entity."""


@dataclass(frozen=True, slots=True)
class DiscoveryConfig:
    """One retained discovery message; an empty payload removes the device or entity of the topic."""

    topic: str
    payload: str = ""


def configs(devices: Iterable[Device], form: Form, topics: HomeAssistantTopics) -> dict[str, str]:
    """Return the discovery messages of devices: topic to payload."""
    found: dict[str, str] = {}
    for device in devices:
        shared = _shared_fields(device)
        entities = {entity.key: _entity(device, entity) for entity in device.entities}
        if form is Form.DEVICE:
            components = {
                entity.key: {"platform": entity.platform, **entities[entity.key]}
                for entity in device.entities
            }
            found[topics.device(device.id)] = _json({**shared, "components": components})
        else:
            for entity in device.entities:
                topic = topics.entity(entity.platform, device.id, entity.key)
                found[topic] = _json({**entities[entity.key], **shared})
    return found


def changes(published: Mapping[str, str], wanted: Mapping[str, str]) -> list[DiscoveryConfig]:
    """Return the next messages to publish, in this order, on the way from `published` to `wanted`.

    Call it again a few seconds later until it returns nothing: Home Assistant drops a message that arrives
    while it still handles the one before. Entities that change their form (`Form`) are migrated first, which
    keeps the user's own names and areas. Devices that change their id are removed before they are announced
    again, which keeps the entity ids, and with them the history.
    """
    removed = {topic: payload for topic, payload in published.items() if payload and topic not in wanted}
    added = [payload for topic, payload in wanted.items() if topic not in published]
    added_ids = {found for payload in added for found in _values(payload, "unique_id")}
    migrating = [topic for topic, payload in removed.items() if _values(payload, "unique_id") & added_ids]
    if migrating:
        return [DiscoveryConfig(topic, _MIGRATE) for topic in migrating]
    added_names = {found for payload in added for found in _values(payload, "default_entity_id")}
    renamed = [
        topic for topic, payload in removed.items() if _values(payload, "default_entity_id") & added_names
    ]
    if renamed:
        return [DiscoveryConfig(topic) for topic in renamed]
    removals = [DiscoveryConfig(topic) for topic in removed]
    updates = [
        DiscoveryConfig(topic, _with_removals(published.get(topic, ""), payload))
        for topic, payload in wanted.items()
        if _without_removals(published.get(topic, "")) != payload
    ]
    return [*removals, *updates]


def record(published: dict[str, str], sent: Iterable[DiscoveryConfig]) -> None:
    """Update `published` with messages that were sent."""
    for config in sent:
        if config.payload:
            published[config.topic] = config.payload
        else:
            published.pop(config.topic, None)


def is_from(payload: str, availability: str) -> bool:
    """Whether a discovery message is of the appliance with this availability topic, or of its satellites."""
    topics = _object(payload).get("availability")
    return isinstance(topics, list) and {"topic": availability} in topics


def again(published: Mapping[str, str]) -> list[DiscoveryConfig]:
    """Return all current discovery messages, to publish again after a restart of Home Assistant."""
    return [
        DiscoveryConfig(topic, payload)
        for topic, payload in published.items()
        if payload not in ("", _MIGRATE)
    ]


def _shared_fields(device: Device) -> dict[str, object]:
    """Return the fields that all discovery messages of a device share."""
    described: dict[str, object] = {
        "identifiers": [device.id],
        "name": device.name,
        "manufacturer": _MANUFACTURER,
        "model": device.model,
        "sw_version": device.version,
        "hw_version": device.hardware,
        "via_device": device.via_device,
        "suggested_area": device.area,
    }
    return {
        "device": {key: value for key, value in described.items() if value is not None},
        "origin": {"name": PRODUCT, "sw_version": device.version},
        "availability": [{"topic": topic} for topic in device.availability],
        "availability_mode": "all",
    }


def _entity(device: Device, entity: Entity) -> dict[str, object]:
    object_id = f"{device.former_id or device.id}_{entity.key}"
    return {
        "name": entity.name,
        "unique_id": f"{device.id}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{object_id.lower().replace('-', '_')}",
        "qos": 1,
        **entity.options,
    }


def _with_removals(old: str, new: str) -> str:
    """Return the new message of a device plus a removal entry for every entity that only the old one has.

    Home Assistant keeps entities that are merely missing.
    """
    before, after = _components(old), _components(new)
    stubs = {
        key: {"platform": component["platform"]}
        for key, component in before.items()
        if key not in after and not _is_removal(component) and component.get("platform") in _PLATFORMS
    }
    return _json({**_object(new), "components": {**after, **stubs}}) if stubs else new


def _without_removals(payload: str) -> str:
    """Return the message of a device without the entries that `_with_removals` adds."""
    components = _components(payload)
    kept = {key: component for key, component in components.items() if not _is_removal(component)}
    return payload if len(kept) == len(components) else _json({**_object(payload), "components": kept})


def _is_removal(component: Mapping[str, object]) -> bool:
    return component.keys() == {"platform"}


def _values(payload: str, key: str) -> set[str]:
    """Return the texts under a key in a discovery message and in its components."""
    parts = (_object(payload), *_components(payload).values())
    return {found for part in parts if isinstance(found := part.get(key), str)}


def _components(payload: str) -> dict[str, dict[str, object]]:
    components = _object(payload).get("components")
    if not isinstance(components, dict):
        return {}
    return {key: component for key, component in components.items() if isinstance(component, dict)}


def _object(payload: str) -> dict[str, object]:
    """Parse a JSON object; anything else becomes an empty one: any client can write to these topics."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
