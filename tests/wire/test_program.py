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


async def test_no_pipe_stays_open_even_if_a_grandchild_that_got_away_keeps_it(tmp_path: Path) -> None:
    mark = tmp_path / "away"
    command = ("sh", "-c", f"setsid sh -c 'touch {mark}; exec sleep 5' & exec cat")
    running = await program.start(command, stdin=PIPE, stdout=DEVNULL)
    pipes = [running._transport.get_pipe_transport(number) for number in (0, 2)]  # type: ignore[attr-defined]
    for _ in range(int(WAIT_S / 0.01)):
        if mark.exists():
            break
        await asyncio.sleep(0.01)
    assert mark.exists()
    await program.end(running)
    assert all(pipe.is_closing() for pipe in pipes)


async def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        await program.start(("/nowhere/player",), stdin=PIPE, stdout=DEVNULL)
