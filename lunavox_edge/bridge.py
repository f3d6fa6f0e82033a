"""The bridge between the engine's threads and an asyncio event loop.

Front-ends run on an event loop and do no speech work; the engine runs on threads and knows no event loop.
Results of the engine are fetched on the loop, which a `Wakeup` wakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from lunavox_edge.errors import Cancelled, LunavoxError, TimedOut

if TYPE_CHECKING:
    from lunavox_edge.engine.hearing.utterance import Utterance
    from lunavox_edge.engine.speech.speech import Speech
    from lunavox_edge.engine.waking.wake_session import WakeSession
    from lunavox_edge.types import AudioChunk, Transcript

ResultT = TypeVar("ResultT")

_CANCEL_AGAIN_S = 3.0
# A task that is still running after so long is left alone.
_GIVE_UP_S = 10.0
# Errors with which a task may end and which are no bug, so they are not logged.
_EXPECTED = (LunavoxError, OSError, asyncio.TimeoutError)

_LOGGER = logging.getLogger(__name__)


class Wakeup:
    """Wakes one coroutine of an event loop, from any thread."""

    def __init__(self) -> None:
        """Bind to the running loop, on which `reset` and `wait` are to be called."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._notified = False

    def notify(self) -> None:
        """Wake the waiter, or let its next `wait` return at once; does nothing once the loop is closed."""
        if self._notified:
            return
        self._notified = True
        call_soon(self._loop, self._event.set)

    def reset(self) -> None:
        """Forget earlier notifications; the caller must look for results after this call, not before."""
        self._event.clear()
        self._notified = False

    async def wait(self) -> None:
        """Wait for a notification since the last reset."""
        await self._event.wait()


def call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call `callback` on the loop, from any thread; does nothing once the loop is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


async def cancel_and_wait(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended; log unexpected exceptions.

    Foreign code may swallow a cancellation, so a task that goes on is cancelled again, and after 10 s logged
    and left alone.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _GIVE_UP_S
    pending: Iterable[asyncio.Future[Any]] = tasks
    while pending and loop.time() < until_s:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=min(_CANCEL_AGAIN_S, _GIVE_UP_S))
    for task in tasks:
        if not task.done():
            _LOGGER.error("A task does not end and is left alone: %r", task)
        elif not task.cancelled() and not isinstance(error := task.exception(), (*_EXPECTED, type(None))):
            _LOGGER.error("A task had failed: %r", task, exc_info=error)


async def within(
    awaitable: Awaitable[ResultT],
    timeout_s: float | None,
    *,
    drop: Callable[[ResultT], object] | None = None,
) -> ResultT:
    """Return the result of `awaitable`; after `timeout_s` cancel it and raise asyncio.TimeoutError.

    Replaces `asyncio.wait_for`, which up to Python 3.11 loses a cancellation of its caller that comes
    together with the result. On Python 3.10 such a result is passed to `drop`.
    """
    if sys.version_info >= (3, 11):
        async with asyncio.timeout(timeout_s):
            return await awaitable
    return await _within(awaitable, timeout_s, drop)


async def _within(
    awaitable: Awaitable[ResultT], timeout_s: float | None, drop: Callable[[ResultT], object] | None
) -> ResultT:
    """Implement `within` with a task, for Python 3.10, which has no `asyncio.timeout`."""
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait((task,), timeout=timeout_s)
        if task.done():
            return task.result()
        await cancel_and_wait(task)
        if task.done() and not task.cancelled():
            return task.result()  # it ended with a result while it was being cancelled
        raise asyncio.TimeoutError
    except asyncio.CancelledError:
        if task.done() and not task.cancelled():
            if task.exception() is None and drop is not None:
                drop(task.result())
        else:
            await cancel_and_wait(task)
        raise


class SpeechAudio:
    """The audio of a speech, as an async iterator that owns the speech.

    The speech must have been opened with `on_ready=wakeup.notify`. The iterator raises the speech's error.
    Its owner must close it, which cancels the speech, also if no audio was fetched; an async generator that
    was never started would run no cleanup. Cancelling a wait for the next audio loses none.
    """

    def __init__(self, speech: Speech, wakeup: Wakeup) -> None:
        """Take ownership of the speech."""
        self._speech = speech
        self._wakeup = wakeup
        self._closed = False

    def __aiter__(self) -> SpeechAudio:
        """Return itself."""
        return self

    async def __anext__(self) -> AudioChunk:
        """Return the next audio."""
        while not self._closed:
            self._wakeup.reset()
            try:
                if (chunk := self._speech.poll()) is not None:
                    return chunk
                if self._speech.done:
                    self._speech.poll()  # the end may have come after the last poll, with an error
                    self.close()
            except BaseException:
                self.close()
                raise
            else:
                if not self._closed:
                    await self._wakeup.wait()
        raise StopAsyncIteration

    def close(self) -> None:
        """Cancel the speech. Idempotent."""
        self._closed = True
        self._speech.cancel()

    async def aclose(self) -> None:
        """Cancel the speech, for `contextlib.aclosing`. Idempotent."""
        self.close()


def audio(speech: Speech, wakeup: Wakeup) -> SpeechAudio:
    """Return the audio of a speech that was opened with `on_ready=wakeup.notify`; it must be closed."""
    return SpeechAudio(speech, wakeup)


async def transcript(utterance: Utterance, timeout_s: float) -> Transcript:
    """Submit an utterance and wait for its transcript; cancel the utterance in any case.

    Raises the utterance's error, Cancelled, and TimedOut after `timeout_s`.
    """
    try:
        return await _outcome(utterance.submit(), timeout_s, "The transcript takes too long.")
    finally:
        utterance.cancel()


async def detections(wake_session: WakeSession, timeout_s: float) -> int:
    """Submit a wake-word session and wait until all its audio is searched; return the number of detections.

    The session is cancelled in any case. Raises its error, Cancelled, and TimedOut after `timeout_s`.
    """
    try:
        return await _outcome(wake_session.submit(), timeout_s, "Listening for wake words takes too long.")
    finally:
        wake_session.cancel()


async def _outcome(future: Future[ResultT], timeout_s: float, message: str) -> ResultT:
    wakeup = Wakeup()
    future.add_done_callback(lambda _: wakeup.notify())
    try:
        await within(wakeup.wait(), timeout_s)
        return future.result(0)
    except asyncio.TimeoutError as error:
        raise TimedOut(message) from error
    except FutureCancelledError as error:
        raise Cancelled("The request was cancelled.") from error


async def blocking(call: Callable[[], ResultT]) -> ResultT:
    """Run a blocking call, such as the engine's start, warm-up or close, on a thread.

    Cancelling the wait does not stop the call.
    """
    return await asyncio.to_thread(call)
