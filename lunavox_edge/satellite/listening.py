"""When the device's microphone is open, and which audio is sent to the hub.

If the device detects wake words itself, audio leaves it only after one; else all audio goes to the hub, which
detects wake words.
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

# The longest command; a hub that never answers must not get the audio of a room for hours.
LISTEN_S = 60.0
# Audio kept for a command, because its first words come before the wake word is detected.
_KEPT_S = 1.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
# A microphone that has worked for so long since its last failure counts as recovered.
_RECOVERED_S = 60.0

_LOGGER = logging.getLogger(__name__)


class MicrophonePhase(Enum):
    """What the audio of the microphone is used for."""

    OFF = "off"
    WAITING = "waiting"
    """Detecting wake words on the device."""
    STREAMING = "streaming"
    """All audio is sent to the hub."""


class Listening:
    """Reads the microphone from `open` to `close`; used on the event loop only.

    With an engine, `words` are detected on the device: `on_word` is called with each detection and returns
    whether a command starts with it. During a command the ring of the `alarm` is held back.
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
        """Create an object whose phase is `OFF`.

        `send` sends to the hub and raises ConnectionError. `say` shows messages to the user.
        """
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
        """The wake word with which a command starts at the next audio."""
        self._triggered = False
        """Whether a command starts at the next audio without a wake word."""
        self._first: list[Event] = []
        """Events to be sent before the next audio."""
        self._streamed_s = 0.0
        self.phase = MicrophonePhase.OFF

    @property
    def local(self) -> bool:
        """Whether wake words are detected on the device."""
        return self._engine is not None

    @property
    def idle(self) -> bool:
        """Whether the microphone is closed, and no longer closing."""
        return self._task is None and not self._ending

    async def start(self) -> None:
        """Open the microphone, after closing it if it is open. Raises ConnectionError."""
        await self.close()
        self._say("Waiting for a wake word." if self.local else "Streaming to the hub.")
        if not self.local:
            await self.request_wake_detection()
        self.open()

    def open(self) -> None:
        """Open the microphone; only while `idle`."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="satellite microphone")
        self.phase = self._first_phase

    def start_closing(self) -> None:
        """Begin to close the microphone; `idle` says when that is done."""
        task, self._task = self._task, None
        self.phase = MicrophonePhase.OFF
        self._called, self._triggered = None, False
        self._first.clear()
        if task is not None:
            task.cancel()
            # A second cancellation could interrupt the release of the sound device.
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Close the microphone and wait until it is closed."""
        self.start_closing()
        if self._ending:
            await asyncio.wait(self._ending)

    def trigger(self) -> None:
        """Start a command without a wake word, if the phase is `WAITING`."""
        self._triggered = self.phase is MicrophonePhase.WAITING

    def command_over(self) -> None:
        """Handle the end of a command: with own wake words, stop streaming and detect them again."""
        if self.phase is MicrophonePhase.STREAMING and self.local:
            self.phase = MicrophonePhase.WAITING

    def send_first(self, event: Event) -> None:
        """Send an event before the next audio."""
        self._first.append(event)

    async def request_wake_detection(self) -> None:
        """Ask the hub to detect wake words in the stream. Raises ConnectionError."""
        await self._send(_pipeline(PipelineStage.WAKE))

    @property
    def _first_phase(self) -> MicrophonePhase:
        return MicrophonePhase.WAITING if self.local else MicrophonePhase.STREAMING

    async def _run(self) -> None:
        """Read the microphone until cancelled or the hub is gone, again after every failure."""
        loop, pause_s, reported = asyncio.get_running_loop(), _FIRST_PAUSE_S, ""
        try:
            while True:
                begun_s = loop.time()
                error = await self._listen()
                was, self.phase = self.phase, MicrophonePhase.OFF
                self._alarm.command_ended()
                if was is MicrophonePhase.STREAMING and self.local:
                    await self._send(AudioStop().event())
                if loop.time() - begun_s > _RECOVERED_S:
                    pause_s, reported = _FIRST_PAUSE_S, ""
                if str(error) != reported:
                    reported = str(error)
                    _LOGGER.warning("The microphone is off, and tried again in the background: %s", error)
                    await self._send(error_event(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self.phase = self._first_phase
        except ConnectionError as gone:
            _LOGGER.debug("The connection to the hub is gone: %s", gone)

    async def _listen(self) -> LunavoxError:
        """Read the microphone until that fails, and return the error. Raises ConnectionError."""
        wake_session: WakeSession | None = None
        recent: deque[tuple[float, Event]] = deque(maxlen=round(_KEPT_S / CHUNK_S))
        read_s = 0.0
        try:
            wake_session = self._open_wake_session()
            async with aclosing(self._microphone.chunks()) as chunks:
                async for pcm in chunks:
                    chunk = AudioChunk(
                        rate=FORMAT.rate_hz,
                        width=FORMAT.width_bytes,
                        channels=FORMAT.channels,
                        audio=pcm,
                        timestamp=time.monotonic_ns() // 1_000_000,
                    )
                    recent.append((read_s, chunk.event()))
                    read_s += CHUNK_S
                    if wake_session is not None:
                        _feed(wake_session, pcm, chunk.timestamp)
                    await self._take_audio(recent)
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

    async def _take_audio(self, recent: deque[tuple[float, Event]]) -> None:
        """Handle a new chunk, the last one in `recent`, by the phase."""
        while self._first:
            await self._send(self._first.pop(0))
        if self.phase is MicrophonePhase.WAITING and (self._called is not None or self._triggered):
            await self._start_command(recent)
        elif self.phase is MicrophonePhase.STREAMING:
            await self._send(recent[-1][1])
            self._streamed_s += CHUNK_S
            if self.local and self._streamed_s > LISTEN_S:
                self.phase = MicrophonePhase.WAITING
                self._alarm.command_ended()
                await self._send(AudioStop().event())
                self._say("The hub does not answer; waiting for a wake word again.")

    async def _start_command(self, recent: deque[tuple[float, Event]]) -> None:
        """Announce a command to the hub, and send the audio since the wake word."""
        called, self._called, self._triggered = self._called, None, False
        self.phase = MicrophonePhase.STREAMING
        self._streamed_s = 0.0
        self._alarm.command_started()
        since_s = recent[-1][0]
        if called is not None:
            since_s = min(since_s, called.at_s)
            await self._send(WireDetection(name=called.name, timestamp=called.timestamp_ms).event())
        await self._send(_pipeline(PipelineStage.ASR, called.name if called is not None else None))
        for at_s, chunk in tuple(recent):
            if at_s >= since_s:
                await self._send(chunk)

    def _open_wake_session(self) -> WakeSession | None:
        """Open a wake-word session, if the device detects words itself. Raises UnknownModel, Busy."""
        if self._engine is None:
            return None
        loop = asyncio.get_running_loop()
        return self._engine.open_wake_session(
            FORMAT,
            names=self._words,
            on_detection=lambda detection: bridge.call_soon(loop, partial(self._detected, detection)),
        )

    def _detected(self, detection: Detection) -> None:
        """Handle a detection; the hub is notified with the next chunk, so that the order is kept."""
        if self.phase is not MicrophonePhase.WAITING:
            return
        self._say(f"Heard {detection.name} ({detection.probability:.2f}).")
        if self._on_word(detection):
            self._called = detection


def _feed(wake_session: WakeSession, pcm: bytes, timestamp_ms: int | None) -> None:
    """Pass audio to the session. Raises the error that has ended it."""
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
