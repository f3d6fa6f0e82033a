"""Wake-word detection for one connection: audio in for hours, a `detection` for every wake word said.

`detect` names the words and directs the audio that follows to them; it holds for one stream of audio, up
to its `audio-stop`, or until `transcribe`. There are no limits on the stream's length or on pauses in it,
because a microphone may be muted. A client that goes on streaming after an error has not read it and is
disconnected after a while.
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
from lunavox_edge.wyoming_server.backlog import catch_up

if TYPE_CHECKING:
    from wyoming.event import Event

    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.waking.wake_session import WakeSession
    from lunavox_edge.wyoming_server.replies import Replies

# At `audio-stop` at most the backlog is left, which is processed much faster than real time.
_REST_TIMEOUT_S = 60.0
# A recording may arrive faster than it is processed; above this backlog reading pauses.
_MAX_BACKLOG_BYTES = 1024 * 1024
_BACKLOG_TIMEOUT_S = 30.0
_UNREAD_ERROR_S = 3.0
_NO_FORMAT = AudioFormat(0, 0, 0)

_LOGGER = logging.getLogger(__name__)


class _State(Enum):
    IDLE = "idle"
    REQUESTED = "requested"
    """`detect` has come; the audio has not begun."""
    RECEIVING = "receiving"
    IGNORING = "ignoring"
    """The stream was dropped; its remaining audio is ignored."""


@dataclass(frozen=True, slots=True)
class _DetectRequest:
    """The content of one `detect`."""

    names: tuple[str, ...] = ()
    context: dict[str, Any] | None = None


class WakeHandler:
    """Runs the wake-word sessions of one connection; detections are sent by `replies`, in order."""

    def __init__(
        self,
        *,
        engine: Engine,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        on_error: Callable[[LunavoxError], None],
        disconnect: Callable[[], None],
        peer: str,
    ) -> None:
        """Create it; a wake-word session is opened when audio begins.

        `send` writes encoded messages and raises ConnectionError. `on_error` takes errors that no message
        caused. `disconnect` ends the connection. `peer` is the client's name in the log.
        """
        self._engine = engine
        self._send = send
        self._replies = replies
        self._on_error = on_error
        self._disconnect = disconnect
        self._peer = peer
        self._state = _State.IDLE
        # None after a `detect` that was refused: the audio that follows is ignored.
        self._request: _DetectRequest | None = None
        self._format = _NO_FORMAT
        self._wake_session: WakeSession | None = None
        self._submitted: set[WakeSession] = set()
        self._ignoring_since_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether audio that arrives now is for wake words."""
        return self._state is not _State.IDLE

    @property
    def receiving(self) -> bool:
        """Whether a stream of audio is being processed."""
        return self._state is _State.RECEIVING

    def detect(self, event: Event) -> None:
        """Set the words to detect in the next audio, or from now on in the audio that is being received.

        Raises ProtocolError, UnknownModel if no word is known, and what `Engine.open_wake_session` raises.
        """
        was_receiving = self.receiving
        self._ignore_stream()
        self._request = None
        request = _DetectRequest(fields.names(event.data, "names"), fields.table(event.data, "context"))
        self._engine.wake_words(request.names)
        self._request = request
        self._ignoring_since_s = None
        self._state = _State.REQUESTED
        if was_receiving:
            self._open(request)

    def start(self, event: Event) -> None:
        """Begin a stream; an earlier one is dropped. Raises BadAudio, Busy, UnknownModel.

        If `audio-start` has no format, the first chunk has to have one.
        """
        self._ignore_stream()
        if self._request is None:
            return
        if not fields.partial_format(event.data) and not event.payload:
            self._state = _State.REQUESTED
            return
        audio_format = fields.audio_format(event.data)
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        self._format = audio_format
        self._open(self._request)

    async def chunk(self, event: Event) -> None:
        """Process the next audio; waits while the backlog is too large.

        Raises BadAudio, Busy, UnknownModel.
        """
        if self._state is _State.REQUESTED and event.payload:
            # Old satellites send no 'audio-start' for wake words; every chunk has the format.
            self.start(event)
        wake_session = self._wake_session
        if self._state is _State.IGNORING:
            self._ignore_audio()
            return
        if wake_session is None or not event.payload:
            return
        if not fields.same_format(event.data, self._format):
            self._ignore_stream()
            raise BadAudio("The audio format changed in the middle of the audio.")
        wake_session.feed(event.payload, fields.timestamp_ms(event.data))
        try:
            await catch_up(wake_session, limit_bytes=_MAX_BACKLOG_BYTES, timeout_s=_BACKLOG_TIMEOUT_S)
        except Busy:
            self._ignore_stream()
            raise

    def stop(self) -> None:
        """End the stream; `not-detected` follows if there was no detection. Raises Busy."""
        state, wake_session, request = self._state, self._wake_session, self._request
        self._wake_session = None
        self._state = _State.IDLE
        self._ignoring_since_s = None
        if state is _State.REQUESTED and request is not None:
            self._replies.put(lambda: self._send_not_detected(request))
        if wake_session is None or request is None:
            return
        try:
            self._replies.put(lambda: self._reply(wake_session, request))
        except Busy:
            wake_session.cancel()
            raise
        self._submitted.add(wake_session)
        wake_session.submit()

    def release_audio(self) -> None:
        """Drop the stream; audio that arrives now is not for wake words."""
        self._drop()
        self._state = _State.IDLE
        self._ignoring_since_s = None

    def end_of_input(self) -> None:
        """End a stream that has begun, as `stop` does. Raises Busy."""
        if self.receiving:
            self.stop()

    def close(self) -> None:
        """Cancel all sessions."""
        self.release_audio()
        for wake_session in self._submitted:
            wake_session.cancel()

    def _open(self, request: _DetectRequest) -> None:
        loop = asyncio.get_running_loop()
        self._ignore_stream()

        # Both callbacks come from worker threads.
        def on_detection(detection: Detection) -> None:
            bridge.call_soon(loop, partial(self._detected, wake_session, request, detection))

        def on_problem(problem: LunavoxError) -> None:
            # May come before `open_wake_session` has returned; the lambda runs on the loop after it has.
            bridge.call_soon(loop, lambda: self._word_failed(wake_session, problem))

        # Problems with the words of the settings are only logged: a client that named no words cannot act on
        # them.
        wake_session = self._engine.open_wake_session(
            self._format,
            names=request.names,
            on_detection=on_detection,
            on_problem=on_problem if request.names else None,
        )
        wake_session.outcome.add_done_callback(
            lambda _: bridge.call_soon(loop, partial(self._ended, wake_session))
        )
        self._wake_session = wake_session
        self._ignoring_since_s = None
        self._state = _State.RECEIVING
        _LOGGER.debug("%s: waiting for %s", self._peer, ", ".join(entry.name for entry in wake_session.words))

    def _detected(self, wake_session: WakeSession, request: _DetectRequest, detection: Detection) -> None:
        if wake_session is not self._wake_session and wake_session not in self._submitted:
            return
        event = wake.Detection(
            name=detection.name, timestamp=detection.timestamp_ms, context=request.context
        ).event()
        message = encode_event(event)
        _LOGGER.info("%s: heard %s (%.2f)", self._peer, detection.name, detection.probability)
        # If too many replies wait, the client does not read; the detection is dropped.
        with contextlib.suppress(Busy):
            self._replies.put(lambda: self._send(message))

    def _word_failed(self, wake_session: WakeSession, problem: LunavoxError) -> None:
        """Report that one word cannot be detected; the session continues with the others."""
        if wake_session is self._wake_session or wake_session in self._submitted:
            self._on_error(problem)

    def _ended(self, wake_session: WakeSession) -> None:
        """Handle the end of a session that was not submitted; only an error ends it."""
        if wake_session is not self._wake_session:
            return
        error = wake_session.outcome.exception()
        self._ignore_stream()
        if isinstance(error, LunavoxError):
            self._on_error(error)

    async def _reply(self, wake_session: WakeSession, request: _DetectRequest) -> None:
        try:
            count = await bridge.detections(wake_session, _REST_TIMEOUT_S)
        finally:
            self._submitted.discard(wake_session)
        if not count:
            await self._send_not_detected(request)

    async def _send_not_detected(self, request: _DetectRequest) -> None:
        await self._send(encode_event(wake.NotDetected(context=request.context).event()))

    def _ignore_stream(self) -> None:
        """Drop the stream; its remaining audio is ignored."""
        self._drop()
        self._state = _State.IGNORING

    def _ignore_audio(self) -> None:
        """Ignore audio after an error; disconnect a client that goes on sending for too long."""
        now_s = asyncio.get_running_loop().time()
        if self._ignoring_since_s is None:
            self._ignoring_since_s = now_s
        elif now_s - self._ignoring_since_s > _UNREAD_ERROR_S:
            _LOGGER.info("%s: closed: it goes on streaming after an error", self._peer)
            self._disconnect()

    def _drop(self) -> None:
        if self._wake_session is not None:
            self._wake_session.cancel()
            self._wake_session = None
