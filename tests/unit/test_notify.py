from __future__ import annotations

import importlib.util
import os
import re
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunavox_edge.host.notify import Notifier, notifier

pytestmark = pytest.mark.unit


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("systemd", "systemd.daemon"):  # an earlier test may have loaded it
        monkeypatch.setitem(sys.modules, name, None)


def bound(address: str | bytes) -> socket.socket:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(20.0)
    manager.bind(address)
    return manager


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Return the notify address of a simulated service manager, and its end of the socket."""
    if request.param == "file":
        address = str(tmp_path / "notify")
        listener = bound(address)
    else:
        address = f"@lunavox-test-{uuid.uuid4()}"
        listener = bound("\0" + address[1:])
    with listener:
        yield address, listener


def read(listener: socket.socket) -> str:
    return listener.recv(4096).decode()


@pytest.mark.usefixtures("without_library")
def test_everything_is_told(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    tell = notifier({"NOTIFY_SOCKET": address}, pid=1)
    tell.status("Loading\nbase")
    tell.extend(1.5)
    tell.ready()
    tell.alive()
    tell.stopping()

    assert tell.active
    assert [read(listener) for _ in range(5)] == [
        "STATUS=Loading base",
        "EXTEND_TIMEOUT_USEC=1500000",
        "READY=1",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


@pytest.mark.usefixtures("without_library")
def test_a_reload_carries_the_time_of_the_monotonic_clock(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    notifier({"NOTIFY_SOCKET": address}, pid=1).reloading()

    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d{6,}", read(listener))


@pytest.mark.skipif(importlib.util.find_spec("systemd") is None, reason="systemd-python is not installed")
def test_the_library_is_used_where_there_is_one(
    manager: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, listener = manager
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notifier({"NOTIFY_SOCKET": address}, pid=1).ready()

    assert read(listener) == "READY=1"


def test_the_same_status_is_told_once() -> None:
    told: list[str] = []
    tell = Notifier(told.append)
    for text in ("a", "a", "b", "a"):
        tell.status(text)

    assert told == ["STATUS=a", "STATUS=b", "STATUS=a"]


def test_a_status_is_one_bounded_line() -> None:
    told: list[str] = []
    Notifier(told.append).status("a\nREADY=1\n" + "x" * 5000)

    assert told[0].startswith("STATUS=a READY=1 x")
    assert "\n" not in told[0]
    assert len(told[0]) < 500


@pytest.mark.usefixtures("without_library")
@pytest.mark.parametrize("address", ["", "vsock:2:1234", "/no/such/socket", "relative"])
def test_nobody_there_is_no_trouble(address: str) -> None:
    tell = notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"}, pid=1)
    tell.ready()
    tell.status("x")

    assert tell.active == address.startswith("/")


@pytest.mark.parametrize(
    ("variables", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_for_this_process(variables: dict[str, str], watchdog_s: float | None) -> None:
    tell = notifier({"NOTIFY_SOCKET": "/run/notify", **variables}, pid=os.getpid())

    assert tell.watchdog_s == watchdog_s


def test_without_a_manager_there_is_no_watchdog() -> None:
    assert notifier({"WATCHDOG_USEC": "30000000"}, pid=1).watchdog_s is None
