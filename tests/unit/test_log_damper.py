"""One place in the code cannot fill the log, and the number of dropped lines is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from lunavox_edge.host.log_damper import Damper

pytestmark = pytest.mark.unit


class Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.now = 100.0
        self.addFilter(Damper(3, lambda: self.now))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def log() -> Iterator[Log]:
    handler, logger = Log(), logging.getLogger("damped")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)


def flood(count: int, level: int = logging.WARNING) -> None:
    for number in range(count):
        logging.getLogger("damped").log(level, "refused %d", number)


def test_a_flood_is_cut_and_counted(log: Log) -> None:
    flood(50)
    assert log.lines == ["refused 0", "refused 1", "refused 2"]
    log.now += 61
    flood(5)
    assert log.lines[3:] == ["refused 0 (and 47 more like this before)", "refused 1", "refused 2"]


def test_other_lines_go_on(log: Log) -> None:
    flood(50)
    logging.getLogger("damped").warning("something else")
    assert log.lines[-1] == "something else"


def test_slow_lines_and_those_for_debugging_are_never_cut(log: Log) -> None:
    for _ in range(10):
        flood(3)
        log.now += 61
    assert len(log.lines) == 30
    flood(50, logging.DEBUG)
    assert len(log.lines) == 80
