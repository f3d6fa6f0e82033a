"""Which satellites of the settings are there, and whether somebody listens where answers come from."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lunavox_edge.errors import LunavoxError
from lunavox_edge.settings import Settings
from lunavox_edge.wyoming_server import client

_TIMEOUT_S = 2.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Present:
    """A satellite of the settings, and whether it is there; `answer` names who answers at it."""

    id: str
    address: str
    name: str
    area: str
    answer: str
    online: bool
    problem: str | None


def satellites(settings: Settings) -> Iterator[Present]:
    """Ask every satellite who it is, one after the other; none is disturbed by it."""
    for key, known in settings.satellites.known.items():
        name, area, problem = known.name, known.area, None
        try:
            told = client.describe(known.uri, timeout_s=_TIMEOUT_S).satellite
            if told is None:
                problem = "no satellite: another service answers there"
            else:
                name, area = name or told.name, area or told.area
        except LunavoxError as error:
            problem = f"offline ({error.code})"
        answer, _ = settings.satellites.answer_for(known)
        yield Present(key, known.uri, name or key, area or "", answer, problem is None, problem)


def absence(url: str) -> str | None:
    """Say why nobody can be asked at an address of `satellites.answers`, None if somebody listens there."""
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
