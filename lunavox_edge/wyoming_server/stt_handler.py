"""The listening side of one connection: audio in, a transcript out.

`transcribe` says how to listen and may come before or after `audio-start`, or not at all; it
holds for one utterance. An utterance may begin with its first chunk, without `audio-start`. After an
error the rest of the utterance, up to its `audio-stop`, is passed over: the error was its answer. The
next utterance may come while the last is transcribed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from wyoming import asr

from lunavox_edge import bridge
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import BadAudio, Busy, LunavoxError, ProtocolError, TimedOut
from lunavox_edge.types import AudioFormat
from lunavox_edge.wire import fields
from lunavox_edge.wire.event_stream import encode_event
from lunavox_edge.wyoming_server.partials import Partials
from lunavox_edge.wyoming_server.stt_options import SttOptions
from lunavox_edge.wyoming_server.watch import Watch

if TYPE_CHECKING:
    from wyoming.event import Event

    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.hearing.utterance import Utterance
    from lunavox_edge.types import Transcript
    from lunavox_edge.wyoming_server.replies import Replies

# The longest utterance allowed by default, on a machine that is only as fast as the speaker.
_TRANSCRIPT_TIMEOUT_S = 600.0
# A client may send a recording faster than it can be converted; beyond this it has to wait.
_MAX_BACKLOG_BYTES = 2 * 1024 * 1024
_BACKLOG_CHECK_S = 0.02
# Of an utterance that ends before any audio has said its format.
_FORMAT_OF_NOTHING = AudioFormat(16_000, 2, 1)

_LOGGER = logging.getLogger(__name__)


class _State(Enum):
    IDLE = "idle"
    RECEIVING = "receiving"
    PASSING_OVER = "passing over"


class SttHandler:
    """Takes the utterances of one connection; their transcripts come through `replies`, in order."""

    def __init__(
        self,
        *,
        engine: Engine,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        on_error: Callable[[LunavoxError], None],
        on_transcript: Callable[[Transcript, float], None] | None,
        count: Callable[[], None],
        peer: str,
    ) -> None:
        """Store the parts; `on_error` takes an error that no event caused.

        `on_transcript` is told what was heard and how many milliseconds it took after the end of speech.
        `count` is called for an utterance that no `transcribe` asked for, and may raise Busy.
        """
        self._engine = engine
        self._send = send
        self._replies = replies
        self._on_error = on_error
        self._on_transcript = on_transcript
        self._count = count
        self._peer = peer
        self._silence_s = engine.settings.limits.read_timeout_s
        self._state = _State.IDLE
        self._options: SttOptions | None = None
        self._refused = False
        self._told: fields.Data = {}
        self._format: AudioFormat | None = None
        self._utterance: Utterance | None = None
        self._partials: Partials | None = None
        self._submitted: set[Utterance] = set()
        self._watch = Watch(self._on_silence)

    @property
    def receiving(self) -> bool:
        """Whether an utterance is being sent."""
        return self._state is _State.RECEIVING

    def transcribe(self, event: Event) -> None:
        """Say how the next utterance, or the one that has just begun, is heard.

        Raises ProtocolError, and what opening the utterance raises.
        """
        if self._utterance is not None:
            self._pass_over()
            raise ProtocolError("'transcribe' came in the middle of the audio; send it before.")
        try:
            self._options = SttOptions.read(event)
        except ProtocolError:
            if self.receiving:
                self._pass_over()
            else:
                self._refused = True
            raise
        self._refused = False
        if self._format is not None:
            self._open()

    def start(self, event: Event) -> None:
        """Begin an utterance; one that has begun is dropped. Raises BadAudio, Busy, as `transcribe`.

        After a `transcribe` that was refused the utterance has had its answer and is passed over. A start
        without the whole format leaves it to the first chunk.
        """
        self._drop()
        self._watch.stop()
        self._state = _State.PASSING_OVER
        self._format, self._told = None, {}
        if self._refused:
            self._refused = False
            return
        if self._options is None:
            self._count()
        self._told = fields.format_told(event.data)
        if len(self._told) == fields.FORMAT_FIELDS:
            self._learn_format({})
        self._state = _State.RECEIVING
        self._watch.start(self._silence_s)
        if self._options is not None and self._format is not None:
            self._open()

    async def chunk(self, event: Event) -> None:
        """Take the next audio; waits while too much of it is not converted yet.

        The first chunk begins an utterance if there was no `audio-start`. Raises BadAudio, AudioTooLong,
        Busy, and as `transcribe`.
        """
        if self._state is _State.IDLE and event.payload:
            self.start(event)
        if self._state is not _State.RECEIVING:
            return
        self._watch.touch()
        if not event.payload:
            return
        if self._format is None:
            self._learn_format(event.data)
        elif not fields.same_format(event.data, self._format):
            self._pass_over()
            raise BadAudio("The audio format changed in the middle of the audio.")
        utterance = self._utterance or self._open()
        try:
            utterance.feed(event.payload)
        except LunavoxError:
            self._pass_over()
            raise
        if utterance.backlog_bytes > _MAX_BACKLOG_BYTES:
            await self._catch_up(utterance)

    def stop(self) -> None:
        """End the utterance; its transcript follows, which is empty if no audio came.

        Raises ProtocolError, Busy, as `transcribe`.
        """
        if self._state is _State.PASSING_OVER:
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
        """Drop an utterance whose end can no longer come; those that have ended go on."""
        if self.receiving:
            self._pass_over()
            self._on_error(ProtocolError("The connection ended before 'audio-stop'."))

    def close(self) -> None:
        """Cancel everything."""
        self._drop()
        self._reset()
        for utterance in self._submitted:
            utterance.cancel()

    def _submit(self, utterance: Utterance) -> None:
        options, partials = self._options or SttOptions(), self._partials
        self._replies.put(lambda: self._reply(utterance, options, partials))
        self._submitted.add(utterance)
        self._utterance = None
        utterance.submit()

    def _on_ended(self) -> None:
        """The utterance ended by itself: answer now, and pass over what the client still sends."""
        utterance = self._utterance
        if utterance is None or not utterance.done:
            return
        try:
            self._submit(utterance)
        except LunavoxError as error:
            self._on_error(error)
        self._pass_over()

    def _tell(self, loop: asyncio.AbstractEventLoop, partials: Partials, words: str) -> None:
        """Words have become certain; called from a worker thread."""

        def put() -> None:
            partials.add(words)
            # With too much waiting already they go out with the transcript.
            with contextlib.suppress(Busy):
                self._replies.put(lambda: self._send_partials(partials))

        bridge.call_soon(loop, put)

    async def _send_partials(self, partials: Partials) -> None:
        events = partials.take()
        if events:
            await self._send(b"".join(encode_event(event) for event in events))

    def _open(self) -> Utterance:
        options = self._options or SttOptions()
        loop = asyncio.get_running_loop()
        stt = self._engine.settings.stt
        partials = self._partials = Partials(options.language, options.context) if stt.streaming else None
        try:
            self._utterance = self._engine.open_utterance(
                self._format or _FORMAT_OF_NOTHING,
                model=options.model,
                language=options.language,
                names=options.names,
                terms=options.terms,
                sensitivity=options.sensitivity if stt.endpointing == "server" else None,
                on_ended=partial(bridge.call_soon, loop, self._on_ended),
                on_partial=partial(self._tell, loop, partials) if partials is not None else None,
            )
        except BaseException:
            self._pass_over()
            raise
        return self._utterance

    def _learn_format(self, data: fields.Data) -> None:
        """Complete the format with what the first chunk tells. Raises BadAudio."""
        try:
            audio_format = fields.audio_format(self._told, data)
            check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        except BadAudio:
            self._pass_over()
            raise
        self._format = audio_format

    def _pass_over(self) -> None:
        """Drop the utterance; what still comes for it is passed over."""
        self._drop()
        self._reset()
        self._state = _State.PASSING_OVER

    def _drop(self) -> None:
        if self._utterance is not None:
            self._utterance.cancel()
            self._utterance = None

    def _reset(self) -> None:
        self._watch.stop()
        self._state = _State.IDLE
        self._options = None
        self._format, self._told = None, {}

    def _on_silence(self) -> None:
        self._pass_over()
        self._on_error(TimedOut(f"No audio came for {self._silence_s:g} seconds; the utterance was dropped."))

    async def _catch_up(self, utterance: Utterance) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + self._silence_s
        while utterance.backlog_bytes > _MAX_BACKLOG_BYTES // 2:
            if loop.time() > give_up_s:
                self._pass_over()
                raise Busy("The audio comes faster than it can be heard.", retry_after_s=5.0)
            self._watch.touch()
            await asyncio.sleep(_BACKLOG_CHECK_S)

    async def _reply(self, utterance: Utterance, options: SttOptions, partials: Partials | None) -> None:
        stopped_s = time.monotonic()
        try:
            heard = await bridge.transcript(utterance, _TRANSCRIPT_TIMEOUT_S)
        finally:
            self._submitted.discard(utterance)
        final = asr.Transcript(text=heard.text, language=heard.language, context=options.context).event()
        final.data["confidence"] = round(heard.confidence, 3)  # ours; other clients pass it over
        events = [final]
        if partials is not None:
            events[:0] = partials.close(utterance.rest_of(heard.text), heard.language)
        await self._send(b"".join(encode_event(event) for event in events))
        latency_ms = (time.monotonic() - stopped_s) * 1000
        _LOGGER.info(
            "%s: heard %.1f s in %s, transcript after %.0f ms",
            self._peer,
            heard.duration_s,
            heard.language,
            latency_ms,
        )
        if self._on_transcript is not None:
            self._on_transcript(heard, latency_ms)
