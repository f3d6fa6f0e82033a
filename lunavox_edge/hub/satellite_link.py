"""The connection to one satellite, made again whenever it ends; sending never waits.

A satellite serves one hub at a time and closes the connection of any other. Old satellites know neither
`ping` nor `played`, so a satellite that never answered a ping is not expected to.
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
from lunavox_edge.wire.introduction import read_answer, satellite_info
from lunavox_edge.wire.opening import opened

_CONNECT_TIMEOUT_S = 5.0
_INFO_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 8.0
# After a connection that lasted so long, the pauses start from the first again.
_STABLE_S = 10.0
_PING_EVERY_S = 5.0
_SILENCE_S = 15.0
# About ten seconds of audio: a satellite with more unsent has stopped reading.
_MAX_UNSENT_BYTES = 524_288
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 15_000}

_LOGGER = logging.getLogger(__name__)


class Correspondent(Protocol):
    """What a `SatelliteLink` calls, on the event loop, with the events of its connection."""

    def opened(self, info: Info) -> None:
        """Handle a new connection; the satellite has no state of earlier ones."""

    def received(self, event: Event) -> None:
        """Handle a message. May raise LunavoxError, which is logged."""

    def closed(self, error: LunavoxError) -> None:
        """Handle the end of a connection, or an attempt that failed; called for every attempt."""


class SatelliteLink:
    """Keeps a connection to one satellite; used on the event loop only."""

    def __init__(self, name: str, uri: str, limits: LimitSettings, correspondent: Correspondent) -> None:
        """Create the link; `run` connects. `limits` bound the messages that are read."""
        self.name = name
        self._addresses: tuple[Address, ...] = (Address.parse(uri),)
        self._next_addresses: tuple[Address, ...] = self._addresses
        self._connections = Retrying(
            self._connect,
            first_pause_s=_FIRST_PAUSE_S,
            longest_pause_s=_LONGEST_PAUSE_S,
            stable_s=_STABLE_S,
        )
        self._attempt_worked = False
        self._limits = limits
        self._correspondent = correspondent
        self._writer: asyncio.StreamWriter | None = None
        self._up = False
        self._ponged = False
        self._logged: str | None = None
        """The error that was logged last; None after a successful attempt."""

    @property
    def up(self) -> bool:
        """Whether the satellite is connected."""
        return self._up

    @property
    def uri(self) -> str:
        """The address of the current or the latest attempt."""
        return self._addresses[0].uri

    def move(self, uris: tuple[str, ...]) -> None:
        """Try these addresses from now on, one after the other, the one in use first.

        A working connection is kept, because anybody on the network can announce a new address.
        """
        found = tuple(Address.parse(uri) for uri in uris)
        if found and set(found) != set(self._next_addresses):
            used = self._addresses[0]
            self._next_addresses = tuple(sorted(found, key=lambda address: address != used))
            self._connections.hurry()

    def send(self, *events: Event) -> bool:
        """Send messages without waiting; False if the satellite is not connected.

        A satellite with too much unsent is disconnected.
        """
        writer = self._writer
        if writer is None or not self._up or writer.is_closing():
            return False
        if writer.transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
            _LOGGER.warning("satellite %s does not read what it is sent; connecting anew", self.name)
            writer.transport.abort()
            return False
        writer.write(b"".join(encode_event(event) for event in events))
        return True

    async def run(self) -> None:
        """Connect, and again after every end, until cancelled."""
        await self._connections.run()

    async def _connect(self) -> None:
        error = await self._connect_once()
        self._log_once(error)
        guarded(f"satellite {self.name}: the end of a connection", self._correspondent.closed, error)
        if not self._attempt_worked:
            self._next_addresses = (*self._next_addresses[1:], self._next_addresses[0])

    async def _connect_once(self) -> LunavoxError:
        """Connect, serve, and return why the connection ended."""
        pinging: asyncio.Task[None] | None = None
        try:
            self._addresses, self._attempt_worked = self._next_addresses, False
            stream, writer = await bridge.within(
                opened(self._addresses[0]), _CONNECT_TIMEOUT_S, drop=_abandon
            )
            self._writer = writer
            _set_keepalive(writer)
            reader = EventReader(stream, self._limits)
            info = await bridge.within(satellite_info(reader, writer), _INFO_TIMEOUT_S)
            self._up, self._attempt_worked, self._ponged, self._logged = True, True, False, None
            _LOGGER.info("satellite %s: connected to %s", self.name, self.uri)
            if not guarded(f"satellite {self.name}: a new connection", self._correspondent.opened, info):
                return InternalError("The hub could not take in the connection; the log says more.")
            pinging = asyncio.create_task(self._ping(), name=f"satellite {self.name} ping")
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
                await bridge.cancel_and_wait(pinging)

    async def _serve(self, reader: EventReader) -> LunavoxError:
        while True:
            limit_s = _SILENCE_S if self._ponged else None
            event = await bridge.within(read_answer(reader), limit_s)
            if event is None:
                return Unreachable("It has closed the connection; is another hub using it?")
            if Pong.is_type(event.type):
                self._ponged = True
            elif Ping.is_type(event.type):
                self.send(Pong(text=event.data.get("text")).event())
            else:
                self._pass_on(event)

    def _pass_on(self, event: Event) -> None:
        try:
            self._correspondent.received(event)
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: %s: %s", self.name, event.type, error)
        except Exception:
            _LOGGER.exception("satellite %s: a message could not be handled", self.name)

    async def _ping(self) -> None:
        while True:
            self.send(Ping().event())
            await asyncio.sleep(_PING_EVERY_S)

    def _log_once(self, error: LunavoxError) -> None:
        """Log an error, unless the attempt before failed with the same one."""
        if str(error) == self._logged:
            return
        self._logged = str(error)
        _LOGGER.warning("satellite %s at %s: %s Trying again in the background.", self.name, self.uri, error)


def _abandon(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    connection[1].transport.abort()


def _reason(error: OSError) -> str:
    """Return the system's message for an error number; asyncio replaces it by a longer one."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno)


def _set_keepalive(writer: asyncio.StreamWriter) -> None:
    """Turn on TCP keepalive, which notices a peer that has gone without closing the connection."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is None or connection.family == getattr(socket, "AF_UNIX", None):
        return
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
