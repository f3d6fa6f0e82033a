"""The helper of other tests sees what it is there to see."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes import leftovers

pytestmark = pytest.mark.unit


async def test_a_task_that_died_unseen_is_found() -> None:
    async def dies() -> None:
        raise RuntimeError("unseen")

    with pytest.raises(AssertionError, match="died unseen"):
        async with leftovers.no_task_left():
            await asyncio.wait([asyncio.create_task(dies())])


async def test_a_task_that_goes_on_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PATIENCE_S", 0.01)
    with pytest.raises(AssertionError, match="go on"):
        async with leftovers.no_task_left():
            going = asyncio.create_task(asyncio.Event().wait())
    going.cancel()


async def test_what_was_awaited_or_cancelled_is_no_fault() -> None:
    async def dies() -> None:
        raise RuntimeError("seen")

    async with leftovers.no_task_left():
        with pytest.raises(RuntimeError):
            await asyncio.create_task(dies(), name="seen")
        waiting = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        waiting.cancel()
