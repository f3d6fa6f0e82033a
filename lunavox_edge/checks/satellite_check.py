"""Which satellites can be reached (from the settings, approved, or found nearby), and which answerers."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lunavox_edge.address import Address
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub import approved
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.satellite_settings import SatelliteSettings
from lunavox_edge.wire.introduction import shown
from lunavox_edge.wyoming_server import blocking_client

if TYPE_CHECKING:
    from lunavox_edge.wire.neighbours import Neighbour

OF_SETTINGS, APPROVED, FOUND = "settings", "approved", "found"
"""Values of `Present.source`: why a satellite is listed."""

_TIMEOUT_S = 2.0
_SEARCH_S = 2.5
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Present:
    """A satellite and whether it is online; `answer` is the name of its answerer.

    The hub does not connect to one whose `source` is FOUND; its `id` is the one that it would get when
    approved. `service` is its zeroconf service name.
    """

    id: str
    address: str
    name: str
    area: str
    answer: str
    online: bool
    problem: str | None
    source: str = OF_SETTINGS
    service: str | None = None


def near(settings: Settings) -> tuple[Neighbour, ...]:
    """Search this network for announced satellites. Raises Unreachable if multicast DNS does not work."""
    from lunavox_edge.wire import neighbours  # noqa: PLC0415  # heavy, and seldom needed

    return neighbours.satellites_near(settings.limits, search_s=_SEARCH_S)


def satellites(settings: Settings, found: Iterable[Neighbour] = ()) -> Iterator[Present]:
    """Query every satellite of the settings and every approved one, one after the other.

    Their work is not disturbed. Then yield those of `found` that are not among them.
    """
    configured, by_service = settings.satellites.known, {one.service: one for one in found}
    endpoints: set[tuple[str, int]] = set()
    for key, known in configured.items():
        endpoints |= _endpoints(known.uri)
        yield _present(settings, key, known, OF_SETTINGS, None)
    listed = approved.load(approved.file_of(settings.satellites)) or {}
    for key, entry in listed.items():
        if key in configured:
            continue
        here = by_service.pop(entry.service, None)
        uri = entry.uri if here is None else here.uris[0]
        yield _present(settings, key, SatelliteSettings(uri=uri), APPROVED, entry.service)
    taken = {*configured, *listed}
    for service, one in by_service.items():
        if any(_endpoints(uri) & endpoints for uri in one.uris):
            continue
        key = approved.free_id(one.name, taken)
        taken.add(key)
        yield Present(key, one.uris[0], one.name, one.area, "", True, None, FOUND, service)  # noqa: FBT003


def _present(
    settings: Settings, key: str, known: SatelliteSettings, source: str, service: str | None
) -> Present:
    name, area, problem = known.name, known.area, None
    try:
        info = blocking_client.describe(known.uri, timeout_s=_TIMEOUT_S).satellite
        if info is None:
            problem = "no satellite: another service answers there"
        else:
            name, area = name or shown(info.name or ""), area or shown(info.area or "")
    except LunavoxError as error:
        problem = f"offline ({error.code})"
    answer, _ = settings.satellites.answer_for(known)
    return Present(key, known.uri, name or key, area or "", answer, problem is None, problem, source, service)


def _endpoints(uri: str) -> set[tuple[str, int]]:
    """Return the IP addresses and port that a URI resolves to; empty for a socket file."""
    address = Address.parse(uri)
    if address.path is not None:
        return set()
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {(str(one[4][0]), address.port) for one in found}


def absence(url: str) -> str | None:
    """Return why the address of an answerer cannot be reached, None if it can."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(_TIMEOUT_S)
                probe.connect(parts.path)
        else:
            port = parts.port or _PORTS.get(parts.scheme, 0)
            socket.create_connection((parts.hostname, port), _TIMEOUT_S).close()
    except OSError as error:
        return str(error.strerror or error)
    except UnicodeError:
        return "that is no host name"
    return None
