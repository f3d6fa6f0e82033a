"""Announcing a port as `_wyoming._tcp.local.` over multicast DNS, so that Home Assistant discovers it.

Home Assistant identifies a service by its instance name, so the default name does not depend on the address,
the host's name or other machines. Everything runs on the event loop, except listing the addresses.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

import ifaddr
import zeroconf
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from lunavox_edge._version import __version__
from lunavox_edge.address import Address
from lunavox_edge.background import Background, guarded_async
from lunavox_edge.bridge import blocking, within
from lunavox_edge.host import system

SERVICE_TYPE: Final = "_wyoming._tcp.local."

CLOSE_TIMEOUT_S = 1.5
"""The longest time that one call which closes something of zeroconf may take."""

_LOOK_EVERY_S = 5.0
_ID_CHARS = 8
_MAX_NAME_BYTES = 63  # the limit of DNS for one label
# Adapters of networks inside the machine; other machines cannot reach their addresses.
_INNER_NETWORKS = ("docker", "br-", "veth", "virbr", "podman", "cni", "lxc", "lxdbr")
# The multicast group of mDNS. A UDP socket that is connected to it has the address that others see; nothing
# is sent.
_GROUP = ("224.0.0.251", 5353)

_LOGGER = logging.getLogger(__name__)


def instance_name(name: str | None) -> str:
    """Return `name`, or without it a name derived from this system's machine id."""
    if name is not None:
        return name
    # machine-id(5) forbids to publish the id itself.
    number = hashlib.blake2b(system.machine_id().encode(), key=b"lunavox-edge", digest_size=_ID_CHARS // 2)
    return f"lunavox-edge-{number.hexdigest()}"


def is_for_others(address: Address) -> bool:
    """Whether other machines can reach the address, and Home Assistant can use it (it has no TLS)."""
    if address.path is not None or address.tls:
        return False
    try:
        return not ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def own_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses at which other machines reach a port bound to `host`, the most likely one first.

    Blocks while adapters are listed.
    """
    bound = ipaddress.ip_address(host)
    if not bound.is_unspecified:
        return (host,)
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        if adapter.name.startswith(_INNER_NETWORKS):
            continue
        texts = [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for ip in adapter.ips]
        found += [text for text in texts if _is_usable(ipaddress.ip_address(text), bound.version)]
    first = _first_choice()
    return tuple(sorted(dict.fromkeys(found), key=lambda text: (text != first, ":" in text, text)))


def announced(
    address: Address, name: str, *, background: Background | None = None
) -> ServiceAnnouncement | None:
    """Start to announce an address under a name; None if the address is not for other machines."""
    if not is_for_others(address):
        return None
    fitting = name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    announcement = ServiceAnnouncement(
        fitting, address.port, addresses=lambda: own_addresses(address.host), background=background
    )
    announcement.start()
    return announcement


class ServiceAnnouncement:
    """Announces one port until stopped, and again whenever the machine's addresses change.

    Used on the event loop only.
    """

    def __init__(
        self,
        name: str,
        port: int,
        *,
        addresses: Callable[[], tuple[str, ...]],
        background: Background | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        """Create it; `start` begins to announce.

        `addresses` lists the addresses of the port and may block. `background` runs the task; without it
        failures show only in the log.
        """
        self.name = name
        self._background = background or Background()
        self._port = port
        self._addresses = addresses
        self._look_every_s = look_every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to announce in a background task."""
        self._task = self._background.start("zeroconf", self._keep)

    async def stop(self) -> None:
        """Withdraw the announcement; waits for a few seconds at most. Idempotent."""
        task, self._task = self._task, None
        await end_task(task)

    async def _keep(self) -> None:
        """Announce until cancelled; may be run again after a failure."""
        responder: AsyncZeroconf | None = None
        announced: tuple[str, ...] = ()
        complained = False
        try:
            while True:
                try:
                    wanted = await blocking(self._addresses)
                    if wanted != announced:
                        announced = ()
                        if responder is not None:
                            await _close(responder)
                            responder = None
                        responder = await self._announce(wanted) if wanted else None
                        announced, complained = wanted, False
                except (OSError, zeroconf.Error) as error:
                    # The network is not up yet, or forbids multicast.
                    level = logging.DEBUG if complained else logging.WARNING
                    complained = True
                    _LOGGER.log(level, "Cannot be found by zeroconf for now: %r", error)
                await asyncio.sleep(self._look_every_s)
        finally:
            if responder is not None:
                await _close(responder)

    async def _announce(self, addresses: tuple[str, ...]) -> AsyncZeroconf:
        responder = AsyncZeroconf(interfaces=list(addresses))
        try:
            for name in (self.name, f"{self.name} ({socket.gethostname()})"):
                try:
                    await (await responder.async_register_service(self._info(name, addresses)))
                except zeroconf.NonUniqueNameException:
                    _LOGGER.warning("Another service is called '%s'; set wyoming.name", name)
                else:
                    _LOGGER.info("Announced as '%s' at %s", name, ", ".join(addresses))
                    return responder
        except BaseException:
            await _close(responder)
            raise
        await _close(responder)
        raise zeroconf.NonUniqueNameException

    def _info(self, name: str, addresses: tuple[str, ...]) -> AsyncServiceInfo:
        host = hashlib.blake2b(name.encode(), digest_size=_ID_CHARS // 2).hexdigest()
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"{name}.{SERVICE_TYPE}",
            port=self._port,
            parsed_addresses=list(addresses),
            properties={"version": __version__},
            server=f"lunavox-edge-{host}.local.",
        )


async def _close(responder: AsyncZeroconf) -> None:
    """Withdraw the announcement and close the sockets."""
    try:
        await guarded_async(
            "zeroconf: goodbye", close_within_bounds(responder.async_unregister_all_services())
        )
    finally:  # also if this is cancelled again
        await guarded_async("zeroconf: close", close_within_bounds(close_sockets(responder)))


async def close_sockets(responder: AsyncZeroconf) -> None:
    """Close a responder; if that is cancelled or fails, close its sockets without a goodbye."""
    try:
        await responder.async_close()
    except BaseException:
        responder.zeroconf.close()
        raise


async def end_task(task: asyncio.Task[None] | None) -> None:
    """Cancel a task that uses zeroconf; wait for its end, for at most twice `CLOSE_TIMEOUT_S`."""
    if task is not None:
        task.cancel()
        await asyncio.wait((task,), timeout=2 * CLOSE_TIMEOUT_S)


async def close_within_bounds(closing: Coroutine[Any, Any, None]) -> None:
    """Await a call that closes something of zeroconf, for at most `CLOSE_TIMEOUT_S`; log its failure."""
    try:
        await within(closing, CLOSE_TIMEOUT_S)
    except (asyncio.TimeoutError, OSError, zeroconf.Error):
        _LOGGER.debug("zeroconf did not close in time, or failed to", exc_info=True)


def _is_usable(address: ipaddress.IPv4Address | ipaddress.IPv6Address, version: int) -> bool:
    """Whether other machines reach at `address` a port bound to all addresses of this IP version."""
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.version == version


def _first_choice() -> str:
    """Return the address from which this machine sends multicast; empty without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_GROUP)
        except OSError:
            return ""
        return str(probe.getsockname()[0])
