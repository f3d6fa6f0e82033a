"""Lanes with real threads: order, parking, cancelling, closing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest

from lunavox_edge.engine.scheduling.lanes import BackgroundThreads, Lane, Outcome, Task
from lunavox_edge.errors import Busy, EngineClosed
from tests.fakes.simulation import Simulation, Whims

pytestmark = pytest.mark.unit

WAIT_S = 20.0


class Scripted(Task):
    """Runs the given slices in order and sets an event at its end."""

    def __init__(self, *slices: Callable[[], Outcome], deadline_s: float = 0.0) -> None:
        self.slices = list(slices)
        self.at = deadline_s
        self.over = threading.Event()
        self.error: Exception | None = None

    @property
    def deadline_s(self) -> float:
        return self.at

    def run_slice(self) -> Outcome:
        outcome = self.slices.pop(0)()
        if outcome is Outcome.DONE:
            self.over.set()
        return outcome

    def fail(self, error: Exception) -> None:
        self.error = error
        self.over.set()


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    yield simulation
    simulation.close()


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("cpu", workers=1, max_tasks=8)
    yield lane
    lane.close(WAIT_S)


class Gate:
    """A slice that sets an event when it runs, and ends when it is released."""

    def __init__(self, outcome: Outcome = Outcome.DONE) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.outcome = outcome

    def __call__(self) -> Outcome:
        self.entered.set()
        assert self.opened.wait(WAIT_S)
        return self.outcome


def test_slices_of_two_tasks_interleave_by_deadline(lane: Lane) -> None:
    order: list[str] = []
    gate = Gate()
    lane.add(Scripted(gate))
    assert gate.entered.wait(WAIT_S)

    def step(name: str, task: Scripted, outcome: Outcome, then_at: float) -> Callable[[], Outcome]:
        def run() -> Outcome:
            order.append(name)
            task.at = then_at
            return outcome

        return run

    speech, reply = Scripted(deadline_s=1.0), Scripted(deadline_s=2.0)
    speech.slices = [step("speech 1", speech, Outcome.MORE, 3.0), step("speech 2", speech, Outcome.DONE, 0.0)]
    reply.slices = [step("reply", reply, Outcome.DONE, 0.0)]
    lane.add(reply)
    lane.add(speech)
    gate.opened.set()

    assert speech.over.wait(WAIT_S)
    assert order == ["speech 1", "reply", "speech 2"]


def test_a_parked_task_runs_again_when_woken(lane: Lane) -> None:
    parked = threading.Event()

    def park() -> Outcome:
        parked.set()
        return Outcome.WAIT

    task = Scripted(park, lambda: Outcome.DONE)
    lane.add(task)
    assert parked.wait(WAIT_S)
    lane.wake(task)

    assert task.over.wait(WAIT_S)
    assert task.slices == []


def test_a_wake_during_the_slice_is_not_lost(lane: Lane) -> None:
    gate = Gate(Outcome.WAIT)
    task = Scripted(gate, lambda: Outcome.DONE)
    lane.add(task)
    assert gate.entered.wait(WAIT_S)
    lane.wake(task)
    gate.opened.set()

    assert task.over.wait(WAIT_S)


def test_a_discarded_task_never_starts(lane: Lane) -> None:
    gate = Gate()
    lane.add(Scripted(gate))
    assert gate.entered.wait(WAIT_S)
    left = Scripted(lambda: pytest.fail("a cancelled slice ran"))
    after = Scripted(lambda: Outcome.DONE)
    lane.add(left)
    lane.add(after)

    assert lane.discard(left)
    gate.opened.set()
    assert after.over.wait(WAIT_S)
    assert left.error is None


def test_a_running_task_cannot_be_discarded(lane: Lane) -> None:
    gate = Gate()
    task = Scripted(gate)
    lane.add(task)
    assert gate.entered.wait(WAIT_S)

    assert not lane.discard(task)
    gate.opened.set()
    assert task.over.wait(WAIT_S)


def test_an_error_in_a_slice_fails_its_task_only(lane: Lane) -> None:
    def explode() -> Outcome:
        raise RuntimeError("broken model")

    broken, fine = Scripted(explode), Scripted(lambda: Outcome.DONE)
    lane.add(broken)
    lane.add(fine)

    assert broken.over.wait(WAIT_S)
    assert isinstance(broken.error, RuntimeError)
    assert fine.over.wait(WAIT_S)
    assert fine.error is None


def test_a_full_lane_refuses_at_once_and_says_when_to_retry() -> None:
    lane = Lane("cpu", workers=1, max_tasks=2)
    gate = Gate()
    lane.add(Scripted(gate))
    lane.add(Scripted(lambda: Outcome.DONE))
    try:
        with pytest.raises(Busy) as refused:
            lane.add(Scripted(lambda: Outcome.DONE))
        assert refused.value.retry_after_s >= 0.5
        assert refused.value.retryable
    finally:
        gate.opened.set()
        lane.close(WAIT_S)


def test_closing_fails_what_waits_and_refuses_what_comes() -> None:
    lane = Lane("cpu", workers=1, max_tasks=8)
    gate = Gate(Outcome.MORE)
    running, waiting = Scripted(gate), Scripted(lambda: pytest.fail("a slice ran after close"))
    lane.add(running)
    assert gate.entered.wait(WAIT_S)
    lane.add(waiting)
    closing = threading.Thread(target=lane.close, args=(WAIT_S,))
    closing.start()
    assert waiting.over.wait(WAIT_S)
    gate.opened.set()
    closing.join(WAIT_S)

    assert isinstance(waiting.error, EngineClosed)
    assert running.over.wait(WAIT_S)
    assert isinstance(running.error, EngineClosed)
    with pytest.raises(EngineClosed):
        lane.add(Scripted(lambda: Outcome.DONE))


class Chain(Task):
    """Records how many workers run it at once."""

    deadline_s = 0.0

    def __init__(self, simulation: Simulation, random: Random) -> None:
        self.simulation = simulation
        self.random = random
        self.slices = 0
        self.inside = 0
        self.most_inside = 0

    def run_slice(self) -> Outcome:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.simulation.sleep(self.random.random())
        self.inside -= 1
        self.slices += 1
        return self.random.choice([Outcome.MORE, Outcome.WAIT])

    def fail(self, error: Exception) -> None:
        assert isinstance(error, EngineClosed)


def test_two_workers_run_two_tasks_at_once_but_never_one_task_twice() -> None:
    random = Random(1)  # noqa: S311  # for the same lengths every time
    simulation = Simulation(choose=Whims(1), at_locks=True)
    lane = Lane("cpu", workers=2, max_tasks=8, threads=simulation)
    chains = [Chain(simulation, random) for _ in range(2)]
    most_running = 0
    for chain in chains:
        lane.add(chain)
    for _ in range(200):
        for chain in chains:  # parked, queued or running: whatever it is just now
            lane.wake(chain)
        simulation.sleep(0.2)
        most_running = max(most_running, sum(chain.inside for chain in chains))
    simulation.close()

    assert most_running == 2
    assert all(chain.slices > 20 for chain in chains)
    assert [chain.most_inside for chain in chains] == [1, 1]


def test_status_counts_what_runs_and_waits(lane: Lane) -> None:
    gate = Gate()
    lane.add(Scripted(gate))
    assert gate.entered.wait(WAIT_S)
    lane.add(Scripted(lambda: Outcome.DONE))

    status = lane.status()
    gate.opened.set()
    assert (status.device, status.workers, status.running, status.queued) == ("cpu", 1, 1, 1)
    assert status.longest_slice_s >= 0.0


class Stalled(Scripted):
    """Parks with a wake time."""

    wake_at_s: float | None = None

    def __init__(self, simulation: Simulation, *, wake_after_s: float) -> None:
        super().__init__(self.park, self.end, deadline_s=simulation.now_s)
        self.simulation = simulation
        self.wake_at_s = simulation.now_s + wake_after_s
        self.ended_s: float | None = None

    def park(self) -> Outcome:
        return Outcome.WAIT

    def end(self) -> Outcome:
        self.ended_s = self.simulation.now_s
        return Outcome.DONE


class Endless(Scripted):
    """Always has more to do, with a later deadline than all others."""

    def __init__(self, simulation: Simulation, *, slice_s: float) -> None:
        super().__init__()
        self.simulation = simulation
        self.slice_s = slice_s

    @property
    def deadline_s(self) -> float:
        return self.simulation.now_s + 30.0

    def run_slice(self) -> Outcome:
        self.simulation.sleep(self.slice_s)
        return Outcome.MORE


@pytest.mark.parametrize(("workers", "busy"), [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (4, 3), (4, 8)])
def test_an_alarm_wakes_its_task_however_busy_the_lane_is(
    simulation: Simulation, workers: int, busy: int
) -> None:
    lane = Lane("cpu", workers=workers, max_tasks=16, threads=simulation)
    tasks = [Stalled(simulation, wake_after_s=0.5 * (1 + number)) for number in range(3)]
    for task in tasks:
        lane.add(task)
    simulation.settle()
    slice_s = 0.1 if busy >= workers else 20.0  # while one worker is free it is on time in any case
    for _ in range(busy):
        lane.add(Endless(simulation, slice_s=slice_s))
    simulation.sleep(10.0)

    late_s = [(task.ended_s or 1e9) - (task.wake_at_s or 0.0) for task in tasks]
    simulation.close()
    assert all(0.0 <= late <= 0.1 + 1e-6 for late in late_s), late_s


def test_background_ticks_survive_an_error_and_stop() -> None:
    background = BackgroundThreads()
    ticks = threading.Semaphore(0)

    def tick() -> None:
        ticks.release()
        raise ValueError("a folder vanished")

    background.tick(0.01, tick)
    assert ticks.acquire(timeout=WAIT_S)
    assert ticks.acquire(timeout=WAIT_S)
    background.close(WAIT_S)
    with pytest.raises(EngineClosed):
        background.load(lambda: None)


def test_background_call_hands_the_error_to_its_owner() -> None:
    background = BackgroundThreads()

    def explode() -> None:
        raise ValueError("the text source broke")

    with pytest.raises(ValueError, match="text source"):
        background.call("text", explode).result(WAIT_S)
    background.close(WAIT_S)
