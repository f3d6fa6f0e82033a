"""Memory pressure: idle models are unloaded, then smaller ones serve, until there is room again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.model_lookup import ModelLookup
from lunavox_edge.engine.pressure import MemoryPressure, Strain
from lunavox_edge.errors import OutOfMemory, UnknownModel
from lunavox_edge.host.telemetry import Readings
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind
from tests.unit.test_residency import MIB, House, entry

pytestmark = pytest.mark.unit

LOW = 50 * MIB
PLENTY = 8000 * MIB


def stt_entry(name: str, size_mb: int) -> ModelEntry:
    return replace(entry(name, size_mb), kind=ModelKind.STT)


class ThreeModels(ModelLookup):
    """Knows three speech-to-text models of different size."""

    known = (stt_entry("small", 500), stt_entry("base", 150), stt_entry("tiny", 80))

    def usual(self, kind: ModelKind) -> ModelEntry:
        assert kind is ModelKind.STT
        return self.known[0]

    def stt_model(self, name: str) -> ModelEntry:
        for found in self.known:
            if found.name == name:
                return found
        raise UnknownModel(name)


class Machine:
    """A residency under memory pressure, with settable clock, memory and sensors."""

    def __init__(self, *fallbacks: str, max_temperature_c: float | None = None) -> None:
        self.house = House()
        self.readings = Readings({}, None, ())
        self.settings = Settings.model_validate(
            {
                "stt": {"fallback_models": list(fallbacks)},
                "engine": {"max_temperature_c": max_temperature_c},
            }
        )
        catalog = Catalog(
            folders=(), cache_dir=self.settings.catalog.resolved_cache_dir(), aliases={}, backends=()
        )
        self.lookup = ThreeModels(self.settings, catalog)
        self.pressure = MemoryPressure(
            self.house.residency,
            models=lambda: self.lookup,
            settings=lambda: self.settings,
            readings=lambda: self.readings,
            clock=lambda: self.house.now,
        )

    def ticks(self, seconds: int) -> None:
        for _ in range(0, seconds, 2):
            self.pressure.tick()
            self.house.now += 2

    def feels(self) -> Strain:
        return self.pressure.strain

    @property
    def hears_with(self) -> str:
        return self.lookup.default(ModelKind.STT).name


def test_idle_models_leave_at_once_and_pinned_and_used_ones_stay() -> None:
    machine = Machine()
    house = machine.house
    house.residency.pin(entry("pinned"))
    for name in ("pinned", "idle"):
        house.use(entry(name))
    future = house.residency.acquire(entry("used"))
    house.run_loads()
    lease = future.result(20.0)
    machine.ticks(2)
    assert house.names() == ["pinned", "idle", "used"]
    house.available = LOW
    machine.ticks(2)
    assert machine.feels() is Strain.MEMORY
    assert house.names() == ["pinned", "used"]
    lease.release()
    machine.ticks(2)
    assert house.names() == ["pinned"]


def test_the_ear_steps_down_rung_by_rung_and_comes_back() -> None:
    machine = Machine("nothing-installed", "base", "tiny")
    house = machine.house
    small, base, tiny = ThreeModels.known
    house.residency.pin(small)
    house.use(small)
    house.available = LOW
    machine.ticks(8)
    assert machine.hears_with == "small"
    machine.ticks(6)
    assert machine.hears_with == "base"
    assert house.names() == []
    assert house.residency.is_pinned(base)
    assert not house.residency.is_pinned(small)
    machine.ticks(40)
    assert machine.hears_with == "tiny"
    house.available = PLENTY
    machine.ticks(50)
    assert machine.hears_with == "tiny"
    machine.ticks(30)
    assert machine.hears_with == "base"
    machine.ticks(80)
    assert machine.hears_with == "small"
    assert house.residency.is_pinned(small)
    assert not house.residency.is_pinned(tiny)


def test_it_does_not_come_back_to_what_would_not_fit() -> None:
    machine = Machine("tiny")
    machine.house.available = LOW
    machine.ticks(20)
    machine.house.available = 400 * MIB
    machine.ticks(300)
    assert machine.feels() is Strain.NONE
    assert machine.hears_with == "tiny"


def test_a_short_strain_changes_nothing_for_good() -> None:
    machine = Machine("tiny")
    machine.house.available = LOW
    machine.ticks(6)
    machine.house.available = PLENTY
    machine.ticks(20)
    assert machine.hears_with == "small"
    machine.house.available = LOW
    machine.ticks(6)
    assert machine.hears_with == "small"


def test_without_a_list_the_ear_never_changes() -> None:
    machine = Machine()
    machine.house.available = LOW
    machine.ticks(200)
    assert machine.hears_with == "small"


def test_heat_counts_when_the_machine_says_so_or_at_the_threshold() -> None:
    machine = Machine(max_temperature_c=80)
    machine.readings = Readings({"cpu": 79.0}, None, ())
    machine.ticks(2)
    assert machine.feels() is Strain.NONE
    machine.readings = Readings({"cpu": 80.0}, None, ())
    machine.ticks(2)
    assert machine.feels() is Strain.HEAT
    machine.readings = Readings({"cpu": 76.0}, None, ())
    machine.ticks(2)
    assert machine.feels() is Strain.HEAT
    machine.readings = Readings({"cpu": 74.0}, None, ())
    machine.ticks(2)
    assert machine.feels() is Strain.NONE
    machine.readings = Readings({"cpu": 60.0}, None, ("throttled by heat",))
    machine.ticks(2)
    assert machine.feels() is Strain.HEAT
    machine.readings = Readings({"cpu": 60.0}, None, ("undervoltage",))
    machine.ticks(2)
    assert machine.feels() is Strain.NONE


def test_a_list_that_got_shorter_is_followed() -> None:
    machine = Machine("base", "tiny")
    machine.house.available = LOW
    machine.ticks(60)
    assert machine.hears_with == "tiny"
    machine.settings = Settings()
    machine.ticks(2)
    assert machine.hears_with == "small"


def test_what_holds_the_board_back_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    with caplog.at_level("INFO"):
        for slowed in (("undervoltage",), ("undervoltage",), (), ()):
            machine.readings = Readings({"cpu": 61.5}, None, slowed)
            machine.ticks(2)
    assert caplog.messages == [
        "The board is slower than it could be: undervoltage (61.5 °C)",
        "The board is as fast as it can be again",
    ]


@pytest.mark.parametrize(("left", "hears"), [((), "small"), (("base",), "base")])
def test_a_stand_in_that_is_no_longer_in_the_list_is_let_go_and_the_next_one_stays(
    left: tuple[str, ...], hears: str
) -> None:
    machine = Machine("base", "tiny")
    small, _, tiny = ThreeModels.known
    house = machine.house
    house.residency.pin(small)
    house.available = LOW
    machine.ticks(60)
    assert machine.hears_with == "tiny"
    assert house.residency.is_pinned(tiny)
    machine.settings = Settings.model_validate({"stt": {"fallback_models": list(left)}})
    machine.ticks(2)
    assert machine.hears_with == hears
    pinned = {found.name for found in ThreeModels.known if house.residency.is_pinned(found)}
    assert pinned == {hears}


def test_a_stand_in_that_does_not_load_at_once_is_pinned_when_it_does() -> None:
    machine = Machine("base")
    small, base, _ = ThreeModels.known
    house = machine.house
    house.residency.pin(small)
    house.available = LOW
    machine.ticks(20)
    assert machine.hears_with == "base"
    failing = house.residency.acquire(base)
    house.run_loads()
    with pytest.raises(OutOfMemory):
        failing.result(20.0)
    assert house.residency.is_pinned(base)
    house.available = PLENTY
    machine.ticks(80)
    assert machine.hears_with == "small"
    assert house.residency.is_pinned(small)


def test_heat_passes_where_the_system_does_not_say_what_memory_is_free() -> None:
    machine = Machine("base", max_temperature_c=80)
    machine.house.total = machine.house.available = 0
    machine.readings = Readings({"cpu": 90.0}, None, ())
    machine.ticks(20)
    assert machine.hears_with == "base"
    machine.readings = Readings({"cpu": 50.0}, None, ())
    machine.ticks(80)
    assert machine.hears_with == "small"
