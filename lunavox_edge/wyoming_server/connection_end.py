"""Ending connections: half-closed ones, detecting that the client is gone, and closing without data loss."""

from __future__ import annotations

import asyncio
import contextlib
import select

from lunavox_edge.bridge import within
from lunavox_edge.wyoming_server.listener import set_keepalive

GONE_CHECK_S = 0.25
"""How often to check whether a half-closed connection has been reset."""

# If unread bytes are in the socket when it is closed, the kernel resets the connection, and the client may
# lose the last message. So they are read for a while first.
_LINGER_S = 1.0
_LINGER_BYTES = 8 * 1024 * 1024

# The machine of a client that is gone drops its half of the connection after a minute, and then answers a
# keep-alive probe with a reset.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 10}


def half_closes(writer: asyncio.StreamWriter) -> bool:
    """Whether a client that closed its sending side can still receive: not with TLS, as asyncio has it.

    If so, this also shortens the connection's keep-alive intervals.
    """
    if not writer.can_write_eof():
        return False
    sock = writer.get_extra_info("socket")
    if sock is not None:
        set_keepalive(sock, _KEEPALIVE)
    return True


def is_gone(writer: asyncio.StreamWriter) -> bool:
    """Whether a half-closed connection has been closed or reset, as far as the kernel knows without a write.

    Polls the socket, because the event loop does not: the end of input would wake it all the time.
    """
    sock = writer.get_extra_info("socket")
    if writer.transport.is_closing() or sock is None or sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return bool(poll.poll(0))


async def linger(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close our sending side, then read and drop what the client still sends, for a limited time and size.

    Raises OSError.
    """
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
