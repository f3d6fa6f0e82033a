"""Lanes, which run tasks on the worker threads of a device, and threads for other work.

A lane owns the workers of one device. Work comes as tasks, each a chain of slices: a worker
runs one slice, then the scheduler says whose slice is next. A task never runs on two workers at
once, so state that only its slices touch needs no lock.

A lane reads `deadline_s` and `wake_at_s` of its tasks while it holds its lock. They may take only locks
that are never held while a lane is called. `run_slice` and `fail` are called without the lock.
"""

from __future__ import annotations

import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from typing import TypeVar

from lunavox_edge.engine.scheduling.scheduler import Scheduler
from lunavox_edge.engine.scheduling.threads import Thread, Threads
from lunavox_edge.engine.values.results import LaneStatus
from lunavox_edge.errors import Busy, EngineClosed

ResultT = TypeVar("ResultT")

_IDLE_WAIT_S = 30.0
_SMOOTHING = 0.2
_FADING = 0.98
"""The duration of the longest slice is reduced by this factor at every slice."""
_MIN_MARGIN_S, _MAX_MARGIN_S = 0.25, 1.0
_LOADERS = 2

_LOGGER = logging.getLogger(__name__)


class Outcome(Enum):
    """What happens to a task after a slice: MORE queues it again, WAIT parks it, DONE removes it."""

    MORE = "more"
    WAIT = "wait"
    DONE = "done"


class Task(ABC):
    """A chain of slices with a deadline. Compared and hashed by identity."""

    is_help = False
    """Whether it helps another task; it does not count in the limit of tasks then."""

    @property
    @abstractmethod
    def deadline_s(self) -> float:
        """When the listener would notice that the next slice is late, on the lane's clock."""

    @property
    def wake_at_s(self) -> float | None:
        """When a parked task wakes by itself, on the lane's clock; None for never. Read after WAIT."""
        return None

    @abstractmethod
    def run_slice(self) -> Outcome:
        """Do the next piece of work: MORE queues the task again, WAIT parks it until `wake`."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """End the task, since a slice raised or the lane closes. Must not raise."""


class _TaskState(Enum):
    """The state of a task; WOKEN is running, and to be queued again after the slice."""

    PARKED = "parked"
    QUEUED = "queued"
    RUNNING = "running"
    WOKEN = "woken"


class Lane:
    """The workers of one device and the tasks they share. Thread-safe."""

    def __init__(
        self,
        device: str,
        *,
        workers: int,
        max_tasks: int,
        threads: Threads | None = None,
    ) -> None:
        """Start `workers` threads; at most `max_tasks` tasks are admitted at once.

        `threads` provides the threads, the locks and the clock of the lane and its tasks.
        """
        self.device = device
        self.workers = workers
        self.threads = threads or Threads()
        self.clock = self.threads.clock
        self._max_tasks = max_tasks
        self._condition = self.threads.condition()
        # Below: guarded by the condition's lock.
        self._scheduler: Scheduler[Task] = Scheduler()
        self._states: dict[Task, _TaskState] = {}
        self._running_since: dict[Task, float] = {}
        self._alarms: dict[Task, float] = {}
        self._slice_s = 0.1
        self._long_slice_s = 0.0
        self._closing = False
        self._workers = [self.threads.start(f"lane-{device}-{index}", self._work) for index in range(workers)]

    def add(self, task: Task) -> None:
        """Admit a task and queue its first slice. Raises Busy when full, EngineClosed."""
        with self._condition:
            if self._closing:
                raise EngineClosed("The engine is closed.")
            if not task.is_help and sum(not one.is_help for one in self._states) >= self._max_tasks:
                wait_s = max(0.5, round(len(self._scheduler) * self._slice_s / self.workers, 1))
                raise Busy(f"Too many requests at once; try again in {wait_s:g} s.", retry_after_s=wait_s)
            self._states[task] = _TaskState.QUEUED
            self._scheduler.push(task, task.deadline_s)
            self._condition.notify()

    def wake(self, task: Task) -> None:
        """Queue a parked task, update the deadline of a queued one, queue a running one after its slice."""
        with self._condition:
            state = self._states.get(task)
            if state in (_TaskState.PARKED, _TaskState.QUEUED):
                self._queue(task)
            elif state is _TaskState.RUNNING:
                self._states[task] = _TaskState.WOKEN

    def discard(self, task: Task) -> bool:
        """Remove a task that is not running; return False if a slice runs, which then ends by itself."""
        with self._condition:
            if self._states.get(task) in (_TaskState.RUNNING, _TaskState.WOKEN):
                return False
            self._scheduler.remove(task)
            self._states.pop(task, None)
            self._alarms.pop(task, None)
            return True

    @property
    def margin_s(self) -> float:
        """How much earlier than needed a slice should be due, since a long one may run before it.

        Needs no lock: it reads a single number.
        """
        return min(_MAX_MARGIN_S, max(_MIN_MARGIN_S, 1.5 * self._long_slice_s / self.workers))

    def status(self) -> LaneStatus:
        """Return how many slices run and wait, and how long the oldest has been running."""
        with self._condition:
            now = self.clock()
            return LaneStatus(
                device=self.device,
                workers=self.workers,
                running=len(self._running_since),
                queued=len(self._scheduler),
                longest_slice_s=max((now - since for since in self._running_since.values()), default=0.0),
                lost_workers=0 if self._closing else sum(not worker.is_alive() for worker in self._workers),
            )

    def close(self, timeout_s: float) -> None:
        """Fail every task and end the workers; wait up to `timeout_s` for running slices."""
        with self._condition:
            self._closing = True
            waiting = [
                task
                for task, state in self._states.items()
                if state in (_TaskState.PARKED, _TaskState.QUEUED)
            ]
            for task in waiting:
                self._scheduler.remove(task)
                del self._states[task]
            self._alarms.clear()
            self._condition.notify_all()
        for task in waiting:
            task.fail(EngineClosed("The engine was closed."))
        until = self.clock() + timeout_s
        for worker in self._workers:
            worker.join(max(0.0, until - self.clock()))

    def _work(self) -> None:
        while (task := self._next()) is not None:
            self._settle(task, *self._run(task))

    def _next(self) -> Task | None:
        """Wait for the next task to run; None when the lane closes."""
        with self._condition:
            while not self._closing:
                # Before every choice, as a lane that is never idle would not do it otherwise.
                alarm_s = self._queue_due_alarms()
                task = self._scheduler.pop()
                if task is not None:
                    self._states[task] = _TaskState.RUNNING
                    self._running_since[task] = self.clock()
                    return task
                self._condition.wait(min(_IDLE_WAIT_S, max(0.0, alarm_s - self.clock())))
            return None

    def _settle(self, task: Task, outcome: Outcome, error: Exception | None) -> None:
        """Queue, park or remove a task whose slice is over."""
        with self._condition:
            woken = self._states[task] is _TaskState.WOKEN
            took_s = self.clock() - self._running_since.pop(task)
            self._slice_s += _SMOOTHING * (took_s - self._slice_s)
            self._long_slice_s = max(took_s, _FADING * self._long_slice_s)
            if outcome is not Outcome.DONE and self._closing:
                outcome, error = Outcome.DONE, EngineClosed("The engine was closed.")
            if outcome is Outcome.DONE:
                del self._states[task]
            elif outcome is Outcome.MORE or woken:
                self._queue(task)
            else:
                self._states[task] = _TaskState.PARKED
                alarm_s = task.wake_at_s
                if alarm_s is not None:
                    self._alarms[task] = alarm_s
        if error is not None:
            task.fail(error)

    def _queue(self, task: Task) -> None:
        """Queue a task; the caller holds the lock."""
        self._states[task] = _TaskState.QUEUED
        self._alarms.pop(task, None)
        self._scheduler.push(task, task.deadline_s)
        self._condition.notify()

    def _queue_due_alarms(self) -> float:
        """Queue the parked tasks whose wake time has come; return the next wake time, or infinity."""
        now = self.clock()
        for task in [task for task, at_s in self._alarms.items() if at_s <= now]:
            self._queue(task)
        return min(self._alarms.values(), default=math.inf)

    def _run(self, task: Task) -> tuple[Outcome, Exception | None]:
        try:
            return task.run_slice(), None
        except Exception as error:  # noqa: BLE001  # a lane's slice is one of the borders
            return Outcome.DONE, error


class BackgroundThreads:
    """Threads for other work than inference: loads, housekeeping, reading text that blocks."""

    def __init__(self) -> None:
        """Create it without threads; each is started when it is needed."""
        self._loaders = ThreadPoolExecutor(_LOADERS, thread_name_prefix="loader")
        self._threads = Threads()
        self._stopped = threading.Event()
        self._ticker: Thread | None = None

    def load(self, job: Callable[[], None]) -> None:
        """Run `job` on a loader thread; at most two run at once. Raises EngineClosed."""
        try:
            self._loaders.submit(job)
        except RuntimeError as error:
            raise EngineClosed("The engine is closed.") from error

    def tick(self, interval_s: float, job: Callable[[], None]) -> None:
        """Call `job` every `interval_s` seconds until closed; its errors are logged."""

        def run() -> None:
            while not self._stopped.wait(interval_s):
                try:
                    job()
                except Exception:
                    _LOGGER.exception("Housekeeping failed")

        self._ticker = self._threads.start("housekeeping", run)

    def call(self, name: str, job: Callable[[], ResultT]) -> Future[ResultT]:
        """Run a caller's code that may block on a thread of its own; return the future result."""
        future: Future[ResultT] = Future()

        def run() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  # handed to the future's owner
                future.set_exception(error)
            else:
                future.set_result(result)

        self._threads.start(name, run)
        return future

    def close(self, timeout_s: float) -> None:
        """Stop the tick, waiting `timeout_s` at most, and drop queued loads; running loads go on."""
        self._stopped.set()
        self._loaders.shutdown(wait=False, cancel_futures=True)
        if self._ticker is not None and self._ticker is not threading.current_thread():
            self._ticker.join(timeout_s)
