"""Background tasks: a failure is logged with its stack and reported, and the task runs again."""

from __future__ import annotations

import asyncio
import logging

import pytest

from lunavox_edge.background import Background, guarded, guarded_async

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


async def test_a_cancellation_from_inside_is_a_failure() -> None:
    background = Background(first_pause_s=0.0)
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    ran = asyncio.Event()
    waits = [gone]

    async def work() -> None:
        if waits:
            await waits.pop()
        ran.set()
        await asyncio.Event().wait()

    background.start("watch", work)
    await asyncio.wait_for(ran.wait(), 20)
    assert background.failing == ("watch",)
    await background.stop()


async def test_stop_waits_for_work_that_tidies_up() -> None:
    background = Background()
    begun, may_end = asyncio.Event(), asyncio.Event()
    tidied: list[bool] = []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            tidied.append(True)

    background.start("watch", work)
    await asyncio.wait_for(begun.wait(), 20)
    stopping = asyncio.ensure_future(background.stop())
    asyncio.get_running_loop().call_soon(may_end.set)
    await asyncio.wait_for(stopping, 20)
    assert tidied


async def test_of_two_tasks_of_one_name_the_failing_one_is_told_until_it_ends() -> None:
    background = Background(first_pause_s=60.0)
    failed = asyncio.Event()

    async def fails() -> None:
        failed.set()
        raise RuntimeError

    async def returns() -> None:
        await failed.wait()

    failing = background.start("watch", fails)
    await asyncio.wait_for(background.start("watch", returns), 20)
    assert background.failing == ("watch",)
    failing.cancel()
    await asyncio.wait((failing,))
    assert not background.failing


async def test_an_attempt_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work(error: Exception | None) -> None:
        if error is not None:
            raise error

    assert await guarded_async("fine", work(None))
    assert not await guarded_async("resolver", work(KeyError("x")))
    assert "resolver" in caplog.text
    assert "KeyError" in caplog.text


def test_a_guarded_callback_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []
    assert guarded("fine", seen.append, 1)
    with caplog.at_level(logging.ERROR):
        assert not guarded("listener", lambda: 1 / 0)
    assert seen == [1]
    assert "listener" in caplog.text
    assert "ZeroDivisionError" in caplog.text
