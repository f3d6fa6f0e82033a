"""What is done with leases to come: wait for one, hold several as one, give back one that comes too late.

A future lease belongs to whoever asked for it until it is given back, also when nobody waits for it
any more: a lease that nobody has would keep its model in memory for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from lunavox_edge.engine.models.residency import Lease, load_takes_too_long
from lunavox_edge.errors import LunavoxError

ItemT = TypeVar("ItemT")


def give_back(future: Future[Lease]) -> None:
    """Want a lease no more: step out of the queue for it, or release it, now or as soon as it comes."""
    if not future.cancel():
        future.add_done_callback(_release)


def wait_for(future: Future[Lease], timeout_s: float, name: str) -> Lease:
    """Wait for a lease on the model `name`.

    Raises TimedOut and what the load raised. Unless it is returned, the lease is given back.
    """
    try:
        return future.result(timeout_s)
    except FutureTimeoutError as error:
        give_back(future)
        raise load_takes_too_long(name) from error
    except BaseException:  # Ctrl-C, say
        give_back(future)
        raise


def ask_for_all(items: Iterable[ItemT], acquire: Callable[[ItemT], Future[Lease]]) -> list[Future[Lease]]:
    """Ask for a lease on each item. If one cannot be asked for, the others are given back and it raises."""
    futures: list[Future[Lease]] = []
    try:
        for item in items:
            futures.append(acquire(item))  # noqa: PERF401  # those asked for so far are needed at an error
    except BaseException:
        for future in futures:
            give_back(future)
        raise
    return futures


@contextmanager
def asked_for(future: Future[Lease]) -> Iterator[Future[Lease]]:
    """Give a lease back if the session that it was asked for cannot be built."""
    try:
        yield future
    except BaseException:
        give_back(future)
        raise


class JointLease(Lease):
    """The right to use several models, each with its place among those that were asked for."""

    def __init__(self, leases: Sequence[tuple[int, Lease]], errors: Sequence[LunavoxError] = ()) -> None:
        """Hold at least one lease; all are released together. `errors` are of those left out."""
        super().__init__(leases[0][1].model, nullcontext(), lambda: _release_all(leases))
        self.models = tuple((place, lease.model) for place, lease in leases)
        self.errors = tuple(errors)


def joint(futures: Sequence[Future[Lease]], *, forgiving: bool) -> Future[Lease]:
    """Return a future JointLease, there when all are; cancelling it cancels what is still to come.

    If one fails, so does the whole and the others are released; a `forgiving` one goes on with
    those that did not, as long as there is one, and tells the errors of the others.
    """
    return _Joining(futures, forgiving=forgiving).joined


class _Joining:
    def __init__(self, futures: Sequence[Future[Lease]], *, forgiving: bool) -> None:
        self.joined: Future[Lease] = Future()
        self._futures = tuple(futures)
        self._forgiving = forgiving
        self._lock = threading.Lock()
        self._missing = len(self._futures)
        self.joined.add_done_callback(self._step_out)
        for future in self._futures:
            future.add_done_callback(self._arrived)

    def _arrived(self, _: Future[Lease]) -> None:
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
        leases: list[tuple[int, Lease]] = []
        errors: list[BaseException] = []
        for place, future in enumerate(self._futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                leases.append((place, future.result()))
            else:
                errors.append(error)
        if not self.joined.set_running_or_notify_cancel():
            _release_all(leases)
        elif errors and (not self._forgiving or not leases):
            _release_all(leases)
            self.joined.set_exception(errors[0])
        else:
            ours = [error for error in errors if isinstance(error, LunavoxError)]
            self.joined.set_result(JointLease(leases, ours))

    def _step_out(self, joined: Future[Lease]) -> None:
        if joined.cancelled():
            for future in self._futures:
                future.cancel()


def _release(future: Future[Lease]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().release()


def _release_all(leases: Sequence[tuple[int, Lease]]) -> None:
    for _, lease in leases:
        lease.release()
