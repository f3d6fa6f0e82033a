"""The Wyoming server: its port, and the connections of its clients."""

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
from lunavox_edge.wyoming_server.gate import Gate
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
    """Serves one engine on one address; used on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        wyoming: WyomingSettings,
        limits: LimitSettings,
        *,
        on_transcript: Callable[[Transcript, float], None] | None = None,
        background: Background | None = None,
    ) -> None:
        """Create it; `start` opens the port.

        `on_transcript` is called with every transcript and its latency in milliseconds; its exceptions are
        logged. `background` runs the zeroconf announcement.
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
        self._accepted = 0
        self._announcement: ServiceAnnouncement | None = None

    @property
    def uri(self) -> str:
        """The address that clients connect to, with the real port once started."""
        return self._settings.with_trust(self._listener.uri)

    def configure(self, limits: LimitSettings) -> None:
        """Replace the limits for clients, from the next connection on."""
        self._limits = limits

    @property
    def connections(self) -> int:
        """The number of connected clients."""
        return len(self._connections)

    async def start(self) -> None:
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be opened."""
        await self._listener.start()
        _LOGGER.info("Wyoming on %s", self._listener.uri)
        if self._settings.zeroconf:
            from lunavox_edge.wire import zeroconf  # noqa: PLC0415  # heavy, and not always wanted

            name = zeroconf.instance_name(self._settings.name)
            self._announcement = zeroconf.announced(
                Address.parse(self._listener.uri), name, background=self._background
            )

    async def stop(self, grace_s: float) -> None:
        """Close the port, wait up to `grace_s` for running answers, close all connections. Idempotent."""
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
        """Serve a new client; if there are too many, disconnect the one idle for longest, or refuse."""
        host = host_of(writer)
        if not self._gate.allows(host):
            writer.transport.abort()
            return
        self._accepted += 1
        peer, refusal = self._name(writer), None
        try:
            quota = self._gate.connect(host, peer)
        except Busy as error:
            quota, refusal = self._gate.unlimited(peer), error
        connection = ClientConnection(
            reader,
            writer,
            engine=self._engine,
            limits=self._limits,
            info=self._info,
            on_transcript=self._report_transcript,
            quota=quota,
        )
        if (
            refusal is None
            and len(self._connections) >= self._limits.max_connections
            and not self._make_room()
        ):
            refusal = Busy("Too many clients are connected.", retry_after_s=5.0)
        if refusal is None:
            self._start(connection, connection.run())
        else:
            _LOGGER.warning("%s: refused: %s", connection.peer, refusal)
            self._start(connection, connection.refuse(refusal))

    def _start(self, connection: ClientConnection, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"wyoming {connection.peer}")
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        connection = self._connections.pop(task, None)
        if connection is not None:
            connection.quota.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("A connection failed", exc_info=error)

    def _report_transcript(self, transcript: Transcript, latency_ms: float) -> None:
        if self._on_transcript is not None:
            guarded("transcript", self._on_transcript, transcript, latency_ms)

    def _make_room(self) -> bool:
        """Disconnect the client that has been idle for longest; False if all are busy."""
        idle = [connection for connection in self._connections.values() if connection.idle]
        if not idle:
            return False
        max(idle, key=lambda connection: connection.idle_s).hang_up()
        return True

    def _name(self, writer: asyncio.StreamWriter) -> str:
        peer = writer.get_extra_info("peername")
        return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else f"local {self._accepted}"
