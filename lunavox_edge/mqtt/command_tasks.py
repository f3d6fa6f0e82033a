"""The tasks of commands that take longer: limited in number, with errors sent to the requester."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from lunavox_edge import bridge
from lunavox_edge.errors import Busy, LunavoxError
from lunavox_edge.mqtt.publishing import Destination, Publisher

RETRY_AFTER_S = 2.0

_MAX_TASKS = 16

_LOGGER = logging.getLogger(__name__)


class CommandTasks:
    """Runs the work of commands in tasks and answers with their errors; used on the event loop only."""

    def __init__(self, publisher: Publisher) -> None:
        """Create it without tasks; `publisher` sends the errors."""
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        work: Coroutine[None, None, None],
        destination: Destination | None = None,
        request_id: str | None = None,
        *,
        topic: str = "",
    ) -> None:
        """Run `work` in a task.

        Its error is sent to `destination`, or without one as an error event about `topic`. Raises Busy if too
        many tasks run; `work` is then closed.
        """
        if len(self._tasks) >= _MAX_TASKS:
            work.close()
            raise Busy("Too many requests at once; try again in a moment.", retry_after_s=RETRY_AFTER_S)
        task = asyncio.create_task(self._run(work, destination, request_id, topic), name="mqtt command")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        await bridge.cancel_and_wait(*self._tasks)

    async def _run(
        self,
        work: Coroutine[None, None, None],
        destination: Destination | None,
        request_id: str | None,
        topic: str,
    ) -> None:
        try:
            await work
        except Exception as error:
            if not isinstance(error, LunavoxError):
                _LOGGER.exception("MQTT: a command failed")
            if destination is not None:
                self._publisher.failure(destination, error, request_id)
            else:
                self._publisher.error(topic, error, request_id)
