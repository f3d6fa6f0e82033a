"""Reading live audio with fewer wakeups of the event loop."""

from __future__ import annotations

import asyncio

_PAUSE_S = 0.03
"""About one frame of the voice activity detector, so the pause delays it very little."""
_LIVE_AFTER_S = 0.5
"""A recording that is sent at once has been sent completely by then."""


class ReadBatching:
    """Pauses the reading of live audio briefly, so that several messages are read at once.

    A microphone sends every 10 ms, and one wakeup costs several times as much as handling one message.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Bind to the running loop; `transport` is that of the connection."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()

    def begin(self) -> None:
        """Note that audio starts now."""
        self._begun_s = self._loop.time()

    async def wait(self) -> None:
        """Pause reading if the audio is live; to be called when everything received has been handled."""
        if self._loop.time() - self._begun_s < _LIVE_AFTER_S:
            return
        self._transport.pause_reading()
        try:
            await asyncio.sleep(_PAUSE_S)
        finally:
            self._transport.resume_reading()
