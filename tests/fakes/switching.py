"""Threads of which one at a time goes on: at every lock and every future somebody else may have the turn.

A chooser says whose turn it is, so that an interleaving can be drawn at random and repeated exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

ResultT = TypeVar("ResultT")

_PATIENCE_S = 20.0


class Signal:
    """Given by one thread to another that waits for it; far quicker than a semaphore."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def give(self) -> None:
        self._lock.release()

    def wait(self) -> bool:
        """Return whether it came."""
        return self._lock.acquire(timeout=_PATIENCE_S)


class _Runner(threading.Thread):
    def __init__(self, job: Callable[[], None], back: Signal) -> None:
        super().__init__(daemon=True)
        self.go_on = Signal()
        self.waits_for: SwitchingLock | None = None
        self.over = False
        self.error: BaseException | None = None
        self._job = job
        self._back = back

    def run(self) -> None:
        try:
            if self.go_on.wait():
                self._job()
        except BaseException as error:  # noqa: BLE001  # raised again by whoever runs the jobs
            self.error = error
        self.over = True
        self._back.give()

    def let_others(self) -> None:
        self._back.give()
        if not self.go_on.wait():
            raise SystemExit  # the test has failed already


class Switching:
    """Runs jobs at once; `choose` gets how many could go on and returns which one does."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self.choose = choose
        self._back = Signal()

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run the jobs to their end. Raises the first error of a job, AssertionError at a deadlock."""
        if len(jobs) == 1:
            jobs[0]()
            return
        runners = [_Runner(job, self._back) for job in jobs]
        for runner in runners:
            runner.start()
        alive = list(runners)
        while alive:
            ready = [one for one in alive if one.waits_for is None or one.waits_for.owner is None]
            assert ready, "all wait for locks that others hold"
            chosen = ready[self.choose(len(ready)) if len(ready) > 1 else 0]
            chosen.go_on.give()
            assert self._back.wait(), "a job waits for something that is no lock"
            alive = [one for one in alive if not one.over]
        for runner in runners:
            if runner.error is not None:
                raise runner.error

    def switch(self) -> None:
        """Give somebody else a chance; called by a job."""
        me = threading.current_thread()
        if isinstance(me, _Runner):
            me.let_others()


class SwitchingLock:
    """Stands in for threading.Lock."""

    def __init__(self, switching: Switching) -> None:
        self.owner: threading.Thread | None = None
        self._switching = switching

    def acquire(self) -> bool:
        me = threading.current_thread()
        assert self.owner is not me, "a thread waits for itself"
        self._switching.switch()
        while self.owner is not None:
            assert isinstance(me, _Runner), "somebody went and kept a lock"
            me.waits_for = self
            me.let_others()
        if isinstance(me, _Runner):
            me.waits_for = None
        self.owner = me
        return True

    def release(self) -> None:
        self.owner = None
        self._switching.switch()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def switching_future(switching: Switching) -> type[Future[ResultT]]:
    """Return a kind of future around whose changes the turn may go to somebody else."""

    class SwitchingFuture(Future[ResultT]):
        def cancel(self) -> bool:
            switching.switch()
            cancelled = super().cancel()
            switching.switch()
            return cancelled

        def set_running_or_notify_cancel(self) -> bool:
            switching.switch()
            runs = super().set_running_or_notify_cancel()
            switching.switch()
            return runs

        def set_result(self, result: ResultT) -> None:
            switching.switch()
            super().set_result(result)
            switching.switch()

        def set_exception(self, exception: BaseException | None) -> None:
            switching.switch()
            super().set_exception(exception)
            switching.switch()

    return SwitchingFuture
