"""Event loops whose clock leaps to the next timer as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.scheduling.threads import Threads

ResultT = TypeVar("ResultT")

_GRACE_S = 0.001
"""So long a socket may take to hand on what was written to its other end."""
_GRACE_SHARE, _MAX_GRACE_S = 0.02, 0.05
"""The longer a leap, the longer nothing must have happened: on a crowded machine a thread may be about to."""


class _LeapingSelector(selectors.BaseSelector):
    """A selector that does not wait: it advances the loop's clock by the timeout."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.leapt_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0.0)
        if not found and timeout is None:
            return self._real.select(None)
        if not found and timeout is not None and timeout > 0:
            self.leapt_s += timeout
        return found

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class _PatientSelector(_LeapingSelector):
    """Leaps only after a moment in which nothing came and nobody was busy."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        super().__init__()
        self._busy = busy

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._real.select(timeout)
        end_s = time.monotonic() + timeout
        grace_s = min(_MAX_GRACE_S, _GRACE_S + _GRACE_SHARE * timeout)
        found = self._real.select(min(timeout, _GRACE_S))
        quiet_s = time.monotonic() + grace_s
        while not found and (now_s := time.monotonic()) < end_s:
            if self._busy():
                quiet_s = now_s + grace_s
            elif now_s >= quiet_s:
                break
            found = self._real.select(_GRACE_S)
        # Once more: who was busy may have told of it as the last thing.
        if not found and not (found := self._real.select(0.0)):
            self.leapt_s += max(0.0, end_s - time.monotonic())
        return found


class LeapingLoop(asyncio.SelectorEventLoop):
    """For tests with long waits: hours pass in milliseconds. Threads do not use this clock."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt_s


class PatientLeapingLoop(asyncio.SelectorEventLoop):
    """For tests with sockets and threads: only waits in which neither has anything to do are leapt over."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        """Those whose threads are waited for, as are those of `asyncio.to_thread`."""
        self._calls = 0
        self._leaping = _PatientSelector(lambda: self._calls > 0 or any(map(works, self.engines)))
        super().__init__(self._leaping)

    def time(self) -> float:
        return time.monotonic() + self._leaping.leapt_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        self._calls += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._returned)
        return future

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        self._calls += 1
        try:
            await super().shutdown_default_executor(*timeout)
        finally:
            self._calls -= 1

    def _returned(self, _: object) -> None:
        self._calls -= 1


def works(engine: Engine) -> bool:
    """Whether threads of the engine do something, or are about to."""
    _, lanes = engine._admission.status()
    _, wake_lanes = engine._wake_sessions.status()
    return any(lane.running or lane.queued for lane in (*lanes, *wake_lanes)) or any(
        model.state == "loading" for model in engine._residency.status()
    )


def wait_for_threads_of(engine: Engine) -> None:
    """Have the running loop, if it leaps, do so only while the engine has nothing to do."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, PatientLeapingLoop):
        loop.engines.append(engine)


class LeapingThreads(Threads):
    """Threads of the operating system that see the clock of the loop they were made on."""

    def __init__(self) -> None:
        self.clock = asyncio.get_running_loop().time  # type: ignore[method-assign]  # no turn of the loop is needed


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end on a leaping loop."""
    loop = LeapingLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
