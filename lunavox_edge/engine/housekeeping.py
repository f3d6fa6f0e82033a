"""What the engine does every few seconds, whatever is asked of it."""

from __future__ import annotations

import contextlib

from lunavox_edge.engine.admission import Admission
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.engine.models.memory import trim_heap
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.engine.pressure import MemoryPressure

INTERVAL_S = 2.0


class Housekeeping:
    """Looks for new models, unloads idle ones, checks memory pressure, returns memory after work."""

    def __init__(
        self, catalog: Catalog, residency: Residency, pressure: MemoryPressure, admission: Admission
    ) -> None:
        """Create it for these parts; the sessions of `admission` show whether work is going on."""
        self._catalog = catalog
        self._residency = residency
        self._pressure = pressure
        self._admission = admission
        self._has_worked = False

    def tick(self) -> None:
        """Do all of it; to be called by one thread, every `INTERVAL_S`. Raises what one of them raised."""
        # Each is called although another one fails; ExitStack calls the last one first.
        with contextlib.ExitStack() as chores:
            chores.callback(self._trim)
            chores.callback(self._pressure.tick)
            chores.callback(self._residency.sweep)
            chores.callback(self._catalog.refresh)

    def _trim(self) -> None:
        """Return free memory to the system once, when no session is open any more."""
        sessions, _ = self._admission.status()
        if sessions:
            self._has_worked = True
        elif self._has_worked:
            self._has_worked = False
            trim_heap()
