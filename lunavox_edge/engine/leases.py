"""Several leases held as one, for a session that needs several models."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext

from lunavox_edge.engine.residency import Lease
from lunavox_edge.errors import LunavoxError

_LOGGER = logging.getLogger(__name__)


class JointLease(Lease):
    """The right to use several models, each with its place among those that were asked for."""

    def __init__(self, leases: Sequence[tuple[int, Lease]]) -> None:
        """Hold at least one lease; all are released together."""
        super().__init__(leases[0][1].model, nullcontext(), lambda: _release_all(leases))
        self.models = tuple((place, lease.model) for place, lease in leases)


def joint(futures: Sequence[Future[Lease]], *, forgiving: bool) -> Future[Lease]:
    """Return a future JointLease, there when all are; cancelling it cancels what is still to come.

    If one fails, so does the whole and the others are released; a `forgiving` one goes on with
    those that did not, as long as there is one.
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
            for error in errors:
                _LOGGER.warning("Left out: %s", error if isinstance(error, LunavoxError) else repr(error))
            self.joined.set_result(JointLease(leases))

    def _step_out(self, joined: Future[Lease]) -> None:
        if joined.cancelled():
            for future in self._futures:
                future.cancel()


def _release_all(leases: Sequence[tuple[int, Lease]]) -> None:
    for _, lease in leases:
        lease.release()
