"""Long-running tasks that are started again after a failure, and guarded calls of foreign callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from lunavox_edge.bridge import cancel_and_wait

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
# A task that has run so long since its last failure counts as recovered.
_RECOVERED_S = 60.0

_LOGGER = logging.getLogger(__name__)


class Background:
    """Owns the long-running tasks of one event loop; after a failure a task is logged and run again.

    `failed` is called at every failure with the task's name and the exception. A task that returns, or that
    `stop` or its owner cancels, is not run again. A CancelledError that the work raises by itself, for
    example because a task that it awaited was cancelled, counts as a failure.
    """

    def __init__(
        self,
        failed: Callable[[str, Exception], None] | None = None,
        *,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        """Create an owner without tasks; the pause before a retry doubles from `first_pause_s` to 60 s."""
        self._failed = failed
        self._first_pause_s = first_pause_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing: dict[asyncio.Task[None] | None, str] = {}

    @property
    def failing(self) -> tuple[str, ...]:
        """The names of the tasks that failed and have not run for a minute since."""
        return tuple(dict.fromkeys(self._failing.values()))

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """Run `work()` in a task called `name`, again after failures, until it returns or is cancelled."""
        task = asyncio.get_running_loop().create_task(self._run(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel all tasks and wait until they have ended. Idempotent."""
        await cancel_and_wait(*self._tasks)

    async def _run(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        loop, own = asyncio.get_running_loop(), asyncio.current_task()
        pause_s = self._first_pause_s
        try:
            while True:
                begun_s = loop.time()
                recovery = loop.call_later(_RECOVERED_S, self._failing.pop, own, None)
                try:
                    await _once(name, work)
                except Exception as error:
                    if loop.time() - begun_s >= _RECOVERED_S:
                        pause_s = self._first_pause_s
                    _LOGGER.exception("The task '%s' failed; it runs again in %.3g s", name, pause_s)
                    self._failing[own] = name
                    if self._failed is not None:
                        guarded(f"report on '{name}'", self._failed, name, error)
                else:
                    return
                finally:
                    recovery.cancel()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            self._failing.pop(own, None)


def guarded(what: str, callback: Callable[..., object], *arguments: object) -> bool:
    """Call `callback` and log an exception, with the stack; True if it raised none.

    `what` names the call in the log. For callers that must go on when a callback of other code fails.
    """
    try:
        callback(*arguments)
    except Exception:
        _LOGGER.exception("The callback '%s' failed", what)
        return False
    return True


async def guarded_async(what: str, work: Awaitable[object]) -> bool:
    """Await `work` and log an exception, with the stack; True if it raised none.

    Like `guarded`, for awaitables. CancelledError is passed on.
    """
    try:
        await work
    except Exception:
        _LOGGER.exception("'%s' failed", what)
        return False
    return True


async def _once(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the work once, in a task of its own, which tells its cancellation from that of the caller.

    Raises what the work raises, and RuntimeError if it was cancelled by itself.
    """
    task = asyncio.get_running_loop().create_task(work(), name=name)
    try:
        await asyncio.wait((task,))
    finally:
        cleaned_up = task.done()
        while not cleaned_up:
            with contextlib.suppress(asyncio.CancelledError):
                await cancel_and_wait(task)
                cleaned_up = True
    if task.cancelled():
        raise RuntimeError("It was cancelled from inside.")
    task.result()
