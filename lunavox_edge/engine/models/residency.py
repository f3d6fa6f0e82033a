"""Which models are in memory: leases, single-flight loads, keep-alive, pins, eviction.

A model is loaded on first use, once for all requests that come meanwhile, on a loader thread beside
the lanes. A leased model is never unloaded. Idle models are unloaded after the keep-alive or, least
recently used first, when another one needs the room.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial

from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.leases import Lease, load_takes_too_long
from lunavox_edge.engine.models.load_runner import LoadRunner, load_failed
from lunavox_edge.engine.models.loading import Loaded, ThreadPlan, make_loader
from lunavox_edge.engine.models.memory import MemoryBudget, release_free_memory
from lunavox_edge.engine.models.model_table import Key, ModelTable, Resident
from lunavox_edge.engine.values.results import ModelStatus
from lunavox_edge.errors import EngineClosed, InternalError, LunavoxError
from lunavox_edge.host import system
from lunavox_edge.settings.model import EngineSettings, Settings
from lunavox_edge.types import ModelEntry

_KEEP_FOREVER = -1

_LOGGER = logging.getLogger(__name__)


class Residency:
    """Keeps models in memory while they are used and a while longer. Thread-safe.

    Loaders, models, log lines, futures and `on_device_failure` are called without its lock.
    """

    def __init__(  # noqa: PLR0913  # built in one place, by keyword
        self,
        *,
        loader: Callable[[ModelEntry], Loaded],
        run: Callable[[Callable[[], None]], None],
        budget: MemoryBudget,
        rss: Callable[[], int],
        keep_alive_s: float,
        load_timeout_s: float,
        last_resort: Callable[[ModelEntry], Loaded] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create it without models.

        `run` runs a load on another thread; `rss` returns the memory of this process in bytes. If
        `loader` runs out of memory, every idle model is unloaded and `last_resort` loads instead.
        """
        self.on_device_failure: Callable[[ModelEntry, str, str], None] | None = None
        """Called with the entry, the device and the reason when a device failed in use."""
        self._run = run
        self._keep_alive_s = keep_alive_s
        self._load_timeout_s = load_timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        # Below: guarded by this lock.
        self._table = ModelTable(budget)
        self._closed = False
        self._load_runner = LoadRunner(
            self._table,
            lock=self._lock,
            loader=loader,
            last_resort=last_resort or loader,
            evict=self._evict,
            rss=rss,
        )

    @classmethod
    def of(
        cls,
        settings: Settings,
        plan: ThreadPlan,
        devices: Devices,
        run: Callable[[Callable[[], None]], None],
    ) -> Residency:
        """Create it as the settings say, for this machine; loads are run by `run`."""
        made = cls(
            loader=make_loader(settings, plan, devices),
            last_resort=make_loader(settings, plan, devices, passes_full_devices=True),
            run=run,
            budget=MemoryBudget.of(settings.engine, system.memory),
            rss=system.rss_bytes,
            keep_alive_s=settings.engine.keep_alive_s,
            load_timeout_s=settings.engine.load_timeout_s,
        )
        made.on_device_failure = devices.failed
        return made

    @property
    def budget(self) -> MemoryBudget:
        """How much memory models may take; replaced as a whole by `configure`."""
        return self._table.budget

    def acquire(self, entry: ModelEntry) -> Future[Lease]:
        """Return a future lease on `entry`, loading it if needed. Never blocks.

        The future fails with BrokenModel, BackendUnavailable, OutOfMemory, TimedOut, InternalError
        or EngineClosed. A caller that no longer wants the lease cancels the future or, where that is
        too late, releases the lease (`leases.give_back` does both). Raises EngineClosed.
        """
        key = entry.content_key
        future: Future[Lease] = Future()
        lease: Lease | None = None
        with self._lock:
            if self._closed:
                raise EngineClosed("The engine is closed.")
            resident = self._table.residents.get(key)
            if resident is None:
                self._table.residents[key] = Resident(entry, self._clock(), [future])
            elif resident.loaded is not None:
                lease = self._lease(key, resident)
            else:
                resident.waiters.append(future)
        if lease is not None:
            future.set_result(lease)
        if resident is not None:
            return future
        try:
            self._run(lambda: self._load(key, entry))
        except EngineClosed as error:
            self._settle(key, None, error)
        except BaseException as error:
            self._settle(key, None, load_failed(entry, error))
            raise
        return future

    def pin(self, entry: ModelEntry, *, pinned: bool = True, lasting: bool = False) -> None:
        """Keep a model in memory once it is loaded, or (`pinned` False) stop keeping it.

        The pin is gone when a load of the model fails, unless it is `lasting`.
        """
        with self._lock:
            if pinned:
                self._table.pin(entry.content_key, lasting=lasting)
            else:
                self._table.unpin(entry.content_key)

    def is_pinned(self, entry: ModelEntry) -> bool:
        """Whether a model is kept in memory once it is loaded."""
        with self._lock:
            return self._table.is_pinned(entry.content_key)

    def unload(self, entry: ModelEntry) -> bool:
        """Unload an idle model, pinned or not; False if it is in use, loading or not there."""
        self.pin(entry, pinned=False)
        return self._evict(lambda key, _: key == entry.content_key) > 0

    def loaded(self, entry: ModelEntry) -> Loaded | None:
        """The model in memory and what loading it cost, or None if it is not in memory."""
        with self._lock:
            resident = self._table.residents.get(entry.content_key)
            return resident.loaded if resident is not None else None

    def configure(self, settings: EngineSettings) -> None:
        """Follow other settings from the next load and sweep on."""
        budget = MemoryBudget.of(settings, system.memory)
        with self._lock:
            self._table.budget = budget
            self._keep_alive_s, self._load_timeout_s = settings.keep_alive_s, settings.load_timeout_s

    def sweep(self) -> None:
        """Unload what was idle longer than the keep-alive; fail requests that waited too long for a load."""
        now = self._clock()
        if self._keep_alive_s != _KEEP_FOREVER:
            expired = now - self._keep_alive_s
            self._evict(lambda key, found: not self._table.is_pinned(key) and found.last_used_s <= expired)
        with self._lock:
            late = self._table.take_waiters(now - self._load_timeout_s)
        for name, future in late:
            _fail(future, load_takes_too_long(name))

    def unload_idle(self) -> int:
        """Unload every idle model that is not pinned; return how many there were."""
        return self._evict(lambda key, _: not self._table.is_pinned(key))

    def status(self) -> tuple[ModelStatus, ...]:
        """Every model in memory or loading."""
        with self._lock:
            return self._table.status(self._clock())

    def close(self) -> None:
        """Fail every waiting request and unload every idle model; leased ones go with their last lease."""
        with self._lock:
            self._closed = True
            waiting = self._table.take_waiters()
        for _, future in waiting:
            _fail(future, EngineClosed("The engine was closed."))
        self._evict(lambda _key, _resident: True)

    def _load(self, key: Key, entry: ModelEntry) -> None:
        """Load on this thread and settle the waiting requests, whatever comes of it."""
        try:
            loaded = self._load_runner.load(key, entry)
        except LunavoxError as error:
            self._settle(key, None, error)
            return
        self._settle(key, loaded, None)
        _LOGGER.info(
            "Loaded %s on %s in %.1f s, first use %.1f s",
            *(entry.name, loaded.model.device, loaded.load_ms / 1000, loaded.warmup_ms / 1000),
        )
        self._load_runner.warn_over_budget(key, entry)

    def _evict(self, chosen: Callable[[Key, Resident], bool]) -> int:
        """Unload the idle models for which `chosen`, called with the lock held, is true; return how many."""
        with self._lock:
            leaving = self._table.take_idle(chosen)
        count = len(leaving)
        # Without the lock: a callback that gets log lines may ask the engine for its status.
        for resident in leaving:
            _LOGGER.info("Unloaded %s", resident.entry.name)
        while leaving:
            _close(leaving.pop())
        if count:
            release_free_memory()
        return count

    def _settle(self, key: Key, loaded: Loaded | None, error: LunavoxError | None) -> None:
        """End a load: answer the waiting requests with leases, or with `error`."""
        grants: list[tuple[Future[Lease], Lease]] = []
        with self._lock:
            resident = self._table.residents[key]
            waiters, resident.waiters = resident.waiters, []
            if loaded is None:
                del self._table.residents[key]
                # EngineClosed is no failure of the model, so its pin stays.
                if not isinstance(error, EngineClosed):
                    self._table.unpin_after_failure(key)
            else:
                resident.turn = nullcontext() if loaded.parallel else threading.Lock()
                self._table.complete(key, loaded, self._clock())
                grants = [
                    (future, self._lease(key, resident))
                    for future in waiters
                    if future.set_running_or_notify_cancel()
                ]
        for future, lease in grants:
            future.set_result(lease)
        if error is not None:
            for future in waiters:
                _fail(future, error)
        if loaded is not None and self._closed:
            self._evict(lambda other, _: other == key)

    def _lease(self, key: Key, resident: Resident) -> Lease:
        """Count one more user; the caller holds the lock."""
        if resident.loaded is None:
            raise InternalError("A lease was asked for a model that is not loaded.")
        resident.leases += 1

        def give_back() -> None:
            with self._lock:
                resident.leases -= 1
                resident.last_used_s = self._clock()
                leave = self._closed
                gone = resident.is_retired and not resident.leases
                if gone:
                    self._table.retired.remove(resident)
            if gone:
                _close(resident)
                release_free_memory()
            elif leave:
                self._evict(lambda other, _: other == key)

        on_device_failure = partial(self._device_failed, key, resident)
        return Lease(resident.loaded.model, resident.turn, give_back, on_device_failure)

    def _device_failed(self, key: Key, resident: Resident, reason: str) -> None:
        """Give no more leases on a model whose device failed; it is unloaded with its last lease."""
        with self._lock:
            if resident.is_retired or resident.loaded is None:
                return
            self._table.retire(key, resident)
            device = resident.loaded.model.device
        if self.on_device_failure is not None:
            self.on_device_failure(resident.entry, device, reason)


def _close(resident: Resident) -> None:
    """Free a model; an error is logged, so that one model cannot keep the others in memory."""
    loaded, resident.loaded = resident.loaded, None
    try:
        if loaded is not None:
            loaded.model.close()
    except Exception:
        _LOGGER.exception("A model could not be unloaded")


def _fail(future: Future[Lease], error: LunavoxError) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
