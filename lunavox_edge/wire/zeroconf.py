"""Being found: the port as `_wyoming._tcp.local.` over multicast DNS, so that Home Assistant offers it.

The instance's name is what Home Assistant knows a service by, so it does not depend on the address, on
the host's name or on who else is there. Everything runs on the loop; only listing the addresses does not.
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
from lunavox_edge.background import Background, attempted
from lunavox_edge.bridge import blocking, within
from lunavox_edge.host import system

SERVICE_TYPE: Final = "_wyoming._tcp.local."

_LOOK_EVERY_S = 5.0
_STOP_S = 3.0
_ID_CHARS = 8
_MAX_NAME_BYTES = 63  # of a name in the DNS
# Networks inside the machine: nobody outside reaches their addresses.
_INNER_NETWORKS = ("docker", "br-", "veth", "virbr", "podman", "cni", "lxc", "lxdbr")
# Nothing is sent there; asking for the way tells which address others see.
_GROUP = ("224.0.0.251", 5353)

_LOGGER = logging.getLogger(__name__)


def instance_name(name: str | None) -> str:
    """Return the name of the instance: `name`, else one that belongs to this installation of the system."""
    if name is not None:
        return name
    # The number itself is not for others, says machine-id(5).
    number = hashlib.blake2b(system.machine_id().encode(), key=b"lunavox-edge", digest_size=_ID_CHARS // 2)
    return f"lunavox-edge-{number.hexdigest()}"


def is_for_others(address: Address) -> bool:
    """Whether other machines can reach the address, and Home Assistant can speak with what is there."""
    if address.path is not None or address.tls:
        return False
    try:
        return not ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def own_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses at which others reach a port bound to `host`, the most likely one first."""
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
    """Start to announce an address under a name, if it is one for other machines."""
    if not is_for_others(address):
        return None
    fitting = name.encode()[:_MAX_NAME_BYTES].decode(errors="ignore")
    announcement = ServiceAnnouncement(
        fitting, address.port, addresses=lambda: own_addresses(address.host), background=background
    )
    announcement.start()
    return announcement


class ServiceAnnouncement:
    """Announces one port until stopped, anew whenever the machine's addresses change."""

    def __init__(
        self,
        name: str,
        port: int,
        *,
        addresses: Callable[[], tuple[str, ...]],
        background: Background | None = None,
        look_every_s: float = _LOOK_EVERY_S,
    ) -> None:
        """Announce nothing until `start`.

        `addresses` lists those at which the port is reached, and may take a moment. `background` runs the
        task; without it nobody is told of its failures but the log.
        """
        self.name = name
        self._background = background or Background()
        self._port = port
        self._addresses = addresses
        self._look_every_s = look_every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Announce, in the background."""
        self._task = self._background.start("zeroconf", self._keep)

    async def stop(self) -> None:
        """Say goodbye, within bounds. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait((task,), timeout=_STOP_S)

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
                    _LOGGER.warning("Somebody else is called '%s'; set wyoming.name", name)
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
    """Take back what was announced and close, within bounds."""
    try:
        await attempted("zeroconf: goodbye", _within(responder.async_unregister_all_services()))
    finally:  # also if it is cancelled once more
        await attempted("zeroconf: close", _within(close_sockets(responder)))


async def close_sockets(responder: AsyncZeroconf) -> None:
    """Close a responder; if that is cancelled or fails, its sockets are closed without a goodbye."""
    try:
        await responder.async_close()
    except BaseException:
        responder.zeroconf.close()
        raise


async def _within(closing: Coroutine[Any, Any, None]) -> None:
    try:
        await within(closing, _STOP_S / 2)
    except (asyncio.TimeoutError, OSError, zeroconf.Error):
        _LOGGER.debug("No goodbye by zeroconf, or its sockets close late", exc_info=True)


def _is_usable(address: ipaddress.IPv4Address | ipaddress.IPv6Address, version: int) -> bool:
    """Whether others reach there what is bound to all addresses of this version."""
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.version == version


def _first_choice() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_GROUP)
        except OSError:
            return ""
        return str(probe.getsockname()[0])
