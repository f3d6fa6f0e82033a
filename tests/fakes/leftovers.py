"""Check that a test leaves no session, lease, work of a lane or task of the loop behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from lunavox_edge.background import Background
from lunavox_edge.engine.engine import Engine

_PATIENCE_S = 20.0
_POLL_S = 0.005


def assert_nothing_left(engine: Engine, background: Background | None = None) -> None:
    """Wait until the engine is idle; fail with what is left. Call it before `engine.close`.

    The front-ends must have stopped. An idle model may stay loaded.
    """
    if background is not None:
        assert not background.failing, f"tasks that failed: {background.failing}"
    until_s = time.monotonic() + _PATIENCE_S
    while left := left_over(engine):
        assert time.monotonic() < until_s, f"left over: {', '.join(left)}"
        time.sleep(_POLL_S)


def left_over(engine: Engine) -> list[str]:
    """Return descriptions of what the engine still holds for its clients."""
    status = engine.status()
    left = [f"{status.sessions} sessions"] if status.sessions else []
    left += [f"{status.wake_sessions} wake-word sessions"] if status.wake_sessions else []
    left += [f"a lease on {model.name}" for model in status.models if model.state == "busy"]
    left += [f"{lane.queued} tasks of {lane.device}" for lane in status.lanes if lane.queued]
    left += [f"{lane.running} slices of {lane.device}" for lane in status.lanes if lane.running]
    left += [
        f"{lane.lost_workers} lost workers of {lane.device}" for lane in status.lanes if lane.lost_workers
    ]
    return left


@asynccontextmanager
async def no_task_left() -> AsyncIterator[None]:
    """Fail if a task started in this block still runs, or ended with an error that was not retrieved."""
    loop = asyncio.get_running_loop()
    begun: list[asyncio.Task[Any]] = []

    def record(
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, Any],
        **more: Any,  # noqa: ANN401  # name and context, as the version of Python has it
    ) -> asyncio.Task[Any]:
        begun.append(asyncio.Task(work, loop=loop, **more))
        return begun[-1]

    loop.set_task_factory(record)  # type: ignore[arg-type]  # typeshed names the optional arguments
    try:
        yield
    finally:
        loop.set_task_factory(None)
    ours = [task for task in begun if task is not asyncio.current_task()]
    going = [task for task in ours if not task.done()]
    if going:
        _, still = await asyncio.wait(going, timeout=_PATIENCE_S)
        assert not still, f"tasks that go on: {still}"
    # Such a task would be reported when the garbage collector finds it, if it ever does.
    died = [task for task in ours if task._log_traceback]
    for task in died:
        task.exception()
    assert not died, f"tasks that died unseen: {died}"
