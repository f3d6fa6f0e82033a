"""Loading what the service needs at once, before anybody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError

from lunavox_edge.engine.residency import Residency
from lunavox_edge.errors import LunavoxError, TimedOut
from lunavox_edge.types import ModelEntry


def warm_up(
    entries: Iterable[ModelEntry],
    *,
    names: Iterable[str],
    find: Callable[[str], ModelEntry],
    residency: Residency,
    timeout_s: float,
    progress: Callable[[ModelEntry], None] | None,
) -> tuple[LunavoxError, ...]:
    """Load and pin `entries` and those of `names`; return what failed. Blocks."""
    wanted = list(entries)
    failed: list[LunavoxError] = []
    for name in names:
        try:
            wanted.append(find(name))
        except LunavoxError as error:
            failed.append(error)
    futures = []
    for entry in wanted:
        residency.pin(entry)
        futures.append((entry, residency.acquire(entry)))
    for entry, future in futures:
        try:
            future.result(timeout_s).release()
        except LunavoxError as error:
            failed.append(error)
            continue
        except FutureTimeoutError:
            failed.append(TimedOut(f"Loading {entry.name} takes too long."))
            continue
        if progress is not None:
            progress(entry)
    return tuple(failed)
