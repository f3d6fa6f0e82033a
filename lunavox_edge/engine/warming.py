"""Keeping the models that are always needed in memory, and used once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING

from lunavox_edge.errors import LunavoxError, TimedOut

if TYPE_CHECKING:
    from lunavox_edge.engine.residency import Residency
    from lunavox_edge.types import ModelEntry


class WarmSet:
    """The models that are pinned for the service itself; replaced as a whole."""

    def __init__(self, residency: Residency) -> None:
        """Start without any."""
        self._residency = residency
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
        """Load and pin `entries` and those of `names`, let go of those pinned before. Blocks.

        Returns what failed.
        """
        wanted = list(entries)
        failed: list[LunavoxError] = []
        for name in names:
            try:
                wanted.append(find(name))
            except LunavoxError as error:
                failed.append(error)
        for entry in set(self._entries) - set(wanted):
            self._residency.pin(entry, pinned=False)
        self._entries = tuple(wanted)
        futures = []
        for entry in self._entries:
            self._residency.pin(entry)
            futures.append((entry, self._residency.acquire(entry)))
        for entry, future in futures:
            try:
                future.result(timeout_s).release()
            except LunavoxError as error:
                failed.append(error)
            except FutureTimeoutError:
                failed.append(TimedOut(f"Loading {entry.name} takes too long."))
            else:
                if progress is not None:
                    progress(entry)
        return tuple(failed)
