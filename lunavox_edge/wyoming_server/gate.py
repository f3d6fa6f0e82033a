"""Who may come in, and how much one address may ask for, so that it hurts only itself."""

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
_MAX_NAMED = 256
_MINUTE_S = 60.0
# One household has a whole network of this size; an address alone would be no limit.
_IPV6_NETWORK = 64

_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class _Allowance:
    """So many a minute, and as many at once as a minute brings."""

    left: float
    since_s: float

    def take(self, a_minute: int, now_s: float) -> float:
        """Take one; return in how many seconds there is one, 0 if there was."""
        self.refill(a_minute, now_s)
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) * _MINUTE_S / a_minute

    def refill(self, a_minute: int, now_s: float) -> None:
        self.left = min(a_minute, self.left + (now_s - self.since_s) * a_minute / _MINUTE_S)
        self.since_s = now_s


@dataclass(slots=True)
class _Visitor:
    """What is known of one address."""

    arrivals: _Allowance
    requests: _Allowance
    connections: int = 0


class Guest:
    """One connection's right to be here and to ask; `peer` is its name in the log."""

    def __init__(self, gate: Gate, visitor: _Visitor | None, peer: str) -> None:
        """Belong to a visitor; None is one whom nothing limits."""
        self.peer = peer
        self._gate = gate
        self._visitor = visitor

    def ask(self) -> None:
        """Count one request. Raises Busy if there were too many."""
        if self._visitor is not None:
            self._gate.count_request(self._visitor)

    def leave(self) -> None:
        """Give the place back. Idempotent."""
        visitor, self._visitor = self._visitor, None
        if visitor is not None:
            visitor.connections -= 1


class Gate:
    """Knows every address that has come lately; bounded."""

    def __init__(
        self,
        allow: Iterable[str],
        limits: Callable[[], LimitSettings],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let in only the networks of `allow`, everybody if there are none; this machine always."""
        self._allow = tuple(ipaddress.ip_network(text, strict=False) for text in allow)
        self._limits = limits
        self._clock = clock
        self._visitors: dict[str, _Visitor] = {}
        self._named: set[str] = set()

    def allows(self, host: str | None) -> bool:
        """Whether an address may connect at all; None is a socket file, which has permissions."""
        if host is None or not self._allow:
            return True
        address = _plain(host)
        if address.is_loopback or any(
            address.version == network.version and address in network for network in self._allow
        ):
            return True
        if host not in self._named and len(self._named) < _MAX_NAMED:
            self._named.add(host)
            _LOGGER.warning("%s is not in wyoming.allow and was refused; this is said once", host)
        return False

    def enter(self, host: str | None, peer: str) -> Guest:
        """Let a connection in. Raises Busy if its address has too many, or they come too fast."""
        if host is None:
            return Guest(self, None, peer)
        limits, now = self._limits(), self._clock()
        visitor = self._visitor(_household(host), limits, now)
        wait_s = visitor.arrivals.take(limits.max_connects_per_minute, now)
        if wait_s:
            raise Busy("Too many connections from your address.", retry_after_s=round(wait_s, 2))
        if visitor.connections >= limits.max_connections_per_address:
            raise Busy("Your address has too many connections open.", retry_after_s=5.0)
        visitor.connections += 1
        return Guest(self, visitor, peer)

    def count_request(self, visitor: _Visitor) -> None:
        """Count one request. Raises Busy if there were too many."""
        wait_s = visitor.requests.take(self._limits().max_requests_per_minute, self._clock())
        if wait_s:
            raise Busy("Too many requests from your address.", retry_after_s=round(wait_s, 2))

    def _visitor(self, host: str, limits: LimitSettings, now: float) -> _Visitor:
        found = self._visitors.get(host)
        if found is None:
            if len(self._visitors) >= _MAX_ADDRESSES:
                self._forget(limits, now)
            arrivals = _Allowance(limits.max_connects_per_minute, now)
            requests = _Allowance(limits.max_requests_per_minute, now)
            found = self._visitors[host] = _Visitor(arrivals, requests)
        return found

    def _forget(self, limits: LimitSettings, now: float) -> None:
        """Forget those who left and have nothing to wait for; of all others the oldest."""
        for host, visitor in list(self._visitors.items()):
            visitor.arrivals.refill(limits.max_connects_per_minute, now)
            if not visitor.connections and visitor.arrivals.left >= limits.max_connects_per_minute:
                del self._visitors[host]
        if len(self._visitors) >= _MAX_ADDRESSES:
            gone = next((host for host, visitor in self._visitors.items() if not visitor.connections), None)
            if gone is not None:
                del self._visitors[gone]


def _plain(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address, an IPv4 one even where the socket calls it IPv6."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _household(host: str) -> str:
    address = _plain(host)
    if isinstance(address, ipaddress.IPv6Address):
        text = str(address).partition("%")[0]
        return str(ipaddress.ip_network(f"{text}/{_IPV6_NETWORK}", strict=False))
    return str(address)
