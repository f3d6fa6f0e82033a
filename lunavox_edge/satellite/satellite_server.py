"""The port of the satellite device: any client may ask for its `info`, one hub at a time may use it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from wyoming.event import Event
from wyoming.info import Info

from lunavox_edge.errors import Busy
from lunavox_edge.satellite.device import SatelliteDevice
from lunavox_edge.satellite.hub_connection import HubConnection
from lunavox_edge.wire.event_stream import encode_event
from lunavox_edge.wyoming_server.gate import Gate
from lunavox_edge.wyoming_server.listener import Listener, host_of

if TYPE_CHECKING:
    from lunavox_edge.settings.model import LimitSettings

MAX_CONNECTIONS = 16
# A hub that has sent nothing for so long may be gone; another hub may then replace it.
TAKE_OVER_AFTER_S = 10.0
_STOP_S = 3.0


class SatelliteServer:
    """Serves the device on one address: `tcp://host:port`, `tls://host:port` or `unix:///path`.

    Used on the event loop only.
    """

    def __init__(
        self,
        satellite: SatelliteDevice,
        info: Info,
        *,
        uri: str,
        allow: tuple[str, ...],
        limits: LimitSettings,
        say: Callable[[str], None],
        identity: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Create a closed server; `start` opens the port.

        Only networks in `allow` are served, as in `wyoming.allow`; `limits` bound the messages that are
        read; `say` shows messages to the user. `identity` returns the certificate of a `tls://` address, or
        raises SettingsError.
        """
        self._satellite = satellite
        self._info = encode_event(info.event())
        self._limits = limits
        self._gate = Gate(allow, lambda: limits)
        self._say = say
        self._listener = Listener(uri, self._accept, chosen_by="--uri", identity=identity)
        self._connections: dict[asyncio.Task[None], HubConnection] = {}
        self._hub: HubConnection | None = None
        self._accepted = 0

    @property
    def uri(self) -> str:
        """The address of the server; after `start` with the real port, where the port was 0."""
        return self._listener.uri

    async def start(self) -> None:
        """Open the port. Raises SettingsError, LunavoxLibraryError."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close the port, the device and all connections. Idempotent."""
        self._listener.stop()
        await self._satellite.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_STOP_S)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS or not self._gate.allows(host_of(writer)):
            writer.transport.abort()
            return
        self._accepted += 1
        peer = writer.get_extra_info("peername")
        name = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else f"local {self._accepted}"
        connection = HubConnection(
            reader, writer, limits=self._limits, info=self._info, handle=self._handle, peer=name
        )
        task = asyncio.get_running_loop().create_task(self._serve(connection), name=f"satellite {name}")
        self._connections[task] = connection
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve(self, connection: HubConnection) -> None:
        try:
            await connection.run()
        finally:
            if self._hub is connection:
                self._hub = None
                self._say(f"Hub {connection.peer} has gone.")
                await self._satellite.leave()

    async def _handle(self, connection: HubConnection, event: Event) -> None:
        """Pass a message of the hub on. Raises Busy for other clients while the hub is active."""
        if self._hub is not connection:
            await self._take_over(connection)
        await self._satellite.handle(event, connection.send)

    async def _take_over(self, connection: HubConnection) -> None:
        hub = self._hub
        if hub is not None and hub.quiet_s < TAKE_OVER_AFTER_S:
            raise Busy("Another hub uses this satellite.", retry_after_s=TAKE_OVER_AFTER_S)
        self._hub = connection
        connection.is_hub = True
        if hub is not None:
            hub.is_hub = False
            hub.hang_up()
            await self._satellite.leave()
        self._say(f"Hub {connection.peer} is connected.")
