"""The queue of announcements.

A loudspeaker plays one announcement at a time, by priority, then in order of arrival; different loudspeakers
play at the same time. An urgent announcement interrupts less urgent ones, which are resumed later if the
settings say so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.announcement import (
    Announcement,
    AnnouncementReport,
    RunningAnnouncement,
    SpeechStatus,
)
from lunavox_edge.announcements.loudspeakers import Loudspeakers
from lunavox_edge.errors import Busy
from lunavox_edge.types import Priority

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_RETRY_AFTER_S = 5.0


class Announcer:
    """Queues announcements and plays them at their loudspeakers; used on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        loudspeakers: Loudspeakers,
        *,
        max_waiting: int,
        report: Callable[[AnnouncementReport], None],
        resumes: bool = True,
    ) -> None:
        """Create an empty queue; `run` plays it.

        At most `max_waiting` announcements wait. `report` is called at every change of an announcement.
        `resumes` says whether an interrupted announcement goes on later; else it counts as cancelled.
        """
        self._engine = engine
        self._loudspeakers = loudspeakers
        self._max_waiting = max_waiting
        self._report_to = report
        self._resumes = resumes
        self._numbers = itertools.count()
        self._waiting: list[RunningAnnouncement] = []
        self._running: dict[asyncio.Task[None], RunningAnnouncement] = {}
        self._updated = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many announcements wait for their turn."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether an announcement plays or waits; True until its final report."""
        return bool(self._waiting or self._running)

    def add(self, announcement: Announcement) -> None:
        """Queue an announcement. Raises Busy if the queue is full, NoLoudspeaker, UnknownSatellite."""
        satellites = self._loudspeakers.resolve(announcement.place)
        if len(self._waiting) >= self._max_waiting:
            raise Busy("Too many texts wait to be spoken; try again later.", retry_after_s=_RETRY_AFTER_S)
        item = RunningAnnouncement(
            AnnouncementReport(announcement, SpeechStatus.QUEUED, satellites),
            next(self._numbers),
            self._report_to,
        )
        self._waiting.append(item)
        item.report_status(SpeechStatus.QUEUED)
        self._updated.set()

    def stop(self, *, announcement_id: str | None = None, satellite: str | None = None) -> int:
        """Cancel waiting and running announcements; only of one id, or at one satellite, if given.

        An announcement for several satellites goes on at the others. Returns the number of announcements.
        """
        items = [*self._waiting, *self._running.values()]
        stopped = [item for item in items if item.matches(announcement_id, satellite)]
        for item in stopped:
            if not item.leave_out(satellite):
                item.cancelled = True
        self._updated.set()
        for task, item in self._running.items():
            if item.cancelled:
                task.cancel()
        self._drop_cancelled()
        return len(stopped)

    async def run(self) -> None:
        """Play announcements until cancelled, which cancels all that wait or play."""
        try:
            while True:
                self._updated.clear()
                self._start_possible()
                await self._updated.wait()
        finally:
            self.stop()
            await bridge.cancel_and_wait(*self._running)

    def _start_possible(self) -> None:
        """Start announcements whose loudspeakers are free; interrupt others for urgent ones."""
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
        self._updated.set()
        if task.cancelled() and self._will_resume(item):
            item.interrupted = False
            item.report_status(SpeechStatus.INTERRUPTED)
            self._waiting.append(item)
        else:
            self._end(item, asyncio.CancelledError() if task.cancelled() else task.exception())

    def _will_resume(self, item: RunningAnnouncement) -> bool:
        return item.interrupted and self._resumes and not item.cancelled

    def _end(self, item: RunningAnnouncement, outcome: BaseException | None) -> None:
        item.close()
        item.end(outcome)

    def _drop_cancelled(self) -> None:
        for item in [item for item in self._waiting if item.cancelled]:
            self._waiting.remove(item)
            self._end(item, asyncio.CancelledError())

    async def _speak(self, item: RunningAnnouncement) -> None:
        announcement = item.report.announcement
        item.note_start()
        audio = item.audio
        if audio is None:
            wakeup = bridge.Wakeup()
            speech = self._engine.open_speech(
                voice=announcement.voice,
                params=announcement.params,
                language=announcement.language,
                text_format=announcement.text_format,
                relaxed=announcement.priority is Priority.LOW,
                on_ready=wakeup.notify,
            )
            audio = item.open(bridge.audio(speech, wakeup))
            speech.write(announcement.text)
            speech.finish()
        try:
            missed = await self._loudspeakers.play(
                item.report.satellites,
                audio,
                announcement.priority,
                asks=announcement.asks,
                still_included=lambda name: name in item.report.satellites,
            )
            item.report = replace(item.report, missed=missed)
        finally:
            # Before the next one starts, because the engine counts open speeches as rooms that it supplies.
            if not self._will_resume(item):
                item.close()
