"""Which models are in memory: leases, single-flight loads, keep-alive, pins, eviction.

A model is loaded on first use, once for all who ask meanwhile, on a loader thread beside the
lanes. While a lease is out it is never unloaded. Idle models leave after the keep-alive or,
least recently used first, when another one needs the room.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from lunavox_edge.backends.base import LoadedModel
from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.loading import Loaded, ThreadPlan, make_loader
from lunavox_edge.engine.models.memory import Growth, MemoryBudget, release_free_memory
from lunavox_edge.engine.values.results import ModelStatus
from lunavox_edge.errors import EngineClosed, InternalError, LunavoxError, OutOfMemory, TimedOut
from lunavox_edge.host import system
from lunavox_edge.settings.model import EngineSettings, Settings
from lunavox_edge.types import ModelEntry

_KEEP_FOREVER = -1
_MIB = 1024 * 1024

_LOGGER = logging.getLogger(__name__)

Key = tuple[str, Path, int, int]


class Lease:
    """The right to use a loaded model until `release`; call the model inside `with lease.turn`."""

    def __init__(
        self,
        model: LoadedModel,
        turn: AbstractContextManager[object],
        give_back: Callable[[], None],
        condemn: Callable[[str], None] | None = None,
    ) -> None:
        """Hold `model`; `give_back` is called once, at the first release."""
        self.model = model
        self.turn = turn
        self._lock = threading.Lock()
        self._give_back: Callable[[], None] | None = give_back
        self._condemn = condemn

    def device_failed(self, reason: str) -> None:
        """The model's device does not do what it should; the next request gets the model elsewhere."""
        if self._condemn is not None and self.model.device != "cpu":
            self._condemn(reason)

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


@dataclass(slots=True)
class _Resident:
    entry: ModelEntry
    since_s: float
    waiters: list[Future[Lease]] = field(default_factory=list)
    loaded: Loaded | None = None
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    leases: int = 0
    size_bytes: int = 0
    charge_bytes: int = 0
    """What the budget has granted: never more than was estimated from the files."""
    last_used_s: float = 0.0
    is_condemned: bool = False
    """It is on its way out; who uses it may end, nobody else gets it."""


class Residency:
    """Keeps models in memory while they are used and a while longer.

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
        """`run` runs a load on another thread; `rss` is the memory of this process in bytes.

        `last_resort` loads instead of `loader` after that one ran out of memory and every idle
        model was unloaded.
        """
        self._loader = loader
        self._last_resort = last_resort or loader
        self.on_device_failure: Callable[[ModelEntry, str, str], None] | None = None
        self._run = run
        self.budget = budget
        self._rss = rss
        self._keep_alive_s = keep_alive_s
        self._load_timeout_s = load_timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._residents: dict[Key, _Resident] = {}
        self._condemned: list[_Resident] = []
        """In memory until their last lease, and given to nobody else."""
        self._pinned: dict[Key, bool] = {}
        """Each with whether it stays pinned although a load fails."""
        self._measured_bytes: dict[Key, int] = {}
        self._told_over_budget: set[Key] = set()
        self._closed = False

    @classmethod
    def of(
        cls,
        settings: Settings,
        plan: ThreadPlan,
        devices: Devices,
        run: Callable[[Callable[[], None]], None],
    ) -> Residency:
        """What the settings say, on this machine; loads run by `run`."""
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

    def acquire(self, entry: ModelEntry) -> Future[Lease]:
        """Return a future lease on `entry`, loading it if needed. Never blocks.

        The future fails with BrokenModel, BackendUnavailable, OutOfMemory, TimedOut, InternalError
        or EngineClosed. A waiter that cancels its future just steps out of the queue; one that can
        no longer cancel it gives the lease back (`leases.give_back`). Raises EngineClosed.
        """
        key = entry.content_key
        future: Future[Lease] = Future()
        lease: Lease | None = None
        with self._lock:
            if self._closed:
                raise EngineClosed("The engine is closed.")
            resident = self._residents.get(key)
            if resident is None:
                self._residents[key] = _Resident(entry, self._clock(), [future])
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
            self._settle(key, None, _load_failed(entry, error))
            raise
        return future

    def pin(self, entry: ModelEntry, *, pinned: bool = True, lasting: bool = False) -> None:
        """Keep a model in memory once it is loaded, or let it go its way again.

        The pin is gone when a load of the model fails, unless it is `lasting`.
        """
        key = entry.content_key
        with self._lock:
            if pinned:
                self._pinned[key] = lasting or self._pinned.get(key, False)
            else:
                self._pinned.pop(key, None)

    def is_pinned(self, entry: ModelEntry) -> bool:
        """Whether a model is kept in memory once it is loaded."""
        with self._lock:
            return entry.content_key in self._pinned

    def unload(self, entry: ModelEntry) -> bool:
        """Unload an idle model, pinned or not; False if it is in use, loading or not there."""
        self.pin(entry, pinned=False)
        return self._evict(lambda key, _: key == entry.content_key) > 0

    def loaded(self, entry: ModelEntry) -> Loaded | None:
        """What the load of this entry cost, or None if it is not in memory."""
        with self._lock:
            resident = self._residents.get(entry.content_key)
            return resident.loaded if resident is not None else None

    def configure(self, settings: EngineSettings) -> None:
        """Follow other rules from the next load and sweep on."""
        budget = MemoryBudget.of(settings, system.memory)
        with self._lock:
            self.budget = budget
            self._keep_alive_s, self._load_timeout_s = settings.keep_alive_s, settings.load_timeout_s

    def sweep(self) -> None:
        """Unload what has been idle for too long; fail those who wait for a load too long."""
        now = self._clock()
        if self._keep_alive_s != _KEEP_FOREVER:
            expired = now - self._keep_alive_s
            self._evict(lambda key, resident: key not in self._pinned and resident.last_used_s <= expired)
        late: list[tuple[str, Future[Lease]]] = []
        with self._lock:
            for resident in self._residents.values():
                if resident.loaded is None and now - resident.since_s > self._load_timeout_s:
                    late += [(resident.entry.name, future) for future in resident.waiters]
                    resident.waiters = []
        for name, future in late:
            _fail(future, load_takes_too_long(name))

    def relieve(self) -> int:
        """Unload every idle model that is not pinned; return how many left."""
        return self._evict(lambda key, _: key not in self._pinned)

    def status(self) -> tuple[ModelStatus, ...]:
        """Every model in memory or loading."""
        with self._lock:
            now = self._clock()
            return tuple(
                ModelStatus(
                    name=resident.entry.name,
                    kind=resident.entry.kind.value,
                    device=resident.loaded.model.device if resident.loaded else "",
                    state="loading" if not resident.loaded else "busy" if resident.leases else "idle",
                    size_bytes=resident.size_bytes,
                    idle_s=now - resident.last_used_s if resident.loaded and not resident.leases else 0.0,
                    pinned=key in self._pinned,
                    fallback=resident.loaded.fallback if resident.loaded else "",
                )
                for key, resident in (
                    *self._residents.items(),
                    *((resident.entry.content_key, resident) for resident in self._condemned),
                )
            )

    def close(self) -> None:
        """Fail the waiters and unload every idle model; leased ones go with their last lease."""
        with self._lock:
            self._closed = True
            waiters = [future for resident in self._residents.values() for future in resident.waiters]
            for resident in self._residents.values():
                resident.waiters = []
        for future in waiters:
            _fail(future, EngineClosed("The engine was closed."))
        self._evict(lambda _key, _resident: True)

    def _load(self, key: Key, entry: ModelEntry) -> None:
        """Load on this thread and tell those who wait, whatever comes of it."""
        loaded: Loaded | None = None
        error: LunavoxError | None = None
        try:
            self._succeed(key)
            self._make_room(key, entry)
            loaded = self._measured_load(key, entry)
        except MemoryError as failure:
            _LOGGER.warning("No memory for %s", entry.name)
            error = _no_room(entry, failure)
        except LunavoxError as failure:
            error = failure
        except BaseException as failure:  # also a library that calls sys.exit must not leave waiters behind
            _LOGGER.exception("Loading %s failed", entry.name)
            error = _load_failed(entry, failure)
        self._settle(key, loaded, error)
        if loaded is not None:
            _LOGGER.info(
                "Loaded %s on %s in %.1f s, first use %.1f s",
                entry.name,
                loaded.model.device,
                loaded.load_ms / 1000,
                loaded.warmup_ms / 1000,
            )
            self._tell_over_budget(key, entry)

    def _measured_load(self, key: Key, entry: ModelEntry) -> Loaded:
        growth, alone = Growth(self._rss, self.budget.probe), self._loads() == 1
        try:
            loaded = self._loader(entry)
        except MemoryError:
            _LOGGER.warning("No memory for %s; unloading every idle model and trying once more", entry.name)
            self._evict(lambda other, _: other not in self._pinned)
            loaded = self._last_resort(entry)
        if alone and self._loads() == 1:  # else the growth belongs to several models
            taken = growth.bytes_on(loaded.model.device)
            with self._lock:
                self._measured_bytes[key] = taken
        return loaded

    def _succeed(self, key: Key) -> None:
        """Let go of what was loaded from the same path before its files were replaced; a pin goes on."""
        with self._lock:
            former = {other for other in (*self._residents, *self._pinned) if other[:2] == key[:2]} - {key}
            for other in former:
                lasting = self._pinned.pop(other, None)
                if lasting is not None:
                    self._pinned[key] = lasting or self._pinned.get(key, False)
        self._evict(lambda other, _: other in former)

    def _make_room(self, key: Key, entry: ModelEntry) -> None:
        """Reserve what the model needs, unloading idle ones for it. Raises OutOfMemory.

        A model may take more than its files let expect. What the budget held before by that
        estimate it holds again: it would help nobody to refuse a model that has worked.
        """
        estimate = MemoryBudget.estimate(entry.size_bytes)
        while True:
            with self._lock:
                need = self._measured_bytes.get(key) or estimate
                charge = min(need, estimate)
                others = [resident for other, resident in self._residents.items() if other != key]
                others += self._condemned
                idle = [
                    (resident.last_used_s, other)
                    for other, resident in self._residents.items()
                    if resident.loaded and not resident.leases and other not in self._pinned
                ]
                fits = self.budget.fits(need, sum(resident.size_bytes for resident in others))
                if not fits and not idle:
                    granted = charge + sum(resident.charge_bytes for resident in others)
                    fits = self.budget.holds(granted) and self.budget.leaves_reserve(need)
                if fits:
                    resident = self._residents[key]
                    resident.size_bytes, resident.charge_bytes = need, charge
                    return
            if not idle:
                raise _no_room(entry, None)
            oldest = min(idle, key=lambda item: item[0])[1]
            self._evict(lambda other, _, oldest=oldest: other == oldest)  # type: ignore[misc]  # bound now

    def _tell_over_budget(self, key: Key, entry: ModelEntry) -> None:
        """Log once of a model that it takes more than the budget leaves for it."""
        with self._lock:
            limit = self.budget.limit_bytes
            resident = self._residents.get(key)
            taken = sum(one.size_bytes for one in (*self._residents.values(), *self._condemned))
            if limit is None or taken <= limit or resident is None:
                return
            if resident.size_bytes <= resident.charge_bytes:
                return
            is_new = key not in self._told_over_budget
            self._told_over_budget.add(key)
            size = resident.size_bytes
        if is_new:
            _LOGGER.warning(
                "%s takes %d MB, more than its files let expect; all models together take %d MB of the "
                "%d MB of engine.memory_budget_mb. It is used all the same.",
                *(entry.name, size // _MIB, taken // _MIB, limit // _MIB),
            )

    def _loads(self) -> int:
        with self._lock:
            return sum(resident.loaded is None for resident in self._residents.values())

    def _evict(self, chosen: Callable[[Key, _Resident], bool]) -> int:
        """Unload the idle models that are chosen."""
        leaving: list[Loaded] = []
        names: list[str] = []
        with self._lock:
            for key, resident in list(self._residents.items()):
                if resident.loaded is not None and not resident.leases and chosen(key, resident):
                    leaving.append(resident.loaded)
                    names.append(resident.entry.name)
                    del self._residents[key]
        count = len(leaving)
        # Without the lock: a callback that gets log lines may ask the engine for its status.
        for name in names:
            _LOGGER.info("Unloaded %s", name)
        while leaving:
            _close_model(leaving.pop())
        if count:
            release_free_memory()
        return count

    def _settle(self, key: Key, loaded: Loaded | None, error: LunavoxError | None) -> None:
        grants: list[tuple[Future[Lease], Lease]] = []
        with self._lock:
            resident = self._residents[key]
            waiters, resident.waiters = resident.waiters, []
            if loaded is None:
                del self._residents[key]
                # A closed engine says nothing about the model.
                if not self._pinned.get(key, False) and not isinstance(error, EngineClosed):
                    self._pinned.pop(key, None)
            else:
                resident.loaded = loaded
                if not loaded.parallel:
                    resident.turn = threading.Lock()
                resident.size_bytes = self._measured_bytes.get(key) or resident.size_bytes
                resident.charge_bytes = min(resident.charge_bytes, resident.size_bytes)
                resident.last_used_s = self._clock()
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

    def _lease(self, key: Key, resident: _Resident) -> Lease:
        """Count one more user; the caller holds the lock."""
        if resident.loaded is None:
            raise InternalError("A lease was asked for a model that is not loaded.")
        resident.leases += 1

        def give_back() -> None:
            with self._lock:
                resident.leases -= 1
                resident.last_used_s = self._clock()
                leave = self._closed
                gone = resident.is_condemned and not resident.leases
                if gone:
                    self._condemned.remove(resident)
            if gone:
                _close(resident)
            elif leave:
                self._evict(lambda other, _: other == key)

        return Lease(
            resident.loaded.model,
            resident.turn,
            give_back,
            lambda reason: self._condemn(key, resident, reason),
        )

    def _condemn(self, key: Key, resident: _Resident, reason: str) -> None:
        """Give a model to nobody else, as its device failed; it leaves with its last lease."""
        with self._lock:
            if resident.is_condemned or resident.loaded is None:
                return
            resident.is_condemned = True
            if self._residents.get(key) is resident:
                del self._residents[key]
            self._condemned.append(resident)
            device = resident.loaded.model.device
        if self.on_device_failure is not None:
            self.on_device_failure(resident.entry, device, reason)


def load_takes_too_long(name: str) -> TimedOut:
    """Return what those are told who waited for the model `name` for too long."""
    return TimedOut(f"Loading '{name}' takes too long; try again in a minute.")


def _close(resident: _Resident) -> None:
    loaded, resident.loaded = resident.loaded, None
    if loaded is not None:
        _close_model(loaded)
        del loaded
        release_free_memory()


def _close_model(loaded: Loaded) -> None:
    """Free a model; one that cannot be freed must not keep the others in memory."""
    try:
        loaded.model.close()
    except Exception:
        _LOGGER.exception("A model could not be unloaded")


def _fail(future: Future[Lease], error: LunavoxError) -> None:
    if future.set_running_or_notify_cancel():
        future.set_exception(error)


def _load_failed(entry: ModelEntry, cause: BaseException) -> InternalError:
    error = InternalError(f"Loading the model '{entry.name}' failed.")
    error.__cause__ = cause
    return error


def _no_room(entry: ModelEntry, cause: BaseException | None) -> OutOfMemory:
    error = OutOfMemory(
        f"There is no memory for the model '{entry.name}'. Stop other programs, raise "
        "engine.memory_budget_mb or choose a smaller model."
    )
    error.__cause__ = cause
    return error
