"""Satellites over MQTT, with a real broker and a scripted satellite on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lunavox_edge.backends import registry
from lunavox_edge.hub import approved, following
from lunavox_edge.hub.approved import Approved
from tests.broker.conftest import Appliance, Listen, Start
from tests.fakes.broker import Mosquitto, Peer
from tests.fakes.satellite import FakeSatellite
from tests.fakes.wake import ScriptedWake, WakeScript, silence

pytestmark = pytest.mark.broker

BATH = "kitchen/satellites/bath"


@dataclass
class House:
    peer: Peer
    appliance: Appliance
    satellite: FakeSatellite

    def send(self, command: str, payload: str | dict[str, Any] = "") -> None:
        self.peer.send(f"lunavox/{BATH}/{command}", payload)


@pytest.fixture
async def house(
    mosquitto: Mosquitto, start: Start, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    satellite = FakeSatellite(area="Upstairs")
    await satellite.start()
    peer = await listen(mosquitto.port)
    monkeypatch.setattr(ScriptedWake, "script", WakeScript())
    monkeypatch.setitem(registry._BUILT_IN, "scripted-wake", "tests.fakes.wake:ScriptedWake")
    settings = {
        "known": {"bath": {"uri": satellite.uri, "name": "Bathroom"}},
        "answer": "mqtt",
        "chime": False,
        "announcement_chime": False,
    }
    appliance = await start(f"mqtt://127.0.0.1:{mosquitto.port}", satellites=settings, output=None)
    await peer.value(f"{BATH}/state", phase="idle")
    yield House(peer, appliance, satellite)
    await satellite.stop()


async def test_its_state_is_told(house: House, mosquitto: Mosquitto, listen: Listen) -> None:
    peer = house.peer
    newcomer = await listen(mosquitto.port)
    assert (await newcomer.message(f"{BATH}/state")).retain
    await peer.value(f"{BATH}/state", phase="idle", name="Bathroom", area="Upstairs", muted=False, volume=1.0)
    await peer.until(lambda: [m.payload for m in peer.on(f"{BATH}/availability")][-1:] == [b"online"])
    await house.satellite.stop()
    await peer.value(f"{BATH}/state", phase="offline")
    await peer.until(lambda: [m.payload for m in peer.on(f"{BATH}/availability")][-1:] == [b"offline"])
    await house.satellite.start()
    await peer.until(lambda: [m.payload for m in peer.on(f"{BATH}/availability")][-1:] == [b"online"])


async def test_it_is_told_what_to_do(house: House) -> None:
    peer = house.peer
    house.send("volume/set", "0.5")
    await peer.value(f"{BATH}/state", volume=0.5)
    house.send("mute/set", "on")
    await peer.value(f"{BATH}/state", phase="muted", muted=True)
    house.send("mute/set", "FALSE")
    await peer.value(f"{BATH}/state", phase="idle", volume=0.5, muted=False)
    house.send("wake_words/set", '["alexa", "okay_nabu"]')
    await peer.value(f"{BATH}/state", wake_words=["alexa", "okay_nabu"], phase="idle")
    house.send("wake_words/set")
    house.send("volume/set", "loud")
    await peer.value("events/error", topic=f"lunavox/{BATH}/volume/set")
    house.send("wake_words/set", "hey_you")
    await peer.value("events/error", topic=f"lunavox/{BATH}/wake_words/set")
    peer.send("lunavox/kitchen/satellites/attic/mute/set", "on")
    error = await peer.value("events/error", topic="lunavox/kitchen/satellites/attic/mute/set")
    assert error["error"]["code"] == "unknown_satellite"


@pytest.mark.parametrize("command", ["mute/set", "volume/set", "wake_words/set"])
async def test_an_unknown_satellite_is_told_before_a_wrong_payload(house: House, command: str) -> None:
    topic = f"lunavox/kitchen/satellites/attic/{command}"
    house.peer.send(topic, "[nothing")
    error = await house.peer.value("events/error", topic=topic)
    assert error["error"]["code"] == "unknown_satellite"


async def test_wake_words_are_told_by_the_names_of_the_catalog(house: House) -> None:
    house.send("wake_words/set", "ALEXA, okay-nabu_v0.1, alexa_v2")
    await house.peer.value(f"{BATH}/state", wake_words=["alexa", "okay_nabu"])


async def test_a_say_at_a_satellite(house: House) -> None:
    peer = house.peer
    house.send("say", {"text": "Hello there.", "id": "1"})
    finished = await peer.value("events/speech", id="1", status="finished")
    assert finished["satellite"] == "bath"
    assert house.satellite.all("audio-chunk")
    peer.send("lunavox/kitchen/say", {"text": "Hello there.", "id": "2", "area": "upstairs"})
    await peer.value("events/speech", id="2", status="finished")
    house.send("say", {"text": "Hello.", "id": "3", "satellite": "bath"})
    await peer.value("events/speech", id="3", status="failed")
    house.send("say", {"text": "long " * 200, "id": "4"})
    await peer.value(f"{BATH}/state", phase="speaking")
    house.send("stop")
    await peer.value("events/speech", id="4", status="cancelled")
    await house.satellite.stop()
    await peer.value(f"{BATH}/state", phase="offline")
    house.send("say", {"text": "Hello.", "id": "5"})
    failed = await peer.value("events/speech", id="5", status="failed")
    assert failed["error"]["code"] == "unreachable"


async def test_all_satellites_are_named_as_one_text(house: House) -> None:
    peer = house.peer
    peer.send("lunavox/kitchen/say", {"text": "Hello there.", "id": 1, "satellites": "all"})
    finished = await peer.value("events/speech", id="1", status="finished")
    assert finished["satellite"] == "bath"
    bath, everywhere = {"satellites": "bath"}, {"satellites": "all"}
    stops: list[dict[str, Any] | str] = [bath, everywhere, {"satellite": "All"}, "all"]
    for number, stop in enumerate(stops):
        peer.send(
            "lunavox/kitchen/say", {"text": "long " * 200, "id": f"long-{number}", "satellites": "bath"}
        )
        await peer.value("events/speech", id=f"long-{number}", status="started")
        peer.send("lunavox/kitchen/stop", stop)
        await peer.value("events/speech", id=f"long-{number}", status="cancelled")


async def test_what_is_said_is_told_and_answered(house: House) -> None:
    peer, satellite = house.peer, house.satellite
    await satellite.wake()
    await satellite.say(silence(0.2))
    await peer.value(f"{BATH}/state", phase="listening")
    await satellite.send_stop()
    heard = await peer.value("events/transcript", satellite="bath")
    assert (heard["text"], heard["source"]) == ("turn on the light", "satellite")
    house.send("say", "It is on.")
    await satellite.until("audio-stop")
    assert house.appliance.tts.texts == ["It is on."]
    await peer.value(f"{BATH}/state", phase="idle")


async def test_home_assistant_is_shown_a_device(house: House) -> None:
    device = await house.peer.value("lunavox_kitchen_bath/config")
    assert device["device"]["via_device"] == "lunavox_kitchen"
    assert device["device"]["suggested_area"] == "Upstairs"
    assert set(device["components"]) >= {"say", "stop", "phase", "transcript", "volume", "mute", "connected"}
    assert device["components"]["wake_words"]["options"] == ["default", "okay_nabu", "alexa"]


async def kept(port: int, listen: Listen, of: str) -> set[str]:
    """Return the topics that contain a text and have a retained message, as a new client finds them."""
    newcomer = await listen(port)
    newcomer.send("marker")
    await newcomer.message("marker")
    return {message.topic for message in newcomer.heard if of in message.topic and message.retain}


async def test_nothing_is_left_of_one_that_the_settings_name_no_more(
    mosquitto: Mosquitto, start: Start, listen: Listen
) -> None:
    peer = await listen(mosquitto.port)
    left = {
        "lunavox/kitchen/satellites/attic/state": "{}",
        "lunavox/kitchen/satellites/attic/availability": "offline",
        "homeassistant/device/lunavox_kitchen_attic/config": "{}",
        "homeassistant/select/lunavox_kitchen_attic/wake_words/config": "{}",
        "homeassistant/sensor/lunavox_kitchen_attic/phase/config": "{}",
    }
    others = {
        "lunavox/kitchen2/satellites/attic/state": "{}",
        "homeassistant/device/lunavox_kitchen2_attic/config": "{}",
    }
    for topic, payload in (left | others).items():
        peer.send(topic, payload, retain=True)
    await peer.until(lambda: len(peer.heard) == len(left | others))
    await start(f"mqtt://127.0.0.1:{mosquitto.port}", output=None)
    await peer.until(lambda: {m.topic for m in peer.heard if not m.payload} >= left.keys())
    assert await kept(mosquitto.port, listen, "attic") == others.keys()


@pytest.mark.parametrize(("before", "after"), [("entities", "device"), ("device", "entities")])
async def test_one_form_of_telling_home_assistant_replaces_the_other(
    mosquitto: Mosquitto,
    start: Start,
    listen: Listen,
    before: str,
    after: str,
) -> None:
    peer = await listen(mosquitto.port)
    forms = {
        "device": "homeassistant/device/lunavox_kitchen_bath/config",
        "entities": "homeassistant/switch/lunavox_kitchen_bath/mute/config",
    }
    old, new = forms[before], forms[after]
    broker, known = f"mqtt://127.0.0.1:{mosquitto.port}", {"known": {"bath": {"uri": "tcp://127.0.0.1:9"}}}
    first = await start(broker, output=None, satellites=known, discovery=before)
    await peer.message(old)
    await first.mqtt.stop()
    await start(broker, output=None, satellites=known, discovery=after)
    await peer.message(new)
    await peer.until(lambda: [m.payload for m in peer.on(old)][-1:] == [b""])
    told = [m.payload for m in peer.on(old)]
    assert told[-2] == b'{"migrate_discovery":true}', "names of the user's own are lost without"
    left = await kept(mosquitto.port, listen, "lunavox_kitchen_bath")
    assert new in left
    assert all((topic == forms["device"]) is (after == "device") for topic in left)


@pytest.mark.parametrize("discovery", ["device", "entities"])
async def test_nothing_is_left_of_one_that_is_forgotten(
    mosquitto: Mosquitto,
    start: Start,
    listen: Listen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    discovery: str,
) -> None:
    monkeypatch.setattr(following, "_LOOK_EVERY_S", 0.05)
    satellite, file = FakeSatellite(), tmp_path / "approved.json"
    await satellite.start()
    peer = await listen(mosquitto.port)
    approved.save(file, {"bath": Approved("bath", satellite.uri)})
    await start(
        f"mqtt://127.0.0.1:{mosquitto.port}",
        output=None,
        satellites={"approved_file": file, "zeroconf": False},
        discovery=discovery,
    )
    await peer.value(f"{BATH}/state", phase="idle")
    await peer.until(lambda: [m for m in peer.heard if "lunavox_kitchen_bath" in m.topic and m.payload])
    approved.save(file, {})
    await peer.until(lambda: [m.payload for m in peer.on(f"{BATH}/state")][-1:] == [b""])
    assert await kept(mosquitto.port, listen, "bath") == set()
    approved.save(file, {"bath": Approved("bath", satellite.uri)})
    await peer.until(lambda: b"idle" in peer.on(f"{BATH}/state")[-1].payload)
    await satellite.stop()
