"""Memory pressure: when memory or cooling run short, idle models are unloaded, then smaller ones serve.

It is checked on every tick of the housekeeping. A step is taken when the last one has had time to help,
and taken back when the shortage has been over for longer: each step to and fro costs a load.
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
    from lunavox_edge.engine.model_lookup import ModelLookup
    from lunavox_edge.engine.models.residency import Residency
    from lunavox_edge.settings.model import Settings

_STEP_S = 10.0
_CALM_S = 60.0
_COOLER_C = 5.0
"""How far below the limit the temperature must be to count as cool again."""
_ROOMIER = 1.5
"""The shortage of memory is over when this times the reserve is available."""

_LOGGER = logging.getLogger(__name__)


class Strain(str, Enum):
    """What runs short; the values appear in the engine's status."""

    NONE = ""
    MEMORY = "memory"
    HEAT = "heat"


_NAMES = {Strain.NONE: "nothing", Strain.MEMORY: "memory", Strain.HEAT: "cooling"}


class MemoryPressure:
    """Detects the shortage and acts on it, all of it in `tick`, which one thread calls.

    The ladder is the speech-to-text model of the settings, then the installed `stt.fallback_models`; the
    level is the index in it of the model that serves now.
    """

    def __init__(
        self,
        residency: Residency,
        *,
        models: Callable[[], ModelLookup],
        settings: Callable[[], Settings],
        readings: Callable[[], telemetry.Readings] = telemetry.readings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at level 0; `models` and `settings` return the present ones, as both may be replaced."""
        self._residency = residency
        self._models = models
        self._settings = settings
        self._readings = readings
        self._clock = clock
        self.strain = Strain.NONE
        self._level = 0
        self._pinned: ModelEntry | None = None
        """The stand-in that is pinned because it replaces a pinned model."""
        self._slowed: tuple[str, ...] = ()
        """What slowed the processor at the last tick."""
        self._changed_s = clock()
        """When the level changed or the shortage began."""
        self._strained_s = clock()
        """When something last ran short."""

    def tick(self) -> None:
        """Read memory and sensors, and take one step up or down the ladder if it is due."""
        now = self._clock()
        before, self.strain = self.strain, self._look()
        if self.strain is not before and self.strain is not Strain.NONE:
            self._changed_s = now
            _LOGGER.warning("Short of %s: unloading idle models", self._short_of())
        elif self.strain is not before:
            _LOGGER.info("No longer short of %s", _NAMES[before])
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
        self._models().stand_in = ladder[self._level] if self._level else None

    def _look(self) -> Strain:
        """Return what runs short now; leaving a shortage needs more room than entering it."""
        settings = self._settings().engine
        found = self._readings()
        self._log_slowdown(found)
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

    def _log_slowdown(self, found: telemetry.Readings) -> None:
        """Log what slows the processor down, once for each change."""
        before, self._slowed = self._slowed, found.slowed
        if found.slowed and found.slowed != before:
            degrees = f" ({found.hottest_c:g} °C)" if found.hottest_c is not None else ""
            _LOGGER.warning("The board is slower than it could be: %s%s", ", ".join(found.slowed), degrees)
        elif before and not found.slowed:
            _LOGGER.info("The board is as fast as it can be again")

    def _ladder(self) -> Sequence[ModelEntry]:
        """Return the model of the settings, then the fallback models that are installed."""
        names = self._settings().stt.fallback_models
        if not names:
            return ()
        models = self._models()
        try:
            found = [models.usual(ModelKind.STT)]
        except CatalogError:
            return ()
        for name in names:
            try:
                entry = models.stt_model(name)
            except CatalogError:
                continue
            if entry not in found:
                found.append(entry)
        return found

    def _follow(self, ladder: Sequence[ModelEntry]) -> None:
        """Unpin a stand-in that new settings no longer name, and pin the model that serves instead."""
        old = self._pinned
        if old is None or (self._level and ladder[self._level] == old):
            return
        self._residency.pin(old, pinned=False)
        self._pinned = None
        try:
            new = ladder[self._level] if ladder else self._models().usual(ModelKind.STT)
        except CatalogError:
            return
        self._residency.pin(new, lasting=True)
        if self._level:
            self._pinned = new

    def _step(self, ladder: Sequence[ModelEntry], level: int, now: float) -> None:
        """Unload the model of the present level and let that of `level` serve; a pin goes over to it."""
        old, new = ladder[self._level], ladder[level]
        self._level, self._changed_s = level, now
        was_pinned = self._residency.is_pinned(old)
        self._residency.unload(old)
        if was_pinned:
            self._residency.pin(new, lasting=True)
        self._pinned = new if was_pinned and level else None
        why = f"short of {self._short_of()}" if self.strain is not Strain.NONE else "there is room again"
        _LOGGER.warning("Recognising speech with %s instead of %s: %s", new.name, old.name, why)

    def _is_calm(self, now: float) -> bool:
        return now - max(self._strained_s, self._changed_s) >= _CALM_S

    def _has_room(self, entry: ModelEntry) -> bool:
        need = MemoryBudget.estimate(entry.size_bytes)
        return self._residency.budget.leaves_reserve(need, factor=_ROOMIER)

    def _short_of(self) -> str:
        return _NAMES[self.strain]
