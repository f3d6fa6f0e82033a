"""Residency: single-flight loads, leases, keep-alive, pins, eviction, the memory budget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lunavox_edge.backends.base import LoadedModel
from lunavox_edge.engine.log_tap import LogTap
from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.engine.models.warming import WarmSet
from lunavox_edge.errors import BrokenModel, EngineClosed, InternalError, OutOfMemory, TimedOut
from lunavox_edge.host.system import MemoryInfo
from lunavox_edge.settings.model import EngineSettings
from lunavox_edge.types import ModelEntry, ModelKind, SourceKind

pytestmark = pytest.mark.unit

MIB = 1024 * 1024
WAIT_S = 20.0


class FakeModel(LoadedModel):
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = 0

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        self.closed += 1


def entry(name: str, size_mb: int = 100) -> ModelEntry:
    return ModelEntry(
        name=name,
        kind=ModelKind.TTS,
        backend="fake",
        path=Path("/models") / name,
        languages=("en-US",),
        size_bytes=size_mb * MIB,
        licence="MIT",
        source="test",
        source_kind=SourceKind.FOLDER,
    )


class House:
    """A residency whose loads run at `run_loads`, on a machine with settable clock and memory."""

    def __init__(self, *, limit_mb: int | None = None, parallel: bool = True) -> None:
        self.now = 1000.0
        self.total = self.available = 8000 * MIB
        self.jobs: list[Callable[[], None]] = []
        self.models: list[FakeModel] = []
        self.failures: list[BaseException] = []
        self.parallel = parallel
        self.rss = 0
        self.grows: dict[str, int] = {}
        """Memory in MiB that a load takes, by model name; others take none."""
        self.residency = Residency(
            loader=self.load,
            run=self.jobs.append,
            budget=MemoryBudget(
                limit_bytes=limit_mb * MIB if limit_mb is not None else None,
                reserve_bytes=100 * MIB,
                probe=lambda: MemoryInfo(total_bytes=self.total, available_bytes=self.available),
            ),
            rss=lambda: self.rss,
            keep_alive_s=60.0,
            load_timeout_s=30.0,
            clock=lambda: self.now,
        )

    def load(self, wanted: ModelEntry) -> Loaded:
        if self.failures:
            raise self.failures.pop(0)
        model = FakeModel(wanted.name)
        self.models.append(model)
        self.rss += self.grows.get(wanted.name, 0) * MIB
        return Loaded(model, load_ms=5.0, warmup_ms=2.0, parallel=self.parallel)

    def run_loads(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def use(self, wanted: ModelEntry) -> None:
        future = self.residency.acquire(wanted)
        self.run_loads()
        future.result(WAIT_S).release()

    def names(self) -> list[str]:
        return [status.name for status in self.residency.status()]


def test_eight_rooms_asking_at_once_load_the_model_once() -> None:
    house = House()
    futures = [house.residency.acquire(entry("joe")) for _ in range(8)]
    assert len(house.jobs) == 1
    house.run_loads()

    leases = [future.result(WAIT_S) for future in futures]
    assert len(house.models) == 1
    assert {lease.model for lease in leases} == {house.models[0]}


def test_a_leased_model_is_never_unloaded() -> None:
    house = House()
    future = house.residency.acquire(entry("joe"))
    house.run_loads()
    lease = future.result(WAIT_S)
    house.now += 10_000
    house.residency.sweep()

    assert not house.residency.unload(entry("joe"))
    assert house.names() == ["joe"]
    lease.release()
    lease.release()
    assert house.residency.unload(entry("joe"))
    assert house.models[0].closed == 1


def test_an_idle_model_leaves_after_the_keep_alive_and_a_pinned_one_stays() -> None:
    house = House()
    house.residency.pin(entry("joe"))
    house.use(entry("joe"))
    house.use(entry("amy"))
    house.now += 59
    house.residency.sweep()
    assert house.names() == ["joe", "amy"]
    house.now += 2
    house.residency.sweep()

    assert house.names() == ["joe"]
    assert house.models[1].closed == 1


def test_who_gets_log_lines_may_ask_what_is_loaded() -> None:
    house = House()
    house.use(entry("joe"))
    seen: list[list[str]] = []
    tap = LogTap()
    tap.set(lambda _level, _message: seen.append(house.names()))
    try:
        thread = threading.Thread(target=lambda: house.residency.unload(entry("joe")), daemon=True)
        thread.start()
        thread.join(WAIT_S)
    finally:
        tap.set(None)
    assert not thread.is_alive()
    assert seen == [[]]


def test_a_model_whose_files_were_replaced_is_loaded_anew() -> None:
    house = House()
    replaced = replace(entry("joe"), changed_ns=1)
    house.residency.pin(entry("joe"))
    house.use(entry("joe"))
    house.use(replaced)
    assert [model.closed for model in house.models] == [1, 0]
    assert house.residency.is_pinned(replaced)


def test_use_extends_the_stay() -> None:
    house = House()
    house.use(entry("joe"))
    house.now += 50
    house.use(entry("joe"))
    house.now += 50
    house.residency.sweep()

    assert house.names() == ["joe"]


def test_a_load_error_reaches_everyone_who_waits_and_the_next_request_tries_again() -> None:
    house = House()
    house.failures = [BrokenModel("The model 'joe' is damaged.")]
    futures = [house.residency.acquire(entry("joe")) for _ in range(2)]
    house.run_loads()
    for future in futures:
        with pytest.raises(BrokenModel, match="damaged"):
            future.result(WAIT_S)

    house.use(entry("joe"))
    assert house.names() == ["joe"]


def test_an_unexpected_load_error_does_not_leak_its_text() -> None:
    house = House()
    house.failures = [OSError("/srv/models/joe.onnx: permission denied")]
    future = house.residency.acquire(entry("joe"))
    house.run_loads()

    with pytest.raises(InternalError) as failed:
        future.result(WAIT_S)
    assert "/srv" not in str(failed.value)


def test_the_least_recently_used_idle_model_makes_room() -> None:
    house = House(limit_mb=400)
    house.use(entry("first"))
    house.now += 1
    house.use(entry("second"))
    house.now += 1
    house.use(entry("first"))
    house.now += 1
    house.use(entry("third"))

    assert house.names() == ["first", "third"]


def test_what_is_leased_or_pinned_does_not_make_room() -> None:
    house = House(limit_mb=400)
    house.residency.pin(entry("pinned"))
    house.use(entry("pinned"))
    future = house.residency.acquire(entry("leased"))
    house.run_loads()
    lease = future.result(WAIT_S)
    refused = house.residency.acquire(entry("third"))
    house.run_loads()

    with pytest.raises(OutOfMemory, match="memory_budget_mb"):
        refused.result(WAIT_S)
    assert house.names() == ["pinned", "leased"]
    lease.release()


def test_the_reserve_of_the_machine_is_kept() -> None:
    house = House()
    house.available = 150 * MIB
    future = house.residency.acquire(entry("joe", size_mb=100))
    house.run_loads()

    with pytest.raises(OutOfMemory):
        future.result(WAIT_S)


def test_out_of_memory_unloads_the_idle_and_tries_exactly_once_more() -> None:
    house = House()
    house.use(entry("idle"))
    house.failures = [MemoryError()]
    house.use(entry("joe"))
    assert house.names() == ["joe"]

    house.failures = [MemoryError(), MemoryError()]
    future = house.residency.acquire(entry("amy"))
    house.run_loads()
    with pytest.raises(OutOfMemory):
        future.result(WAIT_S)
    assert house.failures == []


def test_a_waiter_that_left_gets_no_lease() -> None:
    house = House()
    stays, leaves = house.residency.acquire(entry("joe")), house.residency.acquire(entry("joe"))
    assert leaves.cancel()
    house.run_loads()
    stays.result(WAIT_S).release()

    assert house.residency.status()[0].state == "idle"


def test_a_load_that_hangs_fails_those_who_wait_for_it() -> None:
    house = House()
    future = house.residency.acquire(entry("joe"))
    house.now += 31
    house.residency.sweep()
    with pytest.raises(TimedOut):
        future.result(WAIT_S)

    house.run_loads()
    assert house.names() == ["joe"]


def test_closing_fails_waiters_and_unloads_with_the_last_lease() -> None:
    house = House()
    future = house.residency.acquire(entry("used"))
    house.run_loads()
    lease = future.result(WAIT_S)
    waiting = house.residency.acquire(entry("waits"))
    house.residency.close()

    with pytest.raises(EngineClosed):
        waiting.result(WAIT_S)
    with pytest.raises(EngineClosed):
        house.residency.acquire(entry("used"))
    assert house.models[0].closed == 0
    lease.release()
    assert house.models[0].closed == 1
    house.run_loads()
    assert [model.closed for model in house.models] == [1, 1]


def test_a_model_that_is_not_parallel_is_used_by_one_at_a_time() -> None:
    house = House(parallel=False)
    futures = [house.residency.acquire(entry("joe")) for _ in range(2)]
    house.run_loads()
    first, second = (future.result(WAIT_S) for future in futures)
    entered = threading.Event()

    def other() -> None:
        with second.turn:
            entered.set()

    with first.turn:
        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.05)
    assert entered.wait(WAIT_S)
    thread.join(WAIT_S)


def test_the_set_of_warm_models_is_replaced_as_a_whole() -> None:
    house = House()
    warm = WarmSet(house.residency)
    loaded: list[str] = []
    house.use(entry("joe"))
    house.use(entry("amy"))

    def replace(name: str) -> None:
        failed = warm.replace(
            [], names=[name], find=entry, timeout_s=WAIT_S, progress=lambda e: loaded.append(e.name)
        )
        assert failed == ()

    replace("joe")
    loaded.clear()
    replace("amy")
    house.now += 61
    house.residency.sweep()

    assert loaded == ["amy"]
    assert house.names() == ["amy"]


def test_other_rules_hold_from_the_next_sweep_on() -> None:
    house = House()
    house.use(entry("joe"))
    house.residency.configure(EngineSettings(memory_budget_mb=1, keep_alive_s=5.0, load_timeout_s=1.0))
    house.now += 6
    house.residency.sweep()
    assert house.names() == []
    refused = house.residency.acquire(entry("joe"))
    house.run_loads()
    with pytest.raises(OutOfMemory):
        refused.result(WAIT_S)


@pytest.mark.parametrize(("device", "counted_mb"), [("cuda:0", 1500), ("cpu", 160)])
def test_what_a_gpu_shares_with_the_cpu_counts(device: str, counted_mb: int) -> None:
    class Board(House):
        def load(self, wanted: ModelEntry) -> Loaded:
            loaded = super().load(wanted)
            self.models[-1].device = device
            self.available -= 1500 * MIB
            return loaded

    board = Board()
    board.use(entry("joe", 100))
    (status,) = board.residency.status()
    assert status.size_bytes == counted_mb * MIB


def test_where_the_system_does_not_say_what_is_free_the_budget_alone_decides() -> None:
    house = House(limit_mb=200)
    house.total = house.available = 0
    house.use(entry("joe"))
    assert house.names() == ["joe"]
    refused = house.residency.acquire(entry("big", size_mb=200))
    house.run_loads()
    with pytest.raises(OutOfMemory):
        refused.result(WAIT_S)


def test_a_model_that_takes_more_than_the_budget_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    house = House(limit_mb=200)
    house.grows = {"joe": 250}
    for _ in range(3):
        house.use(entry("joe"))
        assert [status.size_bytes for status in house.residency.status()] == [250 * MIB]
        assert house.residency.unload(entry("joe"))
    (told,) = (message for message in caplog.messages if "memory_budget_mb" in message)
    assert told.startswith("joe takes 250 MB, more than its files let expect;")
    assert "250 MB of the 200 MB" in told


def test_models_that_the_budget_held_together_once_it_holds_again() -> None:
    house = House(limit_mb=400)
    house.grows = {"joe": 260, "amy": 200}
    house.residency.pin(entry("joe"))
    for _ in range(2):
        house.use(entry("joe"))
        house.use(entry("amy", 120))
        assert house.names() == ["joe", "amy"]
        house.residency.unload(entry("amy", 120))
    refused = house.residency.acquire(entry("more", 200))
    house.run_loads()
    with pytest.raises(OutOfMemory):
        refused.result(WAIT_S)


def test_idle_models_leave_before_the_budget_is_overdrawn() -> None:
    house = House(limit_mb=400)
    house.grows = {"joe": 300}
    house.use(entry("joe"))
    house.residency.unload(entry("joe"))
    house.use(entry("amy"))
    house.use(entry("joe"))
    assert house.names() == ["joe"]


def test_a_pin_is_gone_when_the_load_fails_unless_it_is_to_last() -> None:
    house = House()
    house.residency.pin(entry("joe"))
    house.residency.pin(entry("amy"), lasting=True)
    house.residency.pin(entry("amy"))
    for name in ("joe", "amy"):
        house.failures = [BrokenModel("damaged")]
        failing = house.residency.acquire(entry(name))
        house.run_loads()
        with pytest.raises(BrokenModel):
            failing.result(WAIT_S)
    assert not house.residency.is_pinned(entry("joe"))
    assert house.residency.is_pinned(entry("amy"))
    house.use(entry("joe"))
    house.use(entry("amy"))
    house.now += 61
    house.residency.sweep()
    assert house.names() == ["amy"]


def test_what_a_condemned_model_takes_counts_until_its_last_lease() -> None:
    house = House(limit_mb=200)
    future = house.residency.acquire(entry("joe"))
    house.run_loads()
    lease = future.result(WAIT_S)
    house.models[0].device = "cuda:0"
    lease.device_failed("lost")
    assert [(status.name, status.state) for status in house.residency.status()] == [("joe", "busy")]
    refused = house.residency.acquire(entry("joe"))
    house.run_loads()
    with pytest.raises(OutOfMemory):
        refused.result(WAIT_S)
    lease.release()
    assert house.models[0].closed == 1
    house.use(entry("joe"))
    assert house.names() == ["joe"]


def test_a_model_that_cannot_be_freed_keeps_no_other_in_memory() -> None:
    class Stuck(FakeModel):
        def close(self) -> None:
            super().close()
            raise OSError("stuck")

    class StuckHouse(House):
        def load(self, wanted: ModelEntry) -> Loaded:
            return replace(super().load(wanted), model=Stuck(wanted.name))

    house = StuckHouse()
    house.use(entry("joe"))
    house.use(entry("amy"))
    assert house.residency.unload_idle() == 2
    assert house.names() == []


def test_after_two_failures_for_memory_the_last_resort_is_tried() -> None:
    house = House()
    asked: list[str] = []

    def full(wanted: ModelEntry) -> Loaded:
        asked.append("first")
        raise MemoryError

    def last(wanted: ModelEntry) -> Loaded:
        asked.append("last")
        return house.load(wanted)

    residency = Residency(
        loader=full,
        last_resort=last,
        run=lambda job: job(),
        budget=house.residency.budget,
        rss=lambda: 0,
        keep_alive_s=60.0,
        load_timeout_s=30.0,
    )
    residency.acquire(entry("joe")).result(WAIT_S).release()
    assert asked == ["first", "last"]


def test_a_load_that_cannot_even_begin_leaves_nothing_behind() -> None:
    house = House()

    def no_thread(job: Callable[[], None]) -> None:
        raise MemoryError("no stack for a thread")

    residency = Residency(
        loader=house.load,
        run=no_thread,
        budget=house.residency.budget,
        rss=lambda: 0,
        keep_alive_s=60.0,
        load_timeout_s=30.0,
    )
    with pytest.raises(MemoryError):
        residency.acquire(entry("joe"))
    assert residency.status() == ()
