"""Discovery of Wyoming satellites on the local network by multicast DNS (zeroconf).

mDNS is not authenticated, so the results are only suggestions: names are limited to printable characters,
their number is limited, and a satellite that is not approved receives `describe` and nothing else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from lunavox_edge.address import Address
from lunavox_edge.background import Background, guarded, guarded_async
from lunavox_edge.bridge import blocking, cancel_and_wait
from lunavox_edge.errors import LunavoxError, Unreachable
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.wire.introduction import satellite_at, shown
from lunavox_edge.wire.zeroconf import (
    SERVICE_TYPE,
    close_sockets,
    close_within_bounds,
    end_task,
    own_addresses,
)

_MAX_FOUND = 256
_MAX_ADDRESSES = 8
_RESOLVE_MS = 3000
_LOOK_EVERY_S = 5.0
_ASK_TIMEOUT_S = 2.0
_ASK_AT_ONCE = 16

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A satellite on the network.

    `service` is its mDNS instance name. `uris` are its addresses; the first one has answered.
    """

    service: str
    uris: tuple[str, ...]
    name: str
    area: str


def interfaces() -> tuple[str, ...]:
    """Return this machine's addresses that other machines can reach. Blocks while adapters are listed."""
    return own_addresses("0.0.0.0")  # noqa: S104  # means all addresses; nothing is bound


class Neighbourhood:
    """Browses for Wyoming services until stopped, and again after this machine's addresses change.

    Used on the event loop only.
    """

    def __init__(
        self,
        *,
        addresses: Callable[[], tuple[str, ...]] | None = None,
        changed: Callable[[], None] = lambda: None,
        background: Background | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        """Create it; `start` begins to browse.

        `addresses` lists this machine's addresses and may block. `changed` is called on the loop after every
        change of `found`. `background` runs the task; without it failures show only in the log and `problem`.
        """
        self._background = background or Background()
        self._addresses = addresses or interfaces
        self._changed = changed
        self._look_every_s = look_every_s
        self._task: asyncio.Task[None] | None = None
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._superseded: set[asyncio.Task[None]] = set()
        self._found: dict[str, tuple[str, ...]] = {}
        self.problem: Exception | None = None
        """Why browsing does not work at the moment, or None."""

    @property
    def found(self) -> Mapping[str, tuple[str, ...]]:
        """The URIs of each service, by mDNS instance name; IPv4 addresses first."""
        return self._found

    def start(self) -> None:
        """Start browsing in a background task."""
        self._task = self._background.start("zeroconf neighbours", self._keep)

    async def stop(self) -> None:
        """Stop browsing; waits for a few seconds at most. Idempotent."""
        task, self._task = self._task, None
        await end_task(task)

    async def _keep(self) -> None:
        """Browse until cancelled; may be run again after a failure."""
        browsing: tuple[AsyncZeroconf, AsyncServiceBrowser] | None = None
        at: tuple[str, ...] = ()
        try:
            while True:
                try:
                    wanted = await blocking(self._addresses)
                    if wanted != at:
                        at = ()
                        if browsing is not None:
                            closing, browsing = browsing, None
                            await self._close(*closing)
                        self._forget()
                        browsing = await self._open(wanted) if wanted else None
                        at = wanted
                    self.problem = None if at else Unreachable("This machine is in no network.")
                except (OSError, zeroconf.Error) as error:
                    # The network is not up yet, or forbids multicast.
                    if self.problem is None:
                        _LOGGER.warning("Satellites cannot be found by zeroconf for now: %r", error)
                    self.problem = error
                await asyncio.sleep(self._look_every_s)
        except Exception as error:
            self.problem = error
            raise
        finally:
            if browsing is not None:
                await self._close(*browsing)

    def _forget(self) -> None:
        """Clear `found`: services that leave between two browsers would never be removed."""
        if self._found:
            self._found = {}
            guarded("zeroconf: changed", self._changed)

    async def _open(self, at: tuple[str, ...]) -> tuple[AsyncZeroconf, AsyncServiceBrowser]:
        responder = AsyncZeroconf(interfaces=list(at))
        try:
            return responder, AsyncServiceBrowser(
                responder.zeroconf, SERVICE_TYPE, handlers=[self._on_change]
            )
        except BaseException:
            await guarded_async("zeroconf: close", close_within_bounds(close_sockets(responder)))
            raise

    async def _close(self, responder: AsyncZeroconf, browser: AsyncServiceBrowser) -> None:
        try:
            await cancel_and_wait(*self._asking.values(), *self._superseded)
            await guarded_async("zeroconf: close", close_within_bounds(browser.async_cancel()))
        finally:  # also if this is cancelled again
            await guarded_async("zeroconf: close", close_within_bounds(close_sockets(responder)))

    def _on_change(
        self,
        zeroconf: zeroconf.Zeroconf,
        service_type: str,
        name: str,
        state_change: zeroconf.ServiceStateChange,
    ) -> None:
        """Handle the browser's callback, which passes its arguments by keyword."""
        guarded("zeroconf: change", self._handle, zeroconf, service_type, name, state_change.name)

    def _handle(self, responder: zeroconf.Zeroconf, service_type: str, name: str, change: str) -> None:
        service = name.removesuffix(f".{service_type}")
        if (earlier := self._asking.pop(service, None)) is not None:
            self._superseded.add(earlier)
            earlier.add_done_callback(self._superseded.discard)
            earlier.cancel()
        if change == "Removed":
            if self._found.pop(service, None) is not None:
                guarded("zeroconf: changed", self._changed)
        elif service.isprintable() and (service in self._found or self._has_room):
            self._asking[service] = asyncio.get_running_loop().create_task(
                self._ask(responder, name, service), name="zeroconf neighbour"
            )

    @property
    def _has_room(self) -> bool:
        return len(self._found) + len(self._asking) < _MAX_FOUND

    async def _ask(self, responder: zeroconf.Zeroconf, name: str, service: str) -> None:
        try:
            await guarded_async("zeroconf: neighbour", self._resolve(responder, name, service))
        finally:
            if self._asking.get(service) is asyncio.current_task():
                del self._asking[service]

    async def _resolve(self, responder: zeroconf.Zeroconf, name: str, service: str) -> None:
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        try:
            answered = await info.async_request(responder, _RESOLVE_MS)
        except (OSError, zeroconf.Error) as error:
            _LOGGER.debug("%r does not say where it is: %r", service, error)
            return
        uris = _uris(info.parsed_addresses(), info.port) if answered else ()
        if uris and self._found.get(service) != uris:
            self._found[service] = uris
            guarded("zeroconf: changed", self._changed)


def satellites_near(
    limits: LimitSettings, *, search_s: float, addresses: Callable[[], tuple[str, ...]] | None = None
) -> tuple[Neighbour, ...]:
    """Browse for `search_s` seconds, send `describe` to each service found, and return the satellites.

    Blocks; runs an event loop of its own. Raises Unreachable if this machine cannot browse.
    """
    return asyncio.run(_near(limits, search_s, addresses))


async def _near(
    limits: LimitSettings, search_s: float, addresses: Callable[[], tuple[str, ...]] | None
) -> tuple[Neighbour, ...]:
    neighbourhood = Neighbourhood(addresses=addresses)
    neighbourhood.start()
    try:
        await asyncio.sleep(search_s)
        if neighbourhood.problem is not None:
            raise Unreachable(f"This network cannot be searched: {neighbourhood.problem}")
        found = dict(neighbourhood.found)
    finally:
        await neighbourhood.stop()
    slots = asyncio.Semaphore(_ASK_AT_ONCE)

    async def asked(service: str, uris: tuple[str, ...]) -> Neighbour | None:
        async with slots:
            return await _described(service, uris, limits)

    neighbours = await asyncio.gather(*(asked(service, uris) for service, uris in sorted(found.items())))
    return tuple(neighbour for neighbour in neighbours if neighbour is not None)


async def _described(service: str, uris: tuple[str, ...], limits: LimitSettings) -> Neighbour | None:
    """Send `describe` to one address after the other until one answers; None if it is no satellite."""
    for uri in uris:
        try:
            satellite = (await satellite_at(uri, limits, timeout_s=_ASK_TIMEOUT_S)).satellite
        except LunavoxError as error:
            _LOGGER.debug("%r at %s: %s", service, uri, error)
            continue
        if satellite is None:
            return None
        others = tuple(other for other in uris if other != uri)
        return Neighbour(service, (uri, *others), shown(satellite.name or ""), shown(satellite.area or ""))
    return None


def _uris(addresses: list[str], port: int | None) -> tuple[str, ...]:
    """Return the addresses as URIs, IPv4 first; link-local ones are left out."""
    if port is None:
        return ()
    usable = [text for text in addresses if not ipaddress.ip_address(text).is_link_local]
    ordered = sorted(dict.fromkeys(usable), key=lambda text: ":" in text)
    return tuple(Address(host=text, port=port).uri for text in ordered[:_MAX_ADDRESSES])
