from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
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
    file.write_text(json.dumps({"satellites": {"known": known}}))
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
    }
    assert not rows["other"]["online"]
    assert "offline" in rows["gone"]["problem"]
    await asyncio.to_thread(main, ["--config", str(file), "satellites", "list"])
    assert "Kitchen satellite" in capsys.readouterr().out
    for fake in (here, other):
        await fake.stop()


def test_there_may_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("{}")
    assert main(["--config", str(file), "satellites", "list"]) == ExitCode.OK
    assert "SATELLITES.md" in capsys.readouterr().out
