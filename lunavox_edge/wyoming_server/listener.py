"""A listening socket for tcp://, tls:// or unix://, and the options of each client's socket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from lunavox_edge.address import Address
from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxLibraryError, SettingsError

_BACKLOG = 512
# New connections accepted in a row; between two rows the event loop serves the other clients.
_ACCEPT_BURST = 8
# Unread bytes that asyncio buffers for each connection; more stay in the kernel.
_READ_AHEAD_BYTES = 65_536
# Without a limit the kernel buffers megabytes: minutes of speech that would be synthesised in vain when the
# client stops reading.
_SEND_BUFFER_BYTES = 131_072
_UNIX_MODE = 0o660
# No limit on clients applies before the TLS handshake is complete, so a silent one is disconnected.
_HANDSHAKE_S = 10.0
_PROBE_S = 1.0
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}

_LOGGER = logging.getLogger(__name__)

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Listener:
    """Listens on one address and calls `accept` with the streams of each new client; used on the loop."""

    def __init__(
        self,
        uri: str,
        accept: Accept,
        *,
        chosen_by: str,
        identity: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Create it; `start` opens the port.

        `uri` is a `tcp://`, `tls://` or `unix://` address. `chosen_by` names the setting or option that holds
        it, for error texts. `identity` returns the TLS context for a `tls://` address, or raises
        SettingsError; without it `tls://` is refused.
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
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be opened."""
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
        """Close the port; clients stay connected. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket_file is not None:
            _remove_own(*self._socket_file)
            self._socket_file = None

    async def _start_tcp(self, address: Address) -> None:
        context = self._context() if address.tls else None
        server = await asyncio.start_server(
            self._connected,
            address.host,
            address.port,
            limit=_READ_AHEAD_BYTES,
            backlog=_ACCEPT_BURST,
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
                self._connected, sock=listener, limit=_READ_AHEAD_BYTES, backlog=_ACCEPT_BURST
            )
            _lengthen_queues(self._server)
        except BaseException:
            listener.close()
            raise

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _set_options(writer)
        self._accept(reader, writer)


def host_of(writer: asyncio.StreamWriter) -> str | None:
    """Return the IP address of a client; None for a socket file."""
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None


def set_keepalive(sock: socket.socket, options: Mapping[str, int]) -> None:
    """Turn on keep-alive for a TCP socket; `options` are names of TCP_ options with their values.

    Other sockets and options that the system does not have are ignored.
    """
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in options.items():
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _reason(error: OSError, chosen_by: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program, perhaps LunaVox Edge itself, uses this address; stop it or set {chosen_by}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not use this address; set {chosen_by} to another."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"this machine has no such address; set {chosen_by} to one of its own, or to 0.0.0.0 for all."
    return f"{error.strerror or error}."


def _lengthen_queues(server: asyncio.Server) -> None:
    """Set the kernel's queue of new connections; asyncio uses `backlog` for it and for its accept burst."""
    for sock in server.sockets:
        with sock.dup() as twin:
            twin.listen(_BACKLOG)


def _set_options(writer: asyncio.StreamWriter) -> None:
    """Limit the send buffer of a client's socket, and turn on keep-alive to detect clients that are gone."""
    sock = writer.get_extra_info("socket")
    if sock is None:
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    set_keepalive(sock, _KEEPALIVE)


def _is_socket(path: Path) -> bool:
    """Whether `path` is a socket file. Raises OSError if it is a file of another kind."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file of this name that is no socket")
    return True


async def _check_dead(path: Path) -> None:
    """Raise OSError if a program listens on the socket file."""
    try:
        _, writer = await within(asyncio.open_unix_connection(path), _PROBE_S)
    except (ConnectionRefusedError, FileNotFoundError):
        return
    except asyncio.TimeoutError:
        raise OSError(errno.EADDRINUSE, "in use") from None
    writer.close()
    raise OSError(errno.EADDRINUSE, "in use")


def _bind(listener: socket.socket, path: Path) -> int:
    """Create the socket file, replacing a dead one; return its inode."""
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    # Before `listen`, so that no client connects while the permissions are wider.
    path.chmod(_UNIX_MODE)
    return path.stat().st_ino


def _remove_own(path: Path, inode: int) -> None:
    """Remove the socket file, unless another program has replaced it since."""
    with contextlib.suppress(OSError):
        if path.stat().st_ino == inode:
            path.unlink()
