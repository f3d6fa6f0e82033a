"""A queue of replies: answers the requests of one kind on one connection in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from lunavox_edge.bridge import cancel_and_wait
from lunavox_edge.errors import Busy

# How many requests a client may send ahead; the next one is refused.
MAX_WAITING = 8
# Error replies are queued too; a client that causes more than this is disconnected.
MAX_WAITING_ERRORS = 1000

Reply = Callable[[], Awaitable[None]]


class Replies:
    """Runs replies one after the other on one task, which ends when the queue is empty.

    Used on the event loop only. A ConnectionError that a reply raises ends the task.
    """

    def __init__(
        self,
        name: str,
        *,
        on_error: Callable[[Exception], Awaitable[None]],
        on_idle: Callable[[], None],
    ) -> None:
        """Create an empty queue.

        `name` is that of the task. `on_error` is awaited with the exception of a failed reply, `on_idle`
        is called when no reply is left.
        """
        self._name = name
        self._on_error = on_error
        self._on_idle = on_idle
        self._waiting: deque[Reply] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def active(self) -> bool:
        """Whether a reply runs or waits."""
        return self._task is not None

    def put(self, reply: Reply) -> None:
        """Queue a reply; after `cancel` it is dropped. Raises Busy if too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            raise Busy(
                f"{MAX_WAITING} requests already wait on this connection; let them finish.", retry_after_s=1.0
            )
        self._add(reply)

    def fail(self, error: Exception) -> bool:
        """Queue an error as the reply; False if too many replies wait."""

        async def reply() -> None:
            raise error

        if len(self._waiting) >= MAX_WAITING_ERRORS:
            return False
        self._add(reply)
        return True

    async def wait(self, timeout_s: float) -> None:
        """Wait until no reply runs or waits, but for no longer than `timeout_s`."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)

    def cancel(self) -> None:
        """Drop waiting replies, cancel the running one, and accept no more. Idempotent."""
        self._closed = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Cancel, and wait until the running reply has ended."""
        self.cancel()
        if self._task is not None:
            await cancel_and_wait(self._task)

    def _add(self, reply: Reply) -> None:
        if self._closed:
            return
        self._waiting.append(reply)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    async def _run(self) -> None:
        try:
            while self._waiting:
                reply = self._waiting.popleft()
                try:
                    await reply()
                except ConnectionError:
                    return
                except Exception as error:  # noqa: BLE001  # the message border; `on_error` logs it
                    await self._on_error(error)
        except ConnectionError:
            return
        finally:
            self._task = None
            self._on_idle()
