"""Reading live audio in few wakeups."""

from __future__ import annotations

import asyncio

_GATHER_S = 0.03
"""About a frame of the voice detector, so hardly anything comes later for it."""
_LIVE_AFTER_S = 0.5
"""A recording that is sent at once has been sent by then."""


class Gathering:
    """Leaves live audio with the kernel for a moment, so that several messages are read together.

    A microphone sends every 10 ms, and to wake up costs several times what a message costs.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Bind to the running loop; `transport` is where the messages come from."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()

    def begin(self) -> None:
        """Audio starts."""
        self._begun_s = self._loop.time()

    async def wait(self) -> None:
        """Let audio gather if it is live; for who has read all that came."""
        if self._loop.time() - self._begun_s < _LIVE_AFTER_S:
            return
        self._transport.pause_reading()
        try:
            await asyncio.sleep(_GATHER_S)
        finally:
            self._transport.resume_reading()
