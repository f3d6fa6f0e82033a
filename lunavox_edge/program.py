"""Child processes that play or record: start, end, and the last line of their error output."""

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
    """Start a program in a session of its own, with a pipe for its error output. Raises OSError.

    Cancelling ends the program. asyncio alone, cancelled at the wrong moment, would wait forever for pipes
    that are never connected.
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
    """Kill a program that `start` started, with its own child processes, and wait up to 2 s for its end.

    Closes all its pipes. Cancelling takes effect only after that wait.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    if program.stdin is not None:
        program.stdin.close()
    ending = asyncio.ensure_future(within(_wait_for_end(program), _END_S))
    try:
        await asyncio.shield(ending)
    except asyncio.TimeoutError:
        pass
    except asyncio.CancelledError:
        await asyncio.wait([ending])
        raise
    finally:
        # The process may end before its pipes do, and `Process` has no public way to close them.
        program._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


async def _wait_for_end(program: Process) -> None:
    # Unread output would keep the pipe open, and `wait` waits for the pipe.
    while program.stdout is not None and await program.stdout.read(_READ_BYTES):
        pass
    await program.wait()


async def last_words(program: Process) -> str:
    """Read a program's error output until it closes; return the last line, "" if there is none."""
    kept = b""
    while program.stderr is not None and (block := await program.stderr.read(_TAIL_BYTES)):
        kept = (kept + block)[-_TAIL_BYTES:]
    lines = kept.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
