"""An announcement, what becomes of it, and its audio while it is on its way."""

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
_OWN = ""
"""Stands for the appliance's own loudspeaker."""
_RANK = {Priority.URGENT: 0, Priority.NORMAL: 1, Priority.LOW: 2}

_LOGGER = logging.getLogger(__name__)


class SpeechStatus(str, Enum):
    """What became of an announcement."""

    QUEUED = "queued"
    STARTED = "started"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is to be said, how and where."""

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
        """Whether it ends with a question."""
        if self.text_format != "ssml":
            return is_question(without_thoughts(self.text))
        try:
            return is_question("".join(span.text for span in parse_ssml(self.text)))
        except LunavoxError:
            return False


@dataclass(frozen=True, slots=True)
class AnnouncementReport:
    """What became of an announcement; milliseconds count from when its turn came.

    `missed` are those of the satellites that were offline, or went before the end.
    """

    announcement: Announcement
    status: SpeechStatus
    satellites: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    first_audio_ms: float | None = None
    audio_s: float | None = None
    error: LunavoxError | None = None


class RunningAnnouncement:
    """One announcement on its way: measures it, and reports its start and its end."""

    def __init__(
        self, report: AnnouncementReport, number: int, report_to: Callable[[AnnouncementReport], None]
    ) -> None:
        """Store; `report_to` is told of every change."""
        self.report = report
        self.audio: ResumableAudio | None = None
        self.interrupted = False
        self.cancelled = False
        self._number = number
        self._report = report_to
        self._began_s: float | None = None

    @property
    def priority(self) -> Priority:
        """How urgent it is."""
        return self.report.announcement.priority

    @property
    def order(self) -> tuple[int, int]:
        """What goes first has the smaller one."""
        return _RANK[self.priority], self._number

    @property
    def places(self) -> set[str]:
        """The loudspeakers that it needs."""
        return set(self.report.satellites) or {_OWN}

    def is_meant(self, announcement_id: str | None, satellite: str | None) -> bool:
        """Whether a `stop` of this id, at this satellite, is about it."""
        by_id = announcement_id is None or self.report.announcement.id == announcement_id
        return by_id and (satellite is None or satellite in self.report.satellites)

    def leave_out(self, satellite: str | None) -> bool:
        """Speak at the others only; False if there are none."""
        others = tuple(name for name in self.report.satellites if name != satellite)
        if satellite is None or not others:
            return False
        self.report = replace(self.report, satellites=others)
        return True

    def begins(self) -> None:
        """Its turn has come."""
        if self._began_s is None:
            self._began_s = time.monotonic()

    def open(self, source: bridge.SpeechAudio) -> ResumableAudio:
        """Own the audio of its speech; it is the same however often its playing is interrupted."""
        self.audio = ResumableAudio(source, begun=self._begun)
        return self.audio

    def close(self) -> None:
        """End the speech. Idempotent."""
        if self.audio is not None:
            self.audio.close()

    def tell(self, status: SpeechStatus) -> None:
        """Report where it is."""
        self._tell(replace(self.report, status=status))

    def end(self, outcome: BaseException | None) -> None:
        """Report how it ended; None is well."""
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
        self._tell(replace(self.report, status=status, audio_s=audio_s, error=error))
        _LOGGER.info(
            "announcement: %s, %.1f s, first audio after %.0f ms%s",
            status.value,
            spoken_s,
            self.report.first_audio_ms or 0.0,
            f" ({error.code})" if error is not None else "",
        )

    def _begun(self) -> None:
        self.report = replace(self.report, first_audio_ms=(time.monotonic() - (self._began_s or 0.0)) * 1000)
        self.tell(SpeechStatus.STARTED)

    def _tell(self, report: AnnouncementReport) -> None:
        guarded("report on an announcement", self._report, report)


class ResumableAudio:
    """Audio whose playing may be interrupted and go on, in pieces so small that next to nothing is lost."""

    def __init__(self, source: bridge.SpeechAudio, *, begun: Callable[[], None]) -> None:
        """Own the source; `begun` is called before the first piece is handed out."""
        self._source = source
        self._begun = begun
        self._any = False
        self._pieces: deque[AudioChunk] = deque()
        self.taken_s = 0.0
        """Seconds of audio that were handed out."""

    def __aiter__(self) -> ResumableAudio:
        """Return itself."""
        return self

    async def __anext__(self) -> AudioChunk:
        """Return the next piece. To cancel this loses nothing."""
        while not self._pieces:
            chunk = await self._source.__anext__()
            self._pieces.extend(
                AudioChunk(pcm, chunk.sample_rate) for pcm in frames(chunk.pcm, chunk.sample_rate, _PIECE_MS)
            )
            if not self._any:
                self._any = True
                self._begun()
        piece = self._pieces.popleft()
        self.taken_s += piece.duration_s
        return piece

    def close(self) -> None:
        """End the speech. Idempotent."""
        self._pieces.clear()
        self._source.close()
