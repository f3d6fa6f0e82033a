"""Texts that wait to be spoken in a room, and the one that is being spoken."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.engine.params import SynthesisParams
from lunavox_edge.errors import Busy, InternalError, LunavoxError
from lunavox_edge.speaking.loudspeakers import Loudspeakers, Place
from lunavox_edge.types import AudioChunk, Priority

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_RETRY_AFTER_S = 5.0
_RANK = {Priority.URGENT: 0, Priority.NORMAL: 1, Priority.LOW: 2}

_LOGGER = logging.getLogger(__name__)


class SpeechStatus(str, Enum):
    """What became of an announcement."""

    QUEUED = "queued"
    STARTED = "started"
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


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an announcement; milliseconds count from when its turn came."""

    announcement: Announcement
    status: SpeechStatus
    satellites: tuple[str, ...] = ()
    first_audio_ms: float | None = None
    audio_s: float | None = None
    error: LunavoxError | None = None


class Announcer:
    """Speaks one announcement after the other: by priority, then in the order they came."""

    def __init__(
        self,
        engine: Engine,
        loudspeakers: Loudspeakers,
        *,
        max_waiting: int,
        report: Callable[[Report], None],
    ) -> None:
        """Store the parts; `run` speaks, `report` is told of every change."""
        self._engine = engine
        self._loudspeakers = loudspeakers
        self._max_waiting = max_waiting
        self._report = report
        self._numbers = itertools.count()
        self._waiting: list[tuple[int, int, Report]] = []
        self._news = asyncio.Event()
        self._current: Report | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many announcements wait for their turn."""
        return len(self._waiting)

    def add(self, announcement: Announcement) -> None:
        """Queue an announcement. Raises Busy, NoLoudspeaker, UnknownSatellite."""
        satellites = self._loudspeakers.resolve(announcement.place)
        if len(self._waiting) >= self._max_waiting:
            raise Busy("Too many texts wait to be spoken; try again later.", retry_after_s=_RETRY_AFTER_S)
        report = Report(announcement, SpeechStatus.QUEUED, satellites)
        heapq.heappush(self._waiting, (_RANK[announcement.priority], next(self._numbers), report))
        self._report(report)
        self._news.set()

    def stop(self, *, announcement_id: str | None = None, satellite: str | None = None) -> int:
        """Cancel what waits and what plays; of one id or one satellite if given. Return how many."""
        going = [item for item in self._waiting if _is_meant(item[2], announcement_id, satellite)]
        for item in going:
            self._waiting.remove(item)
            self._report(replace(item[2], status=SpeechStatus.CANCELLED))
        heapq.heapify(self._waiting)
        current = self._current
        if current is None or self._task is None or not _is_meant(current, announcement_id, satellite):
            return len(going)
        self._task.cancel()
        return len(going) + 1

    async def run(self) -> None:
        """Speak until cancelled; what waits or plays then is cancelled too."""
        try:
            while True:
                self._news.clear()
                while self._waiting:
                    await self._next()
                await self._news.wait()
        finally:
            self.stop()

    async def _next(self) -> None:
        self._current = heapq.heappop(self._waiting)[2]
        running = _Running(self._current, self._report)
        self._task = asyncio.create_task(self._speak(self._current, running), name="announcement")
        try:
            await asyncio.wait((self._task,))
        finally:
            self._task.cancel()
            (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
            self._current = self._task = None
            running.end(outcome)

    async def _speak(self, report: Report, running: _Running) -> None:
        what = report.announcement
        bell = bridge.Bell()
        speech = self._engine.open_speech(
            voice=what.voice,
            params=what.params,
            language=what.language,
            text_format=what.text_format,
            relaxed=what.priority is Priority.LOW,
            on_ready=bell.ring,
        )
        async with aclosing(bridge.audio(speech, bell)) as chunks:
            speech.write(what.text)
            speech.finish()
            await self._loudspeakers.play(report.satellites, running.watched(chunks), what.priority)


class _Running:
    """Measures one announcement and reports its start and its end."""

    def __init__(self, report: Report, tell: Callable[[Report], None]) -> None:
        self._report = report
        self._tell = tell
        self._began_s = time.monotonic()
        self._audio_s = 0.0

    async def watched(self, chunks: AsyncIterator[AudioChunk]) -> AsyncIterator[AudioChunk]:
        async for chunk in chunks:
            if self._report.first_audio_ms is None:
                first_audio_ms = (time.monotonic() - self._began_s) * 1000
                self._report = replace(
                    self._report, status=SpeechStatus.STARTED, first_audio_ms=first_audio_ms
                )
                self._tell(self._report)
            self._audio_s += chunk.duration_s
            yield chunk

    def end(self, outcome: BaseException | None) -> None:
        error: LunavoxError | None = None
        if outcome is None:
            status = SpeechStatus.FINISHED
        elif isinstance(outcome, asyncio.CancelledError):
            status = SpeechStatus.CANCELLED
        elif isinstance(outcome, LunavoxError):
            status, error = SpeechStatus.FAILED, outcome
        else:
            _LOGGER.error("An announcement failed", exc_info=outcome)
            status = SpeechStatus.FAILED
            error = InternalError("The text could not be spoken; the log says more.")
        self._tell(replace(self._report, status=status, audio_s=self._audio_s, error=error))
        _LOGGER.info(
            "announcement: %s, %.1f s, first audio after %.0f ms%s",
            status.value,
            self._audio_s,
            self._report.first_audio_ms or 0.0,
            f" ({error.code})" if error is not None else "",
        )


def _is_meant(report: Report, announcement_id: str | None, satellite: str | None) -> bool:
    by_id = announcement_id is None or report.announcement.id == announcement_id
    return by_id and (satellite is None or satellite in report.satellites)
