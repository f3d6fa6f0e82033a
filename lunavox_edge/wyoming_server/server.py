"""The listening socket and everybody connected to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from lunavox_edge.errors import Busy
from lunavox_edge.wyoming_server.connection import Connection
from lunavox_edge.wyoming_server.info import InfoSource
from lunavox_edge.wyoming_server.listener import Listener

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings_model import LimitSettings, WyomingSettings
    from lunavox_edge.types import Transcript

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
    ) -> None:
        """Store the parts; `start` opens the port.

        `on_transcript` is told every transcript, and how many milliseconds it took.
        """
        self._engine = engine
        self._listener = Listener(wyoming.uri, self._accept, chosen_by="wyoming.uri")
        self._limits = limits
        self._on_transcript = on_transcript
        self._info = InfoSource(engine)
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._guests = 0

    @property
    def uri(self) -> str:
        """The address that clients connect to, with the real port once started."""
        return self._listener.uri

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be had."""
        await self._listener.start()
        _LOGGER.info("Wyoming on %s", self.uri)

    async def stop(self, grace_s: float) -> None:
        """Close the port, let running answers end for up to `grace_s`, then cut them off. Idempotent."""
        self._listener.stop()
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
        self._guests += 1
        connection = Connection(
            reader,
            writer,
            engine=self._engine,
            limits=self._limits,
            info=self._info,
            on_transcript=self._on_transcript,
            peer=self._name(writer),
        )
        if len(self._connections) < self._limits.max_connections or self._make_room():
            self._own(connection, connection.run())
        else:
            _LOGGER.warning("%s: refused: %d clients are connected", connection.peer, len(self._connections))
            self._own(
                connection, connection.refuse(Busy("Too many clients are connected.", retry_after_s=5.0))
            )

    def _own(self, connection: Connection, served: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(served, name=f"wyoming {connection.peer}")
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("A connection failed", exc_info=error)

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
