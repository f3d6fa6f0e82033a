"""Texts that wait to be spoken in a room, and those that are being spoken.

A loudspeaker speaks one text at a time, by priority, then in the order they came; different ones speak side
by side. An urgent text interrupts what is less urgent, which then goes on where it was, or not at all.
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
    """Speaks announcements at their loudspeakers."""

    def __init__(
        self,
        engine: Engine,
        loudspeakers: Loudspeakers,
        *,
        max_waiting: int,
        report: Callable[[AnnouncementReport], None],
        resumes: bool = True,
    ) -> None:
        """Nothing is spoken before `run`; `report` is told of every change.

        `resumes` says whether what was interrupted goes on.
        """
        self._engine = engine
        self._loudspeakers = loudspeakers
        self._max_waiting = max_waiting
        self._report_to = report
        self._resumes = resumes
        self._numbers = itertools.count()
        self._waiting: list[RunningAnnouncement] = []
        self._running: dict[asyncio.Task[None], RunningAnnouncement] = {}
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
        item = RunningAnnouncement(
            AnnouncementReport(announcement, SpeechStatus.QUEUED, satellites),
            next(self._numbers),
            self._report_to,
        )
        self._waiting.append(item)
        item.tell(SpeechStatus.QUEUED)
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
            await bridge.ended(*self._running)

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

    def _goes_on_later(self, item: RunningAnnouncement) -> bool:
        return item.interrupted and self._resumes and not item.cancelled

    def _end(self, item: RunningAnnouncement, outcome: BaseException | None) -> None:
        item.close()
        item.end(outcome)

    def _drop_cancelled(self) -> None:
        for item in [item for item in self._waiting if item.cancelled]:
            self._waiting.remove(item)
            self._end(item, asyncio.CancelledError())

    async def _speak(self, item: RunningAnnouncement) -> None:
        what = item.report.announcement
        item.begins()
        audio = item.audio
        if audio is None:
            wakeup = bridge.Wakeup()
            speech = self._engine.open_speech(
                voice=what.voice,
                params=what.params,
                language=what.language,
                text_format=what.text_format,
                relaxed=what.priority is Priority.LOW,
                on_ready=wakeup.notify,
            )
            audio = item.open(bridge.audio(speech, wakeup))
            speech.write(what.text)
            speech.finish()
        try:
            missed = await self._loudspeakers.play(
                item.report.satellites,
                audio,
                what.priority,
                asks=what.asks,
                meant=lambda name: name in item.report.satellites,
            )
            item.report = replace(item.report, missed=missed)
        finally:
            # Before the next begins: the engine counts rooms that are spoken to.
            if not self._goes_on_later(item):
                item.close()
