"""Loading and pinning the models that should always be in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lunavox_edge.engine.models.leases import give_back, wait_for
from lunavox_edge.errors import LunavoxError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from lunavox_edge.engine.models.leases import Lease
    from lunavox_edge.engine.models.residency import Residency
    from lunavox_edge.types import ModelEntry


class WarmSet:
    """The models that are pinned because of the settings; replaced as a whole. Thread-safe.

    Their pins are lasting: a model that fails to load now stays in memory once a later request loads it.
    """

    def __init__(self, residency: Residency) -> None:
        """Start without pinned models."""
        self._residency = residency
        self._lock = threading.Lock()
        self._entries: tuple[ModelEntry, ...] = ()

    def replace(
        self,
        entries: Iterable[ModelEntry],
        *,
        names: Iterable[str],
        find: Callable[[str], ModelEntry],
        timeout_s: float,
        progress: Callable[[ModelEntry], None] | None,
    ) -> tuple[LunavoxError, ...]:
        """Load and pin `entries` and the models called `names`; unpin the other ones of before.

        `find` returns the entry of a name. Blocks, for `timeout_s` per model at most. Returns the errors of
        names and loads, TimedOut included. `progress` is called for each loaded model; raises what it raises.
        """
        wanted = list(entries)
        failed: list[LunavoxError] = []
        for name in names:
            try:
                wanted.append(find(name))
            except LunavoxError as error:
                failed.append(error)
        wanted = list(dict.fromkeys(wanted))
        self._pin(wanted)
        return (*failed, *self._load(wanted, timeout_s, progress))

    def _pin(self, wanted: list[ModelEntry]) -> None:
        with self._lock:
            for entry in set(self._entries) - set(wanted):
                self._residency.pin(entry, pinned=False)
            for entry in wanted:
                self._residency.pin(entry, lasting=True)
            self._entries = tuple(wanted)

    def _load(
        self, wanted: list[ModelEntry], timeout_s: float, progress: Callable[[ModelEntry], None] | None
    ) -> list[LunavoxError]:
        failed: list[LunavoxError] = []
        loading: deque[tuple[ModelEntry, Future[Lease]]] = deque()
        try:
            for entry in wanted:
                try:
                    loading.append((entry, self._residency.acquire(entry)))
                except LunavoxError as error:
                    failed.append(error)
            while loading:
                entry, future = loading.popleft()
                try:
                    wait_for(future, timeout_s, entry.name).release()
                except LunavoxError as error:
                    failed.append(error)
                    continue
                if progress is not None:
                    progress(entry)
        finally:
            for _, future in loading:
                give_back(future)
        return failed
