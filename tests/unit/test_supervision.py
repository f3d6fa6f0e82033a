from __future__ import annotations

import asyncio
import logging

import pytest

from lunavox_edge.engine.values.results import LaneStatus
from lunavox_edge.host.notify import Notifier
from lunavox_edge.service.supervision import Supervisor, trouble

pytestmark = pytest.mark.unit


def lane(longest_slice_s: float = 0.0, lost_workers: int = 0) -> LaneStatus:
    return LaneStatus("cpu", 2, 1, 0, longest_slice_s, lost_workers)


@pytest.mark.parametrize(
    ("lanes", "words"),
    [
        ([], ""),
        ([lane(9.9)], ""),
        ([lane(), lane(10.1)], "Stuck"),
        ([lane(lost_workers=1)], "1 of 2 workers"),
    ],
)
def test_trouble(lanes: list[LaneStatus], words: str) -> None:
    found = trouble(lanes, 10.0)

    assert words in found
    assert bool(found) == bool(words)


class Watched:
    """A supervisor of one lane, and its notifications."""

    def __init__(self) -> None:
        self.lane = lane()
        self.failing: tuple[str, ...] = ()
        self.line = "fine"
        self.told: list[str] = []
        self.news = asyncio.Event()
        self.looks = 0
        self.supervisor = Supervisor(
            Notifier(self._tell, watchdog_s=0.03),
            lanes=self._lanes,
            stuck_after_s=lambda: 10.0,
            status=self._line,
            failing=lambda: self.failing,
        )

    def _lanes(self) -> list[LaneStatus]:
        self.looks += 1
        self.news.set()
        return [self.lane]

    def _line(self) -> str:
        if not self.line:
            raise KeyError("a model that has just gone")
        return self.line

    def _tell(self, lines: str) -> None:
        self.told.append(lines)
        self.news.set()

    async def periods(self, count: int) -> None:
        """Wait for so many periods of the supervisor."""
        enough = self.looks + count
        while self.looks < enough:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20.0)

    async def hears(self, *kinds: str) -> None:
        """Wait until each of these kinds of notification was sent, from now on."""
        self.told.clear()
        for kind in kinds:
            while not any(lines.startswith(kind) for lines in self.told):
                self.news.clear()
                await asyncio.wait_for(self.news.wait(), 20.0)


async def test_time_is_asked_for_until_it_is_ready_and_signs_of_life_after() -> None:
    watched = Watched()
    task = asyncio.create_task(watched.supervisor.watch())
    await watched.hears("EXTEND_TIMEOUT_USEC=")
    watched.supervisor.ready()
    assert watched.told[-3:] == ["STATUS=fine", "READY=1", "WATCHDOG=1"]
    await watched.hears("WATCHDOG", "WATCHDOG")
    await watched.hears("WATCHDOG")
    assert set(watched.told) == {"WATCHDOG=1"}
    task.cancel()


async def test_a_stuck_lane_ends_the_signs_of_life_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.supervisor.ready()
    watched.lane = lane(11.0)
    task = asyncio.create_task(watched.supervisor.watch())
    await watched.hears("STATUS=Stuck")
    await watched.periods(5)
    assert "WATCHDOG=1" not in watched.told
    assert [record.levelno for record in caplog.records] == [logging.ERROR]

    watched.lane = lane()
    await watched.hears("STATUS=fine", "WATCHDOG=1")
    assert "goes on again" in caplog.text
    task.cancel()


async def test_tasks_that_fail_are_told_and_the_signs_of_life_go_on(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    watched.supervisor.ready()
    task = asyncio.create_task(watched.supervisor.watch())
    watched.failing = ("mqtt status", "zeroconf")
    await watched.hears("STATUS=fine; failing: mqtt status, zeroconf", "WATCHDOG=1")
    await watched.hears("WATCHDOG=1")
    watched.failing = ()
    await watched.hears("STATUS=fine", "WATCHDOG=1")
    assert "STATUS=fine" in watched.told
    assert caplog.text.count("'mqtt status' fails") == 1
    assert caplog.text.count("'zeroconf' works again") == 1
    task.cancel()


async def test_a_status_that_cannot_be_told_does_not_end_the_signs_of_life(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watched = Watched()
    watched.line = ""
    watched.supervisor.ready()
    assert watched.told == ["READY=1", "WATCHDOG=1"]
    task = asyncio.create_task(watched.supervisor.watch())
    await watched.hears("WATCHDOG=1")
    await watched.periods(2)
    watched.line = "fine"
    await watched.hears("STATUS=fine", "WATCHDOG=1")
    assert "a model that has just gone" in caplog.text
    task.cancel()
