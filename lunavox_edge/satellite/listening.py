"""The microphone of a satellite: when it is open, and what of it the hub hears.

With wake words of its own nothing leaves the satellite until one was said; without, everything goes to the
hub, which waits for the word.
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
from wyoming.wake import Detection as WireDetection

from lunavox_edge import bridge
from lunavox_edge.errors import InternalError, LunavoxError
from lunavox_edge.satellite.alarm import Alarm
from lunavox_edge.satellite.microphone import CHUNK_S, FORMAT, Microphone
from lunavox_edge.types import Detection
from lunavox_edge.wire.errors_wire import error_event

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.waking.wake_session import WakeSession

# A command to a hub that never answers ends, so that nobody's room is streamed for hours.
LISTEN_S = 60.0
# Sound since a wake word that is sent on although it came before the word was recognised.
_KEPT_S = 1.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
# What has been heard for so long has recovered.
_RECOVERED_S = 60.0

_LOGGER = logging.getLogger(__name__)


class MicrophonePhase(Enum):
    """What the microphone is for."""

    OFF = "off"
    WAITING = "waiting"
    """For a wake word, here."""
    STREAMING = "streaming"
    """Everything goes to the hub."""


class Listening:
    """Hears the room from `open` to `close`; used on the loop only.

    With an engine, `words` are waited for here: `on_word` is told each and returns whether a command begins
    with it. The `alarm` is quiet during commands.
    """

    def __init__(
        self,
        microphone: Microphone,
        *,
        engine: Engine | None,
        words: tuple[str, ...],
        send: Callable[[Event], Awaitable[None]],
        on_word: Callable[[Detection], bool],
        alarm: Alarm,
        say: Callable[[str], None],
    ) -> None:
        """Be off. `send` raises ConnectionError."""
        self._microphone = microphone
        self._engine = engine
        self._words = words
        self._send = send
        self._on_word = on_word
        self._alarm = alarm
        self._say = say
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._called: Detection | None = None
        self._triggered = False
        self._first: list[Event] = []
        self._streamed_s = 0.0
        self.phase = MicrophonePhase.OFF

    @property
    def local(self) -> bool:
        """Whether wake words are waited for here."""
        return self._engine is not None

    @property
    def idle(self) -> bool:
        """Whether the microphone is closed, and nobody is closing it any more."""
        return self._task is None and not self._ending

    async def start(self) -> None:
        """Open the microphone for the hub, or begin anew. Raises ConnectionError."""
        await self.close()
        self._say("Waiting for a wake word." if self.local else "Streaming to the hub.")
        if not self.local:
            await self.ask_to_wait()
        self.open()

    def open(self) -> None:
        """Open the microphone, which is idle."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="satellite microphone")
        self.phase = self._first_phase

    def let_go(self) -> None:
        """Begin to close the microphone."""
        task, self._task = self._task, None
        self.phase = MicrophonePhase.OFF
        self._called, self._triggered = None, False
        self._first.clear()
        if task is not None:
            task.cancel()
            # Not cancelled again by whoever comes meanwhile: it may be letting a device go.
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Close the microphone."""
        self.let_go()
        if self._ending:
            await asyncio.wait(self._ending)

    def trigger(self) -> None:
        """Begin a command without a word, if words are waited for here."""
        self._triggered = self.phase is MicrophonePhase.WAITING

    def command_over(self) -> None:
        """The hub has heard enough of the command."""
        if self.phase is MicrophonePhase.STREAMING and self.local:
            self.phase = MicrophonePhase.WAITING

    def tell_first(self, event: Event) -> None:
        """Send an event before the next sound."""
        self._first.append(event)

    async def ask_to_wait(self) -> None:
        """Ask the hub to wait for a wake word. Raises ConnectionError."""
        await self._send(_pipeline(PipelineStage.WAKE))

    @property
    def _first_phase(self) -> MicrophonePhase:
        return MicrophonePhase.WAITING if self.local else MicrophonePhase.STREAMING

    async def _run(self) -> None:
        """Hear the microphone for as long as the hub wants to, again after every failure."""
        loop, pause_s, told = asyncio.get_running_loop(), _FIRST_PAUSE_S, ""
        try:
            while True:
                begun_s = loop.time()
                error = await self._listen()
                was, self.phase = self.phase, MicrophonePhase.OFF
                self._alarm.attended()
                if was is MicrophonePhase.STREAMING and self.local:
                    await self._send(AudioStop().event())
                if loop.time() - begun_s > _RECOVERED_S:
                    pause_s, told = _FIRST_PAUSE_S, ""
                if str(error) != told:
                    told = str(error)
                    _LOGGER.warning("The microphone is off, and tried again in the background: %s", error)
                    await self._send(error_event(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self.phase = self._first_phase
        except ConnectionError as gone:
            _LOGGER.debug("The hub does not hear: %s", gone)

    async def _listen(self) -> LunavoxError:
        """Hear the microphone until that fails, and return why. Raises ConnectionError."""
        wake_session: WakeSession | None = None
        recent: deque[tuple[float, Event]] = deque(maxlen=round(_KEPT_S / CHUNK_S))
        heard_s = 0.0
        try:
            wake_session = self._open_vigil()
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
                    if wake_session is not None:
                        _feed(wake_session, pcm, chunk.timestamp)
                    await self._heard(recent)
        except ConnectionError:
            raise
        except LunavoxError as error:
            return error
        except Exception:
            _LOGGER.exception("Listening failed")
        finally:
            if wake_session is not None:
                wake_session.cancel()
        return InternalError("The microphone does not work; the satellite's log says more.")

    async def _heard(self, recent: deque[tuple[float, Event]]) -> None:
        """Take the newest of the recent sound."""
        while self._first:
            await self._send(self._first.pop(0))
        if self.phase is MicrophonePhase.WAITING and (self._called is not None or self._triggered):
            await self._begin(recent)
        elif self.phase is MicrophonePhase.STREAMING:
            await self._send(recent[-1][1])
            self._streamed_s += CHUNK_S
            if self.local and self._streamed_s > LISTEN_S:
                self.phase = MicrophonePhase.WAITING
                self._alarm.attended()
                await self._send(AudioStop().event())
                self._say("The hub does not answer; waiting for a wake word again.")

    async def _begin(self, recent: deque[tuple[float, Event]]) -> None:
        """A command begins: tell the hub, and send what was said since the wake word."""
        called, self._called, self._triggered = self._called, None, False
        self.phase = MicrophonePhase.STREAMING
        self._streamed_s = 0.0
        self._alarm.attend()
        since_s = recent[-1][0]
        if called is not None:
            since_s = min(since_s, called.at_s)
            await self._send(WireDetection(name=called.name, timestamp=called.timestamp_ms).event())
        await self._send(_pipeline(PipelineStage.ASR, called.name if called is not None else None))
        for at_s, chunk in tuple(recent):
            if at_s >= since_s:
                await self._send(chunk)

    def _open_vigil(self) -> WakeSession | None:
        """Wait for the words here, if that is this satellite's way. Raises UnknownModel, Busy."""
        if self._engine is None:
            return None
        loop = asyncio.get_running_loop()
        return self._engine.open_wake_session(
            FORMAT,
            names=self._words,
            on_detection=lambda detection: bridge.call_soon(loop, partial(self._detected, detection)),
        )

    def _detected(self, detection: Detection) -> None:
        """A word was said; the hub is told with the next sound."""
        if self.phase is not MicrophonePhase.WAITING:
            return
        self._say(f"Heard {detection.name} ({detection.probability:.2f}).")
        if self._on_word(detection):
            self._called = detection


def _feed(wake_session: WakeSession, pcm: bytes, timestamp_ms: int | None) -> None:
    """Pass sound on. Raises the error that has ended the vigil."""
    if wake_session.outcome.done():
        wake_session.outcome.result(0)
    wake_session.feed(pcm, timestamp_ms)


def _pipeline(start: PipelineStage, wake_word: str | None = None) -> Event:
    return RunPipeline(
        start_stage=start,
        end_stage=PipelineStage.TTS,
        wake_word_name=wake_word,
        restart_on_end=start is PipelineStage.WAKE,
    ).event()
