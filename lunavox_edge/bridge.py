"""The one bridge from the engine's threads to an asyncio loop.

Front-ends run on a loop and never compute; the engine runs on threads and knows no loop. What
the engine has made is fetched on the loop, woken by a `Bell`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from lunavox_edge.errors import Cancelled, TimedOut

if TYPE_CHECKING:
    from lunavox_edge.engine.speech import Speech
    from lunavox_edge.engine.utterance import Utterance
    from lunavox_edge.engine.vigil import Vigil
    from lunavox_edge.types import AudioChunk, Transcript

ResultT = TypeVar("ResultT")

_CANCEL_AGAIN_S = 3.0


class Bell:
    """Wakes one coroutine of the loop it was made on, from any thread."""

    def __init__(self) -> None:
        """Bind to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._rung = False

    def ring(self) -> None:
        """Wake the waiter, now or when it waits next; nothing happens once the loop is closed."""
        if self._rung:
            return
        self._rung = True
        call_soon(self._loop, self._event.set)

    def reset(self) -> None:
        """Forget past rings; look for what they announced after this, not before."""
        self._event.clear()
        self._rung = False

    async def wait(self) -> None:
        """Wait for a ring since the last reset."""
        await self._event.wait()


def call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call `callback` on the loop, from any thread; nothing happens once the loop is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


async def ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended, with whatever outcome.

    One that goes on is cancelled again: up to Python 3.11 `wait_for` forgets a cancellation that comes
    together with what it waited for.
    """
    pending: Iterable[asyncio.Future[Any]] = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


async def audio(speech: Speech, bell: Bell) -> AsyncGenerator[AudioChunk, None]:
    """Yield the audio of a speech that was opened with `on_ready=bell.ring`.

    Raises the speech's error. Ending the iteration early cancels the speech.
    """
    try:
        while True:
            bell.reset()
            while (chunk := speech.poll()) is not None:
                yield chunk
            if speech.done:
                speech.poll()  # the end may have come after the last poll, with an error
                return
            await bell.wait()
    finally:
        speech.cancel()


async def transcript(utterance: Utterance, timeout_s: float) -> Transcript:
    """Submit an utterance and wait for what was said.

    Raises the utterance's error, and TimedOut. Cancelling the wait cancels the utterance.
    """
    try:
        return await _outcome(utterance.submit(), timeout_s, "The transcript takes too long.")
    finally:
        utterance.cancel()


async def detections(vigil: Vigil, timeout_s: float) -> int:
    """Submit a vigil and wait until all was heard; return how often a word was.

    Raises the vigil's error, and TimedOut. Cancelling the wait cancels the vigil.
    """
    try:
        return await _outcome(vigil.submit(), timeout_s, "Listening for wake words takes too long.")
    finally:
        vigil.cancel()


async def _outcome(future: Future[ResultT], timeout_s: float, late: str) -> ResultT:
    bell = Bell()
    future.add_done_callback(lambda _: bell.ring())
    try:
        await asyncio.wait_for(bell.wait(), timeout_s)
        return future.result(0)
    except asyncio.TimeoutError as error:
        raise TimedOut(late) from error
    except FutureCancelledError as error:
        raise Cancelled("The request was cancelled.") from error


async def blocking(call: Callable[[], ResultT]) -> ResultT:
    """Run a call of the engine that waits (start, warm-up, close) beside the loop.

    Cancelling the wait does not stop the call.
    """
    return await asyncio.to_thread(call)
