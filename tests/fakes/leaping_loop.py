"""An event loop whose clock leaps to the next timer as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class _LeapingSelector(selectors.BaseSelector):
    """A selector that does not wait: it advances the loop's clock by the timeout."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.leapt_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0.0)
        if not found and timeout is None:
            return self._real.select(None)
        if not found and timeout is not None and timeout > 0:
            self.leapt_s += timeout
        return found

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401  # as the base has it
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class LeapingLoop(asyncio.SelectorEventLoop):
    """For tests with long waits: hours pass in milliseconds. Threads do not use this clock."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt_s


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end on a leaping loop."""
    loop = LeapingLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
