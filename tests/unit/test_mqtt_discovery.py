"""Discovery messages checked against Home Assistant's schemas: keys, required keys and choices as tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from lunavox_edge.announcements.house import SatellitePhase, SatelliteView
from lunavox_edge.mqtt.discovery import DiscoveryConfig, Form, again, changes, configs, record
from lunavox_edge.mqtt.events import AppliancePhase
from lunavox_edge.mqtt.ha_devices import (
    Device,
    DeviceOptions,
    Entity,
    appliance,
    appliance_id,
    former_id,
    ident,
    satellite_device_id,
    transcript_entity,
)
from lunavox_edge.mqtt.satellite_topics import satellite_device
from lunavox_edge.mqtt.topics import HomeAssistantTopics, Topics, is_publishable

pytestmark = pytest.mark.unit

TOPICS = Topics.of("pi-5")
HOME = HomeAssistantTopics("homeassistant")
ODD = 'Küche "x" }} \\ 😀'

# One key too many at the top level or in `device` makes Home Assistant refuse the whole device.
TOP_KEYS = {
    "device",
    "origin",
    "components",
    "availability",
    "availability_mode",
    "availability_topic",
    "availability_template",
    "payload_available",
    "payload_not_available",
    "state_topic",
    "command_topic",
    "qos",
    "encoding",
}
DEVICE_KEYS = set(
    "identifiers connections manufacturer model model_id name hw_version serial_number sw_version "
    "via_device suggested_area configuration_url".split()
)
ORIGIN_KEYS = {"name", "sw_version", "support_url"}
COMMON_KEYS = set(
    "platform name unique_id default_entity_id qos encoding enabled_by_default entity_category "
    "entity_picture icon availability availability_mode json_attributes_topic "
    "json_attributes_template".split()
)
READ = {"state_topic", "value_template"}
WRITE = {"command_topic", "command_template", "retain"}
BOTH = READ | WRITE | {"optimistic"}
# Per platform: its keys besides the common ones, and the required keys.
PLATFORMS: dict[str, tuple[set[str], set[str]]] = {
    "notify": (WRITE, {"command_topic"}),
    "text": (BOTH | {"min", "max", "mode", "pattern"}, {"command_topic"}),
    "select": (BOTH | {"options"}, {"command_topic", "options"}),
    "button": (WRITE | {"device_class", "payload_press"}, {"command_topic"}),
    "event": (READ | {"device_class", "event_types"}, {"state_topic", "event_types"}),
    "switch": (
        BOTH | {"payload_on", "payload_off", "state_on", "state_off", "device_class"},
        {"command_topic"},
    ),
    "number": (
        BOTH | {"min", "max", "mode", "step", "device_class", "unit_of_measurement", "payload_reset"},
        {"command_topic"},
    ),
    "binary_sensor": (
        READ | {"device_class", "expire_after", "force_update", "off_delay", "payload_on", "payload_off"},
        {"state_topic"},
    ),
    "sensor": (
        READ
        | {"device_class", "expire_after", "force_update", "options", "state_class"}
        | {"suggested_display_precision", "unit_of_measurement"},
        {"state_topic"},
    ),
}
UNITS = {"duration": {"d", "h", "min", "s", "ms"}, "data_size": {"B", "kB", "KiB", "MB", "MiB"}}
UNITS["temperature"] = {"°C", "°F", "K"}


def offer(*models: str) -> DeviceOptions:
    return DeviceOptions(
        voices=("en_US-joe-medium", ODD),
        languages=("en", "de-DE"),
        models=models,
        has_temperature=True,
    )


def device(*models: str) -> Device:
    return appliance(
        node="pi-5", version="1.2.3", hardware="aarch64", topics=TOPICS, offer=offer(*models or ("base", ODD))
    )


def satellite() -> Device:
    root = f"{TOPICS.root}/satellites/kitchen"
    return Device(
        id=f"{appliance_id('pi-5')}_kitchen",
        name="Kitchen",
        model="Satellite",
        version="1",
        availability=(TOPICS.availability, f"{root}/availability"),
        via_device=appliance_id("pi-5"),
        area="Kitchen",
        entities=(
            transcript_entity(TOPICS.transcript_events, "kitchen"),
            Entity(
                "number",
                "volume",
                "Volume",
                {"command_topic": f"{root}/volume/set", "min": 0, "max": 100, "step": 1},
            ),
            Entity("switch", "mute", "Mute", {"command_topic": f"{root}/mute/set"}),
            Entity(
                "binary_sensor",
                "connection",
                "Connection",
                {"state_topic": f"{root}/availability", "payload_on": "online", "payload_off": "offline"},
            ),
        ),
    )


def announced(*devices: Device, form: Form = Form.DEVICE) -> dict[str, Any]:
    return {topic: json.loads(payload) for topic, payload in configs(devices, form, HOME).items()}


def check_component(component: dict[str, Any], extra: frozenset[str] = frozenset()) -> None:
    platform = component["platform"]
    known, needed = PLATFORMS[platform]
    assert component.keys() <= COMMON_KEYS | known | extra, component
    assert component.keys() >= needed | {"unique_id", "name"}, component
    assert component["default_entity_id"].startswith(f"{platform}.")
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", component["default_entity_id"])
    assert component["qos"] in (0, 1, 2)
    assert component.get("entity_category") in (None, "config", "diagnostic")
    assert "icon" not in component or component["icon"].startswith("mdi:")
    for key, value in component.items():
        if key.endswith("_topic"):
            assert is_publishable(value)
    if platform in ("sensor", "binary_sensor"):
        assert component.get("entity_category") != "config"
    if platform == "text":
        assert 0 <= component["min"] <= component["max"] <= 255
    if "unit_of_measurement" in component:
        assert component["unit_of_measurement"] in UNITS[component["device_class"]]
    if component.get("device_class") == "enum":
        assert component["options"]
        assert not component.keys() & {"state_class", "unit_of_measurement"}
    elif platform == "select":
        assert component["options"] == list(dict.fromkeys(component["options"])) != []
    else:
        assert "options" not in component


@pytest.mark.parametrize("made", [device(), satellite()])
def test_a_device_holds_only_what_home_assistant_knows(made: Device) -> None:
    ((topic, payload),) = announced(made).items()
    assert topic == f"homeassistant/device/{made.id}/config"
    assert payload.keys() <= TOP_KEYS
    assert payload.keys() >= {"device", "origin", "components"}
    assert not payload.keys() >= {"availability", "availability_topic"}
    assert payload["device"].keys() <= DEVICE_KEYS
    assert payload["device"]["identifiers"] == [made.id]
    assert payload["origin"].keys() <= ORIGIN_KEYS
    assert payload["origin"]["name"]
    assert payload["availability"] == [{"topic": topic} for topic in made.availability]
    assert payload["availability_mode"] in ("all", "any", "latest")
    for component in payload["components"].values():
        check_component(component)
    ids = [component["unique_id"] for component in payload["components"].values()]
    assert len(set(ids)) == len(ids) == len(made.entities)


@pytest.mark.parametrize("made", [device(), satellite()])
def test_single_entities_say_the_same(made: Device) -> None:
    singles = announced(made, form=Form.ENTITIES)
    (whole,) = announced(made).values()
    assert len(singles) == len(whole["components"])
    for key, component in whole["components"].items():
        topic = f"homeassistant/{component['platform']}/{made.id}/{key}/config"
        assert re.fullmatch(r"homeassistant/\w+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
        single = singles[topic]
        for shared in ("device", "origin", "availability", "availability_mode"):
            assert single[shared] == whole[shared]
        check_component(
            {**single, "platform": component["platform"]}, frozenset({"device", "origin", "availability"})
        )


def test_the_appliance_shows_all_it_can_do() -> None:
    (payload,) = announced(device()).values()
    components = payload["components"]
    kinds = {(component["platform"], component["name"]) for component in components.values()}
    assert kinds >= {
        ("notify", "Say"),
        ("text", "Say"),
        ("select", "Voice"),
        ("select", "Language"),
        ("button", "Stop"),
        ("event", "Transcript"),
        ("switch", "Load base"),
        ("switch", f"Load {ODD}"),
    }
    sensors = {key: part for key, part in components.items() if part["platform"] == "sensor"}
    assert sensors.keys() == {"phase", "first_audio", "rtf", "memory", "temperature", "loaded", "queue"}
    diagnostic = {key for key, part in sensors.items() if part.get("entity_category") == "diagnostic"}
    assert diagnostic == sensors.keys() - {"phase"}
    assert sensors["phase"]["options"] == [phase.value for phase in AppliancePhase]
    assert payload["device"] == {
        "identifiers": ["lunavox_pi-5"],
        "name": "LunaVox Edge pi-5",
        "manufacturer": "LunaVox",
        "model": "LunaVox Edge",
        "sw_version": "1.2.3",
        "hw_version": "aarch64",
    }


def test_what_there_is_nothing_of_is_not_shown() -> None:
    bare = appliance(node="n", version="1", hardware="x", topics=Topics.of("n"), offer=DeviceOptions())
    keys = {entity.key for entity in bare.entities}
    assert not keys & {"voice", "language", "temperature"}
    assert not any(key.startswith("model_") for key in keys)


def test_commands_go_where_the_appliance_listens() -> None:
    (payload,) = announced(device()).values()
    for component in payload["components"].values():
        if "command_topic" in component:
            assert TOPICS.parse(component["command_topic"]) is not None
    switch = payload["components"][f"model_{ident(ODD)}"]
    address = TOPICS.parse(switch["command_topic"])
    assert address is not None
    assert address.model == ODD
    assert (switch["payload_on"], switch["payload_off"]) == ("load", "unload")


@pytest.mark.parametrize("name", ["base", "en_US-joe-medium", "Küche", "a/b", "a+b", "#", "", "😀", "\ud800"])
def test_ids_are_stable_legal_and_different(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", ident(name))
    assert ident(name) == ident(name)
    assert ident("a/b") != ident("a+b") != ident("a_b")
    assert ident("base") == "base"
    assert ident("tiny.en") == "tiny__en" != ident("tiny__en")


def test_nothing_changes_if_nothing_changed() -> None:
    wanted = configs([device()], Form.DEVICE, HOME)
    assert changes(wanted, wanted) == []
    assert [config.topic for config in again(wanted)] == list(wanted)


def test_a_model_that_goes_is_named_and_then_forgotten() -> None:
    published = configs([device("base", "tiny")], Form.DEVICE, HOME)
    wanted = configs([device("base")], Form.DEVICE, HOME)
    (config,) = changes(published, wanted)
    payload = json.loads(config.payload)
    assert payload["components"]["model_tiny"] == {"platform": "switch"}
    assert len(payload["components"]["model_base"]) > 1
    record(published, [config])
    assert changes(published, wanted) == []
    (config,) = changes(published, configs([device("base", "small")], Form.DEVICE, HOME))
    assert "model_tiny" not in json.loads(config.payload)["components"]
    (config,) = changes(published, configs([device("base", "tiny")], Form.DEVICE, HOME))
    assert len(json.loads(config.payload)["components"]["model_tiny"]) > 1


def test_a_single_entity_that_goes_is_removed() -> None:
    published = configs([device("base", "tiny")], Form.ENTITIES, HOME)
    wanted = configs([device("base")], Form.ENTITIES, HOME)
    assert changes(published, wanted) == [
        DiscoveryConfig(HOME.entity("switch", "lunavox_pi-5", "model_tiny"))
    ]


def test_a_device_that_goes_is_removed_and_others_stay() -> None:
    published = configs([device(), satellite()], Form.DEVICE, HOME)
    assert changes(published, configs([device()], Form.DEVICE, HOME)) == [
        DiscoveryConfig(HOME.device("lunavox_pi-5_kitchen"))
    ]
    assert [config.payload for config in changes(published, {})] == ["", ""]


@pytest.mark.parametrize(("before", "after"), [tuple(Form), tuple(Form)[::-1]])
def test_another_form_takes_over_without_losing_the_users_names(before: Form, after: Form) -> None:
    published = configs([device()], before, HOME)
    old, wanted = set(published), configs([device()], after, HOME)
    first = changes(published, wanted)
    assert {config.topic for config in first} == old
    assert {config.payload for config in first} == {'{"migrate_discovery":true}'}
    record(published, first)
    assert again(published) == []
    second = changes(published, wanted)
    removals = [config.topic for config in second if not config.payload]
    assert set(removals) == old
    assert [config.topic for config in second[: len(removals)]] == removals
    record(published, second)
    assert published == wanted
    assert changes(published, wanted) == []


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "no json",
        "[]",
        '{"components": 1, "unique_id": {}}',
        '{"components": {"a": 1, "b": {"platform": []}, "c": {"platform": "evil", "x": 1}}}',
        '{"components": {"b": {"unique_id": ["x"]}}}',
        "[" * 100_000,
    ],
)
def test_what_others_wrote_there_is_replaced(junk: str) -> None:
    wanted = configs([device()], Form.DEVICE, HOME)
    published = {HOME.device("lunavox_pi-5"): junk, HOME.entity("switch", "lunavox_pi-5", "x"): junk}
    sent = changes(published, wanted)
    record(published, sent)
    record(published, changes(published, wanted))
    assert {topic: payload for topic, payload in published.items() if payload} == wanted


PARTS = (
    "pi",
    "kitchen",
    "pi_kitchen",
    "kitchen_pi",
    "pi_kitchen_pi",
    "pi.kitchen",
    "_kitchen",
    "kitchen_",
    "pi-kitchen",
)
STRANGE = (
    "model",
    "model_x",
    "model_kitchen",
    "pi kitchen",
    "pi.",
    ".kitchen",
    "_.a",
    "._a",
    "pi__kitchen",
    "stop",
)
NAMES = (*PARTS, *STRANGE, ident("pi kitchen"), f"{ident('pi kitchen')}_pi", appliance_id("pi_kitchen"))


def devices_of(node: str) -> list[Device]:
    """Return an appliance with one model and one satellite for each name."""
    topics = Topics.of(node)
    satellites = [
        satellite_device(node=node, version="1", own=topics, view=view(name), words=("alexa",))
        for name in NAMES
    ]
    models = DeviceOptions(
        voices=("joe",), languages=("en",), models=(*NAMES, "say", "x_stop", "kitchen_say")
    )
    return [appliance(node=node, version="1", hardware="x", topics=topics, offer=models), *satellites]


def test_no_two_things_of_two_appliances_share_an_id_or_a_topic() -> None:
    topics: list[str] = []
    ids: list[str] = []
    for node in NAMES:
        for form in Form:
            topics += configs(devices_of(node), form, HOME)
        announcements = configs(devices_of(node), Form.ENTITIES, HOME).values()
        ids += [json.loads(payload)["unique_id"] for payload in announcements]
    assert len(set(topics)) == len(topics)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("node", ["pi", "pi-5", "raspberrypi.local", "Living Room", "küche"])
@pytest.mark.parametrize(
    "satellite", [None, "kitchen", "living_room", "esp32-a1b2c3", "lounge.2", "Kitchen_2"]
)
def test_ids_that_are_clear_stay_as_they_were(node: str, satellite: str | None) -> None:
    now = appliance_id(node) if satellite is None else satellite_device_id(node, satellite)
    assert now == former_id(node, satellite)


@pytest.mark.parametrize("form", Form)
def test_what_gets_another_id_leaves_first_and_keeps_the_names_of_its_entities(form: Form) -> None:
    new = appliance(node="pi_kitchen", version="1", hardware="x", topics=TOPICS, offer=offer("base"))
    assert new.former_id == "lunavox_pi_kitchen" != new.id
    published = configs([replace(new, id=new.former_id, former_id=None)], form, HOME)
    wanted = configs([new], form, HOME)
    names = default_entity_ids(published)
    removals = changes(published, wanted)
    assert {step.topic for step in removals} == published.keys()
    assert not any(step.payload for step in removals)
    record(published, removals)
    record(published, changes(published, wanted))
    assert published == wanted
    assert changes(published, wanted) == []
    assert default_entity_ids(published) == names


def default_entity_ids(published: dict[str, str]) -> set[str]:
    return {
        found
        for payload in published.values()
        for found in re.findall(r'"default_entity_id":"([^"]+)"', payload)
    }


def view(satellite: str) -> SatelliteView:
    return SatelliteView(
        id=satellite,
        name=satellite,
        area=None,
        phase=SatellitePhase.IDLE,
        muted=False,
        volume=1.0,
        wake_words=(),
        address="",
    )
