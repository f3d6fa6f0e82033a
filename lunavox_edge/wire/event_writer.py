"""Writing encoded Wyoming messages to a connection, with back-pressure and a deadline for a slow peer."""

from __future__ import annotations

import asyncio

from lunavox_edge.bridge import within

# Above this much unsent data a writer waits for the peer. Speech is synthesised faster than it is played, so
# the engine is held back by a slow peer and does not produce audio that nobody reads.
WRITE_HIGH_WATER_BYTES = 65_536


class EventWriter:
    """Writes whole messages to one connection; may be used by several tasks of its event loop."""

    def __init__(self, stream: asyncio.StreamWriter, timeout_s: float) -> None:
        """Take over the writing side; a peer that does not read for `timeout_s` is disconnected."""
        self._stream = stream
        self._timeout_s = timeout_s
        self._transport = stream.transport
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        self._draining = asyncio.Lock()

    async def send(self, message: bytes) -> None:
        """Send encoded messages; wait while more than `WRITE_HIGH_WATER_BYTES` are unsent.

        Raises ConnectionError if the connection is closed, or was aborted because the peer did not read.
        """
        if self._transport.is_closing():
            raise ConnectionResetError("The connection is closed.")
        self._stream.write(message)
        if self._transport.get_write_buffer_size() <= WRITE_HIGH_WATER_BYTES:
            return
        async with self._draining:
            try:
                await within(self._stream.drain(), self._timeout_s)
            except asyncio.TimeoutError as error:
                self._transport.abort()
                raise ConnectionAbortedError("The peer does not read.") from error
            except OSError as error:
                raise ConnectionResetError("The connection is lost.") from error

    async def close(self, timeout_s: float) -> None:
        """Send what is left for up to `timeout_s` and close; what remains then is dropped."""
        self._stream.close()
        try:
            await within(self._stream.wait_closed(), timeout_s)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            self._transport.abort()
