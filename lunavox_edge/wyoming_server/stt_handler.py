"""Speech recognition for one connection: the audio of its utterances, from `audio-start` to `audio-stop`.

`transcribe` holds the options of one utterance; it may come before or after `audio-start`, or not at all.
An utterance may begin with its first chunk, without `audio-start`. After an error the rest of the
utterance, up to its `audio-stop`, is ignored: the error was its answer. The next utterance may come while
the last one is transcribed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import BadAudio, Busy, LunavoxError, ProtocolError, TimedOut
from lunavox_edge.types import AudioFormat
from lunavox_edge.wire import fields
from lunavox_edge.wyoming_server.backlog import catch_up
from lunavox_edge.wyoming_server.idle_timer import IdleTimer
from lunavox_edge.wyoming_server.partials import Partials
from lunavox_edge.wyoming_server.stt_options import SttOptions
from lunavox_edge.wyoming_server.transcript_sender import TranscriptSender

if TYPE_CHECKING:
    from wyoming.event import Event

    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.hearing.utterance import Utterance
    from lunavox_edge.types import Transcript
    from lunavox_edge.wyoming_server.replies import Replies

# A client may send a recording faster than it can be converted; above this backlog reading pauses.
_MAX_BACKLOG_BYTES = 2 * 1024 * 1024
# The format of an utterance without any audio.
_EMPTY_FORMAT = AudioFormat(16_000, 2, 1)


class _State(Enum):
    IDLE = "idle"
    RECEIVING = "receiving"
    IGNORING = "ignoring"
    """The utterance was dropped or has been answered; its remaining audio is ignored."""


class SttHandler:
    """Receives the utterances of one connection; transcripts are sent by `replies`, in order."""

    def __init__(
        self,
        *,
        engine: Engine,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        on_error: Callable[[LunavoxError], None],
        on_transcript: Callable[[Transcript, float], None] | None,
        count_request: Callable[[], None],
        peer: str,
    ) -> None:
        """Create it; an utterance is opened when audio arrives.

        `send` writes encoded messages and raises ConnectionError. `on_error` takes errors that no message
        caused. `on_transcript` gets every transcript and the milliseconds since the end of the audio.
        `count_request` is called for an utterance without `transcribe`, and may raise Busy. `peer` is the
        client's name in the log.
        """
        self._engine = engine
        self._sender = TranscriptSender(send=send, replies=replies, on_transcript=on_transcript, peer=peer)
        self._on_error = on_error
        self._count_request = count_request
        self._timeout_s = engine.settings.limits.read_timeout_s
        self._state = _State.IDLE
        self._options: SttOptions | None = None
        self._refused = False
        """Whether a `transcribe` was refused whose utterance has not begun yet."""
        self._start_format: fields.Data = {}
        """The format fields of `audio-start`, which the first chunk may complete."""
        self._format: AudioFormat | None = None
        self._utterance: Utterance | None = None
        self._partials: Partials | None = None
        self._idle_timer = IdleTimer(self._on_timeout)

    @property
    def receiving(self) -> bool:
        """Whether the audio of an utterance is being received."""
        return self._state is _State.RECEIVING

    def transcribe(self, event: Event) -> None:
        """Set the options of the next utterance, or of the one that has begun without audio yet.

        Raises ProtocolError, and what `Engine.open_utterance` raises.
        """
        if self._utterance is not None:
            self._ignore_rest()
            raise ProtocolError("'transcribe' came in the middle of the audio; send it before.")
        try:
            self._options = SttOptions.read(event)
        except ProtocolError:
            if self.receiving:
                self._ignore_rest()
            else:
                self._refused = True
            raise
        self._refused = False
        if self._format is not None:
            self._open()

    def start(self, event: Event) -> None:
        """Begin an utterance; an unfinished one is dropped.

        After a refused `transcribe` the utterance is ignored, because it has been answered. If `audio-start`
        lacks a part of the format, the first chunk has to have it. Raises BadAudio, Busy, and what
        `transcribe` raises.
        """
        self._drop()
        self._idle_timer.stop()
        self._state = _State.IGNORING
        self._format, self._start_format = None, {}
        if self._refused:
            self._refused = False
            return
        if self._options is None:
            self._count_request()
        self._start_format = fields.partial_format(event.data)
        if len(self._start_format) == fields.FORMAT_FIELDS:
            self._complete_format({})
        self._state = _State.RECEIVING
        self._idle_timer.start(self._timeout_s)
        if self._options is not None and self._format is not None:
            self._open()

    async def chunk(self, event: Event) -> None:
        """Process the next audio; waits while the backlog is too large.

        The first chunk begins an utterance if there was no `audio-start`. Raises BadAudio, AudioTooLong,
        Busy, and what `transcribe` raises.
        """
        if self._state is _State.IDLE and event.payload:
            self.start(event)
        if self._state is not _State.RECEIVING:
            return
        self._idle_timer.touch()
        if not event.payload:
            return
        if self._format is None:
            self._complete_format(event.data)
        elif not fields.same_format(event.data, self._format):
            self._ignore_rest()
            raise BadAudio("The audio format changed in the middle of the audio.")
        utterance = self._utterance or self._open()
        try:
            utterance.feed(event.payload)
        except LunavoxError:
            self._ignore_rest()
            raise
        try:
            await catch_up(
                utterance,
                limit_bytes=_MAX_BACKLOG_BYTES,
                timeout_s=self._timeout_s,
                on_wait=self._idle_timer.touch,
            )
        except Busy:
            self._ignore_rest()
            raise

    def stop(self) -> None:
        """End the utterance and queue its transcript, which is empty if no audio came.

        Raises ProtocolError, Busy, and what `transcribe` raises.
        """
        if self._state is _State.IGNORING:
            self._reset()
            return
        if self._state is _State.IDLE and self._refused:
            self._refused = False
            return
        if self._state is _State.IDLE and self._options is None:
            raise ProtocolError("'audio-stop' came before 'audio-start'.")
        try:
            self._submit(self._utterance or self._open())
        finally:
            self._drop()
            self._reset()

    def end_of_input(self) -> None:
        """Fail an utterance that has no `audio-stop` yet; complete ones continue."""
        if self.receiving:
            self._ignore_rest()
            self._on_error(ProtocolError("The connection ended before 'audio-stop'."))

    def close(self) -> None:
        """Cancel all utterances."""
        self._drop()
        self._reset()
        self._sender.cancel()

    def _submit(self, utterance: Utterance) -> None:
        self._sender.put(utterance, self._options or SttOptions(), self._partials)
        self._utterance = None
        utterance.submit()

    def _on_ended(self) -> None:
        """Handle the end of an utterance before `audio-stop`: answer now and ignore the remaining audio."""
        utterance = self._utterance
        if utterance is None or not utterance.done:
            return
        try:
            self._submit(utterance)
        except LunavoxError as error:
            self._on_error(error)
        self._ignore_rest()

    def _open(self) -> Utterance:
        options = self._options or SttOptions()
        loop = asyncio.get_running_loop()
        stt = self._engine.settings.stt
        partials = self._partials = Partials(options.language, options.context) if stt.streaming else None
        try:
            self._utterance = self._engine.open_utterance(
                self._format or _EMPTY_FORMAT,
                model=options.model,
                language=options.language,
                names=options.names,
                terms=options.terms,
                sensitivity=options.sensitivity if stt.endpointing == "server" else None,
                on_ended=partial(bridge.call_soon, loop, self._on_ended),
                on_partial=self._sender.partial_callback(partials) if partials is not None else None,
            )
        except BaseException:
            self._ignore_rest()
            raise
        return self._utterance

    def _complete_format(self, data: fields.Data) -> None:
        """Set the format from `audio-start` and the data of the first chunk. Raises BadAudio."""
        try:
            audio_format = fields.audio_format(self._start_format, data)
            check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        except BadAudio:
            self._ignore_rest()
            raise
        self._format = audio_format

    def _ignore_rest(self) -> None:
        """Drop the utterance; its remaining audio is ignored."""
        self._drop()
        self._reset()
        self._state = _State.IGNORING

    def _drop(self) -> None:
        if self._utterance is not None:
            self._utterance.cancel()
            self._utterance = None

    def _reset(self) -> None:
        self._idle_timer.stop()
        self._state = _State.IDLE
        self._options = None
        self._format, self._start_format = None, {}

    def _on_timeout(self) -> None:
        self._ignore_rest()
        self._on_error(TimedOut(f"No audio came for {self._timeout_s:g} seconds; the utterance was dropped."))
