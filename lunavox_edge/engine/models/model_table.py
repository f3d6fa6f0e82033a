"""The table of models in memory: leases, sizes, pins. Pure data, without a lock."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.engine.values.results import ModelStatus
from lunavox_edge.types import ModelEntry

Key = tuple[str, Path, int, int]
"""`ModelEntry.content_key`: another one after the model's files were replaced."""


@dataclass(slots=True)
class Resident:
    """One model that is in memory or being loaded (`loaded` is None then)."""

    entry: ModelEntry
    since_s: float
    waiters: list[Future[Lease]] = field(default_factory=list)
    """Requests for a lease, to be answered when the load has ended."""
    loaded: Loaded | None = None
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Held while the model is called; a real lock only if it takes one call at a time."""
    leases: int = 0
    size_bytes: int = 0
    granted_bytes: int = 0
    """What the budget has granted: never more than was estimated from the files."""
    last_used_s: float = 0.0
    is_retired: bool = False
    """Its device failed: present leases go on, no new one is given."""

    @property
    def is_idle(self) -> bool:
        """Whether it is loaded and not leased."""
        return self.loaded is not None and not self.leases


class ModelTable:
    """Models in memory, pins and measured sizes. Not thread-safe: its owner holds a lock."""

    def __init__(self, budget: MemoryBudget) -> None:
        """Create an empty table."""
        self.budget = budget
        self.residents: dict[Key, Resident] = {}
        """Models that may be leased, also those being loaded."""
        self.retired: list[Resident] = []
        """Models whose device failed; in memory until their last lease is released."""
        self._pinned: dict[Key, bool] = {}
        """Each with whether it stays pinned although a load fails."""
        self._measured_bytes: dict[Key, int] = {}
        self._warned_over_budget: set[Key] = set()

    def pin(self, key: Key, *, lasting: bool) -> None:
        """Pin a model; a pin that is `lasting` stays so, and survives a failed load."""
        self._pinned[key] = lasting or self._pinned.get(key, False)

    def unpin(self, key: Key) -> None:
        """Remove a pin, if there is one."""
        self._pinned.pop(key, None)

    def unpin_after_failure(self, key: Key) -> None:
        """Remove a pin that is not lasting."""
        if not self._pinned.get(key, False):
            self.unpin(key)

    def is_pinned(self, key: Key) -> bool:
        """Whether a model is kept in memory once it is loaded."""
        return key in self._pinned

    def replace_former(self, key: Key) -> set[Key]:
        """Return the keys of the same path with older files; `key` inherits their pins."""
        former = {other for other in (*self.residents, *self._pinned) if other[:2] == key[:2]} - {key}
        for other in former:
            lasting = self._pinned.pop(other, None)
            if lasting is not None:
                self.pin(key, lasting=lasting)
        return former

    def take_idle(self, chosen: Callable[[Key, Resident], bool]) -> list[Resident]:
        """Remove and return the idle models for which `chosen` is true."""
        keys = [key for key, resident in self.residents.items() if resident.is_idle and chosen(key, resident)]
        return [self.residents.pop(key) for key in keys]

    def retire(self, key: Key, resident: Resident) -> None:
        """Let no one else lease a model; its present leases go on."""
        resident.is_retired = True
        if self.residents.get(key) is resident:
            del self.residents[key]
        self.retired.append(resident)

    def take_waiters(self, before_s: float = math.inf) -> list[tuple[str, Future[Lease]]]:
        """Remove and return the waiters, with the model's name, of loads that began before `before_s`."""
        taken: list[tuple[str, Future[Lease]]] = []
        for resident in self.residents.values():
            if resident.loaded is None and resident.since_s < before_s:
                taken += [(resident.entry.name, future) for future in resident.waiters]
                resident.waiters = []
        return taken

    def loads(self) -> int:
        """Count the loads that run."""
        return sum(resident.loaded is None for resident in self.residents.values())

    def measured(self, key: Key, size_bytes: int) -> None:
        """Remember what a load has taken; 0 is no measurement."""
        self._measured_bytes[key] = size_bytes

    def complete(self, key: Key, loaded: Loaded, now_s: float) -> None:
        """Note that a load has succeeded."""
        resident = self.residents[key]
        resident.loaded = loaded
        resident.size_bytes = self._measured_bytes.get(key) or resident.size_bytes
        resident.granted_bytes = min(resident.granted_bytes, resident.size_bytes)
        resident.last_used_s = now_s

    def reserve(self, key: Key, entry: ModelEntry) -> bool:
        """Reserve what a model needs that is about to load; False if it does not fit now.

        A model may take more than was estimated from its files. Where nothing idle is left to unload,
        the estimates count instead, so that a model that has worked before is not refused.
        """
        estimate = MemoryBudget.estimate(entry.size_bytes)
        need = self._measured_bytes.get(key) or estimate
        granted = min(need, estimate)
        others = [resident for other, resident in self.residents.items() if other != key]
        others += self.retired
        fits = self.budget.fits(need, sum(resident.size_bytes for resident in others))
        if not fits and self.oldest_idle() is None:
            charged = granted + sum(resident.granted_bytes for resident in others)
            fits = self.budget.holds(charged) and self.budget.leaves_reserve(need)
        if fits:
            resident = self.residents[key]
            resident.size_bytes, resident.granted_bytes = need, granted
        return fits

    def oldest_idle(self) -> Key | None:
        """Return the idle model that is not pinned and was used least recently."""
        idle = [
            (resident.last_used_s, key)
            for key, resident in self.residents.items()
            if resident.is_idle and not self.is_pinned(key)
        ]
        return min(idle, key=lambda item: item[0])[1] if idle else None

    def first_excess(self, key: Key) -> tuple[int, int, int] | None:
        """Return the bytes of a model, of all models and of the limit, the first time that it is broken.

        None if it is not, or not because this model is larger than estimated.
        """
        limit_bytes = self.budget.limit_bytes
        resident = self.residents.get(key)
        taken = sum(one.size_bytes for one in (*self.residents.values(), *self.retired))
        if limit_bytes is None or taken <= limit_bytes or resident is None:
            return None
        if resident.size_bytes <= resident.granted_bytes or key in self._warned_over_budget:
            return None
        self._warned_over_budget.add(key)
        return resident.size_bytes, taken, limit_bytes

    def status(self, now_s: float) -> tuple[ModelStatus, ...]:
        """Describe every model in memory or loading, those that are retired last."""
        rows = (
            *self.residents.items(),
            *((resident.entry.content_key, resident) for resident in self.retired),
        )
        return tuple(
            ModelStatus(
                name=resident.entry.name,
                kind=resident.entry.kind.value,
                device=resident.loaded.model.device if resident.loaded else "",
                state="loading" if not resident.loaded else "busy" if resident.leases else "idle",
                size_bytes=resident.size_bytes,
                idle_s=now_s - resident.last_used_s if resident.is_idle else 0.0,
                pinned=self.is_pinned(key),
                fallback=resident.loaded.fallback if resident.loaded else "",
            )
            for key, resident in rows
        )
