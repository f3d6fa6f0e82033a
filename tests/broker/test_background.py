"""Background tasks continue after a fault, and do not block the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from lunavox_edge.announcements.house import SatelliteView
from lunavox_edge.host.telemetry import Readings
from lunavox_edge.hub.hub import Hub
from lunavox_edge.mqtt.preferences import Preferences
from lunavox_edge.mqtt.status import ApplianceStatus
from tests.broker.conftest import Listen, Start
from tests.fakes.broker import Mosquitto, until
from tests.fakes.opened_files import files_opened_here
from tests.fakes.ports import free_port

pytestmark = pytest.mark.broker

BASE = "lunavox/kitchen"


def uri(mosquitto: Mosquitto) -> str:
    return f"mqtt://127.0.0.1:{mosquitto.port}"


class FaultyHub(Hub):
    """Raises as long as `faults` are left, instead of returning its satellites."""

    faults = 0

    def views(self) -> tuple[SatelliteView, ...]:
        if self.faults:
            self.faults -= 1
            raise RuntimeError("dictionary changed size during iteration")
        return super().views()

    def set_muted(self, satellite: str, *, muted: bool) -> None:
        if self.faults:
            self.faults -= 1
            raise KeyError(satellite)
        super().set_muted(satellite, muted=muted)


async def test_a_status_that_failed_is_told_again(
    mosquitto: Mosquitto, start: Start, listen: Listen, failures: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    peer = await listen(mosquitto.port)
    appliance = await start(uri(mosquitto), hub=FaultyHub)
    await peer.value("kitchen/state", phase="idle")
    hub = appliance.hub
    assert isinstance(hub, FaultyHub)
    hub.faults = 3
    stt = appliance.engine.settings.stt.model_copy(update={"model": "ear.en"})
    appliance.engine.apply(appliance.engine.settings.model_copy(update={"stt": stt}))
    await until(lambda: not hub.faults)
    await peer.value("kitchen/models", default="ear.en")
    peer.send(f"{BASE}/voice/set", "beta")
    await peer.value("kitchen/state", voice="beta")
    assert failures == ["mqtt status"] * 3
    assert "dictionary changed size" in caplog.text
    failures.clear()


async def test_a_fault_while_a_connection_is_greeted_does_not_make_it_deaf(
    make_mosquitto: Callable[..., Mosquitto], start: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto = make_mosquitto()
    appliance = await start(uri(mosquitto), hub=FaultyHub)
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", phase="idle")
    assert isinstance(appliance.hub, FaultyHub)
    mosquitto.stop()
    await peer.until(lambda: "no connection to" in caplog.text)
    appliance.hub.faults = 1
    mosquitto.start()
    await until(lambda: "'MQTT: connected' failed" in caplog.text)
    await peer.until(lambda: peer.connections == 2)
    peer.send(f"{BASE}/say", {"text": "Still here.", "id": "1"})
    await peer.value("events/speech", id="1", status="finished")
    peer.heard.clear()
    mosquitto.stop()
    mosquitto.start()
    await peer.value("kitchen/state", phase="idle")


async def test_a_command_that_fails_inside_is_answered(
    mosquitto: Mosquitto, start: Start, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    known = {"known": {"bath": {"uri": "tcp://127.0.0.1:9"}}}
    appliance = await start(uri(mosquitto), hub=FaultyHub, satellites=known)
    peer = await listen(mosquitto.port)
    await peer.value("kitchen/state", phase="idle")
    assert isinstance(appliance.hub, FaultyHub)
    appliance.hub.faults = 1
    topic = f"{BASE}/satellites/bath/mute/set"
    peer.send(topic, "on")
    told = await peer.value("events/error", topic=topic)
    assert (told["error"]["code"], "bath" in told["error"]["message"]) == ("internal", False)
    assert "KeyError: 'bath'" in caplog.text
    peer.send(topic, "on")
    await peer.value("satellites/bath/state", muted=True)


async def test_an_embedded_broker_that_ended_is_started_again(
    start: Start, listen: Listen, failures: list[str]
) -> None:
    port = free_port()
    appliance = await start("embedded", listen=f"127.0.0.1:{port}")
    peer = await listen(port, version="3.1.1")
    await peer.value("kitchen/state", phase="idle")
    own = appliance.mqtt._broker
    assert own is not None
    assert own._broker is not None
    await asyncio.to_thread(own._broker.stop)
    # A state of the first broker may still arrive until the end has been noticed.
    await peer.until(lambda: failures)
    peer.heard.clear()
    await peer.value("kitchen/state", phase="idle")
    assert set(failures) == {"mqtt broker"}
    failures.clear()


async def test_no_file_is_opened_on_the_loop(mosquitto: Mosquitto, start: Start, listen: Listen) -> None:
    peer = await listen(mosquitto.port)
    await start(uri(mosquitto))
    await peer.value("kitchen/state", phase="idle")
    with files_opened_here() as opened:
        peer.send(f"{BASE}/voice/set", "beta")
        await peer.value("kitchen/state", voice="beta")
        peer.send(f"{BASE}/models/ear/set", "load")
        await peer.until(lambda: "ear" in peer.values("kitchen/state")[-1]["loaded"])
    assert not opened, "\n".join(opened)


async def test_a_sensor_that_hangs_is_asked_once_and_holds_nothing_up(
    mosquitto: Mosquitto, start: Start
) -> None:
    appliance = await start(uri(mosquitto))
    asked: list[str] = []
    go = threading.Event()

    def readings() -> Readings:
        asked.append(threading.current_thread().name)
        go.wait(20.0)
        return Readings({"cpu": 48.5}, None, ())

    status = ApplianceStatus(
        appliance.engine,
        instance="one",
        preferences=Preferences,
        waiting=lambda: 7,
        announcing=lambda: False,
        readings=readings,
    )
    for _ in range(3):
        await status.refresh()
    assert (status.state().temperatures, status.state().queue) == ({}, 7)
    go.set()

    async def read() -> bool:
        await status.refresh()
        return status.has_temperature

    while not await read():
        assert len(asked) == 1
    assert status.state().temperatures == {"cpu": 48.5}
    assert asked[0] != threading.main_thread().name
    await status.close()
