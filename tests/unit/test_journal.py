from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunavox_edge.host import journal
from lunavox_edge.host.journal import JournalHandler, journal_handler

pytestmark = pytest.mark.unit


class Journal:
    """The reading end of a journal's socket, with a reader of its format."""

    def __init__(self, address: Path) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(5.0)
        self._socket.bind(str(address))

    def close(self) -> None:
        self._socket.close()

    def read(self) -> dict[str, str]:
        rest = self._socket.recv(1 << 20)
        fields = {}
        while rest:
            line, _, rest = rest.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                size = int.from_bytes(rest[:8], "little")
                value, rest = rest[8 : 8 + size], rest[9 + size :]
            fields[name.decode()] = value.decode()
        return fields


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Journal]:
    reader = Journal(tmp_path / "journal")
    yield reader
    reader.close()


@pytest.fixture
def logger(reader: Journal) -> Iterator[logging.Logger]:
    logger = logging.getLogger("lunavox_edge.test")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = JournalHandler(reader.address)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    handler.close()


def test_an_entry_has_the_usual_fields_and_ours(reader: Journal, logger: logging.Logger) -> None:
    logger.info("spoke %.1f s", 1.5, extra={"voice": "joe", "satellite": "kitchen", "code": "busy"})
    entry = reader.read()

    assert entry["MESSAGE"] == "lunavox_edge.test: spoke 1.5 s"
    assert entry["PRIORITY"] == "6"
    assert entry["SYSLOG_IDENTIFIER"] == "lunavox-edge"
    assert entry["CODE_FUNC"] == "test_an_entry_has_the_usual_fields_and_ours"
    assert (entry["LUNAVOX_VOICE"], entry["LUNAVOX_SATELLITE"], entry["LUNAVOX_CODE"]) == (
        "joe",
        "kitchen",
        "busy",
    )
    assert "LUNAVOX_PEER" not in entry


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, "7"), (logging.WARNING, "4"), (logging.ERROR, "3"), (logging.CRITICAL, "2")],
)
def test_the_severity_is_that_of_syslog(
    reader: Journal, logger: logging.Logger, level: int, priority: str
) -> None:
    logger.log(level, "x")

    assert reader.read()["PRIORITY"] == priority


def test_lines_and_a_traceback_stay_together(reader: Journal, logger: logging.Logger) -> None:
    try:
        int("broken\nMESSAGE=forged")
    except ValueError:
        logger.exception("It failed", extra={"peer": "a\nPRIORITY=0"})
    entry = reader.read()

    assert entry["MESSAGE"].startswith("lunavox_edge.test: It failed\nTraceback")
    assert entry["PRIORITY"] == "3"
    assert entry["LUNAVOX_PEER"] == "a\nPRIORITY=0"


def test_a_huge_message_is_cut(reader: Journal, logger: logging.Logger) -> None:
    logger.info("x" * 1_000_000)

    assert 10_000 < len(reader.read()["MESSAGE"]) < 50_000


def test_a_journal_that_is_gone_or_does_not_read_stops_nobody(
    reader: Journal, logger: logging.Logger
) -> None:
    for _ in range(5000):  # more than any socket holds
        logger.info("x" * 1000)
    reader.close()
    reader.address.unlink()
    logger.info("nobody reads this")


def test_the_journal_is_used_if_it_reads_standard_error(
    reader: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SOCKET", reader.address)
    with (tmp_path / "stderr").open("w") as stream:
        status = os.fstat(stream.fileno())
        same = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        handler = journal_handler(same, stream_fd=stream.fileno())
        assert handler is not None
        handler.close()
        assert journal_handler({"JOURNAL_STREAM": "1:2"}, stream_fd=stream.fileno()) is None
        assert journal_handler({}, stream_fd=stream.fileno()) is None
    assert journal_handler(same, stream_fd=stream_that_is_closed()) is None


def stream_that_is_closed() -> int:
    with Path(os.devnull).open() as file:
        return file.fileno()
