"""A lane on a simulated clock: hours pass in milliseconds."""

from __future__ import annotations

from collections.abc import Callable

from lunavox_edge.engine.scheduling.lanes import Lane, Outcome, Task
from tests.fakes.simulation import Simulation


class SimulatedLane(Lane):
    """The real lane with simulated worker threads. A task calls `spend` for the time that it takes."""

    def __init__(
        self, *, workers: int = 2, max_tasks: int = 64, simulation: Simulation | None = None
    ) -> None:
        self.simulation = simulation or Simulation()
        self.ran: list[tuple[float, float, Task]] = []
        """Start time, duration and task of every slice, in the order of their ends."""
        super().__init__("cpu", workers=workers, max_tasks=max_tasks, threads=self.simulation)

    @property
    def now_s(self) -> float:
        return self.simulation.now_s

    def spend(self, seconds: float) -> None:
        """Use this much simulated time; called by the running task."""
        self.simulation.sleep(seconds)

    def at(self, at_s: float, job: Callable[[], None]) -> None:
        """Call `job` at the time `at_s`."""

        def wait_and_do() -> None:
            if at_s > self.now_s:
                self.simulation.sleep(at_s - self.now_s)
            job()

        self.simulation.start(f"at {at_s}", wait_and_do)

    def run(self, until_s: float) -> None:
        """Advance the clock to `until_s`."""
        self.simulation.sleep(max(0.0, until_s - self.now_s))

    def _run(self, task: Task) -> tuple[Outcome, Exception | None]:
        began_s = self.now_s
        outcome = super()._run(task)
        self.ran.append((began_s, self.now_s - began_s, task))
        return outcome
