"""Speech synthesis for one connection: text in, audio out, with whole or streamed text.

A request is answered by `audio-start`, `audio-chunk`..., `audio-stop`, and, if its text was
streamed, `synthesize-stopped`. An `error` replaces all events that have not been sent yet and
ends the answer: nothing follows it, so that the client cannot mistake a late event for the
answer to its next request. Further text of a failed stream, up to its `synthesize-stop`, is
ignored. A stream fails if all of its text so far is spoken and sent, and no more comes for
`limits.read_timeout_s`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wyoming import audio as wire_audio
from wyoming.tts import SynthesizeStopped

from lunavox_edge import bridge
from lunavox_edge.audio.framing import frames
from lunavox_edge.engine.values.voice import SPEAKER_SEPARATOR
from lunavox_edge.errors import LunavoxError, ProtocolError, TextTooLong, TimedOut
from lunavox_edge.wire import fields
from lunavox_edge.wire.event_stream import encode_event
from lunavox_edge.wyoming_server.idle_timer import IdleTimer

if TYPE_CHECKING:
    from wyoming.event import Event

    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.speech.speech import Speech
    from lunavox_edge.types import AudioChunk
    from lunavox_edge.wyoming_server.replies import Replies

_CHUNK_MS = 50
# Chunks are small, and one write costs more than one chunk, so several are written at once.
_CHUNKS_PER_WRITE = 8
# The rate in the events of an answer without audio.
_SILENT_RATE_HZ = 22_050
_TEXT_FORMATS = ("text", "ssml")

_LOGGER = logging.getLogger(__name__)


@dataclass
class _Request:
    """One text to speak. Text that arrives before its turn waits in `early`, later text goes to `speech`."""

    voice: str | None
    language: str | None
    text_format: str
    streamed: bool
    opened_s: float = field(default_factory=time.monotonic)
    early: list[str] = field(default_factory=list)
    chars: int = 0
    finished: bool = False
    speech: Speech | None = None
    idle_timer: IdleTimer | None = None
    """Detects that no text comes while nothing is sent."""
    error: LunavoxError | None = None
    ended: bool = False
    """Whether the answer has ended or failed; further text is ignored."""


class TtsHandler:
    """Handles the synthesis requests of one connection; answers are sent by `replies`, in order."""

    def __init__(
        self,
        *,
        engine: Engine,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        peer: str,
    ) -> None:
        """Create it; a Speech is opened only when a request is answered.

        `send` writes encoded messages and raises ConnectionError. `peer` is the client's name in the log.
        """
        self._engine = engine
        self._send = send
        self._replies = replies
        self._peer = peer
        self._max_chars = engine.settings.limits.max_text_chars
        self._timeout_s = engine.settings.limits.read_timeout_s
        self._stream: _Request | None = None

    def synthesize(self, event: Event) -> None:
        """Speak a whole text. Ignored inside a stream, where it repeats the streamed text.

        Raises ProtocolError, Busy.
        """
        if self._stream is None:
            request = _request(event, streamed=False)
            self._write(request, fields.text(event.data, "text"))
            self._finish(request)
            self._replies.put(lambda: self._reply(request))

    def start(self, event: Event) -> None:
        """Begin a text stream. Raises ProtocolError, Busy."""
        if self._stream is not None and not self._stream.ended:
            self._fail_stream(
                ProtocolError("A text stream has started already; send 'synthesize-stop' first.")
            )
            return
        # Set first: if the request is refused, the text that the client still sends belongs to this stream.
        self._stream = _Request(None, None, _TEXT_FORMATS[0], streamed=True, ended=True)
        request = _request(event, streamed=True)
        self._replies.put(lambda: self._reply(request))
        self._stream = request

    def chunk(self, event: Event) -> None:
        """Add text to the stream. Raises ProtocolError if none has begun."""
        stream = self._stream
        if stream is None:
            raise ProtocolError("Text came before 'synthesize-start'.")
        if stream.ended:
            return
        try:
            self._write(stream, fields.text(event.data, "text"))
        except ProtocolError as error:
            self._fail_stream(error)

    def stop(self) -> None:
        """End the stream's text; the answer ends when all of it is spoken. Raises ProtocolError."""
        stream, self._stream = self._stream, None
        if stream is None:
            raise ProtocolError("'synthesize-stop' came before 'synthesize-start'.")
        self._finish(stream)

    def end_of_input(self) -> None:
        """Fail a stream that has no `synthesize-stop` yet; complete requests continue."""
        stream, self._stream = self._stream, None
        if stream is not None and not stream.ended:
            self._fail(stream, ProtocolError("The connection ended before 'synthesize-stop'."))

    def _write(self, request: _Request, text: str) -> None:
        if request.idle_timer is not None:
            request.idle_timer.touch()
        request.chars += len(text)
        if request.chars > self._max_chars:
            self._fail(
                request,
                TextTooLong(f"The text is over the limit of {self._max_chars} characters; send less."),
            )
        elif request.speech is None:
            request.early.append(text)
        else:
            request.speech.write(text)

    def _finish(self, request: _Request) -> None:
        request.finished = True
        if request.speech is not None:
            request.speech.finish()

    def _fail_stream(self, error: LunavoxError) -> None:
        if self._stream is not None:
            self._fail(self._stream, error)

    def _fail(self, request: _Request, error: LunavoxError) -> None:
        """End a request's answer with an error, now or when its turn comes."""
        request.error = error
        request.ended = True
        request.early.clear()
        if request.speech is not None:
            request.speech.cancel()

    async def _reply(self, request: _Request) -> None:
        try:
            if request.error is not None:
                raise request.error
            wakeup = bridge.Wakeup()
            request.speech = speech = self._open(request, wakeup)
            request.idle_timer = idle_timer = IdleTimer(partial(self._on_timeout, request))
            idle_timer.start(self._timeout_s)
            async with aclosing(bridge.audio(speech, wakeup)) as chunks:
                for text in request.early:
                    speech.write(text)
                request.early.clear()
                if request.finished:
                    speech.finish()
                sent_bytes, rate_hz = 0, _SILENT_RATE_HZ
                async for chunk in chunks:
                    idle_timer.stop()
                    if request.error is not None:
                        raise request.error
                    rate_hz = chunk.sample_rate
                    for messages in _encode(chunk, sent_bytes):
                        await self._send(messages)
                    sent_bytes += len(chunk.pcm)
                    idle_timer.start(self._timeout_s)
            await self._send(_ending(sent_bytes, rate_hz, streamed=request.streamed))
            self._log(request, speech)
        except LunavoxError as error:
            raise request.error or error from None
        finally:
            request.ended = True
            if request.idle_timer is not None:
                request.idle_timer.stop()

    def _on_timeout(self, request: _Request) -> None:
        """Fail a stream that waits for text; look again later if some of its text is still to be spoken."""
        if request.speech is not None and request.speech.waits_for_text:
            error = TimedOut(f"No text came for {self._timeout_s:g} seconds; the speech was dropped.")
            self._fail(request, error)
        elif request.idle_timer is not None:
            request.idle_timer.start(self._timeout_s)

    def _open(self, request: _Request, wakeup: bridge.Wakeup) -> Speech:
        return self._engine.open_speech(
            voice=request.voice,
            language=request.language,
            text_format=request.text_format,
            on_ready=wakeup.notify,
        )

    def _log(self, request: _Request, speech: Speech) -> None:
        stats = speech.stats
        _LOGGER.info(
            "%s: spoke %.1f s with %s, first audio after %.0f ms, all after %.0f ms",
            self._peer,
            stats.audio_duration_ms / 1000,
            request.voice or "the default voice",
            stats.first_audio_ms,
            (time.monotonic() - request.opened_s) * 1000,
            extra={"voice": request.voice or self._engine.settings.tts.voice, "peer": self._peer},
        )


def _request(event: Event, *, streamed: bool) -> _Request:
    """Read the fields that `synthesize` and `synthesize-start` share. Raises ProtocolError."""
    voice = fields.voice(event.data)
    name, speaker = fields.name(voice, "name"), fields.speaker(voice)
    if speaker is not None:
        # A speaker without a voice belongs to the default voice; the engine resolves that.
        name = speaker if name is None else f"{name}{SPEAKER_SEPARATOR}{speaker}"
    return _Request(
        voice=name,
        # The protocol says that a voice's name overrides the language.
        language=fields.name(voice, "language") if name is None else None,
        text_format=fields.choice(event.data, "text_format", _TEXT_FORMATS) or _TEXT_FORMATS[0],
        streamed=streamed,
    )


def _encode(chunk: AudioChunk, sent_bytes: int) -> Iterator[bytes]:
    """Yield the encoded messages for one piece of audio, one item per write.

    `sent_bytes` is the audio sent before; with 0 the first write begins with `audio-start`.
    """
    rate_hz = chunk.sample_rate
    batch = [] if sent_bytes else [_start(rate_hz)]
    for pcm in frames(chunk.pcm, rate_hz, _CHUNK_MS):
        timestamp_ms = sent_bytes * 1000 // (2 * rate_hz)
        sent_bytes += len(pcm)
        event = wire_audio.AudioChunk(rate=rate_hz, width=2, channels=1, audio=pcm, timestamp=timestamp_ms)
        batch.append(encode_event(event.event()))
        if len(batch) >= _CHUNKS_PER_WRITE:
            yield b"".join(batch)
            batch.clear()
    if batch:
        yield b"".join(batch)


def _start(rate_hz: int) -> bytes:
    return encode_event(wire_audio.AudioStart(rate=rate_hz, width=2, channels=1, timestamp=0).event())


def _ending(sent_bytes: int, rate_hz: int, *, streamed: bool) -> bytes:
    """Return the encoded last messages of an answer."""
    ending = [] if sent_bytes else [_start(rate_hz)]
    ending.append(encode_event(wire_audio.AudioStop(timestamp=sent_bytes * 1000 // (2 * rate_hz)).event()))
    if streamed:
        ending.append(encode_event(SynthesizeStopped().event()))
    return b"".join(ending)
