"""Who else speaks Wyoming on this network, as they say themselves over multicast DNS.

Anybody on the network can say anything there, so what is found is no more than a suggestion: names hold what
can be printed, their number is bounded, and whoever is not approved is asked who it is and nothing else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from lunavox_edge.address import Address
from lunavox_edge.background import Background, attempted, guarded
from lunavox_edge.bridge import blocking, ended, within
from lunavox_edge.errors import LunavoxError, Unreachable
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.wire.introduction import satellite_at, shown
from lunavox_edge.wire.zeroconf import SERVICE_TYPE, close_sockets, own_addresses

_MAX_FOUND = 256
_MAX_ADDRESSES = 8
_RESOLVE_MS = 3000
_LOOK_EVERY_S = 5.0
_CLOSE_S = 1.5
_ASK_TIMEOUT_S = 2.0
_ASK_AT_ONCE = 16

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A satellite on the network; `service` is what it is announced as, `uris` where, the likeliest first."""

    service: str
    uris: tuple[str, ...]
    name: str
    area: str


def interfaces() -> tuple[str, ...]:
    """Return the addresses of this machine at which it meets others; may take a moment."""
    return own_addresses("0.0.0.0")  # noqa: S104  # stands for all of them; nothing is bound


class Neighbourhood:
    """Knows who is announced, until stopped, also when this machine's addresses change."""

    def __init__(
        self,
        *,
        addresses: Callable[[], tuple[str, ...]] | None = None,
        changed: Callable[[], None] = lambda: None,
        background: Background | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        """Look for nobody until `start`.

        `addresses` are those of this machine, `changed` is told that `found` is different. `background` runs
        the task; without it nobody is told of its failures but the log and `problem`.
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
        """Why nobody can be found at the moment."""

    @property
    def found(self) -> Mapping[str, tuple[str, ...]]:
        """Where each is, by the name it is announced as."""
        return self._found

    def start(self) -> None:
        """Look, in the background."""
        self._task = self._background.start("zeroconf neighbours", self._keep)

    async def stop(self) -> None:
        """Look no more, within bounds. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,), timeout=2 * _CLOSE_S)

    async def _keep(self) -> None:
        """Look until cancelled; may be run again after a failure."""
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
        """Forget everybody: who leaves while nobody listens would stay for ever."""
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
            await attempted("zeroconf: close", _within(close_sockets(responder)))
            raise

    async def _close(self, responder: AsyncZeroconf, browser: AsyncServiceBrowser) -> None:
        try:
            await ended(*self._asking.values(), *self._superseded)
            await attempted("zeroconf: close", _within(browser.async_cancel()))
        finally:  # also if it is cancelled once more
            await attempted("zeroconf: close", _within(close_sockets(responder)))

    def _on_change(
        self,
        zeroconf: zeroconf.Zeroconf,
        service_type: str,
        name: str,
        state_change: zeroconf.ServiceStateChange,
    ) -> None:
        """Take what the browser calls back with; its parameters are given by name."""
        guarded("zeroconf: heard", self._heard, zeroconf, service_type, name, state_change.name)

    def _heard(self, responder: zeroconf.Zeroconf, service_type: str, name: str, change: str) -> None:
        service = name.removesuffix(f".{service_type}")
        if (earlier := self._asking.pop(service, None)) is not None:
            self._superseded.add(earlier)
            earlier.add_done_callback(self._superseded.discard)
            earlier.cancel()
        if change == "Removed":
            if self._found.pop(service, None) is not None:
                guarded("zeroconf: changed", self._changed)
        elif service.isprintable() and (service in self._found or self._room):
            self._asking[service] = asyncio.get_running_loop().create_task(
                self._ask(responder, name, service), name="zeroconf neighbour"
            )

    @property
    def _room(self) -> bool:
        return len(self._found) + len(self._asking) < _MAX_FOUND

    async def _ask(self, responder: zeroconf.Zeroconf, name: str, service: str) -> None:
        try:
            await attempted("zeroconf: neighbour", self._resolve(responder, name, service))
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


async def _within(closing: Coroutine[Any, Any, None]) -> None:
    """Close something of zeroconf, within bounds."""
    try:
        await within(closing, _CLOSE_S)
    except (asyncio.TimeoutError, OSError, zeroconf.Error):
        _LOGGER.debug("The sockets of zeroconf close late", exc_info=True)


def satellites_near(
    limits: LimitSettings, *, search_s: float, addresses: Callable[[], tuple[str, ...]] | None = None
) -> tuple[Neighbour, ...]:
    """Look for satellites for a while, and ask everybody found who it is; nothing else is sent.

    Starts a loop of its own. Raises Unreachable if this machine cannot look.
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
    places = asyncio.Semaphore(_ASK_AT_ONCE)

    async def asked(service: str, uris: tuple[str, ...]) -> Neighbour | None:
        async with places:
            return await _introduced(service, uris, limits)

    neighbours = await asyncio.gather(*(asked(service, uris) for service, uris in sorted(found.items())))
    return tuple(neighbour for neighbour in neighbours if neighbour is not None)


async def _introduced(service: str, uris: tuple[str, ...], limits: LimitSettings) -> Neighbour | None:
    """Ask at each address until somebody answers; None if it is no satellite."""
    for uri in uris:
        try:
            told = (await satellite_at(uri, limits, timeout_s=_ASK_TIMEOUT_S)).satellite
        except LunavoxError as error:
            _LOGGER.debug("%r at %s: %s", service, uri, error)
            continue
        if told is None:
            return None
        others = tuple(other for other in uris if other != uri)
        return Neighbour(service, (uri, *others), shown(told.name or ""), shown(told.area or ""))
    return None


def _uris(addresses: list[str], port: int | None) -> tuple[str, ...]:
    """Return the addresses as URIs, IPv4 first; those that lead nowhere from here are left out."""
    if port is None:
        return ()
    usable = [text for text in addresses if not ipaddress.ip_address(text).is_link_local]
    ordered = sorted(dict.fromkeys(usable), key=lambda text: ":" in text)
    return tuple(Address(host=text, port=port).uri for text in ordered[:_MAX_ADDRESSES])
