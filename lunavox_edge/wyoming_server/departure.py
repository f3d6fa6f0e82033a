"""The end of a connection: a client that only closed its sending side, that has gone, or has to go."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket

from lunavox_edge.bridge import within

GONE_CHECK_S = 0.25
"""How often one looks whether a half-closed connection has been reset."""

# Unread bytes would make the kernel drop the last message on its way to the client.
_LINGER_S = 1.0
_LINGER_BYTES = 8 * 1024 * 1024

# The machine of a client that has gone forgets its connection after a minute, and then resets it when it is
# asked for signs of life.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 10}


def half_closes(writer: asyncio.StreamWriter) -> bool:
    """Whether a client can still read after the end of its input; asyncio ends TLS in both directions.

    The kernel then asks more often than usual whether it is there.
    """
    if not writer.can_write_eof():
        return False
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE.items():
                if hasattr(socket, option):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return True


def is_gone(writer: asyncio.StreamWriter) -> bool:
    """Whether a half-closed connection is closed or reset, as far as the kernel knows without writing.

    The loop does not watch such a socket, because its end of input would wake it all the time.
    """
    sock = writer.get_extra_info("socket")
    if writer.transport.is_closing() or sock is None or sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return bool(poll.poll(0))


async def linger(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close our side and read what is still on its way, within bounds. Raises OSError."""
    if writer.can_write_eof():
        writer.write_eof()
    left = _LINGER_BYTES
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _LINGER_S
    with contextlib.suppress(asyncio.TimeoutError):
        while left > 0:
            received = await within(stream.read(65_536), max(0.0, until_s - loop.time()))
            if not received:
                return
            left -= len(received)
