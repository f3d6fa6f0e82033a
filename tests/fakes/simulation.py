"""Simulated threads on a simulated clock, for tests of long waits and rare interleavings.

One thread runs at a time, until it waits, sleeps or, with `at_locks`, reaches a lock; then another runnable
thread is chosen. The clock stands still while a thread is runnable; otherwise it advances to the next time at
which one is. The test's own thread may use the same locks; while it waits, the others run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import Random
from types import TracebackType

from lunavox_edge.engine.scheduling.threads import Lock, Threads

_STUCK_S = 30.0
_MOST_STEPS = 50_000
"""More steps than this at one time mean that a thread never waits."""


class Deadlock(AssertionError):
    """No thread can ever run again."""


class _Stopped(BaseException):
    """Ends a thread that is left when the simulation is closed."""


class SimulatedThread:
    """One thread of a simulation."""

    def __init__(self, simulation: Simulation, name: str, job: Callable[[], None]) -> None:
        self.name = name
        self.error: BaseException | None = None
        self.ready: Callable[[], bool] | None = None
        """Condition that it waits for; None if it is runnable."""
        self.until_s: float | None = None
        self._simulation = simulation
        self._job = job
        self._over = False
        self._turn = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def can_run(self, now_s: float) -> bool:
        late = self.until_s is not None and self.until_s <= now_s
        return not self._over and (self.ready is None or late or self.ready())

    def is_alive(self) -> bool:
        return not self._over

    def join(self, timeout: float | None = None) -> None:
        self._simulation.wait(lambda: self._over, timeout)

    def give_turn(self) -> None:
        """Run this thread until it pauses; called by the test's thread."""
        self._turn.release()
        if not self._simulation.turn.acquire(timeout=_STUCK_S):
            raise Deadlock(f"{self.name} waits for something outside the simulation.")

    def pause(self, ready: Callable[[], bool] | None, until_s: float | None) -> None:
        """Pause until the next turn; called by the thread itself."""
        self.ready, self.until_s = ready, until_s
        self._simulation.turn.release()
        self._await_turn()
        self.ready = self.until_s = None

    def _await_turn(self) -> None:
        self._turn.acquire()
        if self._simulation.closed:
            raise _Stopped

    def _run(self) -> None:
        try:
            self._await_turn()
            self._job()
        except _Stopped:
            pass
        except BaseException as error:  # noqa: BLE001  # raised in the test's thread
            self.error = error
        self._over = True
        self._simulation.turn.release()


class Simulation(Threads):
    """Simulated threads, locks and time.

    `choose` returns the index of the next thread among the runnable ones, which are in the order of their
    last turns; the default is the first.
    """

    def __init__(
        self,
        *,
        choose: Callable[[Sequence[SimulatedThread]], int] | None = None,
        at_locks: bool = False,
        start_s: float = 1000.0,
    ) -> None:
        self.now_s = start_s
        self.turn = threading.Semaphore(0)
        self.closed = False
        self._choose = choose or (lambda _: 0)
        self._at_locks = at_locks
        self._threads: list[SimulatedThread] = []
        self._current: SimulatedThread | None = None

    def clock(self) -> float:
        return self.now_s

    def lock(self) -> SimulatedLock:
        return SimulatedLock(self)

    def condition(self, lock: Lock | None = None) -> SimulatedCondition:
        assert lock is None or isinstance(lock, SimulatedLock)
        return SimulatedCondition(self, lock or self.lock())

    def start(self, name: str, job: Callable[[], None]) -> SimulatedThread:
        thread = SimulatedThread(self, name, job)
        self._threads.append(thread)
        return thread

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass for the calling thread; others may run meanwhile."""
        self.wait(lambda: False, seconds)

    def wait(self, ready: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until `ready` is true or for `timeout_s`; from any thread, also that of the test."""
        until_s = None if timeout_s is None else self.now_s + timeout_s
        if self._current is not None:
            if not ready():
                self._current.pause(ready, until_s)
            return ready()
        while not ready() and (until_s is None or self.now_s < until_s):
            self.settle(ready)
            if not ready():
                self._pass_time(until_s)
        return ready()

    def switch(self) -> None:
        """Give other threads a turn if `at_locks` is set."""
        if self._at_locks and self._current is not None:
            self._current.pause(None, None)

    def step(self) -> bool:
        """Run one thread to its next pause; False if no thread is runnable."""
        ready = [thread for thread in self._threads if thread.can_run(self.now_s)]
        if not ready:
            return False
        thread = ready[self._choose(ready)]
        self._threads.remove(thread)
        self._threads.append(thread)  # last in the order of turns
        self._current = thread
        thread.give_turn()
        self._current = None
        if not thread.is_alive():
            self._threads.remove(thread)
            if thread.error is not None:
                raise thread.error
        return True

    def settle(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Run until `enough` is true, or no thread is runnable at this time."""
        for _ in range(_MOST_STEPS):
            if enough() or not self.step():
                return
        raise Deadlock("Threads take turns for ever: " + ", ".join(thread.name for thread in self._threads))

    def close(self) -> None:
        """End the threads that are left."""
        self.closed = True
        for thread in self._threads:
            if thread.is_alive():
                thread.give_turn()
        self._threads.clear()

    def _pass_time(self, until_s: float | None) -> None:
        instants = [thread.until_s for thread in self._threads if thread.until_s is not None]
        if until_s is not None:
            instants.append(until_s)
        if not instants:
            raise Deadlock("No thread can go on: " + ", ".join(thread.name for thread in self._threads))
        self.now_s = max(self.now_s, min(instants))


class Whims:
    """Chooses the thread with the highest random priority; priorities change at random.

    So a thread may be delayed at any place while others run for long, which produces wrong orders of events
    that are far apart in the code.
    """

    def __init__(self, seed: int) -> None:
        self._random = random = Random(seed)  # noqa: S311  # for an order that is the same every time
        self._changes_in = random.choice([2, 10, 50])
        self._favour: dict[SimulatedThread, float] = {}

    def __call__(self, threads: Sequence[SimulatedThread]) -> int:
        favour = [self._favour.setdefault(thread, self._random.random()) for thread in threads]
        chosen = favour.index(max(favour))
        if self._random.randrange(self._changes_in) == 0:
            self._favour[threads[chosen]] = self._random.random()
        return chosen


class SimulatedLock:
    """A lock for simulated threads and the test's thread."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._holder: threading.Thread | None = None

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002  # as threading.Lock has it
        self._simulation.switch()
        if self._holder is threading.current_thread() and blocking:
            raise Deadlock("A thread takes a lock that it holds.")
        if self._holder is not None:
            if not blocking:
                return False
            self._simulation.wait(lambda: self._holder is None)
        self._holder = threading.current_thread()
        return True

    def release(self) -> None:
        if self._simulation.closed:
            return
        assert self._holder is threading.current_thread(), (
            "a lock is released by a thread that does not hold it"
        )
        self._holder = None
        self._simulation.switch()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class SimulatedCondition(threading.Condition):
    """A condition over a simulated lock."""

    def __init__(self, simulation: Simulation, lock: SimulatedLock) -> None:
        super().__init__(lock)  # type: ignore[arg-type]  # asks for less than it says
        self._simulation = simulation
        self._guard = lock
        self._waiting: list[list[bool]] = []

    def wait(self, timeout: float | None = None) -> bool:
        told = [False]
        self._waiting.append(told)
        self._guard.release()
        came = self._simulation.wait(lambda: told[0], timeout)
        if not came:
            self._waiting = [other for other in self._waiting if other is not told]
        self._guard.acquire()
        return came

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:  # type: ignore[override]  # one kind of answer is enough
        until_s = None if timeout is None else self._simulation.now_s + timeout
        while not predicate():
            left_s = None if until_s is None else until_s - self._simulation.now_s
            if left_s is not None and left_s <= 0:
                return False
            self.wait(left_s)
        return True

    def notify(self, n: int = 1) -> None:
        for told in self._waiting[:n]:
            told[0] = True
        del self._waiting[:n]

    def notify_all(self) -> None:
        self.notify(len(self._waiting))
