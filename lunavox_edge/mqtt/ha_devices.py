"""The appliance as a device of Home Assistant: ids, and the entities with their options."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from lunavox_edge.mqtt.events import AppliancePhase
from lunavox_edge.mqtt.payloads import ModelAction
from lunavox_edge.mqtt.topics import Topics

PRODUCT = "LunaVox Edge"
ANY_LANGUAGE = "auto"
"""The option of the language select that means: no default language."""

_MAX_TEXT_CHARS = 255  # the limit of Home Assistant's text entities
_DOT = "__"  # `tiny.en` becomes `tiny__en`
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
# In a name these would give the same id as a dot in another name.
_LIKE_A_DOT = ("__", "_.", "._")
# An id consists of parts joined by `_`. The part of a node whose name has no `_` ends at the first single
# `_`; the part of any other node ends with a checksum.
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_LIKE_A_CHECKSUM = re.compile(r"_[0-9a-f]{8}(?:_|$)")
_MODEL = "model"
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]+")
_TEXT_AS_JSON = "{{ {'text': value} | to_json }}"  # plain text that starts with a brace would be read as JSON


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity; `options` are the keys of its platform. `key` must never change, ids contain it."""

    platform: str
    key: str
    name: str
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Device:
    """A device with its entities; it is available while all of its `availability` topics say `online`.

    `id` must never change: the user's own names and automations depend on it. `former_id` is the id that an
    earlier version used, which is not unique; the default names of entities are derived from it.
    """

    id: str
    name: str
    model: str
    version: str
    availability: tuple[str, ...]
    entities: tuple[Entity, ...]
    former_id: str | None = None
    hardware: str | None = None
    via_device: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """The choices of the appliance's entities, by name."""

    voices: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """All that can be loaded: models and voices."""
    has_temperature: bool = False


def ident(name: str) -> str:
    """Return a name as a part of an id: readable if possible, and different for every name."""
    if _PLAIN.fullmatch(name) and not any(found in name for found in _LIKE_A_DOT):
        return name.replace(".", _DOT)
    return _with_checksum(name)


def appliance_id(node: str) -> str:
    """Return the id of the appliance's own device, which no satellite of another node can have."""
    plain = _HOST.fullmatch(node) and not _LIKE_A_CHECKSUM.search(ident(node))
    return f"lunavox_{ident(node) if plain else _with_checksum(node)}"


def satellite_device_id(node: str, satellite: str) -> str:
    """Return the id of a satellite's device, which no node and no satellite of another node can have.

    It also cannot be the beginning of an entity id of the appliance's model switches.
    """
    part = ident(satellite)
    if part.startswith("_") or f"{part}_".startswith(f"{_MODEL}_") or _LIKE_A_CHECKSUM.search(part):
        part = _with_checksum(satellite)
    return f"{appliance_id(node)}_{part}"


def former_id(node: str, satellite: str | None = None) -> str:
    """Return the id that an earlier version used for a device; it was not unique."""
    parts = (node,) if satellite is None else (node, satellite)
    return "_".join(("lunavox", *map(_former_part, parts)))


def _former_part(name: str) -> str:
    return name.replace(".", _DOT) if _PLAIN.fullmatch(name) and _DOT not in name else _with_checksum(name)


def _with_checksum(name: str) -> str:
    readable = _NOT_IN_IDS.sub("_", name).strip("_")
    return f"{readable}_{zlib.crc32(name.encode(errors='replace')):08x}"


def appliance(*, node: str, version: str, hardware: str, topics: Topics, offer: DeviceOptions) -> Device:
    """Return the appliance as a device; `offer` holds the choices of its entities."""
    return Device(
        id=appliance_id(node),
        former_id=former_id(node),
        name=f"{PRODUCT} {node}",
        model=PRODUCT,
        version=version,
        hardware=hardware,
        availability=(topics.availability,),
        entities=(
            *speech_entities(topics.say, topics.stop),
            phase_entity(topics.state, tuple(phase.value for phase in AppliancePhase)),
            transcript_entity(topics.transcript_events),
            *_choices(topics, offer),
            *_diagnostics(topics.state, has_temperature=offer.has_temperature),
            *(_model_switch(topics, name) for name in dict.fromkeys(offer.models)),
        ),
    )


def speech_entities(say: str, stop: str) -> tuple[Entity, ...]:
    """Return the entities that speak a text and stop it: a notify target, a text field, a button."""
    text = {"command_topic": say, "command_template": _TEXT_AS_JSON}
    return (
        Entity("notify", "say", "Say", {**text, "icon": "mdi:bullhorn"}),
        Entity(
            "text",
            "say_text",
            "Say",
            {**text, "min": 1, "max": _MAX_TEXT_CHARS, "mode": "text", "icon": "mdi:text-to-speech"},
        ),
        Entity("button", "stop", "Stop", {"command_topic": stop, "payload_press": "", "icon": "mdi:stop"}),
    )


def phase_entity(state: str, phases: tuple[str, ...]) -> Entity:
    """Return the sensor for a device's phase; `state` is a topic with JSON that has a `phase`."""
    return Entity(
        "sensor",
        "phase",
        "Phase",
        {
            "state_topic": state,
            "value_template": "{{ value_json.phase }}",
            "device_class": "enum",
            "options": list(phases),
            "icon": "mdi:ear-hearing",
        },
    )


def transcript_entity(events: str, satellite: str | None = None) -> Entity:
    """Return the event entity for all transcripts, or for those of one satellite."""
    options: dict[str, object] = {
        "state_topic": events,
        "event_types": ["transcript"],
        "icon": "mdi:microphone-message",
    }
    if satellite is not None:
        wanted = _quoted(satellite)
        options["value_template"] = (
            f"{{% if value_json.satellite | default('') == {wanted} %}}{{{{ value }}}}{{% endif %}}"
        )
    return Entity("event", "transcript", "Transcript", options)


def _choices(topics: Topics, offer: DeviceOptions) -> tuple[Entity, ...]:
    chosen: list[Entity] = []
    if offer.voices:
        options = select_options(topics.state, topics.set_voice, "{{ value_json.voice }}", offer.voices)
        chosen.append(Entity("select", "voice", "Voice", {**options, "icon": "mdi:account-voice"}))
    if offer.languages:
        options = select_options(
            topics.state,
            topics.set_language,
            f"{{{{ value_json.language or '{ANY_LANGUAGE}' }}}}",
            (ANY_LANGUAGE, *offer.languages),
        )
        options["command_template"] = f"{{{{ '' if value == '{ANY_LANGUAGE}' else value }}}}"
        chosen.append(Entity("select", "language", "Language", {**options, "icon": "mdi:translate"}))
    return tuple(chosen)


def select_options(state: str, command: str, template: str, options: tuple[str, ...]) -> dict[str, object]:
    """Return the options of a select entity that is a setting."""
    return {
        "state_topic": state,
        "value_template": template,
        "command_topic": command,
        "options": list(dict.fromkeys(options)),
        "entity_category": "config",
    }


def _diagnostics(state: str, *, has_temperature: bool) -> tuple[Entity, ...]:
    rows: list[tuple[str, str, str, dict[str, object]]] = [
        ("first_audio", "First audio", "{{ value_json.first_audio_ms }}", _measured("duration", "ms")),
        (
            "rtf",
            "Real-time factor",
            "{{ value_json.rtf }}",
            {"suggested_display_precision": 2, "icon": "mdi:speedometer"},
        ),
        (
            "memory",
            "Memory",
            "{{ (value_json.rss_bytes / 1048576) | round(1) }}",
            _measured("data_size", "MiB"),
        ),
        ("queue", "Queue", "{{ value_json.queue }}", {"icon": "mdi:tray-full"}),
        (
            "loaded",
            "Loaded models",
            "{{ value_json.loaded | count }}",
            {
                "json_attributes_topic": state,
                "json_attributes_template": (
                    "{{ {'models': value_json.loaded, 'pinned': value_json.pinned} | to_json }}"
                ),
                "icon": "mdi:memory",
            },
        ),
    ]
    if has_temperature:
        highest = "{{ value_json.temperatures.values() | max | default(none) }}"
        rows.append(("temperature", "Temperature", highest, _measured("temperature", "°C")))
    return tuple(
        Entity(
            "sensor",
            key,
            name,
            {
                "state_topic": state,
                "value_template": template,
                "state_class": "measurement",
                "entity_category": "diagnostic",
                **options,
            },
        )
        for key, name, template, options in rows
    )


def _measured(device_class: str, unit: str) -> dict[str, object]:
    """Return the options of a sensor that is shown as a whole number."""
    return {
        "device_class": device_class,
        "unit_of_measurement": unit,
        "suggested_display_precision": 0,
    }


def _model_switch(topics: Topics, name: str) -> Entity:
    on, off = ModelAction.LOAD.value, ModelAction.UNLOAD.value
    return Entity(
        "switch",
        f"{_MODEL}_{ident(name)}",
        f"Load {name}",
        {
            "state_topic": topics.state,
            "value_template": f"{{{{ '{on}' if {_quoted(name)} in value_json.loaded else '{off}' }}}}",
            "command_topic": topics.set_model(name),
            "payload_on": on,
            "payload_off": off,
            "entity_category": "config",
            "icon": "mdi:brain",
        },
    )


def _quoted(text: str) -> str:
    """Return text as a string literal for a Jinja template."""
    return json.dumps(text, ensure_ascii=False)
