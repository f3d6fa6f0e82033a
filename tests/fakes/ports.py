"""Ports for servers that have to know theirs before they start, or that come back to it."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_LOWEST = 12_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of the loopback at which nobody listens.

    It is none of those that the system gives to clients: one of them may have it by the time the server
    starts, and a client that tries again and again would in the end be connected to itself.
    """
    first_of_clients = int(_RANGE.read_text(encoding="ascii").split()[0]) if _RANGE.exists() else 32_768
    choice = random.SystemRandom()
    while True:
        port = choice.randrange(_LOWEST, max(first_of_clients, _LOWEST + 10_000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
