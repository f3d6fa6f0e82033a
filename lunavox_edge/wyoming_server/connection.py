"""One client: its loop of messages, its three sessions, and its end.

Reading goes on while answers are made, so `describe` is answered meanwhile. A client that closes its
sending side still gets what it asked for; one that has gone takes its requests with it. After an error
the connection stays open for the client's next request if the stream is intact, but not for long if
none comes: some clients do not read `error`, and the end of the connection is what they understand.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from wyoming.event import Event
from wyoming.ping import Pong

from lunavox_edge.errors import InternalError, LunavoxError, ProtocolError, TimedOut
from lunavox_edge.wire import fields
from lunavox_edge.wire.errors_wire import error_event
from lunavox_edge.wire.event_stream import (
    STATUS_TYPE,
    BrokenStreamError,
    EventReader,
    EventWriter,
    encode_event,
)
from lunavox_edge.wyoming_server import departure
from lunavox_edge.wyoming_server.gate import Guest
from lunavox_edge.wyoming_server.gathering import Gathering
from lunavox_edge.wyoming_server.info import PROGRAMS, InfoSource
from lunavox_edge.wyoming_server.replies import Replies
from lunavox_edge.wyoming_server.stt_handler import SttHandler
from lunavox_edge.wyoming_server.tts_handler import TtsHandler
from lunavox_edge.wyoming_server.wake_handler import WakeHandler
from lunavox_edge.wyoming_server.watch import Watch

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import LimitSettings
    from lunavox_edge.types import Transcript

# How long a client that was told of an error may take to send its next message.
ERROR_PATIENCE_S = 3.0
_CLOSE_S = 2.0
# What belongs to a request that was counted with its first message.
_PARTS = frozenset(("audio-start", "audio-chunk", "audio-stop", "synthesize-chunk", "synthesize-stop"))
# Messages handled in a row before others get their turn on the loop.
_BURST = 16

_LOGGER = logging.getLogger(__name__)


class ClientConnection:
    """Used once: `run` serves the client until it leaves or has to go."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        engine: Engine,
        limits: LimitSettings,
        info: InfoSource,
        on_transcript: Callable[[Transcript, float], None] | None,
        guest: Guest,
    ) -> None:
        """Build the parts; nothing is read yet."""
        self.guest = guest
        self.peer = peer = guest.peer
        self._engine = engine
        self._limits = limits
        self._info = info
        self._stream, self._writer = reader, writer
        self._reader = EventReader(reader, limits)
        self._out = EventWriter(writer, limits.write_timeout_s)
        self._gathering = Gathering(cast("asyncio.Transport", writer.transport))
        self._watch = Watch(self._on_quiet)
        self._patience_s = limits.idle_timeout_s
        self._draining = False
        self._hung_up = False
        self._listening = Replies(f"{peer} listening", on_error=self._report, on_idle=self._on_idle)
        self._speaking = Replies(f"{peer} speaking", on_error=self._report, on_idle=self._on_idle)
        self._waking = Replies(f"{peer} waking", on_error=self._report, on_idle=self._on_idle)
        self._all_replies = (self._listening, self._speaking, self._waking)
        self._stt = SttHandler(
            engine=engine,
            send=self._send,
            replies=self._listening,
            on_error=partial(self._refuse, self._listening),
            on_transcript=on_transcript,
            count=guest.ask,
            peer=peer,
        )
        self._tts = TtsHandler(engine=engine, send=self._send, replies=self._speaking, peer=peer)
        self._wake = WakeHandler(
            engine=engine,
            send=self._send,
            replies=self._waking,
            on_error=partial(self._refuse, self._waking),
            give_up=self.hang_up,
            peer=peer,
        )
        self._table: dict[str, tuple[Replies, Callable[[Event], None]]] = {
            "transcribe": (self._listening, self._transcribe),
            "detect": (self._waking, self._detect),
            "synthesize": (self._speaking, self._tts.synthesize),
            "synthesize-start": (self._speaking, self._tts.start),
            "synthesize-chunk": (self._speaking, self._tts.chunk),
            "synthesize-stop": (self._speaking, lambda _: self._tts.stop()),
        }

    @property
    def busy(self) -> bool:
        """Whether the client is listened to or an answer is due."""
        return self._wake.receiving or self._answer_due

    @property
    def _audience(self) -> tuple[Replies, SttHandler | WakeHandler]:
        return (self._waking, self._wake) if self._wake.active else (self._listening, self._stt)

    @property
    def _answer_due(self) -> bool:
        return self._stt.receiving or any(replies.active for replies in self._all_replies)

    @property
    def idle(self) -> bool:
        """Whether hanging up would hurt nobody."""
        return not self.busy and not self._hung_up

    @property
    def quiet_s(self) -> float:
        """Seconds since the last message in either direction."""
        return self._watch.quiet_s

    def hang_up(self) -> None:
        """End the connection as if the client had left; what was written still goes out."""
        self._hung_up = True
        self._watch.stop()
        self._stream.set_exception(ConnectionAbortedError("hung up"))

    def drain(self) -> None:
        """Hang up as soon as no answer is due."""
        self._draining = True
        self._on_idle()

    async def refuse(self, error: LunavoxError) -> None:
        """Tell the client why it is not served, and close. Instead of `run`."""
        try:
            with contextlib.suppress(OSError):
                await self._out.send(encode_event(error_event(error)))
                await departure.linger(self._stream, self._writer)
        finally:
            await self._out.close(_CLOSE_S)

    async def run(self) -> None:
        """Serve until the client leaves, breaks the protocol or stays away."""
        self._watch.start(self._patience_s)
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
            self._watch.stop()
            self._reader.forget()
            self._stt.close()
            self._wake.close()
            for replies in self._all_replies:
                replies.cancel()
            try:
                for replies in self._all_replies:
                    await replies.close()
            finally:
                await self._out.close(_CLOSE_S)

    async def _serve(self) -> None:
        handled = 0
        while True:
            if self._reader.drained and (self._stt.receiving or self._wake.receiving):
                await self._gathering.wait()
            try:
                event = await self._reader.read()
            except (BrokenStreamError, TimedOut) as error:
                if self._stream.at_eof():
                    await self._finish()
                await self._report(error)
                await departure.linger(self._stream, self._writer)
                return
            except ProtocolError as error:
                self._watch.touch()
                await self._report(error)
                continue
            if event is None:
                await self._finish()
                return
            self._watch.touch()
            await self._handle(event)
            handled += 1
            if handled % _BURST == 0:
                await asyncio.sleep(0)

    async def _finish(self) -> None:
        """Send the answers that are due to a client that has closed its sending side, unless it has gone."""
        if self._writer.transport.is_closing() or not departure.half_closes(self._writer):
            return
        for session in (self._stt, self._tts, self._wake):
            session.end_of_input()
        for replies in self._all_replies:
            while replies.active and not (self._hung_up or departure.is_gone(self._writer)):
                await replies.wait(departure.GONE_CHECK_S)

    async def _handle(self, event: Event) -> None:
        """Do what one message asks for; whatever goes wrong with it is its own answer."""
        replies, action = self._table.get(event.type, (None, None))
        try:
            if event.type not in _PARTS:
                self.guest.ask()
            if event.type == "audio-chunk":
                replies, session = self._audience
                if not session.receiving:
                    self._gathering.begin()
                await session.chunk(event)
            elif event.type in ("audio-start", "audio-stop"):
                replies, session = self._audience
                self._gathering.begin()
                session.start(event) if event.type == "audio-start" else session.stop()
            elif action is not None:
                action(event)
            else:
                await self._answer(event)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # the message border; `_report` logs it
            if replies is None:
                await self._report(error)
            else:
                self._refuse(replies, error)

    def _transcribe(self, event: Event) -> None:
        self._wake.leave()
        self._stt.transcribe(event)

    def _detect(self, event: Event) -> None:
        if self._stt.receiving:
            raise ProtocolError("'detect' came in the middle of an utterance; send 'audio-stop' first.")
        self._wake.detect(event)

    async def _answer(self, event: Event) -> None:
        """Answer what needs no session; unknown types are ignored, as the protocol wants it."""
        if event.type == "describe":
            await self._send(self._info.encoded())
        elif event.type == "ping":
            await self._send(encode_event(Pong(text=fields.optional_text(event.data, "text")).event()))
        elif event.type == STATUS_TYPE:
            status = dataclasses.asdict(self._engine.status())
            await self._send(encode_event(Event(STATUS_TYPE, status)))
        elif event.type == "select-program":
            if fields.name(event.data, "name") not in PROGRAMS:
                there_is = ", ".join(sorted(PROGRAMS))
                raise ProtocolError(f"There is no such program here; there is: {there_is}.")
        else:
            _LOGGER.debug("%s: ignored an event of another kind", self.peer)

    async def _send(self, messages: bytes) -> None:
        self._be_patient(self._limits.idle_timeout_s)
        await self._out.send(messages)
        self._watch.touch()

    async def _report(self, error: Exception) -> None:
        """Answer with an error."""
        if isinstance(error, LunavoxError):
            about = {"code": error.code, "peer": self.peer}
            _LOGGER.info("%s: refused: %s: %s", self.peer, error.code, error, extra=about)
        else:
            about = {"code": InternalError.code, "peer": self.peer}
            _LOGGER.error("%s: a request failed", self.peer, exc_info=error, extra=about)
        await self._out.send(encode_event(error_event(error)))
        self._watch.touch()
        self._be_patient(min(ERROR_PATIENCE_S, self._limits.idle_timeout_s))

    def _refuse(self, replies: Replies, error: Exception) -> None:
        """Answer a request with an error, after the answers to those before it."""
        if not replies.fail(error):
            _LOGGER.info("%s: closed: it sends bad requests without end", self.peer)
            self.hang_up()

    def _be_patient(self, patience_s: float) -> None:
        if patience_s != self._patience_s:
            self._patience_s = patience_s
            self._watch.start(patience_s)

    def _on_quiet(self) -> None:
        if self.busy and self._patience_s != self._limits.idle_timeout_s:
            self._be_patient(self._limits.idle_timeout_s)
        else:
            _LOGGER.debug("%s: closed after %.0f quiet seconds", self.peer, self.quiet_s)
            self.hang_up()

    def _on_idle(self) -> None:
        if self._draining and not self._answer_due:
            self.hang_up()
