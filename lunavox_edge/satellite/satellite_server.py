"""The port of a satellite: anybody may ask what it is, one hub at a time may use it."""

from __future__ import annotations

import asyncio
import logging
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
# A hub that has said nothing for so long may be gone; another one that comes then takes its place.
TAKE_OVER_AFTER_S = 10.0
_STOP_S = 3.0

_LOGGER = logging.getLogger(__name__)


class SatelliteServer:
    """Lets hubs reach a satellite on one address: `tcp://host:port`, `tls://host:port`, `unix:///path`."""

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
        """Store the parts; `start` opens the port, to the networks of `allow` as that of the service.

        `identity` returns what a `tls://` address shows, or raises SettingsError.
        """
        self._satellite = satellite
        self._info = encode_event(info.event())
        self._limits = limits
        self._gate = Gate(allow, lambda: limits)
        self._say = say
        self._listener = Listener(uri, self._accept, chosen_by="--uri", identity=identity)
        self._links: dict[asyncio.Task[None], HubConnection] = {}
        self._hub: HubConnection | None = None
        self._guests = 0

    @property
    def uri(self) -> str:
        """The address that hubs connect to, with the real port once started."""
        return self._listener.uri

    async def start(self) -> None:
        """Open the port. Raises SettingsError, LunavoxLibraryError."""
        await self._listener.start()

    async def stop(self) -> None:
        """Close the port and everything else. Idempotent."""
        self._listener.stop()
        await self._satellite.close()
        for task in self._links:
            task.cancel()
        if self._links:
            await asyncio.wait(self._links, timeout=_STOP_S)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._links) >= MAX_CONNECTIONS or not self._gate.allows(host_of(writer)):
            writer.transport.abort()
            return
        self._guests += 1
        peer = writer.get_extra_info("peername")
        name = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else f"local {self._guests}"
        link = HubConnection(
            reader, writer, limits=self._limits, info=self._info, handle=self._handle, peer=name
        )
        task = asyncio.get_running_loop().create_task(self._serve(link), name=f"satellite {name}")
        self._links[task] = link
        task.add_done_callback(lambda done: self._links.pop(done, None))

    async def _serve(self, link: HubConnection) -> None:
        try:
            await link.run()
        finally:
            if self._hub is link:
                self._hub = None
                self._say(f"Hub {link.peer} has gone.")
                await self._satellite.leave()

    async def _handle(self, link: HubConnection, event: Event) -> None:
        """Pass a message on from the hub. Raises Busy for anybody else's."""
        if self._hub is not link:
            await self._take_over(link)
        await self._satellite.handle(event, link.send)

    async def _take_over(self, link: HubConnection) -> None:
        hub = self._hub
        if hub is not None and hub.quiet_s < TAKE_OVER_AFTER_S:
            raise Busy("Another hub uses this satellite.", retry_after_s=TAKE_OVER_AFTER_S)
        self._hub = link
        link.is_hub = True
        if hub is not None:
            hub.is_hub = False
            hub.hang_up()
            await self._satellite.leave()
        self._say(f"Hub {link.peer} is connected.")
