"""The satellite itself: what it does with the messages of its hub and with the sound of its room.

The microphone is open only while a hub wants to hear it. With wake words of its own nothing leaves the
satellite until one was said; without, everything goes to the hub, which waits for the word.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detection as WireDetection

from lunavox_edge import bridge
from lunavox_edge.errors import InternalError, LunavoxError
from lunavox_edge.satellite.microphone import CHUNK_S, FORMAT, Microphone
from lunavox_edge.satellite.playback import Playback
from lunavox_edge.satellite.speaker import Speaker
from lunavox_edge.types import Detection
from lunavox_edge.wire import fields
from lunavox_edge.wire.errors_wire import error_event

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.vigil import Vigil

# A command to a hub that never answers ends, so that nobody's room is streamed for hours.
LISTEN_S = 60.0
# Sound since a wake word that is sent on although it came before the word was recognised.
_KEPT_S = 1.5

_LOGGER = logging.getLogger(__name__)

Send = Callable[[Event], Awaitable[None]]


class Phase(Enum):
    """What the microphone is for."""

    OFF = "off"
    WAITING = "waiting"
    """For a wake word, here."""
    STREAMING = "streaming"
    """Everything goes to the hub."""


class Satellite:
    """One microphone and one loudspeaker; serves one hub at a time."""

    def __init__(
        self,
        *,
        microphone: Microphone,
        speaker: Speaker,
        say: Callable[[str], None],
        engine: Engine | None = None,
        words: tuple[str, ...] = (),
    ) -> None:
        """Store the parts; with an engine, wait for `words` here."""
        self._microphone = microphone
        self._playback = Playback(speaker, on_played=self._played)
        self._say = say
        self._engine = engine
        self._words = words
        self._hub: Send | None = None
        self._listening: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._called: Detection | None = None
        self._triggered = False
        self._hushed = False
        self._streamed_s = 0.0
        self.phase = Phase.OFF

    async def handle(self, event: Event, hub: Send) -> None:
        """Do what the hub wants. Raises ProtocolError, BadAudio, ConnectionError."""
        self._hub = hub
        kind, local = event.type, self._engine is not None
        if kind == "run-satellite":
            await self._run()
        elif kind == "pause-satellite":
            await self._off("The hub has paused the microphone.")
        elif kind in ("transcript", "error"):
            if self.phase is Phase.STREAMING and local:
                self.phase = Phase.WAITING
        elif kind == "run-pipeline":
            self._triggered = self.phase is Phase.WAITING
        elif kind == "detection":
            self._say("The hub has heard a wake word.")
            await self._hush()
        elif kind == "audio-start":
            self._playback.start(fields.audio_format(event.data))
        elif kind == "audio-chunk":
            self._playback.add(event.payload or b"")
        elif kind == "audio-stop":
            self._playback.stop()
        else:
            _LOGGER.debug("Nothing to do for %s", kind)

    async def leave(self) -> None:
        """The hub has gone: close the microphone; what was sent is still heard."""
        self._hub = None
        self._playback.disown()
        await self._off(None)

    async def close(self) -> None:
        """Fall silent and close the microphone."""
        self._hub = None
        await self._off(None)
        await self._playback.close()
        self._microphone.close()

    async def _run(self) -> None:
        """Open the microphone, or begin anew."""
        await self._off(None)
        local = self._engine is not None
        self.phase = Phase.WAITING if local else Phase.STREAMING
        self._say("Waiting for a wake word." if local else "Streaming to the hub.")
        if not local:
            await self._send(_pipeline(PipelineStage.WAKE))
        self._listening = asyncio.get_running_loop().create_task(self._listen(), name="satellite microphone")

    async def _off(self, said: str | None) -> None:
        task, self._listening = self._listening, None
        was, self.phase = self.phase, Phase.OFF
        self._called, self._triggered, self._hushed = None, False, False
        if task is not None:
            task.cancel()
            # Not cancelled again by whoever comes meanwhile: it may be letting a device go.
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        if self._ending:
            await asyncio.wait(self._ending)
        if said is not None and was is not Phase.OFF:
            self._say(said)

    async def _listen(self) -> None:
        """Hear the microphone for as long as the hub wants to."""
        vigil: Vigil | None = None
        recent: deque[tuple[float, Event]] = deque(maxlen=round(_KEPT_S / CHUNK_S))
        heard_s = 0.0
        try:
            vigil = self._open_vigil()
            async with aclosing(self._microphone.chunks()) as chunks:
                async for pcm in chunks:
                    chunk = AudioChunk(
                        rate=FORMAT.rate_hz,
                        width=FORMAT.width_bytes,
                        channels=FORMAT.channels,
                        audio=pcm,
                        timestamp=time.monotonic_ns() // 1_000_000,
                    )
                    recent.append((heard_s, chunk.event()))
                    heard_s += CHUNK_S
                    if vigil is not None:
                        _feed(vigil, pcm, chunk.timestamp)
                    await self._heard(recent)
        except ConnectionError as error:
            _LOGGER.debug("The hub does not hear: %s", error)
        except LunavoxError as error:
            await self._fail(error)
        except Exception:
            _LOGGER.exception("Listening failed")
            await self._fail(InternalError("The microphone does not work; the satellite's log says more."))
        finally:
            if vigil is not None:
                vigil.cancel()

    async def _heard(self, recent: deque[tuple[float, Event]]) -> None:
        """Take the newest of the recent sound."""
        if self._hushed:
            self._hushed = False
            await self._send(Played().event())
        if self.phase is Phase.WAITING and (self._called is not None or self._triggered):
            await self._begin(recent)
        elif self.phase is Phase.STREAMING:
            await self._send(recent[-1][1])
            self._streamed_s += CHUNK_S
            if self._engine is not None and self._streamed_s > LISTEN_S:
                self.phase = Phase.WAITING
                await self._send(AudioStop().event())
                self._say("The hub does not answer; waiting for a wake word again.")

    async def _begin(self, recent: deque[tuple[float, Event]]) -> None:
        """A command begins: tell the hub, and send what was said since the wake word."""
        called, self._called, self._triggered = self._called, None, False
        self.phase = Phase.STREAMING
        self._streamed_s = 0.0
        since_s = recent[-1][0]
        if called is not None:
            since_s = min(since_s, called.at_s)
            await self._send(WireDetection(name=called.name, timestamp=called.timestamp_ms).event())
        await self._send(_pipeline(PipelineStage.ASR, called.name if called is not None else None))
        for at_s, chunk in tuple(recent):
            if at_s >= since_s:
                await self._send(chunk)

    def _open_vigil(self) -> Vigil | None:
        """Wait for the words here, if that is this satellite's way. Raises UnknownModel, Busy."""
        if self._engine is None:
            return None
        loop = asyncio.get_running_loop()
        return self._engine.open_vigil(
            FORMAT,
            names=self._words,
            on_detection=lambda detection: bridge.call_soon(loop, partial(self._detected, detection)),
        )

    def _detected(self, detection: Detection) -> None:
        """A word was said: fall silent at once; the hub is told with the next sound."""
        if self.phase is not Phase.WAITING:
            return
        self._say(f"Heard {detection.name} ({detection.probability:.2f}).")
        self._called = detection
        if self._playback.active:
            self._playback.hush()
            self._hushed = True

    async def _hush(self) -> None:
        if self._playback.active:
            self._playback.hush()
            await self._send(Played().event())

    async def _played(self, error: LunavoxError | None) -> None:
        """A speech is over; the hub waits for `played`, heard or not."""
        try:
            if error is not None:
                await self._send(error_event(error))
            await self._send(Played().event())
        except ConnectionError as gone:
            _LOGGER.debug("Nobody waits for the end of a speech: %s", gone)

    async def _fail(self, error: LunavoxError) -> None:
        self.phase = Phase.OFF
        _LOGGER.warning("The microphone is off: %s", error)
        try:
            await self._send(error_event(error))
        except ConnectionError as gone:
            _LOGGER.debug("The hub cannot be told: %s", gone)

    async def _send(self, event: Event) -> None:
        if self._hub is not None:
            await self._hub(event)


def _feed(vigil: Vigil, pcm: bytes, timestamp_ms: int | None) -> None:
    """Pass sound on. Raises the error that has ended the vigil."""
    if vigil.outcome.done():
        vigil.outcome.result(0)
    vigil.feed(pcm, timestamp_ms)


def _pipeline(start: PipelineStage, wake_word: str | None = None) -> Event:
    return RunPipeline(
        start_stage=start,
        end_stage=PipelineStage.TTS,
        wake_word_name=wake_word,
        restart_on_end=start is PipelineStage.WAKE,
    ).event()
