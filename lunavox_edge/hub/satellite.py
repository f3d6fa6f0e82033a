"""One satellite: its connection, its state, and who may use its microphone and its loudspeaker.

A wake word, a conversation and an announcement can come in any order. Whoever speaks holds the one `Outlet`;
taking the loudspeaker means that the one before falls silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk as WireChunk
from wyoming.audio import AudioStop
from wyoming.event import Event
from wyoming.info import Info
from wyoming.pipeline import RunPipeline
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.snd import Played
from wyoming.timer import TimerCancelled
from wyoming.wake import Detection as WireDetection

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatellitePhase, SatelliteView
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub.audio_router import AudioRouter
from lunavox_edge.hub.choices import Choice
from lunavox_edge.hub.conversation import Call, Conversation, ConversationOptions
from lunavox_edge.hub.ending import ENDINGS, EndReason
from lunavox_edge.hub.loudspeaker import SatelliteLoudspeaker
from lunavox_edge.hub.microphone_listeners import UtteranceListener
from lunavox_edge.hub.playing import Outlet, play_together
from lunavox_edge.hub.satellite_link import SatelliteLink
from lunavox_edge.hub.satellite_microphone import StreamingMicrophone
from lunavox_edge.hub.satellite_state import SatelliteEvent, SatelliteState
from lunavox_edge.settings.satellite_settings import SatelliteSettings, SatellitesSettings
from lunavox_edge.types import AudioChunk, AudioFormat, Detection
from lunavox_edge.wire import fields

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_FROM_WAKE, _FROM_SPEECH = "wake", "asr"

_LOGGER = logging.getLogger(__name__)


class Satellite:
    """One satellite of the house; used on the loop only."""

    def __init__(
        self,
        satellite_id: str,
        settings: SatelliteSettings,
        house: SatellitesSettings,
        engine: Engine,
        manner: ConversationOptions,
        *,
        tell: Callable[[], Listeners],
    ) -> None:
        """Connect nothing before `run`; `tell` returns whom to tell of what happens."""
        self.id = satellite_id
        self._settings = settings
        self._house = house
        self._engine = engine
        self._tell = tell
        self._state = SatelliteState()
        self._news = asyncio.Event()
        self._info: Info | None = None
        self._problem: str | None = None
        self._deafness: str | None = None
        self._link = SatelliteLink(satellite_id, settings.uri, engine.settings.limits, self)
        self._ear = AudioRouter(
            engine,
            house,
            wake_words=settings.wake_words,
            language=manner.language,
            sensitivity=manner.sensitivity,
            on_word=self._detected,
            on_overlap=self._overlapped,
        )
        self._mouth = SatelliteLoudspeaker(self._link.send, settings)
        self._microphone = StreamingMicrophone(self._link.send)
        self._talk = Conversation(engine, self, manner, ear=self._ear, microphone=self._microphone)
        self._talking: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        """Conversations that were cancelled and have not ended yet."""
        self._answering = False
        self._draining = False

    async def run(self) -> None:
        """Serve the satellite until cancelled."""
        try:
            await self._link.run()
        finally:
            self._end(EndReason.STOPPED)
            await bridge.ended(*self._ending)

    # What the house sees and sets.

    def view(self) -> SatelliteView:
        """Return the satellite as it is now."""
        told = self._info.satellite if self._info is not None else None
        words = self._ear.wake_words or self._engine.settings.wake.default
        return SatelliteView(
            id=self.id,
            name=self._settings.name or (told.name if told is not None else None) or self.id,
            area=self.area,
            phase=self._state.phase,
            muted=self._state.muted,
            volume=self._mouth.volume,
            wake_words=() if self._microphone.waits_itself else words,
            address=self._link.uri,
            waits_itself=self._microphone.waits_itself,
            problem=self._problem or self._ear.problem,
        )

    @property
    def area(self) -> str | None:
        """The room it is in."""
        told = self._info.satellite if self._info is not None else None
        return self._settings.area or (told.area if told is not None else None)

    @property
    def phase(self) -> SatellitePhase:
        """What it does."""
        return self._state.phase

    def restore(self, choice: Choice) -> None:
        """Begin with what was chosen before."""
        if choice.volume is not None:
            self._mouth.volume = choice.volume
        if choice.wake_words is not None:
            self._ear.wake_words = choice.wake_words
        self._state = SatelliteState(muted=choice.muted)

    @property
    def choice(self) -> Choice:
        """What differs from the settings."""
        volume, words = self._mouth.volume, self._ear.wake_words
        return Choice(
            volume=volume if volume != self._settings.volume else None,
            muted=self._state.muted,
            wake_words=words if words != self._settings.wake_words else None,
        )

    def move_to(self, uris: tuple[str, ...]) -> None:
        """Look for it at these addresses when it is not there."""
        self._link.move(uris)

    def set_volume(self, volume: float) -> None:
        """Play louder or more quietly, from the next speech on."""
        self._mouth.volume = volume
        self._changed()

    def set_muted(self, *, muted: bool) -> None:
        """Stop or go on listening."""
        if not self.move(SatelliteEvent.MUTED if muted else SatelliteEvent.UNMUTED):
            return
        if muted:
            self._end(EndReason.MUTED)
            # What does not know the first stops at the second.
            self.send(PauseSatellite().event())
            self._microphone.stop()
        else:
            self.send(RunSatellite().event())

    def set_wake_words(self, names: tuple[str, ...]) -> None:
        """Wait for other words; none means those of the settings."""
        self._ear.wake_words = names or self._settings.wake_words
        self._ear.forget()
        self._changed()

    def hush(self) -> bool:
        """Fall silent and end the conversation, whatever it has come to; False if there was nothing."""
        # A timer that rings there goes by a clock of its own; the id of none silences it and cancels nothing.
        self.send(TimerCancelled(id="").event())
        return self._end(EndReason.HUSHED)

    def drain(self) -> asyncio.Task[None] | None:
        """Begin no conversation any more; return the one that goes on and can come to its end by itself."""
        self._draining = True
        return None if self._talk.expects_announcement else self._talking

    # What announcements need.

    @property
    def free(self) -> bool:
        """Whether an announcement would disturb nobody here."""
        return self._talking is None or self._talk.expects_announcement or not self._link.up

    async def news(self) -> None:
        """Wait until something has changed."""
        await self._news.wait()

    def lend(self) -> Outlet | None:
        """Give the loudspeaker to an announcement; a conversation ends. None if it is offline."""
        if not self._link.up:
            return None
        answering = self._talk.expects_announcement
        self._end(EndReason.ANSWERED if answering else EndReason.HUSHED)
        self._answering = answering
        return self._mouth.open()

    def begins(self, outlet: Outlet) -> None:
        """The announcement is heard now."""
        if self._mouth.holds(outlet) and outlet.open:
            self.move(SatelliteEvent.SPEAKS)

    def give_back(self, outlet: Outlet, *, asks: bool) -> None:
        """The announcement is over; one that was an answer may have been a question."""
        if not self._mouth.give_back(outlet):
            return
        answered, self._answering = self._answering and not outlet.cut, False
        if answered and self._talk.goes_on(asks=asks) and self.move(SatelliteEvent.CALLED):
            self._microphone.request()
            self._listen(Call(), None)
        else:
            self.move(SatelliteEvent.DONE)

    # What the link calls.

    def opened(self, info: Info) -> None:
        """Begin anew with a satellite that knows nothing."""
        self._info, self._problem = info, None
        self._microphone.connected(info)
        self._mouth.connected(info)
        self.move(SatelliteEvent.CONNECTED)
        self.send(PauseSatellite().event() if self._state.muted else RunSatellite().event())

    def closed(self, error: LunavoxError) -> None:
        """End everything that went on there."""
        if self._problem != str(error):
            self._problem = str(error)
            self._changed()
        self._end(EndReason.LOST)

    def received(self, event: Event) -> None:
        """Take what the satellite sends. Raises LunavoxError for what is wrong."""
        if WireChunk.is_type(event.type):
            self._take_audio(event)
        elif RunPipeline.is_type(event.type):
            self._take_request(event)
        elif AudioStop.is_type(event.type):
            self._ear.end()
        elif Played.is_type(event.type):
            self._mouth.played()

    # What a conversation needs.

    def move(self, happening: SatelliteEvent) -> bool:
        """Go on to the next state; False if that cannot be."""
        if self._draining and happening is SatelliteEvent.CALLED:
            return False
        following = self._state.after(happening)
        if following is None:
            return False
        if following != self._state:
            _LOGGER.debug("satellite %s: %s", self.id, following.phase.value)
            self._state = following
            if following.rests:
                self._microphone.rest()
            self._changed()
        return True

    def go_on(self) -> None:
        """Raise CancelledError if the conversation that asks was ended."""
        if self._talking is not asyncio.current_task():
            raise asyncio.CancelledError

    def send(self, *events: Event) -> bool:
        """Tell the satellite; False if it is not there."""
        return self._link.send(*events)

    def heard(self, heard: HeardUtterance) -> None:
        """Tell the house what was said."""
        self._tell().heard(heard)

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play an answer to the end."""
        self.go_on()
        outlet = self._mouth.open()

        async def watched() -> AsyncGenerator[AudioChunk, None]:
            async for chunk in chunks:
                self.begins(outlet)
                yield chunk

        async with aclosing(watched()) as audio:
            await play_together((outlet,), audio, lead_s=self._house.lead_ms / 1000)

    # The microphone.

    def _take_audio(self, event: Event) -> None:
        if not self._state.hears or not event.payload:
            return
        audio_format = fields.audio_format(event.data)
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        if self._ear.hear(event.payload, audio_format) or not self._microphone.streams:
            return
        speaks = self._state.phase is SatellitePhase.SPEAKING
        self._ear.wait(event.payload, audio_format, overhears=speaks and self._settings.echo_cancelled)
        if self._ear.problem != self._deafness:
            self._changed()

    def _overlapped(self, seconds: float, probability: float, listening: UtteranceListener | None) -> None:
        _LOGGER.info("satellite %s: somebody speaks over it (%.1f s)", self.id, seconds)
        interrupts = listening is not None
        self._tell().overlapped(Overlap(self.id, seconds, probability, interrupted=interrupts))
        if interrupts:
            self._listen(Call(), listening)

    def _take_request(self, event: Event) -> None:
        start = fields.optional_text(event.data, "start_stage")
        if start == _FROM_WAKE:
            self._microphone.waits_itself = False
        elif start == _FROM_SPEECH:
            word = fields.name(event.data, "wake_word_name")
            if self._microphone.begins(word):
                self._call(Call(word))
        self._changed()

    def _detected(self, detection: Detection, after: bytes, audio_format: AudioFormat) -> None:
        _LOGGER.info("satellite %s: heard %s (%.2f)", self.id, detection.name, detection.probability)
        if self._ear.stops(detection.name):
            self.hush()
            return
        if self._call(Call(detection.name, after, audio_format)):
            self.send(WireDetection(name=detection.name, timestamp=detection.timestamp_ms).event())
            if self._house.chime if self._settings.chime is None else self._settings.chime:
                self._mouth.ring()

    def _call(self, call: Call) -> bool:
        """Somebody called: whatever goes on here ends, and the satellite listens."""
        interrupts = self._state.phase is SatellitePhase.SPEAKING
        if (interrupts and not self._house.barge_in) or not self.move(SatelliteEvent.CALLED):
            if not self._microphone.streams:
                # It goes on until it is told what was said.
                self._microphone.stop()
            return False
        return self._listen(call, None)

    def _listen(self, call: Call, listening: UtteranceListener | None) -> bool:
        """Listen, with an utterance that has begun if there is one; False if that cannot be."""
        if listening is not None and not self.move(SatelliteEvent.CALLED):
            listening.close()
            return False
        self._end(EndReason.CALLED)
        if listening is None:
            listening = self._ear.begin(call.audio, call.audio_format)
        else:
            self._ear.listen(listening)
        self._talking = asyncio.create_task(self._converse(call, listening), name=f"satellite {self.id} talk")
        return True

    async def _converse(self, call: Call, listening: UtteranceListener) -> None:
        try:
            await self._talk.run(call, listening)
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: %s: %s", self.id, error.code, error)
        except Exception:
            _LOGGER.exception("satellite %s: a conversation failed", self.id)
        finally:
            if self._talking is asyncio.current_task():
                self._talking = None
                self._end(EndReason.OVER)

    def _end(self, reason: EndReason) -> bool:
        """End what goes on here; False if there was nothing."""
        ending = ENDINGS[reason]
        if reason is EndReason.LOST:
            self._mouth.lost()
        played = not ending.plays_on and self._mouth.silence()
        talking: asyncio.Task[None] | None = None
        if self._ear.listens or not ending.spares_talk:
            talking, self._talking = self._talking, None
            self._answering = False
            self._ear.close()
        if talking is not None:
            talking.cancel()
            self._ending.add(talking)
            talking.add_done_callback(self._ending.discard)
        if ending.forgets:
            self._ear.forget()
        if ending.closes_turn and talking is not None:
            self._microphone.stop()
        moved = ending.happening is not None and self.move(ending.happening)
        return talking is not None or (played and moved)

    def _changed(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
        self._deafness = self._ear.problem
        self._tell().changed()
