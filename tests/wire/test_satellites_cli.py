from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lunavox_edge.checks import doctor
from lunavox_edge.checks.checkup import Severity
from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.settings.model import Settings
from tests.fakes.satellite import FakeSatellite

pytestmark = pytest.mark.wire


async def test_satellites_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here, other = FakeSatellite(name="Kitchen satellite", area="Kitchen"), FakeSatellite(info={})
    for fake in (here, other):
        await fake.start()
    known = {
        "kitchen": {"uri": here.uri, "answer": "mqtt"},
        "other": {"uri": other.uri},
        "gone": {"uri": "tcp://127.0.0.1:9", "area": "Attic"},
    }
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"satellites": {"known": known, "zeroconf": False}}))
    status = await asyncio.to_thread(main, ["--config", str(file), "satellites", "list", "--json"])
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert status == ExitCode.UNREACHABLE
    assert rows["kitchen"] == {
        "id": "kitchen",
        "address": here.uri,
        "name": "Kitchen satellite",
        "area": "Kitchen",
        "answer": "mqtt",
        "online": True,
        "problem": None,
        "source": "settings",
        "service": None,
    }
    assert not rows["other"]["online"]
    assert "offline" in rows["gone"]["problem"]
    await asyncio.to_thread(main, ["--config", str(file), "satellites", "list"])
    assert "Kitchen satellite" in capsys.readouterr().out
    for fake in (here, other):
        await fake.stop()


async def test_doctor_looks_for_satellites_and_for_who_answers() -> None:
    here, other = FakeSatellite(name="Kitchen satellite"), FakeSatellite(info={})
    for fake in (here, other):
        await fake.start()
    house = {
        "known": {
            "kitchen": {"uri": here.uri, "area": "Kitchen", "answer": "friend"},
            "other": {"uri": other.uri},
            "gone": {"uri": "tcp://127.0.0.1:9"},
        },
        "answers": {
            "friend": {"kind": "wyoming", "url": other.uri},
            "stranger": {"kind": "openai", "url": "http://127.0.0.1:9/v1"},
            "nobody": {"kind": "wyoming", "url": "unix:///no/such/socket"},
        },
    }
    settings = Settings.model_validate({"satellites": house})
    found = await asyncio.to_thread(lambda: [*doctor._satellites(settings), *doctor._answers(settings)])
    satellites = [finding for finding in found if finding.topic == "satellite"]
    answers = [finding for finding in found if finding.topic == "answer"]
    assert [finding.verdict for finding in satellites] == [Severity.OK, Severity.WARN, Severity.WARN]
    assert "Kitchen satellite in Kitchen, friend answers" in satellites[0].text
    assert "offline" in satellites[2].text
    assert "satellites.known.gone.uri" in satellites[2].text
    assert [finding.verdict for finding in answers] == [Severity.OK, Severity.WARN, Severity.WARN]
    assert "Connection refused" in answers[1].text
    assert "No such file" in answers[2].text
    for fake in (here, other):
        await fake.stop()
    (none,) = doctor._satellites(Settings())
    assert none.verdict is Severity.OK


@pytest.mark.parametrize("name", [7, "\x1b[31mKitchen\n"])
async def test_the_name_of_a_satellite_does_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: object
) -> None:
    told = {"attribution": {"name": "", "url": ""}, "installed": True, "description": None, "version": None}
    fake = FakeSatellite(info={"satellite": {**told, "name": name}})
    await fake.start()
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"satellites": {"known": {"kitchen": {"uri": fake.uri}}, "zeroconf": False}}))
    await asyncio.to_thread(main, ["--config", str(file), "satellites", "list"])
    header, row = capsys.readouterr().out.splitlines()
    assert header.startswith("ID")
    assert row.isprintable()
    await fake.stop()


def test_there_may_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("satellites: {zeroconf: false}")
    assert main(["--config", str(file), "satellites"]) == ExitCode.OK
    assert "SATELLITES.md" in capsys.readouterr().out
    assert main(["--config", str(file), "satellites", "approve", "kitchen"]) == ExitCode.USAGE
    assert "satellites.zeroconf" in capsys.readouterr().err
