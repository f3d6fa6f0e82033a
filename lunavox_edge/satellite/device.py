"""The satellite itself: what it does with the messages of its hub, with wake words and with timers.

Speech, a ring and a command can come in any order. Speech of the hub goes before a ring, a word silences
either, and a ring goes on with or without a hub.
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

# A hub that pauses and goes at once has ended; one that pauses and stays wants the microphone closed.
_FAREWELL_S = 2.0
_SOUND_RATE_HZ = 22_050
# Nobody spoke, or another satellite heard it too: no command has failed.
_NO_COMMAND = ("stt-no-text-recognized", "wake-word-timeout", "duplicate_wake_up_detected")

_LOGGER = logging.getLogger(__name__)

Send = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sounds:
    """Which sounds of its own a satellite makes."""

    chime: bool = False
    """After a wake word: go on, speak."""
    ring_s: float = RING_S
    """How long a timer rings that nobody silences."""


SOUNDS = Sounds()


class SatelliteDevice:
    """One microphone and one loudspeaker; serves one hub at a time."""

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
        """Be off; made on the running loop.

        With an engine, `words` are waited for here. Timers go by `clock`, that of the loop if there is none.
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
            attend_s=LISTEN_S,
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
        self._rearming = Rearming(self._ask_to_wait)
        self._hub: Send | None = None
        self._wanted = False
        self._paused_s: float | None = None
        self._closed = False
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            "run-satellite": self._run,
            "pause-satellite": self._pause,
            "run-pipeline": self._requested,
            "detect": self._waited_for_by_hub,
            "detection": self._detected_by_hub,
            **dict.fromkeys(("transcript", "error"), self._command_over),
            **dict.fromkeys(("audio-start", "audio-chunk", "audio-stop"), self._take_speech),
            **dict.fromkeys(TIMER_EVENTS, self._take_timer),
        }

    @property
    def phase(self) -> MicrophonePhase:
        """What the microphone is for."""
        return self._listening.phase

    @property
    def alarm(self) -> Alarm:
        """Its timers."""
        return self._alarm

    async def handle(self, event: Event, hub: Send) -> None:
        """Do what the hub wants. Raises ProtocolError, BadAudio, ConnectionError."""
        if self._closed:
            return
        self._hub = hub
        handler = self._handlers.get(event.type)
        if handler is not None:
            await handler(event)
        else:
            _LOGGER.debug("Nothing to do for %s", event.type)

    def silence(self) -> None:
        """Silence a timer that rings."""
        if self._alarm.silence():
            self._say("The timer is silenced.")

    async def leave(self) -> None:
        """The hub has gone: close the microphone; what was sent is still heard, and timers count on."""
        self._hub = None
        self._playback.disown()
        await self._off()
        paused_s, self._paused_s = self._paused_s, None
        if paused_s is not None and asyncio.get_running_loop().time() - paused_s < _FAREWELL_S:
            self._wanted = True
        self._ring_changed()

    async def close(self) -> None:
        """Fall silent and close the microphone."""
        self._hub, self._wanted, self._closed = None, False, True
        await self._alarm.close()
        await self._off()
        await self._playback.close()
        self._microphone.close()

    # The microphone.

    async def _run(self, _: Event) -> None:
        """Open the microphone, or begin anew."""
        self._wanted, self._paused_s = True, None
        self._rearming.works()
        self._alarm.attended()
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
        self._alarm.attended()
        await self._listening.close()

    async def _requested(self, _: Event) -> None:
        """The hub begins a command, because of a button or a question of its own."""
        self._alarm.called()
        self._listening.trigger()

    async def _command_over(self, event: Event) -> None:
        """The hub has understood a command, or has failed to."""
        listened = self._alarm.attending
        self._listening.command_over()
        self._alarm.attended()
        if event.type == "transcript":
            self._rearming.works()
            return
        if self.phase is MicrophonePhase.STREAMING:
            self._rearming.failed()
        if listened and event.data.get("code") not in _NO_COMMAND:
            self._playback.play(chime(FAILED, _SOUND_RATE_HZ), _SOUND_RATE_HZ)

    async def _ask_to_wait(self) -> None:
        """Ask a hub that has failed to wait for a wake word again."""
        if self.phase is MicrophonePhase.STREAMING:
            try:
                await self._listening.ask_to_wait()
            except ConnectionError as gone:
                _LOGGER.debug("The hub cannot be asked: %s", gone)

    def _word_said(self, detection: Detection) -> bool:
        """A word was said: fall silent at once. Return whether a command begins with it."""
        # Who says any word to a ring wants quiet, not a command.
        quiet = self._alarm.called()
        if detection.name in self._stop_words or self._hub is None:
            self._alarm.silence()
            quiet = True
        if self._playback.hush():
            self._listening.tell_first(Played().event())
        if not quiet:
            self._tell_that_it_listens()
        return not quiet

    async def _waited_for_by_hub(self, _: Event) -> None:
        self._rearming.waits()

    async def _detected_by_hub(self, _: Event) -> None:
        self._say("The hub has heard a wake word.")
        self._rearming.waits()
        self._alarm.called()
        if self._playback.hush():
            await self._send(Played().event())
        self._tell_that_it_listens()
        if self.phase is MicrophonePhase.STREAMING:
            self._alarm.attend()

    def _tell_that_it_listens(self) -> None:
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
        """Take what the hub says of a timer; what is wrong with it ends nothing."""
        try:
            self._alarm.take(event)
        except LunavoxError as error:
            _LOGGER.warning("A message about a timer is of no use: %s", error)
            await self._send(error_event(error))

    def _playing_changed(self) -> None:
        self._alarm.review()

    def _ring_changed(self) -> None:
        """While a timer rings and the hub is away, wait here for a word that silences it."""
        if self._hub is not None or not self._listening.local:
            return
        if not self._alarm.rings:
            self._listening.let_go()
        elif self._wanted and self._listening.idle:
            self._listening.open()

    # The hub.

    async def _played(self, error: LunavoxError | None) -> None:
        """A speech is over; the hub waits for `played`, heard or not."""
        try:
            if error is not None:
                await self._send(error_event(error))
            await self._send(Played().event())
        except ConnectionError as gone:
            _LOGGER.debug("Nobody waits for the end of a speech: %s", gone)

    async def _send(self, event: Event) -> None:
        if self._hub is not None:
            await self._hub(event)
