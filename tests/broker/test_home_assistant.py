"""Home Assistant discovery for appliances to which an earlier version gave the same ids."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lunavox_edge.mqtt import discovery_sync
from lunavox_edge.mqtt.discovery import Form, configs
from lunavox_edge.mqtt.ha_devices import DeviceOptions, appliance, appliance_id, former_id
from lunavox_edge.mqtt.topics import HomeAssistantTopics, Topics
from tests.broker.conftest import Listen, Start
from tests.fakes.broker import Mosquitto, Peer

pytestmark = pytest.mark.broker

FORMER = "homeassistant/device/lunavox_pi_kitchen/config"
NEW = f"homeassistant/device/{appliance_id('pi_kitchen')}/config"
KNOWN = {"known": {"kitchen": {"uri": "tcp://127.0.0.1:9"}}}


@pytest.fixture(autouse=True)
def _short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery_sync, "_SETTLE_S", 0.1)


def uri(mosquitto: Mosquitto) -> str:
    return f"mqtt://127.0.0.1:{mosquitto.port}"


def former_announcements(form: Form) -> dict[str, str]:
    """The retained messages that an earlier version left for the node `pi_kitchen`."""
    device = appliance(
        node="pi_kitchen", version="0", hardware="x", topics=Topics.of("pi_kitchen"), offer=DeviceOptions()
    )
    device = replace(device, id=former_id("pi_kitchen"), former_id=None)
    return configs([device], form, HomeAssistantTopics("homeassistant"))


def kept(peer: Peer) -> dict[str, bytes]:
    """Return the current discovery messages, by topic."""
    last = {message.topic: bytes(message.payload) for message in peer.heard}
    return {topic: payload for topic, payload in last.items() if topic.endswith("/config") and payload}


@pytest.mark.parametrize("form", Form)
async def test_what_was_announced_under_a_former_id_is_removed_before_it_comes_anew(
    mosquitto: Mosquitto, start: Start, listen: Listen, form: Form
) -> None:
    peer = await listen(mosquitto.port)
    former = former_announcements(form)
    for topic, payload in former.items():
        peer.send(topic, payload, retain=True)
    await peer.until(lambda: kept(peer).keys() == former.keys())
    peer.heard.clear()
    await start(uri(mosquitto), name="pi_kitchen")
    await peer.until(lambda: kept(peer).keys() == {NEW})
    order = [(message.topic, bool(message.payload)) for message in peer.heard if "/config" in message.topic]
    assert sorted(order[: len(former)]) == sorted((topic, False) for topic in former)
    told = json.loads(kept(peer)[NEW])
    assert told["components"]["phase"]["default_entity_id"] == "sensor.lunavox_pi_kitchen_phase"


async def test_the_satellite_of_another_node_keeps_the_id_that_both_had(
    mosquitto: Mosquitto, start: Start, listen: Listen
) -> None:
    peer = await listen(mosquitto.port)
    await start(uri(mosquitto), name="pi", satellites=KNOWN)
    await peer.until(lambda: FORMER in kept(peer))
    await start(uri(mosquitto), name="pi_kitchen")
    await peer.until(lambda: {FORMER, NEW} <= kept(peer).keys())
    await start(uri(mosquitto), name="attic")
    await peer.until(lambda: "homeassistant/device/lunavox_attic/config" in kept(peer))
    satellite = json.loads(kept(peer)[FORMER])
    assert satellite["device"]["via_device"] == "lunavox_pi"
    assert not [message for message in peer.heard if message.topic == FORMER and not message.payload]
