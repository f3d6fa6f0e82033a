"""Background tasks: what fails runs again, is logged with its stack and is reported."""

from __future__ import annotations

import asyncio
import logging

import pytest

from lunavox_edge.background import Background, guarded

pytestmark = pytest.mark.unit


async def test_a_task_that_fails_runs_again_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    reports: list[tuple[str, str]] = []
    background = Background(lambda name, error: reports.append((name, str(error))), first_pause_s=0.0)
    ran = asyncio.Event()
    left = [RuntimeError("once"), ValueError("twice")]

    async def work() -> None:
        if left:
            raise left.pop(0)
        ran.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR):
        background.start("watch", work)
        await asyncio.wait_for(ran.wait(), 20)
    assert reports == [("watch", "once"), ("watch", "twice")]
    assert background.failing == ("watch",)
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    await background.stop()
    assert not background.failing


async def test_a_task_that_returns_is_finished() -> None:
    background = Background()
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    await asyncio.wait_for(background.start("once", work), 20)
    assert runs == [1]
    await background.stop()


async def test_a_report_that_fails_changes_nothing() -> None:
    def report(name: str, error: Exception) -> None:
        raise KeyError(name)

    background = Background(report, first_pause_s=0.0)
    ran = asyncio.Event()
    left = [RuntimeError("once")]

    async def work() -> None:
        if left:
            raise left.pop(0)
        ran.set()

    await asyncio.wait_for(background.start("watch", work), 20)
    assert ran.is_set()


async def test_stop_ends_tasks_also_in_their_pause() -> None:
    background = Background(first_pause_s=60.0)
    tried = asyncio.Event()

    async def work() -> None:
        tried.set()
        raise RuntimeError

    task = background.start("watch", work)
    await asyncio.wait_for(tried.wait(), 20)
    await asyncio.wait_for(background.stop(), 20)
    assert task.cancelled()


def test_a_guarded_callback_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []
    assert guarded("fine", seen.append, 1)
    with caplog.at_level(logging.ERROR):
        assert not guarded("listener", lambda: 1 / 0)
    assert seen == [1]
    assert "listener" in caplog.text
    assert "ZeroDivisionError" in caplog.text
