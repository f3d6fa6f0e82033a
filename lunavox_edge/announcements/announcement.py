"""An announcement, its report, and its audio while it is waiting or playing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

from lunavox_edge import bridge
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.audio.framing import frames
from lunavox_edge.background import guarded
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.errors import Cancelled, InternalError, LunavoxError
from lunavox_edge.text.markup import parse_ssml
from lunavox_edge.text.question import is_question
from lunavox_edge.text.thoughts import without_thoughts
from lunavox_edge.types import AudioChunk, Priority

_PIECE_MS = 100
_OWN_LOUDSPEAKER = ""
"""Stands for the appliance's own loudspeaker among ids of satellites."""
_RANK = {Priority.URGENT: 0, Priority.NORMAL: 1, Priority.LOW: 2}

_LOGGER = logging.getLogger(__name__)


class SpeechStatus(str, Enum):
    """The state of an announcement; the last three are final."""

    QUEUED = "queued"
    STARTED = "started"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A text to be spoken, how and where."""

    id: str
    text: str
    text_format: str = "text"
    voice: str | None = None
    language: str | None = None
    params: SynthesisParams = field(default_factory=SynthesisParams)
    place: Place = field(default_factory=Place)
    priority: Priority = Priority.NORMAL

    @property
    def asks(self) -> bool:
        """Whether the text ends with a question."""
        if self.text_format != "ssml":
            return is_question(without_thoughts(self.text))
        try:
            return is_question("".join(span.text for span in parse_ssml(self.text)))
        except LunavoxError:
            return False


@dataclass(frozen=True, slots=True)
class AnnouncementReport:
    """The state of an announcement, reported at every change.

    `missed` are the satellites that were offline, in a conversation, or lost before the end.
    `first_audio_ms` counts from the time at which it left the queue. `audio_s` are the seconds played, set
    at the end.
    """

    announcement: Announcement
    status: SpeechStatus
    satellites: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    first_audio_ms: float | None = None
    audio_s: float | None = None
    error: LunavoxError | None = None


class RunningAnnouncement:
    """An announcement in the queue or playing; measures and reports it. Used on the event loop only."""

    def __init__(
        self, report: AnnouncementReport, number: int, report_to: Callable[[AnnouncementReport], None]
    ) -> None:
        """Create a waiting announcement, the `number`-th one; `report_to` is called at every change."""
        self.report = report
        self.audio: ResumableAudio | None = None
        self.interrupted = False
        self.cancelled = False
        self._number = number
        self._report = report_to
        self._began_s: float | None = None

    @property
    def priority(self) -> Priority:
        """The priority of the announcement."""
        return self.report.announcement.priority

    @property
    def order(self) -> tuple[int, int]:
        """The sorting key of the queue: priority, then order of arrival."""
        return _RANK[self.priority], self._number

    @property
    def places(self) -> set[str]:
        """The loudspeakers that it needs."""
        return set(self.report.satellites) or {_OWN_LOUDSPEAKER}

    def matches(self, announcement_id: str | None, satellite: str | None) -> bool:
        """Whether it has this id and plays at this satellite; None matches any."""
        by_id = announcement_id is None or self.report.announcement.id == announcement_id
        return by_id and (satellite is None or satellite in self.report.satellites)

    def leave_out(self, satellite: str | None) -> bool:
        """Play at the other satellites only; False, changing nothing, if there are none."""
        others = tuple(name for name in self.report.satellites if name != satellite)
        if satellite is None or not others:
            return False
        self.report = replace(self.report, satellites=others)
        return True

    def note_start(self) -> None:
        """Note the time at which it leaves the queue for the first time."""
        if self._began_s is None:
            self._began_s = time.monotonic()

    def open(self, source: bridge.SpeechAudio) -> ResumableAudio:
        """Take ownership of its audio, which is kept while the announcement is interrupted."""
        self.audio = ResumableAudio(source, on_first=self._report_first_audio)
        return self.audio

    def close(self) -> None:
        """Close the audio, which ends its speech. Idempotent."""
        if self.audio is not None:
            self.audio.close()

    def report_status(self, status: SpeechStatus) -> None:
        """Report a new state that is not final."""
        self._send(replace(self.report, status=status))

    def end(self, outcome: BaseException | None) -> None:
        """Report the final state; `outcome` is the exception that ended it, or None."""
        error: LunavoxError | None = None
        if outcome is None:
            status = SpeechStatus.FINISHED
        elif isinstance(outcome, (asyncio.CancelledError, Cancelled)):
            status = SpeechStatus.CANCELLED
        elif isinstance(outcome, LunavoxError):
            status, error = SpeechStatus.FAILED, outcome
        else:
            _LOGGER.error("An announcement failed", exc_info=outcome)
            status = SpeechStatus.FAILED
            error = InternalError("The text could not be spoken; the log says more.")
        spoken_s = self.audio.taken_s if self.audio is not None else 0.0
        audio_s = spoken_s if self._began_s is not None else None
        self._send(replace(self.report, status=status, audio_s=audio_s, error=error))
        _LOGGER.info(
            "announcement: %s, %.1f s, first audio after %.0f ms%s",
            status.value,
            spoken_s,
            self.report.first_audio_ms or 0.0,
            f" ({error.code})" if error is not None else "",
        )

    def _report_first_audio(self) -> None:
        self.report = replace(self.report, first_audio_ms=(time.monotonic() - (self._began_s or 0.0)) * 1000)
        self.report_status(SpeechStatus.STARTED)

    def _send(self, report: AnnouncementReport) -> None:
        guarded("report on an announcement", self._report, report)


class ResumableAudio:
    """An async iterator of audio that can be interrupted and resumed.

    The pieces are 100 ms long, so that little is lost with the piece that was interrupted.
    """

    def __init__(self, source: bridge.SpeechAudio, *, on_first: Callable[[], None]) -> None:
        """Take ownership of the source; `on_first` is called before the first piece is returned."""
        self._source = source
        self._on_first = on_first
        self._any = False
        self._pieces: deque[AudioChunk] = deque()
        self.taken_s = 0.0
        """Seconds of audio that were returned."""

    def __aiter__(self) -> ResumableAudio:
        """Return itself."""
        return self

    async def __anext__(self) -> AudioChunk:
        """Return the next piece. Cancelling the wait loses no audio."""
        while not self._pieces:
            chunk = await self._source.__anext__()
            self._pieces.extend(
                AudioChunk(pcm, chunk.sample_rate) for pcm in frames(chunk.pcm, chunk.sample_rate, _PIECE_MS)
            )
            if not self._any:
                self._any = True
                self._on_first()
        piece = self._pieces.popleft()
        self.taken_s += piece.duration_s
        return piece

    def close(self) -> None:
        """Close the source, which ends its speech. Idempotent."""
        self._pieces.clear()
        self._source.close()
