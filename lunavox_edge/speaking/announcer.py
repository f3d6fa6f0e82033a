"""Texts that wait to be spoken in a room, and those that are being spoken.

A loudspeaker speaks one text at a time, by priority, then in the order they came; different ones speak side
by side. An urgent text interrupts what is less urgent, which then goes on where it was, or not at all.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.audio.framing import frames
from lunavox_edge.engine.params import SynthesisParams
from lunavox_edge.errors import Busy, Cancelled, InternalError, LunavoxError
from lunavox_edge.speaking.loudspeakers import Loudspeakers, Place
from lunavox_edge.types import AudioChunk, Priority

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_RETRY_AFTER_S = 5.0
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


class Announcer:
    """Speaks announcements at their loudspeakers."""

    def __init__(
        self,
        engine: Engine,
        loudspeakers: Loudspeakers,
        *,
        max_waiting: int,
        report: Callable[[Report], None],
        resumes: bool = True,
    ) -> None:
        """Store the parts; `run` speaks, `report` is told of every change.

        `resumes` says whether what was interrupted goes on.
        """
        self._engine = engine
        self._loudspeakers = loudspeakers
        self._max_waiting = max_waiting
        self._report = report
        self._resumes = resumes
        self._numbers = itertools.count()
        self._waiting: list[_Item] = []
        self._running: dict[asyncio.Task[None], _Item] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many announcements wait for their turn."""
        return len(self._waiting)

    def add(self, announcement: Announcement) -> None:
        """Queue an announcement. Raises Busy, NoLoudspeaker, UnknownSatellite."""
        satellites = self._loudspeakers.resolve(announcement.place)
        if len(self._waiting) >= self._max_waiting:
            raise Busy("Too many texts wait to be spoken; try again later.", retry_after_s=_RETRY_AFTER_S)
        item = _Item(Report(announcement, SpeechStatus.QUEUED, satellites), next(self._numbers), self._report)
        self._waiting.append(item)
        self._report(item.report)
        self._news.set()

    def stop(self, *, announcement_id: str | None = None, satellite: str | None = None) -> int:
        """Cancel what waits and what plays; of one id or at one satellite if given. Return how many.

        What several satellites were to speak goes on at the others.
        """
        items = [*self._waiting, *self._running.values()]
        stopped = [item for item in items if item.is_meant(announcement_id, satellite)]
        for item in stopped:
            if not item.leave_out(satellite):
                item.cancelled = True
        self._news.set()
        for task, item in self._running.items():
            if item.cancelled:
                task.cancel()
        self._drop_cancelled()
        return len(stopped)

    async def run(self) -> None:
        """Speak until cancelled; what waits or plays then is cancelled too."""
        try:
            while True:
                self._news.clear()
                self._start_what_can()
                await self._news.wait()
        finally:
            self.stop()
            await asyncio.gather(*self._running, return_exceptions=True)
            await asyncio.gather(*self._closing, return_exceptions=True)

    def _start_what_can(self) -> None:
        held = {place for item in self._running.values() for place in item.places}
        for item in sorted(self._waiting, key=lambda item: item.order):
            if item.places & held:
                if item.priority is Priority.URGENT:
                    self._interrupt(item.places)
            else:
                self._waiting.remove(item)
                task = asyncio.create_task(self._speak(item), name="announcement")
                self._running[task] = item
                task.add_done_callback(self._ended)
            held |= item.places

    def _interrupt(self, places: set[str]) -> None:
        for task, item in self._running.items():
            if item.places & places and item.priority is not Priority.URGENT and not item.interrupted:
                item.interrupted = True
                task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        item = self._running.pop(task)
        self._news.set()
        if task.cancelled() and self._goes_on_later(item):
            item.interrupted = False
            item.tell(SpeechStatus.INTERRUPTED)
            self._waiting.append(item)
        else:
            self._end(item, asyncio.CancelledError() if task.cancelled() else task.exception())

    def _goes_on_later(self, item: _Item) -> bool:
        return item.interrupted and self._resumes and not item.cancelled

    def _end(self, item: _Item, outcome: BaseException | None) -> None:
        closing = asyncio.create_task(item.close(), name="announcement end")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        item.end(outcome)

    def _drop_cancelled(self) -> None:
        for item in [item for item in self._waiting if item.cancelled]:
            self._waiting.remove(item)
            self._end(item, asyncio.CancelledError())

    async def _speak(self, item: _Item) -> None:
        what = item.report.announcement
        item.begins()
        if item.audio is None:
            bell = bridge.Bell()
            speech = self._engine.open_speech(
                voice=what.voice,
                params=what.params,
                language=what.language,
                text_format=what.text_format,
                relaxed=what.priority is Priority.LOW,
                on_ready=bell.ring,
            )
            item.audio = _Audio(item.watched(bridge.audio(speech, bell)))
            speech.write(what.text)
            speech.finish()
        try:
            missed = await self._loudspeakers.play(item.report.satellites, item.audio, what.priority)
            item.report = replace(item.report, missed=missed)
        finally:
            # Before the next begins: the engine counts rooms that are spoken to.
            if not self._goes_on_later(item):
                await item.close()


class _Item:
    """One announcement on its way: measures it, and reports its start and its end."""

    def __init__(self, report: Report, number: int, tell: Callable[[Report], None]) -> None:
        self.report = report
        self.audio: _Audio | None = None
        self.interrupted = False
        self.cancelled = False
        self._number = number
        self._tell = tell
        self._began_s: float | None = None
        self._audio_s = 0.0

    @property
    def priority(self) -> Priority:
        return self.report.announcement.priority

    @property
    def order(self) -> tuple[int, int]:
        return _RANK[self.priority], self._number

    @property
    def places(self) -> set[str]:
        return set(self.report.satellites) or {_OWN}

    def is_meant(self, announcement_id: str | None, satellite: str | None) -> bool:
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
        self._tell(replace(self.report, status=status))

    def end(self, outcome: BaseException | None) -> None:
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
        self._tell(replace(self.report, status=status, audio_s=audio_s, error=error))
        _LOGGER.info(
            "announcement: %s, %.1f s, first audio after %.0f ms%s",
            status.value,
            self._audio_s,
            self.report.first_audio_ms or 0.0,
            f" ({error.code})" if error is not None else "",
        )


class _Audio:
    """Audio that whoever plays it may leave and come back to."""

    def __init__(self, chunks: AsyncGenerator[AudioChunk, None]) -> None:
        self._chunks = chunks
        self._next: asyncio.Future[AudioChunk] | None = None

    def __aiter__(self) -> _Audio:
        return self

    async def __anext__(self) -> AudioChunk:
        if self._next is None:
            self._next = asyncio.ensure_future(self._chunks.__anext__())
        # Unlike awaiting it, this can be cancelled without ending the audio.
        await asyncio.wait((self._next,))
        coming, self._next = self._next, None
        return coming.result()

    async def close(self) -> None:
        """End the audio. Idempotent."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
            self._next = None
        await self._chunks.aclose()
