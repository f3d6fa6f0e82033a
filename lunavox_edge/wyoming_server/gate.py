"""Access control and rate limits for each client address, so that one client cannot use up the service."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lunavox_edge.errors import Busy

if TYPE_CHECKING:
    from lunavox_edge.settings.model import LimitSettings

_MAX_ADDRESSES = 4096
_MAX_LOGGED = 256
_MINUTE_S = 60.0
# One household has a whole IPv6 network of this prefix length, so a limit per address would be none.
_IPV6_NETWORK = 64

_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class _TokenBucket:
    """A rate limit of `per_minute` tokens a minute, which is also the size of the bucket."""

    left: float
    since_s: float

    def take(self, per_minute: int, now_s: float) -> float:
        """Take one token and return 0; if there is none, return the seconds until there will be one."""
        self.refill(per_minute, now_s)
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) * _MINUTE_S / per_minute

    def refill(self, per_minute: int, now_s: float) -> None:
        self.left = min(per_minute, self.left + (now_s - self.since_s) * per_minute / _MINUTE_S)
        self.since_s = now_s


@dataclass(slots=True)
class _AddressUsage:
    """What one address, or one IPv6 network, has used of its limits."""

    connects: _TokenBucket
    requests: _TokenBucket
    connections: int = 0


class ConnectionQuota:
    """One connection's share of the limits of its address; `peer` is the client's name in the log."""

    def __init__(self, gate: Gate, usage: _AddressUsage | None, peer: str) -> None:
        """Create it for an address; without `usage` the connection has no limits."""
        self.peer = peer
        self._gate = gate
        self._usage = usage

    def count_request(self) -> None:
        """Count one request. Raises Busy if the address has sent too many."""
        if self._usage is not None:
            self._gate.count_request(self._usage)

    def release(self) -> None:
        """Count the connection as closed. Idempotent."""
        usage, self._usage = self._usage, None
        if usage is not None:
            usage.connections -= 1


class Gate:
    """Decides which addresses may connect, and counts their connections and requests.

    It remembers a limited number of addresses.
    """

    def __init__(
        self,
        allow: Iterable[str],
        limits: Callable[[], LimitSettings],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow the networks of `allow`, or all if there are none; loopback addresses are always allowed.

        `limits` returns the limits that hold at the moment. Raises ValueError if a network is none.
        """
        self._allow = tuple(ipaddress.ip_network(text, strict=False) for text in allow)
        self._limits = limits
        self._clock = clock
        self._usages: dict[str, _AddressUsage] = {}
        self._logged: set[str] = set()

    def allows(self, host: str | None) -> bool:
        """Whether an address may connect; None stands for a socket file, which has its own permissions."""
        if host is None or not self._allow:
            return True
        address = _plain(host)
        if address.is_loopback or any(
            address.version == network.version and address in network for network in self._allow
        ):
            return True
        if host not in self._logged and len(self._logged) < _MAX_LOGGED:
            self._logged.add(host)
            _LOGGER.warning("%s is not in wyoming.allow and was refused; this is logged once", host)
        return False

    def connect(self, host: str | None, peer: str) -> ConnectionQuota:
        """Count a new connection. Raises Busy if its address has too many, or they come too fast."""
        if host is None:
            return self.unlimited(peer)
        limits, now = self._limits(), self._clock()
        usage = self._usage(_network_of(host), limits, now)
        wait_s = usage.connects.take(limits.max_connects_per_minute, now)
        if wait_s:
            raise Busy("Too many connections from your address.", retry_after_s=round(wait_s, 2))
        if usage.connections >= limits.max_connections_per_address:
            raise Busy("Your address has too many connections open.", retry_after_s=5.0)
        usage.connections += 1
        return ConnectionQuota(self, usage, peer)

    def unlimited(self, peer: str) -> ConnectionQuota:
        """Return a quota without limits, which is not counted."""
        return ConnectionQuota(self, None, peer)

    def count_request(self, usage: _AddressUsage) -> None:
        """Count one request. Raises Busy if there were too many."""
        wait_s = usage.requests.take(self._limits().max_requests_per_minute, self._clock())
        if wait_s:
            raise Busy("Too many requests from your address.", retry_after_s=round(wait_s, 2))

    def _usage(self, network: str, limits: LimitSettings, now: float) -> _AddressUsage:
        found = self._usages.get(network)
        if found is None:
            if len(self._usages) >= _MAX_ADDRESSES:
                self._forget(limits, now)
            connects = _TokenBucket(limits.max_connects_per_minute, now)
            requests = _TokenBucket(limits.max_requests_per_minute, now)
            found = self._usages[network] = _AddressUsage(connects, requests)
        return found

    def _forget(self, limits: LimitSettings, now: float) -> None:
        """Remove addresses without connections whose bucket is full; if too many remain, also the oldest."""
        for network, usage in list(self._usages.items()):
            usage.connects.refill(limits.max_connects_per_minute, now)
            if not usage.connections and usage.connects.left >= limits.max_connects_per_minute:
                del self._usages[network]
        if len(self._usages) >= _MAX_ADDRESSES:
            oldest = next((network for network, usage in self._usages.items() if not usage.connections), None)
            if oldest is not None:
                del self._usages[oldest]


def _plain(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an address; an IPv4 address mapped into IPv6 becomes an IPv4 one."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network_of(host: str) -> str:
    """Return the key under which an address is counted: itself, or its /64 network for IPv6."""
    address = _plain(host)
    if isinstance(address, ipaddress.IPv6Address):
        text = str(address).partition("%")[0]
        return str(ipaddress.ip_network(f"{text}/{_IPV6_NETWORK}", strict=False))
    return str(address)
