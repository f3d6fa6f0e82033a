"""The connection to one satellite: always being made again, and never waited for by who sends.

Each connection is used once. A satellite serves one hub at a time and closes on any other, and old ones
know neither `ping` nor `played`, so that what a satellite never answered is not expected of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from typing import Protocol

from wyoming.event import Event
from wyoming.info import Info
from wyoming.ping import Ping, Pong

from lunavox_edge import bridge
from lunavox_edge.address import Address
from lunavox_edge.background import guarded
from lunavox_edge.errors import InternalError, LunavoxError, TimedOut, Unreachable
from lunavox_edge.retrying import Retrying
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.wire.event_stream import EventReader, encode_event
from lunavox_edge.wire.introduction import satellite_info
from lunavox_edge.wire.opening import opened

_CONNECT_TIMEOUT_S = 5.0
_INFO_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
# A connection that lasted so long starts the pauses anew.
_STABLE_S = 10.0
_PING_EVERY_S = 5.0
_SILENCE_S = 15.0
# Ten seconds of what a satellite plays: it does not read any more.
_MAX_UNSENT_BYTES = 524_288
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}

_LOGGER = logging.getLogger(__name__)


class Correspondent(Protocol):
    """Whoever talks with the satellite."""

    def opened(self, info: Info) -> None:
        """A connection is there; the satellite knows nothing of earlier ones."""

    def received(self, event: Event) -> None:
        """The satellite sent this."""

    def closed(self, error: LunavoxError) -> None:
        """The connection is gone, or could not be made; called for every attempt."""


class SatelliteLink:
    """Keeps a connection to a satellite; used on the loop only."""

    def __init__(self, name: str, uri: str, limits: LimitSettings, correspondent: Correspondent) -> None:
        """Connect nothing before `run`."""
        self._name = name
        self._addresses: tuple[Address, ...] = (Address.parse(uri),)
        self._next_addresses: tuple[Address, ...] = self._addresses
        self._connections = Retrying(
            self._connect,
            first_pause_s=_FIRST_PAUSE_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            stable_s=_STABLE_S,
        )
        self._was_up = False
        self._limits = limits
        self._correspondent = correspondent
        self._writer: asyncio.StreamWriter | None = None
        self._up = False
        self._ponged = False
        self._trouble: str | None = None

    @property
    def up(self) -> bool:
        """Whether the satellite is there."""
        return self._up

    @property
    def uri(self) -> str:
        """Where it is, or was looked for last."""
        return self._addresses[0].uri

    def move(self, uris: tuple[str, ...]) -> None:
        """Look for it at these addresses from now on, one after the other.

        A connection that works stays: who says that a satellite has moved may be anybody.
        """
        found = tuple(Address.parse(uri) for uri in uris)
        if found and set(found) != set(self._next_addresses):
            used = self._addresses[0]
            self._next_addresses = tuple(sorted(found, key=lambda address: address != used))
            self._connections.hurry()

    def send(self, *events: Event) -> bool:
        """Send, without waiting; False if the satellite is not there."""
        writer = self._writer
        if writer is None or not self._up or writer.is_closing():
            return False
        if writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            _LOGGER.warning("satellite %s does not read what it is sent; connecting anew", self._name)
            writer.transport.abort()
            return False
        writer.write(b"".join(encode_event(event) for event in events))
        return True

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        await self._connections.run()

    async def _connect(self) -> None:
        error = await self._connect_once()
        self._note(error)
        guarded(f"satellite {self._name}: the end of a connection", self._correspondent.closed, error)
        if not self._was_up:
            self._next_addresses = (*self._next_addresses[1:], self._next_addresses[0])

    async def _connect_once(self) -> LunavoxError:
        """Connect, serve, and return why the connection ended."""
        pinging: asyncio.Task[None] | None = None
        try:
            self._addresses, self._was_up = self._next_addresses, False
            stream, writer = await bridge.within(
                opened(self._addresses[0]), _CONNECT_TIMEOUT_S, drop=_abandon
            )
            self._writer = writer
            _watch_cable(writer)
            reader = EventReader(stream, self._limits)
            info = await bridge.within(satellite_info(reader, writer), _INFO_TIMEOUT_S)
            self._up, self._was_up, self._ponged, self._trouble = True, True, False, None
            _LOGGER.info("satellite %s: connected to %s", self._name, self.uri)
            if not guarded(f"satellite {self._name}: a new connection", self._correspondent.opened, info):
                return InternalError("The hub could not begin with it; the log says more.")
            pinging = asyncio.create_task(self._ping(), name=f"satellite {self._name} ping")
            return await self._serve(reader)
        except asyncio.TimeoutError:
            return TimedOut("It does not answer.")
        except LunavoxError as error:
            return error
        except OSError as error:
            return Unreachable(f"It cannot be reached: {_reason(error)}.")
        finally:
            self._up = False
            if self._writer is not None:
                if self._writer.transport.get_write_buffer_size():
                    self._writer.transport.abort()
                self._writer.close()
                self._writer = None
            if pinging is not None:
                await bridge.ended(pinging)

    async def _serve(self, reader: EventReader) -> LunavoxError:
        while True:
            limit_s = _SILENCE_S if self._ponged else None
            event = await bridge.within(reader.read(), limit_s)
            if event is None:
                return Unreachable("It has closed the connection; is another hub using it?")
            if Pong.is_type(event.type):
                self._ponged = True
            elif Ping.is_type(event.type):
                self.send(Pong(text=event.data.get("text")).event())
            else:
                self._hand_on(event)

    def _hand_on(self, event: Event) -> None:
        try:
            self._correspondent.received(event)
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: %s: %s", self._name, event.type, error)
        except Exception:
            _LOGGER.exception("satellite %s: a message could not be handled", self._name)

    async def _ping(self) -> None:
        while True:
            self.send(Ping().event())
            await asyncio.sleep(_PING_EVERY_S)

    def _note(self, error: LunavoxError) -> None:
        """Log a change once, however often the attempt is repeated."""
        if str(error) == self._trouble:
            return
        self._trouble = str(error)
        _LOGGER.warning("satellite %s at %s: %s Trying again in the background.", self._name, self.uri, error)


def _abandon(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    connection[1].transport.abort()


def _reason(error: OSError) -> str:
    """Return what the system says; asyncio puts words of its own in its place."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno)


def _watch_cable(writer: asyncio.StreamWriter) -> None:
    """Have the system notice a peer that went without a word."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is None or connection.family == getattr(socket, "AF_UNIX", None):
        return
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
