"""Announcing the port by zeroconf, and finding satellites: current addresses, and removal at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zeroconf.asyncio import AsyncZeroconf

from lunavox_edge.address import Address
from lunavox_edge.background import Background
from lunavox_edge.bridge import within
from lunavox_edge.settings.model import WyomingSettings
from lunavox_edge.wire.neighbours import Neighbourhood
from lunavox_edge.wire.zeroconf import (
    ServiceAnnouncement,
    close_sockets,
    instance_name,
    is_for_others,
    own_addresses,
)
from tests.wire.conftest import Serve

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0


class Program:
    """A program of tests/fakes; it ends at the end of its input."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, module: str, *words: str, namespace: str | None = None) -> Program:
        inside = ("ip", "netns", "exec", namespace) if namespace else ()
        process = await asyncio.create_subprocess_exec(
            *inside,
            sys.executable,
            "-m",
            module,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        return cls(process)

    async def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        assert text, "the program ended"
        found: dict[str, Any] = json.loads(text)
        return found

    async def until(self, **wanted: object) -> dict[str, Any]:
        while True:
            line = await self.line()
            if all(line.get(key) == value for key, value in wanted.items()):
                return line

    async def end(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@contextlib.asynccontextmanager
async def running(*words: str, namespace: str | None = None) -> AsyncIterator[Program]:
    program = await Program.start(*words, namespace=namespace)
    try:
        yield program
    finally:
        await program.end()


async def test_it_is_found_on_the_loopback_and_gone_at_its_end() -> None:
    name = f"loopback-{os.getpid()}"
    async with running("tests.fakes.found", "127.0.0.1") as browser:
        await browser.until(change="ready")
        announcement = ServiceAnnouncement(name, 4711, addresses=lambda: ("127.0.0.1",))
        announcement.start()
        found = await browser.until(name=name, change="Added")
        assert (found["port"], found["addresses"]) == (4711, ["127.0.0.1"])
        await announcement.stop()
        await announcement.stop()
        await browser.until(name=name, change="Removed")


def failing_once() -> Callable[[], tuple[str, ...]]:
    """Return the loopback address, but raise at the first call."""
    faults = [RuntimeError("can't start new thread")]

    def addresses() -> tuple[str, ...]:
        if faults:
            raise faults.pop()
        return ("127.0.0.1",)

    return addresses


async def test_after_a_fault_it_is_announced_anew() -> None:
    name, failed = f"fault-{os.getpid()}", list[str]()
    background = Background(lambda task, _: failed.append(task), first_pause_s=0.0)
    async with running("tests.fakes.found", "127.0.0.1") as browser:
        await browser.until(change="ready")
        announcement = ServiceAnnouncement(name, 4711, addresses=failing_once(), background=background)
        announcement.start()
        await browser.until(name=name, change="Added")
        assert failed == ["zeroconf"]
        assert background.failing == ("zeroconf",)
        await announcement.stop()
        await browser.until(name=name, change="Removed")
    assert not background.failing


async def test_neighbours_are_found_after_a_fault_and_whatever_a_listener_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = {f"near-{os.getpid()}-{number}" for number in range(3)}
    changed, failed = asyncio.Event(), list[str]()

    def listener() -> None:
        changed.set()
        raise KeyError("a satellite that is not there any more")

    background = Background(lambda task, _: failed.append(task), first_pause_s=0.0)
    neighbourhood = Neighbourhood(addresses=failing_once(), changed=listener, background=background)
    neighbourhood.start()
    announcements = [ServiceAnnouncement(name, 4711, addresses=lambda: ("127.0.0.1",)) for name in names]
    for announcement in announcements:
        announcement.start()

    async def until_found(wanted: set[str]) -> None:
        while {*neighbourhood.found} & names != wanted:
            await changed.wait()
            changed.clear()

    await asyncio.wait_for(until_found(names), PATIENCE_S)
    assert failed == ["zeroconf neighbours"]
    assert neighbourhood.problem is None
    await asyncio.gather(*(announcement.stop() for announcement in announcements))
    await asyncio.wait_for(until_found(set()), PATIENCE_S)
    assert "a satellite that is not there any more" in caplog.text
    await neighbourhood.stop()


async def test_those_who_left_while_nobody_listened_are_forgotten() -> None:
    here = ["127.0.0.1"]
    changed = asyncio.Event()
    neighbourhood = Neighbourhood(addresses=lambda: tuple(here), changed=changed.set, look_every_s=0.05)
    neighbourhood.start()
    name = f"left-{os.getpid()}"
    announcement = ServiceAnnouncement(name, 4711, addresses=lambda: ("127.0.0.1",))
    announcement.start()

    async def until_found(found: bool) -> None:  # noqa: FBT001  # the only argument
        while (name in neighbourhood.found) is not found:
            await changed.wait()
            changed.clear()

    await asyncio.wait_for(until_found(True), PATIENCE_S)  # noqa: FBT003  # as above
    here.clear()
    await asyncio.wait_for(until_found(False), PATIENCE_S)  # noqa: FBT003  # as above
    await announcement.stop()
    await neighbourhood.stop()


async def test_no_network_is_waited_for_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    looked = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def addresses() -> tuple[str, ...]:
        loop.call_soon_threadsafe(looked.release)
        raise OSError("no network")

    announcement = ServiceAnnouncement("nowhere", 1, addresses=addresses, look_every_s=0.01)
    with caplog.at_level(logging.WARNING):
        announcement.start()
        for _ in range(4):
            await asyncio.wait_for(looked.acquire(), PATIENCE_S)
        await announcement.stop()
    assert len([record for record in caplog.records if "found by zeroconf" in record.message]) == 1


async def test_sockets_are_closed_even_if_zeroconf_takes_too_long_for_that() -> None:
    class Endless(AsyncZeroconf):
        async def async_close(self) -> None:
            await asyncio.Event().wait()

    try:
        responder = Endless(interfaces=["127.0.0.1"])
    except OSError as error:
        pytest.skip(f"no multicast DNS on the loopback: {error}")
    await responder.zeroconf.async_wait_for_start()
    engine = responder.zeroconf.engine
    transports = [wrapped.transport for wrapped in (*engine.senders, *engine.readers)]
    assert transports
    with pytest.raises(asyncio.TimeoutError):
        await within(close_sockets(responder), 0.01)
    assert all(transport.is_closing() for transport in transports)
    await AsyncZeroconf.async_close(responder)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("tcp://0.0.0.0:10300", True),
        ("tcp://192.168.1.2:10300", True),
        ("tcp://[::]:10300", True),
        ("tcp://127.0.0.1:10300", False),
        ("tcp://[::1]:10300", False),
        ("unix:///run/x.sock", False),
    ],
)
def test_only_what_others_reach_is_announced(uri: str, expected: bool) -> None:  # noqa: FBT001  # a table
    assert is_for_others(Address.parse(uri)) is expected


def test_the_name_stays_and_does_not_give_the_machines_number_away(tmp_path: Path) -> None:
    assert instance_name(None) == instance_name(None)
    assert instance_name("Kitchen") == "Kitchen"
    number = Path("/etc/machine-id")
    if number.exists() and number.read_text(encoding="ascii").strip():
        assert instance_name(None).rpartition("-")[2] not in number.read_text(encoding="ascii")


def test_one_address_is_announced_alone() -> None:
    assert own_addresses("192.0.2.1") == ("192.0.2.1",)
    assert not {"127.0.0.1", "::1"} & {*own_addresses("0.0.0.0"), *own_addresses("::")}


async def test_the_server_announces_a_port_for_others_only(serve: Serve) -> None:
    loopback = await serve()
    assert loopback.server._announcement is None
    off = await serve(wyoming={"uri": "tcp://0.0.0.0:0", "zeroconf": False})
    assert off.server._announcement is None
    service = await serve(wyoming={"uri": "tcp://0.0.0.0:0", "name": "Attic"})
    announcement = service.server._announcement
    assert announcement is not None
    assert announcement.name == "Attic"
    await service.server.stop(0.0)
    assert service.server._announcement is None


@pytest.mark.parametrize("name", ["", "x" * 64, "ä" * 32, "a\nb"])
def test_a_name_has_to_fit_into_the_dns(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        WyomingSettings(name=name)


@pytest.fixture
def two_machines() -> Iterator[tuple[str, str]]:
    """Two network namespaces with a cable between them: 10.213.7.1 and 10.213.7.2."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    one, two = (f"lvx{os.getpid()}{end}" for end in "ab")
    made = subprocess.run(["ip", "netns", "add", one], capture_output=True, check=False)  # noqa: S607  # as found
    if made.returncode:
        pytest.skip("network namespaces are not allowed here")
    try:
        ip("netns", "add", two)
        ip("link", "add", f"{one}0", "netns", one, "type", "veth", "peer", "name", f"{two}0", "netns", two)
        for number, namespace in ((1, one), (2, two)):
            ip("-n", namespace, "addr", "add", f"10.213.7.{number}/24", "dev", f"{namespace}0")
            for device in ("lo", f"{namespace}0"):
                ip("-n", namespace, "link", "set", device, "up")
        yield one, two
    finally:
        for namespace in (one, two):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)  # noqa: S607


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)  # noqa: S607  # as found


async def test_another_machine_finds_it_follows_its_address_and_sees_it_go(
    two_machines: tuple[str, str],
) -> None:
    house, visitor = two_machines
    async with running("tests.fakes.found", "10.213.7.2", namespace=visitor) as browser:
        await browser.until(change="ready")
        async with running("tests.fakes.findable", "Attic", "10300", "0.0.0.0", namespace=house):
            found = await browser.until(name="Attic", change="Added")
            assert (found["port"], found["addresses"]) == (10300, ["10.213.7.1"])
            ip("-n", house, "addr", "del", "10.213.7.1/24", "dev", f"{house}0")
            ip("-n", house, "addr", "add", "10.213.7.9/24", "dev", f"{house}0")
            found = await browser.until(name="Attic", change="Updated")
            assert "10.213.7.9" in found["addresses"]
        await browser.until(name="Attic", change="Removed")
