"""Connections to satellites that come and go, and faults of whoever is told of it."""

from __future__ import annotations

import asyncio

import pytest
from wyoming.event import Event
from wyoming.info import Attribution, Info, Satellite

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance, Listeners, SatellitePhase
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub import satellite_link
from lunavox_edge.hub.satellite_link import SatelliteLink
from lunavox_edge.mqtt.events import SatellitePayload
from lunavox_edge.settings.model import LimitSettings
from tests.fakes.satellite import FakeSatellite, until
from tests.wire.house import Build, ask

pytestmark = pytest.mark.wire

DESCRIBED = Satellite(
    "x", attribution=Attribution("", ""), installed=True, description=None, version=None
).to_dict()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(satellite_link, "_LONGEST_PAUSE_S", 0.1)


async def test_a_satellite_that_comes_back_is_served_again(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await until(lambda: house.hub.views()[0].problem == "It cannot be reached: Connection refused.")
    await fake.start()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")


async def test_a_satellite_that_goes_while_it_is_answered(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    house.stt.text = "tell me a story " * 20
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await until(lambda: not house.engine.status().sessions and not house.engine.status().wake_sessions)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"satellite": 7},
        {"satellite": {"name": []}},
        {"satellite": {**DESCRIBED, "name": 7}},
        {"satellite": {**DESCRIBED, "area": ["Kitchen"]}},
        {"satellite": {**DESCRIBED, "name": "x" * 10_000}},
    ],
)
async def test_a_service_that_is_no_satellite(build: Build, info: dict[str, object]) -> None:
    fake = FakeSatellite(info=info)
    house = await build(fake)

    def changed() -> None:
        SatellitePayload.of(house.hub.views()[0])

    house.hub.subscribe(Listeners(changed=changed))
    await until(lambda: house.hub.views()[0].problem)
    assert house.phase() is SatellitePhase.OFFLINE
    fake.info = None
    await house.until_phase(SatellitePhase.IDLE)


async def test_a_satellite_that_sends_no_wyoming_is_not_told_about_a_port_of_ours(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    problems: list[str] = []
    house.hub.subscribe(Listeners(changed=lambda: problems.append(house.hub.views()[0].problem or "")))
    fake.writer.write(b"nonsense\n")
    await until(lambda: any("does not speak" in problem for problem in problems))
    assert "what it sent begins with no line of JSON" in "".join(problems)
    assert "port" not in "".join(problems)


async def test_a_listener_that_fails_silences_no_satellite(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeSatellite()
    house = await build(fake)

    def fails(*_: object) -> None:
        raise RuntimeError("a front-end is broken")

    house.hub.subscribe(Listeners(changed=fails, heard=fails, overlapped=fails))
    told: list[HeardUtterance] = []
    house.hub.subscribe(Listeners(heard=told.append))
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await fake.start()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.IDLE)
    assert len(told) == 1
    assert "a front-end is broken" in caplog.text


class Correspondence:
    """Talks with a satellite, about nothing."""

    def __init__(self) -> None:
        self.connections = 0
        self.ends: list[LunavoxError] = []

    def opened(self, info: Info) -> None:
        self.connections += 1

    def received(self, event: Event) -> None:
        pass

    def closed(self, error: LunavoxError) -> None:
        self.ends.append(error)


class Unready(Correspondence):
    """Fails at the first connection."""

    failed = False

    def opened(self, info: Info) -> None:
        if not self.failed:
            self.failed = True
            raise RuntimeError("not ready")
        super().opened(info)


async def test_a_link_whose_owner_fails_connects_again(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeSatellite()
    await fake.start()
    owner = Unready()
    looking = asyncio.create_task(SatelliteLink("x", fake.uri, LimitSettings(), owner).run())
    await until(lambda: owner.connections == 1)
    assert [error.code for error in owner.ends] == ["internal"]
    await fake.stop()
    await until(lambda: len(owner.ends) > 3)
    assert not looking.done()
    assert "not ready" in caplog.text
    await bridge.cancel_and_wait(looking)


async def test_one_that_is_looked_for_is_left_whenever_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(bridge, "_CANCEL_AGAIN_S", 0.05)
    nobody = FakeSatellite()
    await nobody.start()
    await nobody.stop()
    for step in range(200):
        looking = asyncio.create_task(SatelliteLink("x", nobody.uri, LimitSettings(), Correspondence()).run())
        for _ in range(step % 50):
            await asyncio.sleep(0)
        await asyncio.sleep(step % 7 * 0.0005)
        await asyncio.wait_for(bridge.cancel_and_wait(looking), 20.0)
        assert looking.done()
