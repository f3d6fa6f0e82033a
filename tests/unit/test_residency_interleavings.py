"""Residency under random interleavings of threads: no lease leaks, no model is freed while leased."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lunavox_edge.backends.base import LoadedModel
from lunavox_edge.engine.models import leases as leases_module
from lunavox_edge.engine.models import load_runner
from lunavox_edge.engine.models import residency as residency_module
from lunavox_edge.engine.models.leases import JointLease, Lease, ask_for_all, give_back, joint, wait_for
from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.errors import BrokenModel, EngineClosed, LunavoxError
from lunavox_edge.host.system import MemoryInfo
from lunavox_edge.types import ModelEntry
from tests.fakes.simulation import SimulatedLock, Simulation
from tests.unit.test_residency import MIB, entry

pytestmark = pytest.mark.unit

ENTRIES = (entry("small", 50), entry("middle", 100), entry("big", 150))
LIMIT_BYTES = 400 * MIB
LOAD_TIMEOUT_S = 30.0

Operation = Callable[[], None]


class CountedModel(LoadedModel):
    """Counts its leases, and records a close at the wrong time in `faults`."""

    device = "cuda:0"

    def __init__(self, faults: list[str]) -> None:
        self.leases = 0
        self.is_closed = False
        self._faults = faults

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        if self.leases:
            self._faults.append("freed while leased")
        if self.is_closed:
            self._faults.append("freed twice")
        self.is_closed = True


@dataclass
class Held:
    """A requested lease; `parts` are those of a joint lease."""

    future: Future[Lease]
    parts: list[Future[Lease]]
    is_wanted: bool = True

    def out(self) -> int:
        """The number of leases that its owner has now."""
        is_over = not self.is_wanted or (self.future.done() and not _is_granted(self.future))
        return 0 if is_over else sum(_is_granted(part) for part in self.parts)


def _is_granted(future: Future[Lease]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def switching_future(simulation: Simulation) -> type[Future[Lease]]:
    """Return a Future class that lets other threads run before and after each change."""

    class SwitchingFuture(Future[Lease]):
        def cancel(self) -> bool:
            simulation.switch()
            cancelled = super().cancel()
            simulation.switch()
            return cancelled

        def set_running_or_notify_cancel(self) -> bool:
            simulation.switch()
            runs = super().set_running_or_notify_cancel()
            simulation.switch()
            return runs

        def set_result(self, result: Lease) -> None:
            simulation.switch()
            super().set_result(result)
            simulation.switch()

        def set_exception(self, exception: BaseException | None) -> None:
            simulation.switch()
            super().set_exception(exception)
            simulation.switch()

    return SwitchingFuture


class Models(RuleBasedStateMachine):
    """A residency called from several threads, which take turns at every lock."""

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(0)  # noqa: S311  # says whose turn it is; no secret
        self.simulation = Simulation(choose=lambda ready: self.random.randrange(len(ready)), at_locks=True)
        self.now_s = 1000.0
        self.jobs: list[Operation] = []
        self.models: list[CountedModel] = []
        self.faults: list[str] = []
        self.held: list[Held] = []
        self.outcomes: list[str] = []
        self.closed = False
        self.patch = pytest.MonkeyPatch()
        for module in (residency_module, load_runner):
            self.patch.setattr(module._LOGGER, "disabled", True)
        locks = SimpleNamespace(Lock=lambda: SimulatedLock(self.simulation))
        for module in (residency_module, leases_module):
            self.patch.setattr(module, "threading", locks)
            self.patch.setattr(module, "Future", switching_future(self.simulation))
        self.patch.setattr(residency_module, "Lease", self._lease)
        self.patch.setattr(residency_module, "release_free_memory", lambda: None)
        self.residency = Residency(
            loader=self._load,
            run=self.jobs.append,
            budget=MemoryBudget(LIMIT_BYTES, 0, lambda: MemoryInfo(0, 0)),
            rss=lambda: 0,
            keep_alive_s=60.0,
            load_timeout_s=LOAD_TIMEOUT_S,
            clock=lambda: self.now_s,
        )

    def _lease(
        self,
        model: CountedModel,
        turn: AbstractContextManager[object],
        give_back: Callable[[], None],
        condemn: Callable[[str], None],
    ) -> Lease:
        model.leases += 1

        def counted() -> None:
            model.leases -= 1
            if model.leases < 0:
                self.faults.append("given back twice")
            give_back()

        return Lease(model, turn, counted, condemn)

    def _load(self, wanted: ModelEntry) -> Loaded:
        outcome = self.outcomes.pop() if self.outcomes else "fine"
        for _ in range(3 if outcome == "slow" else 1):
            self.simulation.switch()
        if outcome == "broken":
            raise BrokenModel(wanted.name)
        if outcome == "full":
            raise MemoryError
        if outcome == "exits":
            raise SystemExit
        model = CountedModel(self.faults)
        self.models.append(model)
        return Loaded(model, load_ms=1.0, warmup_ms=1.0, parallel=wanted.name != "small")

    # What a caller may do

    def acquire(self, which: int) -> None:
        with suppress(EngineClosed):
            future = self.residency.acquire(ENTRIES[which % len(ENTRIES)])
            self.held.append(Held(future, [future]))

    def acquire_several(self, which: int) -> None:
        wanted = ENTRIES[: 2 + which % 2]
        with suppress(EngineClosed):
            parts = ask_for_all(wanted, self.residency.acquire)
            self.held.append(Held(joint(parts, forgiving=which % 4 < 2), parts))

    def wait(self, which: int) -> None:
        """Wait with a timeout of 0: a lease that is not there yet comes too late."""
        wanted = ENTRIES[which % len(ENTRIES)]
        with suppress(LunavoxError):
            wait_for(self.residency.acquire(wanted), 0.0, wanted.name).release()

    def want_no_more(self, which: int) -> None:
        if self.held:
            held = self.held[which % len(self.held)]
            held.is_wanted = False
            give_back(held.future)

    def fail_device(self, which: int) -> None:
        granted = [held for held in self.held if held.is_wanted and _is_granted(held.future)]
        if granted:
            lease = granted[which % len(granted)].future.result()
            if not isinstance(lease, JointLease):
                lease.device_failed("lost")

    def pin(self, which: int) -> None:
        wanted = ENTRIES[which % len(ENTRIES)]
        self.residency.pin(wanted, pinned=which % 2 == 0, lasting=which % 4 < 2)

    def unload(self, which: int) -> None:
        self.residency.unload(ENTRIES[which % len(ENTRIES)])

    def unload_idle(self, _: int) -> None:
        self.residency.unload_idle()

    def pass_time(self, which: int) -> None:
        self.now_s += which
        self.residency.sweep()

    def look(self, _: int) -> None:
        self.residency.status()

    def run_load(self, _: int) -> None:
        if self.jobs:
            self.jobs.pop(0)()

    OPERATIONS = (
        acquire,
        acquire_several,
        wait,
        want_no_more,
        fail_device,
        pin,
        unload,
        unload_idle,
        pass_time,
        look,
        run_load,
    )

    # The machine

    @rule(
        asked=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 100)), min_size=1, max_size=5),
        outcomes=st.lists(st.sampled_from(["fine", "slow", "broken", "full", "exits"]), max_size=4),
        seed=st.integers(0, 2**32 - 1),
    )
    def at_once(
        self,
        asked: list[tuple[Callable[[Models, int], None], int]],
        outcomes: list[str],
        seed: int,
    ) -> None:
        self.random.seed(seed)
        self.outcomes = outcomes
        self.run([partial(operation, self, which) for operation, which in asked])

    @precondition(lambda self: not self.closed)
    @rule(which=st.integers(0, 20), seed=st.integers(0, 2**32 - 1))
    def close(self, which: int, seed: int) -> None:
        if which:  # seldom, or little else would happen
            return
        self.closed = True
        self.random.seed(seed)
        self.run([self.residency.close, partial(self.acquire, seed), partial(self.want_no_more, seed)])

    def run(self, operations: Sequence[Operation]) -> None:
        over: list[Operation] = []
        for operation in operations:
            self.simulation.start("caller", lambda operation=operation: over.append(operation()))  # type: ignore[misc]  # bound now
        self.simulation.settle()
        assert len(over) == len(operations), "all wait for locks that others hold"

    @invariant()
    def nothing_was_freed_while_used_or_twice(self) -> None:
        assert self.faults == []

    @invariant()
    def every_lease_has_an_owner(self) -> None:
        assert sum(model.leases for model in self.models) == sum(held.out() for held in self.held)

    @invariant()
    def the_status_is_true(self) -> None:
        found = self.residency.status()
        in_memory = [model for model in self.models if not model.is_closed]
        assert sum(status.state != "loading" for status in found) == len(in_memory)
        assert sum(status.state == "busy" for status in found) == sum(model.leases > 0 for model in in_memory)
        assert sum(status.size_bytes for status in found) <= LIMIT_BYTES

    @invariant()
    def who_waits_waits_for_a_load(self) -> None:
        if not self.jobs:
            assert all(held.future.done() for held in self.held if held.is_wanted)

    def teardown(self) -> None:
        try:
            self.outcomes = []
            for held in self.held:
                held.is_wanted = False
                give_back(held.future)
            while self.jobs:
                self.jobs.pop(0)()
            self.every_lease_has_an_owner()
            assert all(status.state == "idle" for status in self.residency.status())
            for wanted in ENTRIES:
                self.residency.unload(wanted)
            assert self.residency.status() == ()
            assert all(model.is_closed for model in self.models)
            self.nothing_was_freed_while_used_or_twice()
        finally:
            self.simulation.close()
            self.patch.undo()


TestModels = Models.TestCase
if hypothesis.settings.get_current_profile_name() == "every-run":
    TestModels.settings = hypothesis.settings(max_examples=50)
TestModels.pytestmark = [pytest.mark.timeout(600)]  # type: ignore[attr-defined]
