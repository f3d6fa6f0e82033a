"""A listening socket, and how each new client's socket is set up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

from lunavox_edge.address import Address
from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxLibraryError, SettingsError

_BACKLOG = 512
# A crowd that comes at once is let in by so many at a time; in between the others are served.
_WELCOMES = 8
# What the stream may hold unread before the kernel has to, per connection.
_READ_AHEAD_BYTES = 65_536
# Unbounded, the kernel takes megabytes: minutes of speech that are made for nobody.
_KERNEL_BYTES = 131_072
_UNIX_MODE = 0o660
# A client that connects and says nothing is not known yet, so it must not stay.
_HANDSHAKE_S = 10.0
_PROBE_S = 1.0
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}

_LOGGER = logging.getLogger(__name__)

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Listener:
    """One address, `tcp://`, `tls://` or `unix://`, whose clients go to `accept`."""

    def __init__(
        self,
        uri: str,
        accept: Accept,
        *,
        chosen_by: str,
        identity: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Store the parts; `chosen_by` names what sets the address, for messages.

        `identity` returns what a `tls://` address shows, or raises SettingsError; without it there is no TLS.
        """
        self._uri = uri
        self._accept = accept
        self._chosen_by = chosen_by
        self._identity = identity
        self._server: asyncio.AbstractServer | None = None
        self._socket_file: tuple[Path, int] | None = None

    @property
    def uri(self) -> str:
        """The address that clients connect to, with the real port once started."""
        return self._uri

    async def start(self) -> None:
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be had."""
        address = Address.parse(self._uri)
        try:
            if address.path is not None:
                await self._start_unix(address.path)
            else:
                await self._start_tcp(address)
        except OSError as error:
            _LOGGER.debug("Cannot listen on %s", self._uri, exc_info=True)
            raise LunavoxLibraryError(
                f"Cannot listen on {self._uri}: {_reason(error, self._chosen_by)}"
            ) from error

    def stop(self) -> None:
        """Close the port; who is connected stays. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket_file is not None:
            _remove_own(*self._socket_file)
            self._socket_file = None

    async def _start_tcp(self, address: Address) -> None:
        context = self._context() if address.tls else None
        server = await asyncio.start_server(
            self._welcome,
            address.host,
            address.port,
            limit=_READ_AHEAD_BYTES,
            backlog=_WELCOMES,
            reuse_address=True,
            ssl=context,
            ssl_handshake_timeout=_HANDSHAKE_S if context is not None else None,
        )
        self._server = server
        _lengthen_queues(server)
        host, port = server.sockets[0].getsockname()[:2]
        self._uri = Address(host=host, port=port, tls=address.tls).uri

    def _context(self) -> ssl.SSLContext:
        if self._identity is None:
            raise SettingsError(f"There is no TLS here; set {self._chosen_by} to tcp:// or unix://.")
        return self._identity()

    async def _start_unix(self, path: Path) -> None:
        if _is_socket(path):
            await _check_dead(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket_file = (path, _bind(listener, path))
            self._server = await asyncio.start_unix_server(
                self._welcome, sock=listener, limit=_READ_AHEAD_BYTES, backlog=_WELCOMES
            )
            _lengthen_queues(self._server)
        except BaseException:
            listener.close()
            raise

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _set_up(writer)
        self._accept(reader, writer)


def host_of(writer: asyncio.StreamWriter) -> str | None:
    """Return the address of a client, None at a socket file."""
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None


def _reason(error: OSError, chosen_by: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program, perhaps LunaVox Edge itself, uses this address; stop it or set {chosen_by}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not use this address; set {chosen_by} to another."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"this machine has no such address; set {chosen_by} to one of its own, or to 0.0.0.0 for all."
    return f"{error.strerror or error}."


def _lengthen_queues(server: asyncio.Server) -> None:
    """Let the kernel hold more clients than asyncio accepts in a row, for which it has one number."""
    for sock in server.sockets:
        with sock.dup() as twin:
            twin.listen(_BACKLOG)


def _set_up(writer: asyncio.StreamWriter) -> None:
    """Bound what the kernel keeps for a client that does not read, and let it find out who went away."""
    sock = writer.get_extra_info("socket")
    if sock is None:
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _is_socket(path: Path) -> bool:
    """Whether a socket file is there. Raises OSError if something else is in the way."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file of this name that is no socket")
    return True


async def _check_dead(path: Path) -> None:
    """Raise OSError if somebody listens on a socket file."""
    try:
        _, writer = await within(asyncio.open_unix_connection(path), _PROBE_S)
    except (ConnectionRefusedError, FileNotFoundError):
        return
    except asyncio.TimeoutError:
        raise OSError(errno.EADDRINUSE, "in use") from None
    writer.close()
    raise OSError(errno.EADDRINUSE, "in use")


def _bind(listener: socket.socket, path: Path) -> int:
    """Put a socket file in place of a dead one; return its inode."""
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    # Before it listens, so that nobody connects with other permissions.
    path.chmod(_UNIX_MODE)
    return path.stat().st_ino


def _remove_own(path: Path, inode: int) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_ino == inode:
            path.unlink()
