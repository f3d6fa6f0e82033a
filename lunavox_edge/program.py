"""Programs that play or record for us: their beginning and end, and what they complain about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from lunavox_edge.bridge import within

_END_S = 2.0
_TAIL_BYTES = 1000
_READ_BYTES = 65_536


async def start(command: Sequence[str], *, stdin: int, stdout: int) -> Process:
    """Start a program in a session of its own, with a pipe for its complaints. Raises OSError.

    If this is cancelled the program is ended. asyncio alone, cancelled at the wrong moment, would wait for
    ever for pipes that nobody connects any more.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=stdout, stderr=PIPE, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            await end(starting.result())
        raise


async def end(program: Process) -> None:
    """Kill a program that has a session of its own, and whatever it has started.

    Cancelling that is possible, but takes until the program has gone.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    if program.stdin is not None:
        program.stdin.close()
    going = asyncio.ensure_future(within(_gone(program), _END_S))
    try:
        await asyncio.shield(going)
    except asyncio.TimeoutError:
        pass
    except asyncio.CancelledError:
        await asyncio.wait([going])
        raise


async def _gone(program: Process) -> None:
    # What it wrote and nobody read would keep its pipe open.
    while program.stdout is not None and await program.stdout.read(_READ_BYTES):
        pass
    await program.wait()


async def last_words(program: Process) -> str:
    """Read what a program complains about to its end; return the last line."""
    kept = b""
    while program.stderr is not None and (block := await program.stderr.read(_TAIL_BYTES)):
        kept = (kept + block)[-_TAIL_BYTES:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
