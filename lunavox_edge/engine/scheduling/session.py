"""The base class of sessions: a task that needs a model and may be cancelled."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

from lunavox_edge.engine.models.leases import Lease, give_back
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome, Task
from lunavox_edge.errors import Cancelled, InternalError, LunavoxError, OutOfMemory, TimedOut

ResultT = TypeVar("ResultT")

RELAXED_S = 30.0
"""How much later than a reply the deadline of an announcement or a file is."""

_LOGGER = logging.getLogger(__name__)


class Session(Task):
    """One client's work: holds a lease from its creation to its end, and ends exactly once.

    `_lock` guards the state shared by clients and workers. While it is held, only a `Pace` may be
    called; the lane may take it (in `deadline_s`) while holding its own lock.
    """

    def __init__(
        self,
        *,
        lane: Lane,
        lease: Future[Lease],
        relaxed: bool,
        on_end: Callable[[Session], None],
    ) -> None:
        """Create it; `start` puts it into the lane. It must be ended, also if it was never started.

        `relaxed` work is due `RELAXED_S` later. `on_end` is called once, from any thread, without the lock.
        """
        self._lane = lane
        self._lease_future = lease
        self._relaxed_s = RELAXED_S if relaxed else 0.0
        self._on_end = on_end
        self._lock = lane.threads.lock()
        self._opened_s = self._lane.clock()
        self._first_slice_s: float | None = None
        self._cancelled: LunavoxError | None = None
        self._ended = False
        self._ended_s: float | None = None
        self._error: LunavoxError | None = None

    def start(self) -> None:
        """Join the lane. Raises Busy, EngineClosed; the session is over then."""
        try:
            self._lane.add(self)
        except LunavoxError as error:
            self.fail(error)
            raise
        self._lease_future.add_done_callback(lambda _: self._lane.wake(self))

    def cancel(self, reason: LunavoxError | None = None) -> None:
        """End now; no further slice is started. From any thread, in any state, idempotent.

        Callers that wait for the result get `reason`, or Cancelled. The lease is given back and `on_end`
        called before this returns or, if a slice runs, at the end of that slice.
        """
        with self._lock:
            if self._ended:
                return
            if self._cancelled is None:
                self._cancelled = reason or Cancelled("The request was cancelled.")
            cancelled = self._cancelled
        if self._lane.discard(self):
            self.fail(cancelled)
        else:
            self._lane.wake(self)  # so that a slice about to park sees the flag

    def _result(self, future: Future[ResultT], timeout_s: float, message: str) -> ResultT:
        """Wait for a result; after `timeout_s` cancel the session and raise TimedOut with `message`."""
        try:
            return future.result(timeout_s)
        except FutureTimeoutError as error:
            self.cancel()
            raise TimedOut(message) from error

    def run_slice(self) -> Outcome:
        """Raise the reason if the session is cancelled, else run its own slice and end it if that is DONE."""
        if self._cancelled is not None:
            raise self._cancelled
        if self._first_slice_s is None:
            self._first_slice_s = self._lane.clock()
        outcome = self._slice()
        if outcome is Outcome.DONE:
            self._end()
        return outcome

    def fail(self, error: Exception) -> None:
        """End with an error, which the client receives; errors that are not ours become InternalError."""
        if not isinstance(error, (LunavoxError, MemoryError)):
            suspect = error
            self._guarded(lambda: self._suspect_device(suspect))
        if isinstance(error, MemoryError):
            _LOGGER.warning("Out of memory in a slice", exc_info=error)
            error = _as_out_of_memory(error)
        elif not isinstance(error, LunavoxError):
            _LOGGER.error("A slice failed", exc_info=error)
            failure = InternalError("Something went wrong inside the engine; the log says more.")
            failure.__cause__ = error
            error = failure
        self._end(error)

    @abstractmethod
    def _slice(self) -> Outcome:
        """Do the session's next piece of work."""

    @abstractmethod
    def _ended_with(self, error: LunavoxError | None) -> None:
        """Set the result or error for callers that wait; called once, without the lock."""

    def _lease(self) -> Lease | None:
        """Return the lease, or None while the model loads. Raises what the load raised."""
        return self._lease_future.result() if self._lease_future.done() else None

    def _suspect_device(self, error: Exception) -> None:
        """Report a device failure: on a GPU an unexpected error is most often the fault of the GPU."""
        future = self._lease_future
        if future.done() and not future.cancelled() and future.exception() is None:
            future.result().device_failed(str(error) or type(error).__name__)

    def _end(self, error: LunavoxError | None = None) -> None:
        """Give back the lease, call `on_end`, set the result or `error`; only the first call counts.

        Whatever one of these raises, the others are done.
        """
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._ended_s = self._lane.clock()
            self._error = error
        self._guarded(self._give_back)
        self._guarded(lambda: self._on_end(self))
        self._guarded(lambda: self._ended_with(error))

    @staticmethod
    def _guarded(job: Callable[[], object]) -> None:
        """Call `job`; what it raises goes to the log only, so that the calls after it are made as well."""
        try:
            job()
        except Exception:
            _LOGGER.exception("A callback or a step of the end of a session failed")

    def _give_back(self) -> None:
        """Close what was opened in the model, then give back the lease; the session is over."""
        self._guarded(self._close_model)
        give_back(self._lease_future)

    def _close_model(self) -> None:
        """Close what the session has opened in the model; the lease is still held."""

    @property
    def _queue_ms(self) -> float:
        if self._first_slice_s is None:
            return 0.0
        return (self._first_slice_s - self._opened_s) * 1000


def _as_out_of_memory(cause: MemoryError) -> LunavoxError:
    error = OutOfMemory("There was not enough memory for this request; try again or send less at once.")
    error.__cause__ = cause
    return error
