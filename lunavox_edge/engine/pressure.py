"""What the engine gives up when memory or cooling run short: idle models first, then the size of the ear.

Looked at on every tick of the housekeeping. A step is taken when the last one has had time to help, and
taken back when the strain has been over for longer: stepping back and forth would cost a load each time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.errors import CatalogError
from lunavox_edge.host import telemetry
from lunavox_edge.types import ModelEntry, ModelKind

if TYPE_CHECKING:
    from lunavox_edge.engine.models.residency import Residency
    from lunavox_edge.engine.resolve import Resolver
    from lunavox_edge.settings.model import Settings

_STEP_S = 10.0
_CALM_S = 60.0
_COOLER_C = 5.0
"""How far below the threshold it has to be to count as cool again."""
_ROOMIER = 1.5

_LOGGER = logging.getLogger(__name__)


class Strain(str, Enum):
    """What runs short."""

    NONE = ""
    MEMORY = "memory"
    HEAT = "heat"


_WORDS = {Strain.NONE: "nothing", Strain.MEMORY: "memory", Strain.HEAT: "cooling"}


class MemoryPressure:
    """Sees the strain and acts; all of it in `tick`, which is called by one thread."""

    def __init__(
        self,
        residency: Residency,
        *,
        resolver: Callable[[], Resolver],
        settings: Callable[[], Settings],
        readings: Callable[[], telemetry.Readings] = telemetry.readings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the ways to see and to act; `resolver` and `settings` are asked anew, as they may change."""
        self._residency = residency
        self._resolver = resolver
        self._settings = settings
        self._readings = readings
        self._clock = clock
        self.strain = Strain.NONE
        self._level = 0
        self._pinned: ModelEntry | None = None
        """What is pinned because it stands in for a pinned model."""
        self._slowed: tuple[str, ...] = ()
        self._changed_s = clock()
        self._strained_s = clock()

    def tick(self) -> None:
        """Look, and do what helps."""
        now = self._clock()
        before, self.strain = self.strain, self._look()
        if self.strain is not before and self.strain is not Strain.NONE:
            self._changed_s = now
            _LOGGER.warning("Short of %s: idle models leave", self._words())
        elif self.strain is not before:
            _LOGGER.info("No longer short of %s", _WORDS[before])
        if self.strain is not Strain.NONE:
            self._strained_s = now
            self._residency.unload_idle()
        ladder = self._ladder()
        self._level = max(0, min(self._level, len(ladder) - 1))
        self._follow(ladder)
        if self.strain is not Strain.NONE:
            if now - self._changed_s >= _STEP_S and self._level < len(ladder) - 1:
                self._step(ladder, self._level + 1, now)
        elif self._level and self._is_calm(now) and self._has_room(ladder[self._level - 1]):
            self._step(ladder, self._level - 1, now)
        self._resolver().stand_in = ladder[self._level] if self._level else None

    def _look(self) -> Strain:
        settings = self._settings().engine
        found = self._readings()
        self._tell(found)
        budget = self._residency.budget
        factor = _ROOMIER if self.strain is Strain.MEMORY else 1.0
        if not budget.leaves_reserve(0, factor=factor):
            return Strain.MEMORY
        limit_c = settings.max_temperature_c
        if limit_c is not None and self.strain is Strain.HEAT:
            limit_c -= _COOLER_C
        if found.is_slowed_by_heat or (limit_c is not None and (found.hottest_c or 0.0) >= limit_c):
            return Strain.HEAT
        return Strain.NONE

    def _tell(self, found: telemetry.Readings) -> None:
        """Log what holds the board back, once for each change."""
        before, self._slowed = self._slowed, found.slowed
        if found.slowed and found.slowed != before:
            degrees = f" ({found.hottest_c:g} °C)" if found.hottest_c is not None else ""
            _LOGGER.warning("The board is slower than it could be: %s%s", ", ".join(found.slowed), degrees)
        elif before and not found.slowed:
            _LOGGER.info("The board is as fast as it can be again")

    def _ladder(self) -> Sequence[ModelEntry]:
        """The ear of the settings, then those that stand in for it, as far as they are installed."""
        names = self._settings().stt.fallback_models
        if not names:
            return ()
        resolver = self._resolver()
        try:
            found = [resolver.usual(ModelKind.STT)]
        except CatalogError:
            return ()
        for name in names:
            try:
                entry = resolver.ear(name)
            except CatalogError:
                continue
            if entry not in found:
                found.append(entry)
        return found

    def _follow(self, ladder: Sequence[ModelEntry]) -> None:
        """Let go of a stand-in that other settings no longer name, and pin what hears from now on."""
        old = self._pinned
        if old is None or (self._level and ladder[self._level] == old):
            return
        self._residency.pin(old, pinned=False)
        self._pinned = None
        try:
            new = ladder[self._level] if ladder else self._resolver().usual(ModelKind.STT)
        except CatalogError:
            return
        self._residency.pin(new, lasting=True)
        if self._level:
            self._pinned = new

    def _step(self, ladder: Sequence[ModelEntry], level: int, now: float) -> None:
        old, new = ladder[self._level], ladder[level]
        self._level, self._changed_s = level, now
        was_pinned = self._residency.is_pinned(old)
        self._residency.unload(old)
        if was_pinned:
            self._residency.pin(new, lasting=True)
        self._pinned = new if was_pinned and level else None
        why = f"short of {self._words()}" if self.strain is not Strain.NONE else "there is room again"
        _LOGGER.warning("Hearing with %s instead of %s: %s", new.name, old.name, why)

    def _is_calm(self, now: float) -> bool:
        return now - max(self._strained_s, self._changed_s) >= _CALM_S

    def _has_room(self, entry: ModelEntry) -> bool:
        need = MemoryBudget.estimate(entry.size_bytes)
        return self._residency.budget.leaves_reserve(need, factor=_ROOMIER)

    def _words(self) -> str:
        return _WORDS[self.strain]
