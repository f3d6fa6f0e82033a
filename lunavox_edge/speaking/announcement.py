"""An announcement, what becomes of it, and its audio while it is on its way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum

from lunavox_edge import bridge
from lunavox_edge.audio.framing import frames
from lunavox_edge.engine.params import SynthesisParams
from lunavox_edge.errors import Cancelled, InternalError, LunavoxError
from lunavox_edge.speaking.loudspeakers import Place
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
class Report:
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


class Item:
    """One announcement on its way: measures it, and reports its start and its end."""

    def __init__(self, report: Report, number: int, report_to: Callable[[Report], None]) -> None:
        """Store; `report_to` is told of every change."""
        self.report = report
        self.audio: Audio | None = None
        self.interrupted = False
        self.cancelled = False
        self._number = number
        self._report = report_to
        self._began_s: float | None = None
        self._audio_s = 0.0

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

    async def watched(self, chunks: AsyncGenerator[AudioChunk, None]) -> AsyncGenerator[AudioChunk, None]:
        """Yield the audio in pieces so small that an interruption loses next to nothing."""
        async with aclosing(chunks):
            async for chunk in chunks:
                if self.report.first_audio_ms is None:
                    first_audio_ms = (time.monotonic() - (self._began_s or 0.0)) * 1000
                    self.report = replace(self.report, first_audio_ms=first_audio_ms)
                    self.tell(SpeechStatus.STARTED)
                for pcm in frames(chunk.pcm, chunk.sample_rate, _PIECE_MS):
                    piece = AudioChunk(pcm, chunk.sample_rate)
                    self._audio_s += piece.duration_s
                    yield piece

    async def close(self) -> None:
        """End the speech. Idempotent."""
        if self.audio is not None:
            await self.audio.close()

    def tell(self, status: SpeechStatus) -> None:
        """Report where it is."""
        self._report(replace(self.report, status=status))

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
        audio_s = self._audio_s if self._began_s is not None else None
        self._report(replace(self.report, status=status, audio_s=audio_s, error=error))
        _LOGGER.info(
            "announcement: %s, %.1f s, first audio after %.0f ms%s",
            status.value,
            self._audio_s,
            self.report.first_audio_ms or 0.0,
            f" ({error.code})" if error is not None else "",
        )


class Audio:
    """Audio that whoever plays it may leave and come back to."""

    def __init__(self, chunks: AsyncGenerator[AudioChunk, None]) -> None:
        """Own the audio."""
        self._chunks = chunks
        self._next: asyncio.Future[AudioChunk] | None = None

    def __aiter__(self) -> Audio:
        """Return itself."""
        return self

    async def __anext__(self) -> AudioChunk:
        """Return the next audio."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._chunks.__anext__())
        # Unlike awaiting it, this can be cancelled without ending the audio.
        await asyncio.wait((self._next,))
        coming, self._next = self._next, None
        return coming.result()

    async def close(self) -> None:
        """End the audio. Idempotent."""
        if self._next is not None:
            await bridge.ended(self._next)
            self._next = None
        await self._chunks.aclose()
