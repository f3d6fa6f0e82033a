"""One connection to the satellite device: from its hub, or from a client that only asks for its `info`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wyoming.event import Event
from wyoming.ping import Ping, Pong

from lunavox_edge.errors import Busy, LunavoxError, TimedOut
from lunavox_edge.wire import fields
from lunavox_edge.wire.errors_wire import error_event
from lunavox_edge.wire.event_stream import BrokenStreamError, EventReader, encode_event
from lunavox_edge.wire.event_writer import EventWriter

if TYPE_CHECKING:
    from lunavox_edge.settings.model import LimitSettings

# A hub that sends pings answers pings, too; for others there is only the kernel's TCP keepalive.
PING_AFTER_S = 5.0
GIVE_UP_AFTER_S = 15.0
_CHECK_S = 1.0
# A client that is not the hub is disconnected after so long without a message.
_GUEST_TIMEOUT_S = 60.0
_CLOSE_S = 2.0

_LOGGER = logging.getLogger(__name__)


class HubConnection:
    """Serves one connection, until the peer closes it or is disconnected; used on the event loop only."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        limits: LimitSettings,
        info: bytes,
        handle: Callable[[HubConnection, Event], Awaitable[None]],
        peer: str,
    ) -> None:
        """Create an unserved connection; `run` serves it, once.

        `info` is the encoded answer to `describe`. `handle` takes every event that is not answered here.
        """
        self.peer = peer
        self._writer = writer
        self._reader = EventReader(reader, limits)
        self._out = EventWriter(writer, limits.write_timeout_s)
        self._info = info
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._last_s = self._loop.time()
        self._pings = False
        self._paused = False
        self.is_hub = False

    @property
    def quiet_s(self) -> float:
        """Seconds since the peer sent anything."""
        return self._loop.time() - self._last_s

    async def send(self, event: Event) -> None:
        """Send an event, waiting for room in the write buffer. Raises ConnectionError."""
        await self._out.send(encode_event(event))

    def hang_up(self) -> None:
        """Disconnect the peer at once."""
        self._writer.transport.abort()

    async def run(self) -> None:
        """Serve until the connection ends."""
        watch = self._loop.create_task(self._watch(), name=f"satellite watch {self.peer}")
        try:
            await self._serve()
        except OSError as error:
            _LOGGER.debug("%s: gone: %s", self.peer, error)
        except Exception:
            _LOGGER.exception("%s: the connection failed", self.peer)
        finally:
            watch.cancel()
            self._reader.forget()
            await self._out.close(_CLOSE_S)

    async def _serve(self) -> None:
        while True:
            try:
                event = await self._reader.read()
                if event is None:
                    return
                self._last_s = self._loop.time()
                await self._answer(event)
            except ConnectionError:
                raise
            except LunavoxError as error:
                _LOGGER.info("%s: refused: %s: %s", self.peer, error.code, error)
                await self.send(error_event(error))
                # Some hubs do not read `error`; the end of the connection is what they understand.
                if isinstance(error, (BrokenStreamError, Busy, TimedOut)):
                    return

    async def _answer(self, event: Event) -> None:
        if event.type == "describe":
            await self._out.send(self._info)
        elif event.type == "ping":
            self._pings = True
            await self.send(Pong(text=fields.optional_text(event.data, "text")).event())
        elif event.type != "pong":
            if event.type in ("run-satellite", "pause-satellite"):
                # While muted, Home Assistant neither reads nor pings, but still sends timer events.
                self._paused = event.type == "pause-satellite"
            await self._handle(self, event)

    async def _watch(self) -> None:
        """Disconnect a peer that is silent for too long: by pings for the hub, by a timeout for others."""
        pinged = False
        while True:
            await asyncio.sleep(_CHECK_S)
            quiet_s = self.quiet_s
            if quiet_s < PING_AFTER_S:
                pinged = False
            elif not self.is_hub:
                if quiet_s > _GUEST_TIMEOUT_S:
                    self.hang_up()
            elif not self._pings or self._paused:
                continue
            elif quiet_s > GIVE_UP_AFTER_S:
                _LOGGER.info("%s: no longer answers pings", self.peer)
                self.hang_up()
            elif not pinged:
                pinged = True
                try:
                    await self.send(Ping().event())
                except ConnectionError:
                    return
