"""One client's connection: the loop that reads its messages, its timeouts, and its end.

Messages are read while answers are produced, so `describe` is answered at once. A client that closes only its
sending side still gets its answers; the requests of one that has gone are cancelled. After an error an intact
connection stays open for the next request, but only for `ERROR_PATIENCE_S`: some clients do not read
`error`, and they notice only the end of the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from lunavox_edge.errors import InternalError, LunavoxError, ProtocolError, TimedOut
from lunavox_edge.wire.errors_wire import error_event
from lunavox_edge.wire.event_stream import BrokenStreamError, EventReader, encode_event
from lunavox_edge.wire.event_writer import EventWriter
from lunavox_edge.wyoming_server import connection_end
from lunavox_edge.wyoming_server.client_requests import ClientRequests
from lunavox_edge.wyoming_server.gate import ConnectionQuota
from lunavox_edge.wyoming_server.idle_timer import IdleTimer
from lunavox_edge.wyoming_server.info import InfoSource
from lunavox_edge.wyoming_server.read_batching import ReadBatching

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import LimitSettings
    from lunavox_edge.types import Transcript

ERROR_PATIENCE_S = 3.0
"""How long the connection waits for the next message after an error was sent."""

_CLOSE_S = 2.0
# Messages handled in a row before other tasks get their turn on the event loop.
_BURST = 16

_LOGGER = logging.getLogger(__name__)


class ClientConnection:
    """Serves one client; used once, by `run` or `refuse`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        engine: Engine,
        limits: LimitSettings,
        info: InfoSource,
        on_transcript: Callable[[Transcript, float], None] | None,
        quota: ConnectionQuota,
    ) -> None:
        """Create the parts; nothing is read yet. `on_transcript` gets transcripts and latencies in ms."""
        self.quota = quota
        self.peer = quota.peer
        self._limits = limits
        self._stream, self._writer = reader, writer
        self._reader = EventReader(reader, limits)
        self._out = EventWriter(writer, limits.write_timeout_s)
        self._batching = ReadBatching(cast("asyncio.Transport", writer.transport))
        self._idle_timer = IdleTimer(self._on_timeout)
        self._timeout_s = limits.idle_timeout_s
        self._draining = False
        self._hung_up = False
        self._requests = ClientRequests(
            engine=engine,
            info=info,
            quota=quota,
            owner=self,
            on_transcript=on_transcript,
        )

    @property
    def busy(self) -> bool:
        """Whether audio of the client is being processed or an answer is due."""
        return self._requests.receiving or self._requests.answer_due

    @property
    def idle(self) -> bool:
        """Whether the connection can be closed without loss for the client."""
        return not self.busy and not self._hung_up

    @property
    def idle_s(self) -> float:
        """Seconds since the last message in either direction."""
        return self._idle_timer.idle_s

    def hang_up(self) -> None:
        """End the connection as if the client had left; written messages are still sent."""
        self._hung_up = True
        self._idle_timer.stop()
        self._stream.set_exception(ConnectionAbortedError("hung up"))

    def drain(self) -> None:
        """Hang up as soon as no answer is due."""
        self._draining = True
        self.on_replies_sent()

    async def refuse(self, error: LunavoxError) -> None:
        """Send the client an error and close the connection. Instead of `run`."""
        try:
            with contextlib.suppress(OSError):
                await self._out.send(encode_event(error_event(error)))
                await connection_end.linger(self._stream, self._writer)
        finally:
            await self._out.close(_CLOSE_S)

    async def run(self) -> None:
        """Serve until the client leaves, breaks the protocol or is idle for too long."""
        self._idle_timer.start(self._timeout_s)
        try:
            await self._serve()
        except OSError as error:
            _LOGGER.debug("%s: gone: %s", self.peer, error)
        except asyncio.CancelledError:
            if self._writer.transport.get_write_buffer_size():
                self._writer.transport.abort()
            raise
        except Exception:
            _LOGGER.exception("%s: the connection failed", self.peer)
        finally:
            self._idle_timer.stop()
            self._reader.forget()
            try:
                await self._requests.close()
            finally:
                await self._out.close(_CLOSE_S)

    async def _serve(self) -> None:
        handled = 0
        while True:
            if self._reader.drained and self._requests.receiving:
                await self._batching.wait()
            try:
                event = await self._reader.read()
            except (BrokenStreamError, TimedOut) as error:
                if self._stream.at_eof():
                    await self._finish()
                await self.report(error)
                await connection_end.linger(self._stream, self._writer)
                return
            except ProtocolError as error:
                self._idle_timer.touch()
                await self.report(error)
                continue
            if event is None:
                await self._finish()
                return
            self._idle_timer.touch()
            await self._requests.handle(event)
            handled += 1
            if handled % _BURST == 0:
                await asyncio.sleep(0)

    async def _finish(self) -> None:
        """Send the answers that are due to a client that closed its sending side, unless it has gone."""
        if self._writer.transport.is_closing() or not connection_end.half_closes(self._writer):
            return
        await self._requests.finish(
            lambda: self._hung_up or connection_end.is_gone(self._writer), connection_end.GONE_CHECK_S
        )

    async def send(self, messages: bytes) -> None:
        """Write encoded messages; wait if the client is slow to read. Raises ConnectionError."""
        self._set_timeout(self._limits.idle_timeout_s)
        await self._out.send(messages)
        self._idle_timer.touch()

    async def report(self, error: Exception) -> None:
        """Send an error at once, and log it. Raises ConnectionError."""
        if isinstance(error, LunavoxError):
            extra = {"code": error.code, "peer": self.peer}
            _LOGGER.info("%s: refused: %s: %s", self.peer, error.code, error, extra=extra)
        else:
            extra = {"code": InternalError.code, "peer": self.peer}
            _LOGGER.error("%s: a request failed", self.peer, exc_info=error, extra=extra)
        await self._out.send(encode_event(error_event(error)))
        self._idle_timer.touch()
        self._set_timeout(min(ERROR_PATIENCE_S, self._limits.idle_timeout_s))

    def on_audio_begin(self) -> None:
        """Note that a stream of audio begins, which may be live."""
        self._batching.begin()

    def on_replies_sent(self) -> None:
        """Hang up if the connection is being drained and no answer is due."""
        if self._draining and not self._requests.answer_due:
            self.hang_up()

    def _set_timeout(self, timeout_s: float) -> None:
        if timeout_s != self._timeout_s:
            self._timeout_s = timeout_s
            self._idle_timer.start(timeout_s)

    def _on_timeout(self) -> None:
        """Hang up, unless only the short timeout after an error has passed and the client is busy."""
        if self.busy and self._timeout_s != self._limits.idle_timeout_s:
            self._set_timeout(self._limits.idle_timeout_s)
        else:
            _LOGGER.debug("%s: closed after %.0f idle seconds", self.peer, self.idle_s)
            self.hang_up()
