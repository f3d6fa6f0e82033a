"""The requests of one client: which handler gets a message, and how its errors are answered.

Each of the three handlers has its own queue of replies, so requests of one kind are answered in order and
requests of different kinds do not wait for each other.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from wyoming.event import Event
from wyoming.ping import Pong

from lunavox_edge.errors import ProtocolError
from lunavox_edge.wire import fields
from lunavox_edge.wire.event_stream import STATUS_TYPE, encode_event
from lunavox_edge.wyoming_server.gate import ConnectionQuota
from lunavox_edge.wyoming_server.info import PROGRAMS, InfoSource
from lunavox_edge.wyoming_server.replies import Replies
from lunavox_edge.wyoming_server.stt_handler import SttHandler
from lunavox_edge.wyoming_server.tts_handler import TtsHandler
from lunavox_edge.wyoming_server.wake_handler import WakeHandler

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.types import Transcript

# Messages that belong to a request whose first message has been counted.
_CONTINUATIONS = frozenset(
    ("audio-start", "audio-chunk", "audio-stop", "synthesize-chunk", "synthesize-stop")
)

_LOGGER = logging.getLogger(__name__)


class RequestOwner(Protocol):
    """The connection that the requests belong to."""

    async def send(self, messages: bytes) -> None:
        """Write encoded messages. Raises ConnectionError."""

    async def report(self, error: Exception) -> None:
        """Send an error at once, and log it. Raises ConnectionError."""

    def hang_up(self) -> None:
        """End the connection."""

    def on_audio_begin(self) -> None:
        """A stream of audio begins."""

    def on_replies_sent(self) -> None:
        """A queue of replies has become empty."""


class ClientRequests:
    """Dispatches the messages of one connection; used on the event loop only."""

    def __init__(
        self,
        *,
        engine: Engine,
        info: InfoSource,
        quota: ConnectionQuota,
        owner: RequestOwner,
        on_transcript: Callable[[Transcript, float], None] | None,
    ) -> None:
        """Create the handlers; no session is opened yet.

        `on_transcript` is called with every transcript and its latency in milliseconds.
        """
        self._engine = engine
        self._info = info
        self._quota = quota
        self._owner = owner
        self._peer = peer = quota.peer
        self._stt_replies = self._replies("listening")
        self._tts_replies = self._replies("speaking")
        self._wake_replies = self._replies("waking")
        self._all_replies = (self._stt_replies, self._tts_replies, self._wake_replies)
        self._stt = SttHandler(
            engine=engine,
            send=owner.send,
            replies=self._stt_replies,
            on_error=partial(self._refuse, self._stt_replies),
            on_transcript=on_transcript,
            count_request=quota.count_request,
            peer=peer,
        )
        self._tts = TtsHandler(engine=engine, send=owner.send, replies=self._tts_replies, peer=peer)
        self._wake = WakeHandler(
            engine=engine,
            send=owner.send,
            replies=self._wake_replies,
            on_error=partial(self._refuse, self._wake_replies),
            disconnect=owner.hang_up,
            peer=peer,
        )
        self._table: dict[str, tuple[Replies, Callable[[Event], None]]] = {
            "transcribe": (self._stt_replies, self._transcribe),
            "detect": (self._wake_replies, self._detect),
            "synthesize": (self._tts_replies, self._tts.synthesize),
            "synthesize-start": (self._tts_replies, self._tts.start),
            "synthesize-chunk": (self._tts_replies, self._tts.chunk),
            "synthesize-stop": (self._tts_replies, lambda _: self._tts.stop()),
        }

    @property
    def receiving(self) -> bool:
        """Whether audio of the client is being processed."""
        return self._stt.receiving or self._wake.receiving

    @property
    def answer_due(self) -> bool:
        """Whether the client waits for an answer; wake words alone are no such request."""
        return self._stt.receiving or any(replies.active for replies in self._all_replies)

    async def handle(self, event: Event) -> None:
        """Do what one message asks for. Its errors are answered; only ConnectionError is raised."""
        replies, action = self._table.get(event.type, (None, None))
        try:
            if event.type not in _CONTINUATIONS:
                self._quota.count_request()
            if event.type == "audio-chunk":
                replies, handler = self._audio_target
                if not handler.receiving:
                    self._owner.on_audio_begin()
                await handler.chunk(event)
            elif event.type in ("audio-start", "audio-stop"):
                replies, handler = self._audio_target
                self._owner.on_audio_begin()
                handler.start(event) if event.type == "audio-start" else handler.stop()
            elif action is not None:
                action(event)
            else:
                await self._answer(event)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # the message border; `report` logs it
            if replies is None:
                await self._owner.report(error)
            else:
                self._refuse(replies, error)

    async def finish(self, is_gone: Callable[[], bool], check_s: float) -> None:
        """End the client's input and wait for all answers that are due; every `check_s` ask `is_gone`."""
        for handler in (self._stt, self._tts, self._wake):
            handler.end_of_input()
        for replies in self._all_replies:
            while replies.active and not is_gone():
                await replies.wait(check_s)

    async def close(self) -> None:
        """Cancel all sessions and replies, and wait until the running replies have ended."""
        self._stt.close()
        self._wake.close()
        for replies in self._all_replies:
            replies.cancel()
        for replies in self._all_replies:
            await replies.close()

    def _replies(self, kind: str) -> Replies:
        return Replies(
            f"{self._peer} {kind}", on_error=self._owner.report, on_idle=self._owner.on_replies_sent
        )

    @property
    def _audio_target(self) -> tuple[Replies, SttHandler | WakeHandler]:
        return (self._wake_replies, self._wake) if self._wake.active else (self._stt_replies, self._stt)

    def _transcribe(self, event: Event) -> None:
        self._wake.release_audio()
        self._stt.transcribe(event)

    def _detect(self, event: Event) -> None:
        if self._stt.receiving:
            raise ProtocolError("'detect' came in the middle of an utterance; send 'audio-stop' first.")
        self._wake.detect(event)

    async def _answer(self, event: Event) -> None:
        """Answer a message that needs no session; the protocol wants unknown types to be ignored."""
        if event.type == "describe":
            await self._owner.send(self._info.encoded())
        elif event.type == "ping":
            await self._owner.send(encode_event(Pong(text=fields.optional_text(event.data, "text")).event()))
        elif event.type == STATUS_TYPE:
            status = dataclasses.asdict(self._engine.status())
            await self._owner.send(encode_event(Event(STATUS_TYPE, status)))
        elif event.type == "select-program":
            if fields.name(event.data, "name") not in PROGRAMS:
                there_is = ", ".join(sorted(PROGRAMS))
                raise ProtocolError(f"There is no such program here; there is: {there_is}.")
        else:
            _LOGGER.debug("%s: ignored an event of another kind", self._peer)

    def _refuse(self, replies: Replies, error: Exception) -> None:
        """Answer a request with an error, after the answers to earlier requests."""
        if not replies.fail(error):
            _LOGGER.info("%s: closed: it sends bad requests without end", self._peer)
            self._owner.hang_up()
