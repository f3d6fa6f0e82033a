"""Programs that play or record for us: their end, and what they complain about."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process

_END_S = 2.0
_TAIL_BYTES = 1000


async def end(program: Process) -> None:
    """Kill a program that has a session of its own, and whatever it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    if program.stdin is not None:
        program.stdin.close()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(program.wait(), _END_S)


async def last_words(program: Process) -> str:
    """Read what a program complains about to its end; return the last line."""
    kept = b""
    while program.stderr is not None and (block := await program.stderr.read(_TAIL_BYTES)):
        kept = (kept + block)[-_TAIL_BYTES:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
