"""What Home Assistant is told, so that devices appear there without a line of YAML.

Everything here is pure: whoever owns the connection keeps a mapping of what the broker holds (topic to
payload), fed by `record` and by the retained messages that `HomeAssistantTopics.filters` bring, and
publishes, retained, what `changes` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from lunavox_edge.mqtt.ha_devices import PRODUCT, Device, Entity
from lunavox_edge.mqtt.topics import HomeAssistantTopics

_MANUFACTURER = "LunaVox"
# An unknown platform in one component would make Home Assistant refuse the whole device.
_PLATFORMS = frozenset(
    {"binary_sensor", "button", "event", "notify", "number", "select", "sensor", "switch", "text"}
)
_MIGRATE = '{"migrate_discovery":true}'


class Form(str, Enum):
    """How a device is announced."""

    DEVICE = "device"
    """One message for the whole device; Home Assistant 2024.12 and newer."""

    ENTITIES = "entities"
    """One message for each entity."""


@dataclass(frozen=True, slots=True)
class DiscoveryConfig:
    """One retained message; an empty payload removes what the topic announced."""

    topic: str
    payload: str = ""


def configs(devices: Iterable[Device], form: Form, topics: HomeAssistantTopics) -> dict[str, str]:
    """Return every topic that announces these devices, with its payload."""
    found: dict[str, str] = {}
    for device in devices:
        shared = _about(device)
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
    """Return what to publish next, in this order, so that the broker holds what is wanted.

    To be called again a few seconds later until there is nothing left: Home Assistant drops a message
    that overtakes its work on the one before. What goes from one form to the other is let go first and
    announced anew then, which keeps the user's own names and areas. What gets another id leaves first, which
    keeps the names of its entities, and with them their history.
    """
    gone = {topic: payload for topic, payload in published.items() if payload and topic not in wanted}
    arriving = [payload for topic, payload in wanted.items() if topic not in published]
    ids = {found for payload in arriving for found in _values(payload, "unique_id")}
    moving = [topic for topic, payload in gone.items() if _values(payload, "unique_id") & ids]
    if moving:
        return [DiscoveryConfig(topic, _MIGRATE) for topic in moving]
    names = {found for payload in arriving for found in _values(payload, "default_entity_id")}
    leaving = [topic for topic, payload in gone.items() if _values(payload, "default_entity_id") & names]
    if leaving:
        return [DiscoveryConfig(topic) for topic in leaving]
    removals = [DiscoveryConfig(topic) for topic in gone]
    updates = [
        DiscoveryConfig(topic, _with_removals(published.get(topic, ""), payload))
        for topic, payload in wanted.items()
        if _without_removals(published.get(topic, "")) != payload
    ]
    return [*removals, *updates]


def record(published: dict[str, str], sent: Iterable[DiscoveryConfig]) -> None:
    """Note what the broker holds now."""
    for config in sent:
        if config.payload:
            published[config.topic] = config.payload
        else:
            published.pop(config.topic, None)


def is_from(payload: str, availability: str) -> bool:
    """Whether an announcement is of an appliance with this topic of availability, or of its satellites."""
    told = _object(payload).get("availability")
    return isinstance(told, list) and {"topic": availability} in told


def again(published: Mapping[str, str]) -> list[DiscoveryConfig]:
    """Return what a Home Assistant that has just started has to be told, and a broker that came back."""
    return [
        DiscoveryConfig(topic, payload)
        for topic, payload in published.items()
        if payload not in ("", _MIGRATE)
    ]


def _about(device: Device) -> dict[str, object]:
    """Return what every announcement of this device says."""
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
    told = f"{device.former_id or device.id}_{entity.key}"
    return {
        "name": entity.name,
        "unique_id": f"{device.id}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{told.lower().replace('-', '_')}",
        "qos": 1,
        **entity.options,
    }


def _with_removals(old: str, new: str) -> str:
    """Return the new announcement of a device with a word on every entity that only the old one had.

    Home Assistant keeps what is merely missing.
    """
    before, after = _components(old), _components(new)
    stubs = {
        key: {"platform": component["platform"]}
        for key, component in before.items()
        if key not in after and not _is_removal(component) and component.get("platform") in _PLATFORMS
    }
    return _json({**_object(new), "components": {**after, **stubs}}) if stubs else new


def _without_removals(payload: str) -> str:
    components = _components(payload)
    kept = {key: component for key, component in components.items() if not _is_removal(component)}
    return payload if len(kept) == len(components) else _json({**_object(payload), "components": kept})


def _is_removal(component: Mapping[str, object]) -> bool:
    return component.keys() == {"platform"}


def _values(payload: str, key: str) -> set[str]:
    """Return what an announcement and its components say under a key."""
    announced = (_object(payload), *_components(payload).values())
    return {found for part in announced if isinstance(found := part.get(key), str)}


def _components(payload: str) -> dict[str, dict[str, object]]:
    components = _object(payload).get("components")
    if not isinstance(components, dict):
        return {}
    return {key: component for key, component in components.items() if isinstance(component, dict)}


def _object(payload: str) -> dict[str, object]:
    """Return a JSON object; empty if it is something else, for anybody may write to these topics."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
