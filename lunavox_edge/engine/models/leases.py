"""Leases on loaded models, and helpers for future leases: wait for one, join several, give one back.

A future lease belongs to the caller that asked for it until it is given back, also after that caller
stopped waiting: a lease that is never released would keep its model in memory for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from lunavox_edge.backends.base import LoadedModel
from lunavox_edge.errors import LunavoxError, TimedOut

ItemT = TypeVar("ItemT")


class Lease:
    """The right to use a loaded model until `release`. Call the model inside `with lease.turn`."""

    def __init__(
        self,
        model: LoadedModel,
        turn: AbstractContextManager[object],
        give_back: Callable[[], None],
        on_device_failure: Callable[[str], None] | None = None,
    ) -> None:
        """Hold `model`; `give_back` is called once, at the first release."""
        self.model = model
        self.turn = turn
        self._lock = threading.Lock()
        self._give_back: Callable[[], None] | None = give_back
        self._on_device_failure = on_device_failure

    def device_failed(self, reason: str) -> None:
        """Report that the model's device failed: the next request gets the model on another one."""
        if self._on_device_failure is not None and self.model.device != "cpu":
            self._on_device_failure(reason)

    @property
    def parallel(self) -> bool:
        """Whether several threads may call the model at once."""
        return isinstance(self.turn, nullcontext)

    def release(self) -> None:
        """Give the model back. Idempotent, from any thread."""
        with self._lock:
            give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


def load_takes_too_long(name: str) -> TimedOut:
    """Return the error for a request that waited too long for the model `name` to load."""
    return TimedOut(f"Loading '{name}' takes too long; try again in a minute.")


def give_back(future: Future[Lease]) -> None:
    """Cancel a future lease; if that is too late, release it now or as soon as it comes."""
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
    except BaseException:  # Ctrl-C, for example
        give_back(future)
        raise


def ask_for_all(items: Iterable[ItemT], acquire: Callable[[ItemT], Future[Lease]]) -> list[Future[Lease]]:
    """Return a future lease on each item. If one `acquire` raises, give the others back and raise that."""
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
    """Give a future lease back if the body raises: the session that wanted it could not be built."""
    try:
        yield future
    except BaseException:
        give_back(future)
        raise


class JointLease(Lease):
    """The right to use several models, each with its index among those that were asked for."""

    def __init__(self, leases: Sequence[tuple[int, Lease]], errors: Sequence[LunavoxError] = ()) -> None:
        """Hold at least one lease; all are released together. `errors` are of the models left out."""
        super().__init__(leases[0][1].model, nullcontext(), lambda: _release_all(leases))
        self.models = tuple((place, lease.model) for place, lease in leases)
        self.errors = tuple(errors)


def joint(futures: Sequence[Future[Lease]], *, forgiving: bool) -> Future[Lease]:
    """Return a future JointLease, there when all are; cancelling it cancels what is still to come.

    If one fails, so does the whole and the others are released. A `forgiving` one has the leases that
    did not fail, as long as there is one, and the errors of the others.
    """
    return _Joining(futures, forgiving=forgiving).joined


class _Joining:
    """Collects future leases into one; callbacks come from any thread."""

    def __init__(self, futures: Sequence[Future[Lease]], *, forgiving: bool) -> None:
        self.joined: Future[Lease] = Future()
        self._futures = tuple(futures)
        self._forgiving = forgiving
        self._lock = threading.Lock()
        self._missing = len(self._futures)
        self.joined.add_done_callback(self._cancel_parts)
        for future in self._futures:
            future.add_done_callback(self._part_is_done)

    def _part_is_done(self, _: Future[Lease]) -> None:
        """Settle the joint future once the last part is done."""
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

    def _cancel_parts(self, joined: Future[Lease]) -> None:
        if joined.cancelled():
            for future in self._futures:
                future.cancel()


def _release(future: Future[Lease]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().release()


def _release_all(leases: Sequence[tuple[int, Lease]]) -> None:
    for _, lease in leases:
        lease.release()
