"""The satellite device: handles the messages of the hub, wake words and timers.

Speech, a ring and a command can come in any order. Speech of the hub has priority over a ring, a wake word
silences both, and a timer rings with or without a hub.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.event import Event
from wyoming.snd import Played

from lunavox_edge.audio.chime import FAILED, LISTENING, chime
from lunavox_edge.errors import LunavoxError
from lunavox_edge.satellite.alarm import RING_S, Alarm
from lunavox_edge.satellite.listening import LISTEN_S, Listening, MicrophonePhase
from lunavox_edge.satellite.microphone import Microphone
from lunavox_edge.satellite.playback_queue import PlaybackQueue
from lunavox_edge.satellite.rearming import Rearming
from lunavox_edge.satellite.speaker import SharedSpeaker, Speaker
from lunavox_edge.satellite.timers import TIMER_EVENTS, Clock
from lunavox_edge.satellite.words import NO_WORDS, Words
from lunavox_edge.types import Detection
from lunavox_edge.wire import fields
from lunavox_edge.wire.errors_wire import error_event

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

# A hub that pauses and disconnects within this time is stopping; else it wants the microphone closed.
_FAREWELL_S = 2.0
_SOUND_RATE_HZ = 22_050
# Error codes without a failed command: nobody spoke, or another satellite handles the command.
_NO_COMMAND = ("stt-no-text-recognized", "wake-word-timeout", "duplicate_wake_up_detected")

_LOGGER = logging.getLogger(__name__)

Send = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sounds:
    """The sounds that the device makes by itself."""

    chime: bool = False
    """Whether a chime after a wake word says that it listens."""
    ring_s: float = RING_S
    """The longest time that a timer rings, in seconds of sound."""


SOUNDS = Sounds()


class SatelliteDevice:
    """One microphone and one loudspeaker; serves one hub at a time. Used on the event loop only."""

    def __init__(
        self,
        *,
        microphone: Microphone,
        speaker: Speaker,
        say: Callable[[str], None],
        engine: Engine | None = None,
        words: Words = NO_WORDS,
        sounds: Sounds = SOUNDS,
        clock: Clock | None = None,
    ) -> None:
        """Create the parts; must be called on the running event loop.

        With an engine, `words` are detected on the device. `say` shows messages to the user. Timers go by
        `clock`, by default that of the event loop.
        """
        self._say = say
        self._chimes = sounds.chime
        self._stop_words = words.stops
        self._microphone = microphone
        shared = SharedSpeaker(speaker)
        self._playback = PlaybackQueue(shared, on_played=self._played, on_change=self._playing_changed)
        self._alarm = Alarm(
            shared,
            ring_s=sounds.ring_s,
            longest_command_s=LISTEN_S,
            speaking=lambda: self._playback.active,
            on_change=self._ring_changed,
            say=say,
            clock=clock,
        )
        self._listening = Listening(
            microphone,
            engine=engine,
            words=(*words.calls, *words.stops),
            send=self._send,
            on_word=self._word_said,
            alarm=self._alarm,
            say=say,
        )
        self._rearming = Rearming(self._request_wake_detection)
        self._hub: Send | None = None
        self._wanted = False
        """Whether the hub wants the microphone open, or wanted it before it disconnected."""
        self._paused_s: float | None = None
        """When the hub paused the open microphone."""
        self._closed = False
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "run-satellite": self._run,
            "pause-satellite": self._pause,
            "run-pipeline": self._requested,
            "detect": self._hub_detects,
            "detection": self._detected_by_hub,
            **dict.fromkeys(("transcript", "error"), self._command_over),
            **dict.fromkeys(("audio-start", "audio-chunk", "audio-stop"), self._take_speech),
            **dict.fromkeys(TIMER_EVENTS, self._take_timer),
        }

    @property
    def phase(self) -> MicrophonePhase:
        """What the audio of the microphone is used for."""
        return self._listening.phase

    @property
    def alarm(self) -> Alarm:
        """The timers and their ring."""
        return self._alarm

    async def handle(self, event: Event, hub: Send) -> None:
        """Handle a message of the hub; `hub` sends to it. Raises ProtocolError, BadAudio, ConnectionError."""
        if self._closed:
            return
        self._hub = hub
        handler = self._handlers.get(event.type)
        if handler is not None:
            await handler(event)
        else:
            _LOGGER.debug("Ignored: %s", event.type)

    def silence(self) -> None:
        """Silence the timers that ring."""
        if self._alarm.silence():
            self._say("The timer is silenced.")

    async def leave(self) -> None:
        """Handle the loss of the hub: close the microphone; the audio it sent is played, timers go on."""
        self._hub = None
        self._playback.hub_lost()
        await self._off()
        paused_s, self._paused_s = self._paused_s, None
        if paused_s is not None and asyncio.get_running_loop().time() - paused_s < _FAREWELL_S:
            self._wanted = True
        self._ring_changed()

    async def close(self) -> None:
        """Stop all sound, delete the timers and close the microphone."""
        self._hub, self._wanted, self._closed = None, False, True
        await self._alarm.close()
        await self._off()
        await self._playback.close()
        self._microphone.close()

    # The microphone.

    async def _run(self, _: Event) -> None:
        """Open the microphone, after closing it if it is open."""
        self._wanted, self._paused_s = True, None
        self._rearming.works()
        self._alarm.command_ended()
        await self._listening.start()

    async def _pause(self, _: Event) -> None:
        was_on = self.phase is not MicrophonePhase.OFF
        self._wanted = False
        self._paused_s = asyncio.get_running_loop().time() if was_on else None
        await self._off()
        if was_on:
            self._say("The hub has paused the microphone.")

    async def _off(self) -> None:
        self._rearming.waits()
        self._alarm.command_ended()
        await self._listening.close()

    async def _requested(self, _: Event) -> None:
        """Start a command that the hub requests, such as after a question or a button."""
        self._alarm.called()
        self._listening.trigger()

    async def _command_over(self, event: Event) -> None:
        """Handle the end of a command: a `transcript` or an `error`."""
        in_command = self._alarm.in_command
        self._listening.command_over()
        self._alarm.command_ended()
        if event.type == "transcript":
            self._rearming.works()
            return
        if self.phase is MicrophonePhase.STREAMING:
            self._rearming.failed()
        if in_command and event.data.get("code") not in _NO_COMMAND:
            self._playback.play(chime(FAILED, _SOUND_RATE_HZ), _SOUND_RATE_HZ)

    async def _request_wake_detection(self) -> None:
        """Ask a hub that has reported an error to detect wake words again."""
        if self.phase is MicrophonePhase.STREAMING:
            try:
                await self._listening.request_wake_detection()
            except ConnectionError as gone:
                _LOGGER.debug("The hub cannot be asked: %s", gone)

    def _word_said(self, detection: Detection) -> bool:
        """Handle a detection on the device: stop playback. Return whether a command starts with it."""
        # While a timer rings, any word only silences it.
        silenced = self._alarm.called()
        if detection.name in self._stop_words or self._hub is None:
            self._alarm.silence()
            silenced = True
        if self._playback.silence():
            self._listening.send_first(Played().event())
        if not silenced:
            self._play_chime()
        return not silenced

    async def _hub_detects(self, _: Event) -> None:
        self._rearming.waits()

    async def _detected_by_hub(self, _: Event) -> None:
        """Handle a wake word that the hub detected: stop ring and playback; a command starts."""
        self._say("The hub has heard a wake word.")
        self._rearming.waits()
        self._alarm.called()
        if self._playback.silence():
            await self._send(Played().event())
        self._play_chime()
        if self.phase is MicrophonePhase.STREAMING:
            self._alarm.command_started()

    def _play_chime(self) -> None:
        if self._chimes:
            self._playback.play(chime(LISTENING, _SOUND_RATE_HZ), _SOUND_RATE_HZ)

    # Speech and timers.

    async def _take_speech(self, event: Event) -> None:
        if event.type == "audio-start":
            self._playback.start(fields.audio_format(event.data))
        elif event.type == "audio-chunk":
            self._playback.add(event.payload or b"")
        elif event.type == "audio-stop":
            self._playback.stop()

    async def _take_timer(self, event: Event) -> None:
        """Handle a timer event; an invalid one is answered with an error and does not disconnect the hub."""
        try:
            self._alarm.take(event)
        except LunavoxError as error:
            _LOGGER.warning("A timer event is refused: %s", error)
            await self._send(error_event(error))

    def _playing_changed(self) -> None:
        self._alarm.review()

    def _ring_changed(self) -> None:
        """Open the microphone while a timer rings without a hub, to detect a word that silences it."""
        if self._hub is not None or not self._listening.local:
            return
        if not self._alarm.rings:
            self._listening.start_closing()
        elif self._wanted and self._listening.idle:
            self._listening.open()

    # The hub.

    async def _played(self, error: LunavoxError | None) -> None:
        """Report the end of a speech to the hub: an `error` if it could not be played, then `played`."""
        try:
            if error is not None:
                await self._send(error_event(error))
            await self._send(Played().event())
        except ConnectionError as gone:
            _LOGGER.debug("The hub that sent a speech is gone: %s", gone)

    async def _send(self, event: Event) -> None:
        if self._hub is not None:
            await self._hub(event)
