"""Restarting wake-word detection on a hub after an error.

Home Assistant restarts the pipeline of a satellite that streams all the time, but not after an `error`, which
"no text recognized" is too: newer versions then ignore the stream until they get a new `run-pipeline`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

# Hubs that restart by themselves send `detect` well before this.
FIRST_PAUSE_S = 3.0
_LONGEST_PAUSE_S = 60.0


class Rearming:
    """Awaits `ask` some seconds after `failed`, unless `waits` is called first.

    Used on the event loop only.
    """

    def __init__(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Create an idle object; `ask` asks the hub to detect wake words."""
        self._ask = ask
        self._pause_s = FIRST_PAUSE_S
        self._asking: asyncio.Task[None] | None = None

    def failed(self) -> None:
        """Handle an error of the hub: ask after a pause, which doubles with every failure in a row."""
        self.waits()
        self._asking = asyncio.get_running_loop().create_task(
            self._ask_after(self._pause_s), name="satellite asks again"
        )
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def waits(self) -> None:
        """Do not ask: the hub detects wake words already, or is not wanted to."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def works(self) -> None:
        """Handle a success or a new hub: do not ask, and begin with the shortest pause next time."""
        self.waits()
        self._pause_s = FIRST_PAUSE_S

    async def _ask_after(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        await self._ask()
