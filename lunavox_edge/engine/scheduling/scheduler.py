"""A queue by earliest deadline, as pure data: no clock, no threads.

The deadline of an item is the time at which its listener would notice that it is late. Because
deadlines are absolute, an item with a late deadline becomes the earliest one in the end:
nothing starves. Equal deadlines keep their order of arrival.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT", bound=Hashable)


class Scheduler(Generic[ItemT]):
    """A queue of items ordered by deadline. Not thread-safe: its owner holds a lock."""

    def __init__(self) -> None:
        """Start empty."""
        self._heap: list[tuple[float, int, ItemT]] = []
        self._entries: dict[ItemT, int] = {}
        self._counter = 0

    def __len__(self) -> int:
        """Items waiting."""
        return len(self._entries)

    def __contains__(self, item: ItemT) -> bool:
        """Whether the item waits."""
        return item in self._entries

    def push(self, item: ItemT, deadline_s: float) -> None:
        """Queue an item; if it waits already, its deadline is replaced."""
        self._counter += 1
        self._entries[item] = self._counter
        heapq.heappush(self._heap, (deadline_s, self._counter, item))
        if len(self._heap) > 2 * len(self._entries) + 16:
            self._heap = [entry for entry in self._heap if self._entries.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def pop(self) -> ItemT | None:
        """Take the item with the earliest deadline, or None."""
        while self._heap:
            _, counter, item = heapq.heappop(self._heap)
            if self._entries.get(item) == counter:
                del self._entries[item]
                return item
        return None

    def remove(self, item: ItemT) -> bool:
        """Drop a waiting item; False if it does not wait."""
        return self._entries.pop(item, None) is not None
