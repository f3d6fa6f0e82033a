"""The memory budget of models, measuring what a load takes, and returning memory to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from lunavox_edge.host.system import MemoryInfo
from lunavox_edge.settings.model import EngineSettings

_MIB = 1024 * 1024

_LOADED_PER_FILE_BYTE = 1.6
"""Resident bytes per byte on disk, for a model never loaded here: Piper and Whisper int8
measured between 0.9 and 1.5."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The rules for whether one more model fits.

    All loaded models together may take `limit_bytes`; None means no limit. `reserve_bytes` of the machine's
    available memory stay free, if the system says how much is available.
    """

    limit_bytes: int | None
    reserve_bytes: int
    probe: Callable[[], MemoryInfo]

    @classmethod
    def of(cls, settings: EngineSettings, probe: Callable[[], MemoryInfo]) -> MemoryBudget:
        """Create it from the settings; `probe` returns the machine's memory."""
        limit_mb = settings.memory_budget_mb
        limit_bytes = limit_mb * _MIB if limit_mb is not None else None
        return cls(limit_bytes, settings.memory_reserve_mb * _MIB, probe)

    def fits(self, need_bytes: int, loaded_bytes: int) -> bool:
        """Whether a model of `need_bytes` fits beside `loaded_bytes` of models."""
        return self.holds(loaded_bytes + need_bytes) and self.leaves_reserve(need_bytes)

    def holds(self, taken_bytes: int) -> bool:
        """Whether the limit is kept if all models together take `taken_bytes`."""
        return self.limit_bytes is None or taken_bytes <= self.limit_bytes

    def leaves_reserve(self, need_bytes: int, *, factor: float = 1.0) -> bool:
        """Whether `factor` times the reserve stays available after taking `need_bytes`.

        True if the system does not say what is available.
        """
        memory = self.probe()
        if not memory.total_bytes:
            return True
        return need_bytes + self.reserve_bytes * factor <= memory.available_bytes

    @staticmethod
    def estimate(size_on_disk_bytes: int) -> int:
        """Estimate the memory of a model that was never measured, from its size on disk."""
        return int(size_on_disk_bytes * _LOADED_PER_FILE_BYTE)


class Growth:
    """Measures the memory that a load takes, from the creation of this object on."""

    def __init__(self, rss: Callable[[], int], probe: Callable[[], MemoryInfo]) -> None:
        """Note the memory now; `rss` returns that of the process, `probe` that of the machine."""
        self._rss = rss
        self._probe = probe
        self._before_bytes = rss()
        self._available_bytes = probe().available_bytes

    def bytes_on(self, device: str) -> int:
        """Return the bytes a model on `device` took.

        What a GPU shares with the CPU shows in no process, so for a GPU the machine's memory counts too.
        """
        grown = self._rss() - self._before_bytes
        if device != "cpu":
            grown = max(grown, self._available_bytes - self._probe().available_bytes)
        return max(grown, 0)


def release_free_memory() -> None:
    """Collect garbage and return freed pages, so that an unloaded model takes no more memory."""
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Return freed heap pages to the system: inference leaves tens of megabytes of them behind."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # musl and others have none
        return None
    function.argtypes = [ctypes.c_size_t]
    function.restype = ctypes.c_int
    return function
