"""Context of a benchmark run: services, report, recordings and remaining time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lunavox_edge.bench.figure_table import FigureTable, Summary
from lunavox_edge.bench.recordings import Recording
from lunavox_edge.bench.servers import Service
from lunavox_edge.errors import LunavoxError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: rounds, clients, recordings and time limits."""

    name: str
    """Also the name of the place for its table in a document."""
    rounds: int
    """Rounds with several clients; half as many for long texts."""
    single_rounds: int
    """Rounds with one client: these are short, and their times vary more."""
    clients: tuple[int, ...]
    streamed_clients: tuple[int, ...]
    rooms: tuple[tuple[int, str, int], ...]
    """Triples of rooms at once, sensitivity, and number of recordings."""
    commands: int
    """Short commands sent with audio-stop, for each number of clients."""
    stop_clients: tuple[int, ...]
    describers: int
    """Clients that send speech, and clients that get speech, while `describe` is timed."""
    most_words: int
    """Maximum number of recordings for the word error rate."""
    overhead_pairs: int
    long_text_s: float
    request_timeout_s: float
    limit_s: float


QUICK = Extent(
    name="quick",
    rounds=1,
    single_rounds=2,
    clients=(1, 4),
    streamed_clients=(1,),
    rooms=((1, "default", 2), (4, "default", 4)),
    commands=3,
    stop_clients=(1,),
    describers=4,
    most_words=10,
    overhead_pairs=8,
    long_text_s=8.0,
    request_timeout_s=30.0,
    limit_s=150.0,
)
FULL = Extent(
    name="full",
    rounds=2,
    single_rounds=6,
    clients=(1, 2, 4, 8),
    streamed_clients=(1, 8),
    rooms=((1, "default", 5), (4, "default", 28), (1, "aggressive", 4), (4, "aggressive", 12)),
    commands=8,
    stop_clients=(1, 4),
    describers=8,
    most_words=18,
    overhead_pairs=15,
    long_text_s=20.0,
    request_timeout_s=60.0,
    limit_s=630.0,
)
BOARD = Extent(
    name="board",
    rounds=4,
    single_rounds=2,
    clients=(1, 4),
    streamed_clients=(1,),
    rooms=((1, "default", 3), (4, "default", 4)),
    commands=4,
    stop_clients=(1,),
    describers=4,
    most_words=10,
    overhead_pairs=0,
    long_text_s=40.0,
    request_timeout_s=120.0,
    limit_s=1200.0,
)
"""Fewer rounds and longer timeouts, for a fraction of a CPU."""


class BenchRun:
    """State of one benchmark run, shared by all measurements."""

    def __init__(
        self,
        services: Sequence[Service],
        extent: Extent,
        report: FigureTable,
        say: Callable[[str], None],
        deadline_s: float,
    ) -> None:
        """Create the context; `say` prints a line of progress, `deadline_s` is on the monotonic clock."""
        self.services = services
        self.extent = extent
        self.report = report
        self.say = say
        self.recordings: list[Recording] = []
        self.references = False
        """Whether the recordings are of people, with known texts."""
        self.until_s = self.deadline_s = deadline_s
        self._numbers = 0

    @property
    def left_s(self) -> float:
        """Seconds until the current measurement must be finished."""
        return self.until_s - time.monotonic()

    def take_share(self, weight: float, later: float) -> None:
        """Give the next measurement its share of the remaining time.

        `weight` is its weight, `later` the sum of the weights of all that follow.
        """
        now_s = time.monotonic()
        self.until_s = now_s + (self.deadline_s - now_s) * weight / (weight + later)

    def numbers(self, count: int) -> range:
        """Return `count` numbers of texts that were not used before."""
        self._numbers += count
        return range(self._numbers - count, self._numbers)

    async def together(self, jobs: Sequence[Awaitable[_T]], figure: str, service: Service) -> list[_T]:
        """Run requests concurrently; return the results, and count failures under `figure`."""
        results = await asyncio.gather(*jobs, return_exceptions=True)
        good: list[_T] = []
        for result in results:
            if isinstance(result, LunavoxError):
                self.report.fail(figure, service.name)
                self.report.note(f"{service.name}, {figure}: {result}")
            elif isinstance(result, BaseException):
                raise result
            else:
                good.append(result)
        return good

    def milliseconds(
        self, figure: str, service: Service, *seconds: float, summary: Summary = Summary.MEDIAN
    ) -> None:
        """Add times, given in seconds, to a figure in ms."""
        self.report.add(figure, service.name, *(1000 * value for value in seconds), summary=summary)

    def count(self, figure: str, service: Service, number: int) -> None:
        """Add to a figure that is a total."""
        self.report.add(figure, service.name, number, unit="", summary=Summary.TOTAL)

    async def cpu(self, figure: str, service: Service, before_s: float, per: float) -> None:
        """Add the CPU time of a service since `before_s`, divided by `per` requests or seconds.

        Waits until the service is idle.
        """
        await service.rest()
        used_s = service.cpu_s() - before_s
        if used_s:
            self.milliseconds(figure, service, used_s / per, summary=Summary.MEAN)
