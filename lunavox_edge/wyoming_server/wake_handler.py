"""The waiting side of one connection: audio in for hours, a `detection` whenever a word was said.

`detect` says which words, and that the audio is for them; it holds for one stream of audio, up to its
`audio-stop`, or until `transcribe` asks for something else. Limits on the length of an utterance and
on pauses within it do not apply: a microphone may be muted. A client that is told of an error and
streams on has not read it; it is let go after a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from wyoming import wake

from lunavox_edge import bridge
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import BadAudio, Busy, LunavoxError
from lunavox_edge.types import AudioFormat, Detection
from lunavox_edge.wire import fields
from lunavox_edge.wire.event_stream import encode_event

if TYPE_CHECKING:
    from wyoming.event import Event

    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.waking.wake_session import WakeSession
    from lunavox_edge.wyoming_server.replies import Replies

# What is still to be heard at `audio-stop` is at most the backlog, heard far faster than real time.
_REST_TIMEOUT_S = 60.0
# A recording may come faster than it is heard; beyond this its sender has to wait.
_MAX_BACKLOG_BYTES = 1024 * 1024
_BACKLOG_CHECK_S = 0.02
_GIVE_UP_S = 30.0
_UNREAD_ERROR_S = 3.0
_NO_FORMAT = AudioFormat(0, 0, 0)

_LOGGER = logging.getLogger(__name__)


class _State(Enum):
    IDLE = "idle"
    ASKED = "asked"
    RECEIVING = "receiving"
    PASSING_OVER = "passing over"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one `detect` asks for."""

    names: tuple[str, ...] = ()
    context: dict[str, Any] | None = None


class WakeHandler:
    """Waits for words in the audio of one connection; what it has to say goes out by `replies`."""

    def __init__(
        self,
        *,
        engine: Engine,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        on_error: Callable[[LunavoxError], None],
        give_up: Callable[[], None],
        peer: str,
    ) -> None:
        """Store the parts; `on_error` takes an error that no event caused, `give_up` lets the client go."""
        self._engine = engine
        self._send = send
        self._replies = replies
        self._on_error = on_error
        self._give_up = give_up
        self._peer = peer
        self._state = _State.IDLE
        # None after a `detect` that was refused: the audio that follows is for nobody.
        self._wish: _Wish | None = None
        self._format = _NO_FORMAT
        self._wake_session: WakeSession | None = None
        self._submitted: set[WakeSession] = set()
        self._refused_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether audio that comes now is for wake words."""
        return self._state is not _State.IDLE

    @property
    def receiving(self) -> bool:
        """Whether a stream of audio is listened to."""
        return self._state is _State.RECEIVING

    def detect(self, event: Event) -> None:
        """Wait for words in the next audio, or for other words in that which flows.

        Raises ProtocolError, UnknownModel if no word is known, and what opening the vigil raises.
        """
        was_receiving = self.receiving
        self._pass_over()
        self._wish = None
        wish = _Wish(fields.names(event.data, "names"), fields.table(event.data, "context"))
        self._engine.wake_words(wish.names)
        self._wish = wish
        self._refused_s = None
        self._state = _State.ASKED
        if was_receiving:
            self._open(wish)

    def start(self, event: Event) -> None:
        """Begin a stream; one that has begun is dropped. Raises BadAudio, Busy, UnknownModel.

        A start without any format leaves it to the first chunk.
        """
        self._pass_over()
        if self._wish is None:
            return
        if not fields.format_told(event.data) and not event.payload:
            self._state = _State.ASKED
            return
        audio_format = fields.audio_format(event.data)
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        self._format = audio_format
        self._open(self._wish)

    async def chunk(self, event: Event) -> None:
        """Take the next audio; waits while too much of it is not heard yet.

        Raises BadAudio, Busy, UnknownModel.
        """
        if self._state is _State.ASKED and event.payload:
            # Old satellites send no 'audio-start' for wake words; every chunk says its format.
            self.start(event)
        wake_session = self._wake_session
        if self._state is _State.PASSING_OVER:
            self._pass_over_audio()
            return
        if wake_session is None or not event.payload:
            return
        if not fields.same_format(event.data, self._format):
            self._pass_over()
            raise BadAudio("The audio format changed in the middle of the audio.")
        wake_session.feed(event.payload, fields.timestamp_ms(event.data))
        if wake_session.backlog_bytes > _MAX_BACKLOG_BYTES:
            await self._catch_up(wake_session)

    def stop(self) -> None:
        """End the stream; `not-detected` follows if no word was said. Raises Busy."""
        state, wake_session, wish = self._state, self._wake_session, self._wish
        self._wake_session = None
        self._state = _State.IDLE
        self._refused_s = None
        if state is _State.ASKED and wish is not None:
            self._replies.put(lambda: self._send_not_detected(wish))
        if wake_session is None or wish is None:
            return
        try:
            self._replies.put(lambda: self._reply(wake_session, wish))
        except Busy:
            wake_session.cancel()
            raise
        self._submitted.add(wake_session)
        wake_session.submit()

    def leave(self) -> None:
        """What comes now is for somebody else; the stream is dropped."""
        self._drop()
        self._state = _State.IDLE
        self._refused_s = None

    def end_of_input(self) -> None:
        """End a stream of audio that has begun, as `stop` does. Raises Busy."""
        if self.receiving:
            self.stop()

    def close(self) -> None:
        """Cancel everything."""
        self.leave()
        for wake_session in self._submitted:
            wake_session.cancel()

    def _open(self, wish: _Wish) -> None:
        loop = asyncio.get_running_loop()
        self._pass_over()

        def told(detection: Detection) -> None:
            bridge.call_soon(loop, partial(self._detected, wake_session, wish, detection))

        def left_out(problem: LunavoxError) -> None:
            # It may come before the engine has returned the vigil; on the loop that is over.
            bridge.call_soon(loop, lambda: self._left_out(wake_session, problem))

        # Of the words of the settings the log tells: a client that names none knows of none.
        wake_session = self._engine.open_wake_session(
            self._format,
            names=wish.names,
            on_detection=told,
            on_problem=left_out if wish.names else None,
        )
        wake_session.outcome.add_done_callback(
            lambda _: bridge.call_soon(loop, partial(self._ended, wake_session))
        )
        self._wake_session = wake_session
        self._refused_s = None
        self._state = _State.RECEIVING
        _LOGGER.debug("%s: waiting for %s", self._peer, ", ".join(entry.name for entry in wake_session.words))

    def _detected(self, wake_session: WakeSession, wish: _Wish, detection: Detection) -> None:
        if wake_session is not self._wake_session and wake_session not in self._submitted:
            return
        event = wake.Detection(
            name=detection.name, timestamp=detection.timestamp_ms, context=wish.context
        ).event()
        message = encode_event(event)
        _LOGGER.info("%s: heard %s (%.2f)", self._peer, detection.name, detection.probability)
        # A client with so much unread will not miss this one.
        with contextlib.suppress(Busy):
            self._replies.put(lambda: self._send(message))

    def _left_out(self, wake_session: WakeSession, problem: LunavoxError) -> None:
        """A word is not waited for, but others are."""
        if wake_session is self._wake_session or wake_session in self._submitted:
            self._on_error(problem)

    def _ended(self, wake_session: WakeSession) -> None:
        """The vigil ended by itself, which only an error makes it do."""
        if wake_session is not self._wake_session:
            return
        error = wake_session.outcome.exception()
        self._pass_over()
        if isinstance(error, LunavoxError):
            self._on_error(error)

    async def _reply(self, wake_session: WakeSession, wish: _Wish) -> None:
        try:
            count = await bridge.detections(wake_session, _REST_TIMEOUT_S)
        finally:
            self._submitted.discard(wake_session)
        if not count:
            await self._send_not_detected(wish)

    async def _send_not_detected(self, wish: _Wish) -> None:
        await self._send(encode_event(wake.NotDetected(context=wish.context).event()))

    async def _catch_up(self, wake_session: WakeSession) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _GIVE_UP_S
        while wake_session.backlog_bytes > _MAX_BACKLOG_BYTES // 2:
            if loop.time() > until_s:
                self._pass_over()
                raise Busy("The audio comes faster than it can be heard.", retry_after_s=5.0)
            await asyncio.sleep(_BACKLOG_CHECK_S)

    def _pass_over(self) -> None:
        """Drop the stream; what still comes for it is passed over."""
        self._drop()
        self._state = _State.PASSING_OVER

    def _pass_over_audio(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._refused_s is None:
            self._refused_s = now_s
        elif now_s - self._refused_s > _UNREAD_ERROR_S:
            _LOGGER.info("%s: closed: it streams on after an error", self._peer)
            self._give_up()

    def _drop(self) -> None:
        if self._wake_session is not None:
            self._wake_session.cancel()
            self._wake_session = None
