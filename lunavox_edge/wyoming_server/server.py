"""The listening socket and everybody connected to it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lunavox_edge.errors import Busy, LunavoxLibraryError
from lunavox_edge.wire.address import Address
from lunavox_edge.wyoming_server.connection import Connection
from lunavox_edge.wyoming_server.info import InfoSource

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings_model import LimitSettings, WyomingSettings
    from lunavox_edge.types import Transcript

_BACKLOG = 512
# A crowd that comes at once is let in by so many at a time; in between the others are served.
_WELCOMES = 8
# What the stream may hold unread before the kernel has to, per connection.
_READ_AHEAD_BYTES = 65_536
# Unbounded, the kernel takes megabytes: minutes of speech that are made for nobody.
_KERNEL_BYTES = 131_072
_UNIX_MODE = 0o660
_CANCEL_S = 1.0
_PROBE_S = 1.0
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}

_LOGGER = logging.getLogger(__name__)


class WyomingServer:
    """Serves one engine on one address, `tcp://host:port` or `unix:///path`."""

    def __init__(
        self,
        engine: Engine,
        wyoming: WyomingSettings,
        limits: LimitSettings,
        *,
        on_transcript: Callable[[Transcript, float], None] | None = None,
    ) -> None:
        """Store the parts; `start` opens the port.

        `on_transcript` is told every transcript, and how many milliseconds it took.
        """
        self._engine = engine
        self._uri = wyoming.uri
        self._limits = limits
        self._on_transcript = on_transcript
        self._info = InfoSource(engine)
        self._server: asyncio.AbstractServer | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._guests = 0
        self._socket_file: tuple[Path, int] | None = None

    @property
    def uri(self) -> str:
        """The address that clients connect to, with the real port once started."""
        return self._uri

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Open the port. Raises SettingsError for a bad URI, LunavoxLibraryError if it cannot be had."""
        address = Address.parse(self._uri)
        try:
            if address.path is not None:
                await self._start_unix(address.path)
            else:
                await self._start_tcp(address.host, address.port)
        except OSError as error:
            _LOGGER.debug("Cannot listen on %s", self._uri, exc_info=True)
            raise LunavoxLibraryError(f"Cannot listen on {self._uri}: {_reason(error)}") from error
        _LOGGER.info("Wyoming on %s", self._uri)

    async def stop(self, grace_s: float) -> None:
        """Close the port, let running answers end for up to `grace_s`, then cut them off. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections.values():
            connection.drain()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace_s)
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=_CANCEL_S)
        if self._socket_file is not None:
            _remove_own(*self._socket_file)
            self._socket_file = None

    async def _start_tcp(self, host: str, port: int) -> None:
        server = await asyncio.start_server(
            self._accept, host, port, limit=_READ_AHEAD_BYTES, backlog=_WELCOMES, reuse_address=True
        )
        self._server = server
        _lengthen_queues(server)
        host, port = server.sockets[0].getsockname()[:2]
        self._uri = Address(host=host, port=port).uri

    async def _start_unix(self, path: Path) -> None:
        if _is_socket(path):
            await _check_dead(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket_file = (path, _bind(listener, path))
            self._server = await asyncio.start_unix_server(
                self._accept, sock=listener, limit=_READ_AHEAD_BYTES, backlog=_WELCOMES
            )
            _lengthen_queues(self._server)
        except BaseException:
            listener.close()
            raise

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a client in, in place of an idle one if the house is full."""
        self._guests += 1
        connection = Connection(
            reader,
            writer,
            engine=self._engine,
            limits=self._limits,
            info=self._info,
            on_transcript=self._on_transcript,
            peer=self._name(writer),
        )
        _set_up(writer)
        if len(self._connections) < self._limits.max_connections or self._make_room():
            self._own(connection, connection.run())
        else:
            _LOGGER.warning("%s: refused: %d clients are connected", connection.peer, len(self._connections))
            self._own(
                connection, connection.refuse(Busy("Too many clients are connected.", retry_after_s=5.0))
            )

    def _own(self, connection: Connection, served: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(served, name=f"wyoming {connection.peer}")
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("A connection failed", exc_info=error)

    def _make_room(self) -> bool:
        """Hang up on the client that has been idle for longest; False if everybody is busy."""
        idle = [connection for connection in self._connections.values() if connection.idle]
        if not idle:
            return False
        max(idle, key=lambda connection: connection.quiet_s).hang_up()
        return True

    def _name(self, writer: asyncio.StreamWriter) -> str:
        peer = writer.get_extra_info("peername")
        return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else f"local {self._guests}"


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program, perhaps LunaVox Edge itself, uses this address; stop it or set wyoming.uri."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this user may not use this address; set wyoming.uri to another."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return "this machine has no such address; set wyoming.uri to one of its own, or to 0.0.0.0 for all."
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
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), _PROBE_S)
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
