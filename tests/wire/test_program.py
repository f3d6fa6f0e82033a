"""Starting and ending child processes, cancelled at every moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest

from lunavox_edge import program

pytestmark = pytest.mark.wire

WAIT_S = 20.0


@pytest.mark.parametrize("steps", range(9))
async def test_one_that_is_not_wanted_any_more_is_ended_whenever_that_is(steps: int, tmp_path: Path) -> None:
    number = tmp_path / "pid"
    command = ("sh", "-c", f"echo $$ > {number}.new && mv {number}.new {number} && exec cat")
    starting = asyncio.ensure_future(program.start(command, stdin=PIPE, stdout=DEVNULL))
    for _ in range(steps):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.wait([starting], timeout=WAIT_S)
    assert starting.done(), "it waits for ever"
    if not starting.cancelled():
        await program.end(starting.result())
    if number.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(number.read_text()), 0)
            pytest.fail("it lives on")


async def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        await program.start(("/nowhere/player",), stdin=PIPE, stdout=DEVNULL)
