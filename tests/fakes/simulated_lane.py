"""A lane without threads, on a clock of its own: what takes hours is simulated in milliseconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from lunavox_edge.engine.lanes import Lane, Outcome, Task


class SimulatedLane(Lane):
    """The real lane with simulated workers. Work says how long it takes by `spend`.

    A slice runs at once, at the instant at which a worker is free for it; what it spends passes
    before the worker is free again. Workers do not disturb each other.
    """

    def __init__(self, *, workers: int = 2, max_tasks: int = 64) -> None:
        self.now_s = 1000.0
        self.ran: list[tuple[float, float, Task]] = []
        """Every slice: when it began, how long it took, whose it was."""
        self._ids = itertools.count()
        self._running: list[tuple[float, int, float, Task, Outcome, Exception | None]] = []
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        super().__init__("cpu", workers=workers, max_tasks=max_tasks, clock=lambda: self.now_s)

    def spend(self, seconds: float) -> None:
        """Called by work that runs: it takes this long."""
        self.now_s += seconds

    def at(self, at_s: float, job: Callable[[], None]) -> None:
        """Do something when the clock says `at_s`."""
        heapq.heappush(self._plans, (at_s, next(self._ids), job))

    def run(self, until_s: float) -> None:
        """Let time pass."""
        while True:
            if not self._plans or self._plans[0][0] > self.now_s:
                self._give_work()
            at_s = min(
                self._running[0][0] if self._running else until_s,
                self._plans[0][0] if self._plans else until_s,
                min(self._alarms.values(), default=until_s) if len(self._running) < self.workers else until_s,
            )
            if at_s >= until_s:
                self.now_s = until_s
                return
            self.now_s = max(self.now_s, at_s)
            if self._running and self._running[0][0] <= self.now_s:
                _, _, began_s, task, outcome, error = heapq.heappop(self._running)
                self.ran.append((began_s, self.now_s - began_s, task))
                self._settle(task, outcome, error)
            elif self._plans and self._plans[0][0] <= self.now_s:
                heapq.heappop(self._plans)[2]()

    def _start(self) -> list[threading.Thread]:
        return []

    def _give_work(self) -> None:
        while len(self._running) < self.workers:
            with self._condition:
                self._ring_alarms()
                task = self._take()
            if task is None:
                return
            began_s = self.now_s
            outcome, error = self._run(task)
            ended_s, self.now_s = self.now_s, began_s
            heapq.heappush(self._running, (ended_s, next(self._ids), began_s, task, outcome, error))
