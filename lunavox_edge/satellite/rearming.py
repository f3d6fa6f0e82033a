"""Asking a hub that waits for the wake word to wait for it again after it has failed.

Home Assistant restarts the pipeline of a satellite that streams all the time, but not after an `error`,
"no text recognized" included: newer ones then pass over what is streamed until they are asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

# Those that restart by themselves say `detect` well before.
FIRST_PAUSE_S = 3.0
_LONGEST_PAUSE_S = 60.0


class Rearming:
    """Awaits `ask` some seconds after `failed`, unless `waits` comes first. Used on the loop only."""

    def __init__(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask nothing yet."""
        self._ask = ask
        self._pause_s = FIRST_PAUSE_S
        self._asking: asyncio.Task[None] | None = None

    def failed(self) -> None:
        """The hub told an error: ask soon, and later if it fails again and again."""
        self.waits()
        self._asking = asyncio.get_running_loop().create_task(
            self._ask_after(self._pause_s), name="satellite asks again"
        )
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def waits(self) -> None:
        """The hub waits for a wake word, or is not to."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def works(self) -> None:
        """The hub has understood a command, or is a new one: the next pause is short again."""
        self.waits()
        self._pause_s = FIRST_PAUSE_S

    async def _ask_after(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        await self._ask()
