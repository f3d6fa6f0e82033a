"""A lane on a simulated clock: what takes hours is simulated in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

from lunavox_edge.engine.scheduling.lanes import Lane, Outcome, Task
from tests.fakes.simulation import Simulation


class SimulatedLane(Lane):
    """The real lane, its workers threads of a simulation. Work says how long it takes by `spend`."""

    def __init__(
        self, *, workers: int = 2, max_tasks: int = 64, simulation: Simulation | None = None
    ) -> None:
        self.simulation = simulation or Simulation()
        self.ran: list[tuple[float, float, Task]] = []
        """Every slice, in the order of their ends: when it began, how long it took, whose it was."""
        super().__init__("cpu", workers=workers, max_tasks=max_tasks, threads=self.simulation)

    @property
    def now_s(self) -> float:
        return self.simulation.now_s

    def spend(self, seconds: float) -> None:
        """Called by work that runs: it takes this long."""
        self.simulation.sleep(seconds)

    def at(self, at_s: float, job: Callable[[], None]) -> None:
        """Do something when the clock says `at_s`."""

        def wait_and_do() -> None:
            if at_s > self.now_s:
                self.simulation.sleep(at_s - self.now_s)
            job()

        self.simulation.start(f"at {at_s}", wait_and_do)

    def run(self, until_s: float) -> None:
        """Let time pass."""
        self.simulation.sleep(max(0.0, until_s - self.now_s))

    def _run(self, task: Task) -> tuple[Outcome, Exception | None]:
        began_s = self.now_s
        outcome = super()._run(task)
        self.ran.append((began_s, self.now_s - began_s, task))
        return outcome
