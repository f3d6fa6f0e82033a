"""One satellite: its connection and Wyoming messages, and what front-ends see and set."""

from __future__ import annotations

import logging
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

from lunavox_edge.announcements.house import Listeners, SatellitePhase, SatelliteView
from lunavox_edge.audio.pcm import check_format
from lunavox_edge.errors import LunavoxError
from lunavox_edge.hub.choices import Choice
from lunavox_edge.hub.conversation import Call, ConversationOptions
from lunavox_edge.hub.ending import EndReason
from lunavox_edge.hub.satellite_activity import SatelliteActivity
from lunavox_edge.hub.satellite_link import SatelliteLink
from lunavox_edge.hub.satellite_state import SatelliteEvent
from lunavox_edge.settings.satellite_settings import SatelliteSettings, SatellitesSettings
from lunavox_edge.types import AudioFormat, Detection
from lunavox_edge.wire import fields

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

# Values of `start_stage` in `run-pipeline`.
_STAGE_WAKE, _STAGE_SPEECH = "wake", "asr"

_LOGGER = logging.getLogger(__name__)


class Satellite:
    """One satellite of the hub, the correspondent of its connection; used on the event loop only."""

    def __init__(
        self,
        satellite_id: str,
        settings: SatelliteSettings,
        common: SatellitesSettings,
        engine: Engine,
        options: ConversationOptions,
        *,
        listeners: Listeners,
    ) -> None:
        """Create the parts; `run` connects. `common` are the settings of all satellites.

        `listeners` are notified of changes, utterances and overlaps.
        """
        self.id = satellite_id
        self._settings = settings
        self._common = common
        self._engine = engine
        self._info: Info | None = None
        self._problem: str | None = None
        self._link = SatelliteLink(satellite_id, settings.uri, engine.settings.limits, self)
        self.activity = SatelliteActivity(
            self._link, engine, settings, common, options, on_word=self._detected, listeners=listeners
        )
        self._router = self.activity.router
        self._loudspeaker = self.activity.loudspeaker
        self._microphone = self.activity.microphone

    async def run(self) -> None:
        """Keep the satellite connected until cancelled."""
        try:
            await self._link.run()
        finally:
            await self.activity.finish()

    # What front-ends see and set.

    def view(self) -> SatelliteView:
        """Return the satellite as it is now."""
        info = self._info.satellite if self._info is not None else None
        words = self._router.wake_words or self._engine.settings.wake.default
        state = self.activity.state
        return SatelliteView(
            id=self.id,
            name=self._settings.name or (info.name if info is not None else None) or self.id,
            area=self.activity.area,
            phase=state.phase,
            muted=state.muted,
            volume=self._loudspeaker.volume,
            wake_words=() if self._microphone.waits_itself else words,
            address=self._link.uri,
            waits_itself=self._microphone.waits_itself,
            problem=self._problem or self._router.problem,
        )

    def restore(self, choice: Choice) -> None:
        """Set what was saved by an earlier run; only before `run`."""
        if choice.volume is not None:
            self._loudspeaker.volume = choice.volume
        if choice.wake_words is not None:
            self._router.wake_words = choice.wake_words
        self.activity.restore(muted=choice.muted)

    @property
    def choice(self) -> Choice:
        """What differs from the settings, to be saved."""
        volume, words = self._loudspeaker.volume, self._router.wake_words
        return Choice(
            volume=volume if volume != self._settings.volume else None,
            muted=self.activity.state.muted,
            wake_words=words if words != self._settings.wake_words else None,
        )

    def move_to(self, uris: tuple[str, ...]) -> None:
        """Use these addresses for the next connection, the likeliest first."""
        self._link.move(uris)

    def set_volume(self, volume: float) -> None:
        """Set the gain, 1.0 for none, from the next speech on."""
        self._loudspeaker.volume = volume
        self.activity.changed()

    def set_muted(self, *, muted: bool) -> None:
        """Stop listening, or listen again."""
        if not self.activity.move(SatelliteEvent.MUTED if muted else SatelliteEvent.UNMUTED):
            return
        if muted:
            self.activity.end(EndReason.MUTED)
            # A satellite that does not know `pause-satellite` stops streaming at the transcript.
            self._link.send(PauseSatellite().event())
            self._microphone.end_turn()
        else:
            self._link.send(RunSatellite().event())

    def set_wake_words(self, names: tuple[str, ...]) -> None:
        """Set the wake words; none means those of the settings."""
        self._router.wake_words = names or self._settings.wake_words
        self._router.close_wake_session()
        self.activity.changed()

    def silence(self) -> bool:
        """Stop playback, the conversation in any phase, and timers that ring there.

        Return False if neither a conversation nor playback was ended.
        """
        # Whether a timer rings is not known here; an empty id silences it and cancels no timer.
        self._link.send(TimerCancelled(id="").event())
        return self.activity.end(EndReason.SILENCED)

    # What the connection calls.

    def opened(self, info: Info) -> None:
        """Take in a new connection; the satellite has no state of earlier ones."""
        self._info, self._problem = info, None
        if not self._settings.area:
            self.activity.area = info.satellite.area if info.satellite is not None else None
        self._microphone.connected(info)
        self._loudspeaker.connected(info)
        self.activity.move(SatelliteEvent.CONNECTED)
        self._link.send(PauseSatellite().event() if self.activity.state.muted else RunSatellite().event())

    def closed(self, error: LunavoxError) -> None:
        """End everything at this satellite."""
        if self._problem != str(error):
            self._problem = str(error)
            self.activity.changed()
        self.activity.end(EndReason.LOST)

    def received(self, event: Event) -> None:
        """Handle a message of the satellite. Raises LunavoxError if it is invalid."""
        if WireChunk.is_type(event.type):
            self._take_audio(event)
        elif RunPipeline.is_type(event.type):
            self._take_request(event)
        elif AudioStop.is_type(event.type):
            self._router.end_audio()
        elif Played.is_type(event.type):
            self._loudspeaker.played()

    def _take_audio(self, event: Event) -> None:
        state = self.activity.state
        if not state.hears or not event.payload:
            return
        audio_format = fields.audio_format(event.data)
        check_format(audio_format.rate_hz, audio_format.width_bytes, audio_format.channels)
        if self._router.feed_utterance(event.payload, audio_format) or not self._microphone.streams:
            return
        speaks = state.phase is SatellitePhase.SPEAKING
        barge_in = speaks and self._settings.echo_cancelled
        self._router.feed_waiting(event.payload, audio_format, barge_in=barge_in)
        self.activity.report_problem()

    def _take_request(self, event: Event) -> None:
        start = fields.optional_text(event.data, "start_stage")
        if start == _STAGE_WAKE:
            self._microphone.waits_itself = False
        elif start == _STAGE_SPEECH:
            word = fields.name(event.data, "wake_word_name")
            if self._microphone.turn_started(word):
                self.activity.call(Call(word))
        self.activity.changed()

    def _detected(self, detection: Detection, after: bytes, audio_format: AudioFormat) -> None:
        _LOGGER.info("satellite %s: heard %s (%.2f)", self.id, detection.name, detection.probability)
        if self._router.is_stop_word(detection.name):
            self.silence()
            return
        if self.activity.call(Call(detection.name, after, audio_format)):
            self._link.send(WireDetection(name=detection.name, timestamp=detection.timestamp_ms).event())
            if self._common.chime if self._settings.chime is None else self._settings.chime:
                self._loudspeaker.play_chime()
