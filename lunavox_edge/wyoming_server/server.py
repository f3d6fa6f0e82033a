"""The listening socket and everybody connected to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lunavox_edge.address import Address
from lunavox_edge.background import Background, guarded
from lunavox_edge.errors import Busy
from lunavox_edge.wire import tls
from lunavox_edge.wyoming_server.connection import ClientConnection
from lunavox_edge.wyoming_server.gate import Gate, Guest
from lunavox_edge.wyoming_server.info import InfoSource
from lunavox_edge.wyoming_server.listener import Listener, host_of

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import LimitSettings, WyomingSettings
    from lunavox_edge.types import Transcript
    from lunavox_edge.wire.zeroconf import ServiceAnnouncement

_CANCEL_S = 1.0

_LOGGER = logging.getLogger(__name__)


class WyomingServer:
    """Serves one engine on one address, `tcp://host:port` or `unix:///path`."""

    def __init__(
        self,
        engine: Engine,
        wyoming: WyomingSettings,
        limits: LimitSettings,
        *,
        on_transcript: Callable[[Transcript, float], None] | None = None,
        background: Background | None = None,
    ) -> None:
        """Store the parts; `start` opens the port.

        `on_transcript` is told every transcript, and how many milliseconds it took. `background` runs the
        announcement by zeroconf.
        """
        self._background = background
        self._engine = engine
        self._settings = wyoming
        self._listener = Listener(
            wyoming.uri,
            self._accept,
            chosen_by="wyoming.uri",
            identity=lambda: tls.server_context(wyoming.tls_cert, wyoming.tls_key),
        )
        self._limits = limits
        self._on_transcript = on_transcript
        self._gate = Gate(wyoming.allow, lambda: self._limits)
        self._info = InfoSource(engine)
        self._connections: dict[asyncio.Task[None], ClientConnection] = {}
        self._guests = 0
        self._announcement: ServiceAnnouncement | None = None

    @property
    def uri(self) -> str:
        """The address that clients connect to, with the real port once started."""
        return self._settings.with_trust(self._listener.uri)

    def configure(self, limits: LimitSettings) -> None:
        """Hold clients to other limits, from the next connection on."""
        self._limits = limits

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be had."""
        await self._listener.start()
        _LOGGER.info("Wyoming on %s", self._listener.uri)
        if self._settings.zeroconf:
            from lunavox_edge.wire import zeroconf  # noqa: PLC0415  # heavy, and not always wanted

            name = zeroconf.instance_name(self._settings.name)
            self._announcement = zeroconf.announced(
                Address.parse(self._listener.uri), name, background=self._background
            )

    async def stop(self, grace_s: float) -> None:
        """Close the port, let running answers end for up to `grace_s`, then cut them off. Idempotent."""
        self._listener.stop()
        if self._announcement is not None:
            await self._announcement.stop()
            self._announcement = None
        for connection in self._connections.values():
            connection.drain()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace_s)
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_CANCEL_S)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client in, in place of an idle one if the house is full."""
        host = host_of(writer)
        if not self._gate.allows(host):
            writer.transport.abort()
            return
        self._guests += 1
        peer, refusal = self._name(writer), None
        try:
            guest = self._gate.enter(host, peer)
        except Busy as error:
            guest, refusal = Guest(self._gate, None, peer), error
        connection = ClientConnection(
            reader,
            writer,
            engine=self._engine,
            limits=self._limits,
            info=self._info,
            on_transcript=self._tell,
            guest=guest,
        )
        if (
            refusal is None
            and len(self._connections) >= self._limits.max_connections
            and not self._make_room()
        ):
            refusal = Busy("Too many clients are connected.", retry_after_s=5.0)
        if refusal is None:
            self._own(connection, connection.run())
        else:
            _LOGGER.warning("%s: refused: %s", connection.peer, refusal)
            self._own(connection, connection.refuse(refusal))

    def _own(self, connection: ClientConnection, served: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(served, name=f"wyoming {connection.peer}")
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        connection = self._connections.pop(task, None)
        if connection is not None:
            connection.guest.leave()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("A connection failed", exc_info=error)

    def _tell(self, heard: Transcript, latency_ms: float) -> None:
        if self._on_transcript is not None:
            guarded("transcript", self._on_transcript, heard, latency_ms)

    def _make_room(self) -> bool:
        """Hang up on the client that has been idle for longest; False if everybody is busy."""
        idle = [connection for connection in self._connections.values() if connection.idle]
        if not idle:
            return False
        max(idle, key=lambda connection: connection.quiet_s).hang_up()
        return True

    def _name(self, writer: asyncio.StreamWriter) -> str:
        peer = writer.get_extra_info("peername")
        return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else f"local {self._guests}"
