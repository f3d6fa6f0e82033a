"""One load of a model: making room for it, the load itself, and measuring what it took."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.engine.models.memory import Growth
from lunavox_edge.engine.models.model_table import Key, ModelTable, Resident
from lunavox_edge.errors import InternalError, LunavoxError, OutOfMemory
from lunavox_edge.types import ModelEntry

_MIB = 1024 * 1024

_LOGGER = logging.getLogger(__name__)


class LoadRunner:
    """Loads models into a residency's table. Called by loader threads, without the table's lock."""

    def __init__(
        self,
        table: ModelTable,
        *,
        lock: AbstractContextManager[object],
        loader: Callable[[ModelEntry], Loaded],
        last_resort: Callable[[ModelEntry], Loaded],
        evict: Callable[[Callable[[Key, Resident], bool]], int],
        rss: Callable[[], int],
    ) -> None:
        """Share `table` and its `lock` with their owner, whose `evict` unloads the idle models chosen.

        `rss` returns the memory of this process in bytes. `last_resort` loads after `loader` ran out of
        memory and every idle model was unloaded.
        """
        self._table = table
        self._lock = lock
        self._loader = loader
        self._last_resort = last_resort
        self._evict = evict
        self._rss = rss

    def load(self, key: Key, entry: ModelEntry) -> Loaded:
        """Load a model that is in the table already. Raises LunavoxError and nothing else."""
        try:
            self._unload_former(key)
            self._make_room(key, entry)
            return self._measured_load(key, entry)
        except MemoryError as failure:
            _LOGGER.warning("No memory for %s", entry.name)
            raise _no_room(entry) from failure
        except LunavoxError:
            raise
        except BaseException as failure:  # also a library that calls sys.exit must not leave waiters behind
            _LOGGER.exception("Loading %s failed", entry.name)
            raise load_failed(entry, failure) from failure

    def warn_over_budget(self, key: Key, entry: ModelEntry) -> None:
        """Log once of a model that it takes more than the budget leaves for it."""
        with self._lock:
            excess = self._table.first_excess(key)
        if excess is not None:
            size, taken, limit = excess
            _LOGGER.warning(
                "%s takes %d MB, more than its files let expect; all models together take %d MB of the "
                "%d MB of engine.memory_budget_mb. It is used all the same.",
                *(entry.name, size // _MIB, taken // _MIB, limit // _MIB),
            )

    def _unload_former(self, key: Key) -> None:
        """Unload what was loaded from the same path before its files were replaced; pins stay."""
        with self._lock:
            former = self._table.replace_former(key)
        self._evict(lambda other, _: other in former)

    def _make_room(self, key: Key, entry: ModelEntry) -> None:
        """Reserve what the model needs, unloading idle ones for it. Raises OutOfMemory."""
        while True:
            with self._lock:
                oldest = self._table.oldest_idle()
                if self._table.reserve(key, entry):
                    return
            if oldest is None:
                raise _no_room(entry)
            self._evict(lambda other, _, oldest=oldest: other == oldest)  # type: ignore[misc]  # bound now

    def _measured_load(self, key: Key, entry: ModelEntry) -> Loaded:
        growth, alone = Growth(self._rss, self._table.budget.probe), self._loads() == 1
        try:
            loaded = self._loader(entry)
        except MemoryError:
            _LOGGER.warning("No memory for %s; unloading every idle model and trying once more", entry.name)
            self._evict(lambda other, _: not self._table.is_pinned(other))
            loaded = self._last_resort(entry)
        if alone and self._loads() == 1:  # else the growth belongs to several models
            taken = growth.bytes_on(loaded.model.device)
            with self._lock:
                self._table.measured(key, taken)
        return loaded

    def _loads(self) -> int:
        with self._lock:
            return self._table.loads()


def load_failed(entry: ModelEntry, cause: BaseException) -> InternalError:
    """Return the error for a load that failed with an error that is none of ours."""
    error = InternalError(f"Loading the model '{entry.name}' failed.")
    error.__cause__ = cause
    return error


def _no_room(entry: ModelEntry) -> OutOfMemory:
    return OutOfMemory(
        f"There is no memory for the model '{entry.name}'. Stop other programs, raise "
        "engine.memory_budget_mb or choose a smaller model."
    )
