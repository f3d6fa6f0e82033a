"""What goes on at one satellite: its phase, its conversation and its playback.

A wake word, a conversation and an announcement can come in any order. The loudspeaker has one `Outlet` at a
time: opening the next one stops the one before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatellitePhase
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub.audio_router import AudioRouter
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

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_LOGGER = logging.getLogger(__name__)


class SatelliteActivity:
    """State, conversation, microphone and loudspeaker of one satellite; used on the event loop only.

    Whatever begins ends what it replaces, by the table in `hub/ending.py`.
    """

    def __init__(
        self,
        link: SatelliteLink,
        engine: Engine,
        settings: SatelliteSettings,
        common: SatellitesSettings,
        options: ConversationOptions,
        *,
        on_word: Callable[[Detection, bytes, AudioFormat], None],
        listeners: Listeners,
    ) -> None:
        """Create the parts; nothing goes on yet.

        `on_word` is called with a detected wake word, the audio that followed it, and the format of that
        audio. `listeners` are notified of changes, utterances and overlaps.
        """
        self.id = link.name
        self.area = settings.area
        """The room; the satellite may name one when it connects."""
        self._link = link
        self._common = common
        self._listeners = listeners
        self._state = SatelliteState()
        self._next_change = asyncio.Event()
        self._reported_problem: str | None = None
        self.router = AudioRouter(
            engine,
            common,
            wake_words=settings.wake_words,
            language=options.language,
            sensitivity=options.sensitivity,
            on_word=on_word,
            on_overlap=self._overlapped,
        )
        self.loudspeaker = SatelliteLoudspeaker(link.send, settings)
        self.microphone = StreamingMicrophone(link.send)
        self._conversation = Conversation(
            engine, self, options, router=self.router, microphone=self.microphone
        )
        self._task: asyncio.Task[None] | None = None
        """The conversation that goes on."""
        self._cancelled: set[asyncio.Task[None]] = set()
        """Conversations that were cancelled and have not ended yet."""
        self._answering = False
        """Whether the announcement that plays is the answer of a conversation."""
        self._draining = False

    @property
    def state(self) -> SatelliteState:
        """Phase and mute."""
        return self._state

    def restore(self, *, muted: bool) -> None:
        """Set the saved mute; only before the satellite connects."""
        self._state = SatelliteState(muted=muted)

    def move(self, event: SatelliteEvent) -> bool:
        """Go on to the state that follows `event`; False if the event is not possible now."""
        if self._draining and event is SatelliteEvent.CALLED:
            return False
        following = self._state.after(event)
        if following is None:
            return False
        if following != self._state:
            _LOGGER.debug("satellite %s: %s", self.id, following.phase.value)
            self._state = following
            if following.rests:
                self.microphone.conversation_ended()
            self.changed()
        return True

    def changed(self) -> None:
        """Notify the listeners, and callers of `wait_for_change`, of a change."""
        change, self._next_change = self._next_change, asyncio.Event()
        change.set()
        self._reported_problem = self.router.problem
        self._listeners.changed()

    def report_problem(self) -> None:
        """Notify the listeners if the problem of the wake words is not the one reported last."""
        if self.router.problem != self._reported_problem:
            self.changed()

    # Announcements.

    @property
    def free(self) -> bool:
        """Whether an announcement would interrupt no conversation here."""
        return self._task is None or self._conversation.expects_announcement or not self._link.up

    async def wait_for_change(self) -> None:
        """Wait for the next change."""
        await self._next_change.wait()

    def lend(self) -> Outlet | None:
        """Give the loudspeaker to an announcement and end the conversation; None while offline."""
        if not self._link.up:
            return None
        answering = self._conversation.expects_announcement
        self.end(EndReason.ANSWERED if answering else EndReason.SILENCED)
        self._answering = answering
        return self.loudspeaker.open()

    def playback_started(self, outlet: Outlet) -> None:
        """Go on to the phase `speaking`, unless the outlet has lost the loudspeaker."""
        if self.loudspeaker.holds(outlet) and outlet.open:
            self.move(SatelliteEvent.SPEAKS)

    def give_back(self, outlet: Outlet, *, asks: bool) -> None:
        """End an announcement; after an answer that `asks` a question the satellite may listen again."""
        if not self.loudspeaker.give_back(outlet):
            return
        answered, self._answering = self._answering and not outlet.cut, False
        if answered and self._conversation.follows_up(asks=asks) and self.move(SatelliteEvent.CALLED):
            self.microphone.request_turn()
            self._listen(Call(), None)
        else:
            self.move(SatelliteEvent.DONE)

    # Conversations.

    def call(self, call: Call) -> bool:
        """Start a conversation after a wake word, ending what goes on; False if that is not possible now."""
        interrupts = self._state.phase is SatellitePhase.SPEAKING
        if (interrupts and not self._common.barge_in) or not self.move(SatelliteEvent.CALLED):
            if not self.microphone.streams:
                # The satellite streams until it receives a transcript.
                self.microphone.end_turn()
            return False
        return self._listen(call, None)

    def drain(self) -> asyncio.Task[None] | None:
        """Start no more conversations; return the running one if it can finish by itself."""
        self._draining = True
        return None if self._conversation.expects_announcement else self._task

    async def finish(self) -> None:
        """End everything and wait for cancelled conversations."""
        self.end(EndReason.STOPPED)
        await bridge.cancel_and_wait(*self._cancelled)

    def check_active(self) -> None:
        """Raise CancelledError if the conversation of the current task was ended."""
        if self._task is not asyncio.current_task():
            raise asyncio.CancelledError

    def publish_utterance(self, heard: HeardUtterance) -> None:
        """Notify the listeners of what was said."""
        self._listeners.heard(heard)

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play the answer of the current conversation to its end."""
        self.check_active()
        outlet = self.loudspeaker.open()

        async def watched() -> AsyncGenerator[AudioChunk, None]:
            async for chunk in chunks:
                self.playback_started(outlet)
                yield chunk

        async with aclosing(watched()) as audio:
            await play_together((outlet,), audio, lead_s=self._common.lead_ms / 1000)

    def end(self, reason: EndReason) -> bool:
        """End what `ENDINGS` says for this reason; False if there was nothing to end."""
        ending = ENDINGS[reason]
        if reason is EndReason.LOST:
            self.loudspeaker.lost()
        played = not ending.keeps_playback and self.loudspeaker.silence()
        task: asyncio.Task[None] | None = None
        if self.router.has_utterance or not ending.keeps_conversation:
            task, self._task = self._task, None
            self._answering = False
            self.router.close_utterance()
        if task is not None:
            task.cancel()
            self._cancelled.add(task)
            task.add_done_callback(self._cancelled.discard)
        if ending.restarts_wake_words:
            self.router.close_wake_session()
        if ending.ends_turn and task is not None:
            self.microphone.end_turn()
        moved = ending.event is not None and self.move(ending.event)
        return task is not None or (played and moved)

    def _overlapped(self, seconds: float, probability: float, utterance: UtteranceListener | None) -> None:
        _LOGGER.info("satellite %s: speech over its playback (%.1f s)", self.id, seconds)
        interrupts = utterance is not None
        self._listeners.overlapped(Overlap(self.id, seconds, probability, interrupted=interrupts))
        if interrupts:
            self._listen(Call(), utterance)

    def _listen(self, call: Call, utterance: UtteranceListener | None) -> bool:
        """Start a conversation, with an utterance that has begun if there is one; False if not possible."""
        if utterance is not None and not self.move(SatelliteEvent.CALLED):
            utterance.close()
            return False
        self.end(EndReason.CALLED)
        if utterance is None:
            utterance = self.router.open_utterance(call.audio, call.audio_format)
        else:
            self.router.set_utterance(utterance)
        self._task = asyncio.create_task(
            self._converse(call, utterance), name=f"satellite {self.id} conversation"
        )
        return True

    async def _converse(self, call: Call, utterance: UtteranceListener) -> None:
        try:
            await self._conversation.run(call, utterance)
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: %s: %s", self.id, error.code, error)
        except Exception:
            _LOGGER.exception("satellite %s: a conversation failed", self.id)
        finally:
            if self._task is asyncio.current_task():
                self._task = None
                self.end(EndReason.OVER)
