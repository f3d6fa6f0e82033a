"""Satellites that are found by zeroconf and approved, with real zeroconf on the loopback."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from zeroconf.asyncio import AsyncZeroconf

from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.background import Background
from lunavox_edge.bridge import cancel_and_wait
from lunavox_edge.checks import satellite_check
from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.engine.engine import Engine
from lunavox_edge.hub import approved, choices, following, satellite_link
from lunavox_edge.hub.approved import Approved
from lunavox_edge.hub.choices import Choice
from lunavox_edge.hub.following import Following, Places
from lunavox_edge.hub.hub import Hub
from lunavox_edge.settings.model import Settings
from lunavox_edge.wire import neighbours
from lunavox_edge.wire.neighbours import Neighbour
from lunavox_edge.wire.zeroconf import ServiceAnnouncement
from tests.fakes.leftovers import assert_nothing_left
from tests.fakes.satellite import FakeSatellite, until

pytestmark = pytest.mark.wire

SERVICE = f"kitchen-{os.getpid()}"
WAIT_S = 30.0


def loopback() -> tuple[str, ...]:
    return ("127.0.0.1",)


@pytest.fixture(autouse=True)
async def _on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        await AsyncZeroconf(interfaces=["127.0.0.1"]).async_close()
    except OSError as error:
        pytest.skip(f"no multicast DNS on the loopback: {error}")
    monkeypatch.setattr(neighbours, "interfaces", loopback)
    monkeypatch.setattr(satellite_check, "_SEARCH_S", 1.2)
    monkeypatch.setattr(following, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(satellite_link, "_LONGEST_PAUSE_S", 0.2)


@dataclass
class House:
    """A hub, and the command line that approves its satellites."""

    hub: Hub
    config: Path
    file: Path

    async def command(self, *words: str) -> int:
        return await asyncio.to_thread(main, ["--config", str(self.config), "satellites", *words])

    def online(self) -> list[tuple[str, str]]:
        return [(view.id, view.address) for view in self.hub.views() if view.online]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config, file = tmp_path / "config.yaml", tmp_path / "approved.json"
    settings = {"catalog": {"cache_dir": str(tmp_path)}, "satellites": {"approved_file": str(file)}}
    config.write_text(json.dumps(settings), encoding="utf-8")
    engine = Engine(Settings.model_validate(settings))
    background = Background(first_pause_s=0.01)
    hub = Hub(
        engine,
        engine.settings.satellites,
        SoundCard(None),
        choices_file=tmp_path / "choices.json",
        approved_file=file,
        background=background,
    )
    hub.start()
    try:
        yield House(hub, config, file)
    finally:
        await hub.stop(0.0)
        await background.stop()
        assert_nothing_left(engine)
        engine.close()


@asynccontextmanager
async def announced(*satellites: tuple[str, FakeSatellite]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for name, satellite in satellites:
            await satellite.start()
            stack.push_async_callback(satellite.stop)
            announcement = ServiceAnnouncement(name, satellite.port, addresses=loopback)
            announcement.start()
            stack.push_async_callback(announcement.stop)
        yield


async def until_found(house: House, capsys: pytest.CaptureFixture[str], *services: str) -> dict[str, Any]:
    """List until all of them are there; announcing takes a moment."""
    for _ in range(10):
        await house.command("--json")
        found = rows(capsys)
        if found.keys() >= {*services}:
            return found
    raise AssertionError(found)


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {row["service"]: row for row in json.loads(capsys.readouterr().out)}


async def test_one_that_is_found_is_approved_followed_and_forgotten(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    kitchen, stranger, other = (
        FakeSatellite(name="Kitchen"),
        FakeSatellite(name="x\x1b[2J"),
        FakeSatellite(info={}),
    )
    names = (SERVICE, f"{SERVICE}-stranger", f"{SERVICE}-other")
    async with announced(*zip(names, (kitchen, stranger, other), strict=True)):
        found = await until_found(house, capsys, *names[:2])
        assert {name: found[name]["source"] for name in names[:2]} == dict.fromkeys(names[:2], "found")
        assert names[2] not in found
        assert "\x1b" not in found[names[1]]["name"]
        assert await house.command("approve", SERVICE) == ExitCode.OK
        assert "Approved kitchen" in capsys.readouterr().out
        await until(house.online, house.hub.views, WAIT_S)
        assert house.online() == [("kitchen", kitchen.uri)]
        assert await house.command("approve", "kitchen", "--id", "attic") == ExitCode.OK
        await until(lambda: house.online() == [("attic", kitchen.uri)], house.hub.views, WAIT_S)
        await kitchen.until("run-satellite", 2)
        capsys.readouterr()
        assert await house.command("list", "--json") == ExitCode.OK
        assert rows(capsys)[SERVICE]["source"] == "approved"
    assert [came.event.type for came in (*stranger.came, *other.came)] == []
    moved = FakeSatellite(name="Kitchen")
    await until(lambda: not house.online(), house.hub.views, WAIT_S)
    async with announced((SERVICE, moved)):
        assert moved.uri != kitchen.uri
        await until(lambda: house.online() == [("attic", moved.uri)], house.hub.views, WAIT_S)
        assert await house.command("forget", SERVICE) == ExitCode.OK
        await until(lambda: not house.hub.views(), house.hub.views, WAIT_S)
        await until(lambda: not moved._writers, list, WAIT_S)
        assert await house.command("forget", SERVICE) == ExitCode.NOT_FOUND


async def test_only_one_that_is_there_can_be_approved(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = FakeSatellite(name="Twin"), FakeSatellite(name="Twin")
    async with announced((SERVICE, one), (f"{SERVICE}-2", two)):
        # Every search finds both, which one over a busy network may not.
        near = (Neighbour(SERVICE, (one.uri,), "Twin", ""), Neighbour(f"{SERVICE}-2", (two.uri,), "Twin", ""))
        monkeypatch.setattr(satellite_check, "near", lambda _: near)
        found = await until_found(house, capsys, SERVICE, f"{SERVICE}-2")
        assert {row["source"] for row in found.values()} == {"found"}
        assert await house.command("approve", "nobody") == ExitCode.NOT_FOUND
        assert "nobody" in capsys.readouterr().err
        assert await house.command("approve", one.uri, "--id", "all") == ExitCode.USAGE
        assert await house.command("approve", one.uri, "--id", "first") == ExitCode.OK
        assert await house.command("approve", two.uri, "--id", "first") == ExitCode.USAGE
        assert await house.command("approve", two.uri) == ExitCode.OK
        assert await house.command("approve", "TWIN") == ExitCode.USAGE
    house.file.write_text("{", encoding="utf-8")
    assert await house.command("forget", "first") == ExitCode.USAGE
    assert house.file.read_text(encoding="utf-8") == "{"


async def test_a_file_that_cannot_be_read_for_now_drops_nobody(house: House) -> None:
    kitchen = FakeSatellite(name="Kitchen")
    async with announced((SERVICE, kitchen)):
        approved.save(house.file, {"kitchen": Approved(SERVICE, kitchen.uri)})
        await until(house.online, house.hub.views, WAIT_S)
        house.hub.set_muted("kitchen", muted=True)
        house.file.write_text("{", encoding="utf-8")
        bath = FakeSatellite(name="Bath")
        async with announced((f"{SERVICE}-bath", bath)):
            entries = {
                "kitchen": Approved(SERVICE, kitchen.uri),
                "bath": Approved(f"{SERVICE}-bath", bath.uri),
            }
            await asyncio.sleep(0.3)
            assert house.online() == [("kitchen", kitchen.uri)]
            approved.save(house.file, entries)
            await until(lambda: len(house.online()) == 2, house.hub.views, WAIT_S)
        assert kitchen.connections == 1
        assert house.hub.views()[0].muted


async def test_what_was_chosen_for_one_lasts_until_it_is_forgotten(house: House, tmp_path: Path) -> None:
    kitchen = FakeSatellite(name="Kitchen")
    async with announced((SERVICE, kitchen)):
        approved.save(house.file, {"kitchen": Approved(SERVICE, kitchen.uri)})
        await until(house.online, house.hub.views, WAIT_S)
        house.hub.set_muted("kitchen", muted=True)
        await house.hub.stop(0.0)
        engine = Engine(Settings.model_validate({"catalog": {"cache_dir": tmp_path}}))
        hub = Hub(
            engine,
            engine.settings.satellites,
            SoundCard(None),
            choices_file=tmp_path / "choices.json",
            approved_file=house.file,
        )
        assert [view.muted for view in hub.views()] == [True]
        engine.close()


async def test_what_could_not_be_taken_is_told_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, taken = tmp_path / "approved.json", list[Places]()
    left = [RuntimeError("not now"), RuntimeError("nor now")]

    def take(places: Places) -> None:
        if left:
            raise left.pop()
        taken.append(places)

    background = Background(first_pause_s=0.01)
    followed = background.start("satellites approved", Following(file, take, search=False).run)
    approved.save(file, {"kitchen": Approved(SERVICE, "tcp://127.0.0.1:9")})
    await until(lambda: taken, wait_s=WAIT_S)
    assert taken == [{"kitchen": ("tcp://127.0.0.1:9",)}]
    assert "nor now" in caplog.text
    await cancel_and_wait(followed)


async def test_choices_that_could_not_be_kept_are_kept_at_the_next_try(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [RuntimeError("not now")]
    save = choices.save

    def saves(file: Path, chosen: Mapping[str, Choice]) -> None:
        if left:
            raise left.pop()
        save(file, chosen)

    monkeypatch.setattr(choices, "save", saves)
    approved.save(house.file, {"kitchen": Approved(SERVICE, "tcp://127.0.0.1:9")})
    await until(house.hub.views, wait_s=WAIT_S)
    house.hub.set_muted("kitchen", muted=True)
    await until((tmp_path / "choices.json").exists, wait_s=WAIT_S)
    await until(lambda: choices.load(tmp_path / "choices.json")["kitchen"].muted, wait_s=WAIT_S)
