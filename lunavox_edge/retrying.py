"""Reconnecting with exponential backoff."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

from lunavox_edge import bridge


class Retrying:
    """Calls `connect` in a loop; a call returns when the connection has ended or could not be made.

    The pause after a call doubles from `first_pause_s` to `longest_pause_s`; after a connection of more than
    `stable_s` it is `first_pause_s` again. It is shortened at random, by half at most, so that many clients
    do not reconnect at the same moment.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[object]],
        *,
        first_pause_s: float,
        longest_pause_s: float,
        stable_s: float,
    ) -> None:
        """Create the loop; `run` connects. All times are in seconds."""
        self._connect = connect
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._stable_s = stable_s
        self._hurried = asyncio.Event()

    async def run(self) -> None:
        """Keep connecting until cancelled. Raises what `connect` raises."""
        loop = asyncio.get_running_loop()
        pause_s = self._first_pause_s
        while True:
            self._hurried.clear()
            begun_s = loop.time()
            await self._connect()
            if loop.time() - begun_s > self._stable_s:
                pause_s = self._first_pause_s
            jitter = random.uniform(0.5, 1.0)  # noqa: S311  # no secret
            with contextlib.suppress(asyncio.TimeoutError):
                await bridge.within(self._hurried.wait(), pause_s * jitter)
                pause_s = self._first_pause_s
                await asyncio.sleep(pause_s * jitter)
            pause_s = min(self._longest_pause_s, 2 * pause_s)

    def hurry(self) -> None:
        """Cut the current pause short, or the next one: the next attempt follows after the first pause."""
        self._hurried.set()
