from __future__ import annotations

import json
from pathlib import Path

import pytest

from lunavox_edge.errors import Busy
from lunavox_edge.hub import approved
from lunavox_edge.hub.approved import Approved
from lunavox_edge.hub.following import Following, Places
from lunavox_edge.settings.satellite_settings import SatellitesSettings

pytestmark = pytest.mark.unit

KITCHEN = Approved("Kitchen satellite", "tcp://192.0.2.1:10700")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "state" / "approved.json"
    assert approved.load(file) == {}
    approved.save(file, {"kitchen": KITCHEN})
    assert approved.load(file) == {"kitchen": KITCHEN}
    assert file.stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"a": ' * 5000, "\xff"])
def test_a_damaged_file_is_no_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "approved.json"
    file.write_bytes(text.encode("latin-1"))
    assert approved.load(file) is None


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("kitchen", {"service": "x", "uri": "http://192.0.2.1"}),
        ("kitchen", {"service": "x", "uri": "tcp://192.0.2.1:0"}),
        ("kitchen", {"service": "", "uri": KITCHEN.uri}),
        ("kitchen", {"service": "x" * 200, "uri": KITCHEN.uri}),
        ("kitchen", {"service": 7, "uri": KITCHEN.uri}),
        ("kitchen", {"uri": KITCHEN.uri}),
        ("kitchen", "tcp://192.0.2.1:10700"),
        ("all", {"service": "x", "uri": KITCHEN.uri}),
        ("../kitchen", {"service": "x", "uri": KITCHEN.uri}),
        ("kitchen\n", {"service": "x", "uri": KITCHEN.uri}),
        ("", {"service": "x", "uri": KITCHEN.uri}),
    ],
)
def test_what_is_not_valid_is_left_out(tmp_path: Path, key: str, entry: object) -> None:
    file = tmp_path / "approved.json"
    good = {"service": KITCHEN.service, "uri": KITCHEN.uri}
    file.write_text(json.dumps({key: entry, "good": good}), encoding="utf-8")
    assert approved.load(file) == {"good": KITCHEN}


def test_there_are_not_more_than_a_house_has(tmp_path: Path) -> None:
    file = tmp_path / "approved.json"
    approved.save(file, {f"s{number}": KITCHEN for number in range(approved.MAX_APPROVED + 10)})
    found = approved.load(file)
    assert found is not None
    assert len(found) == approved.MAX_APPROVED


def test_one_at_a_time_changes_it(tmp_path: Path) -> None:
    file = tmp_path / "approved.json"
    with approved.change(file), pytest.raises(Busy), approved.change(file):
        pass
    with approved.change(file):
        pass


def test_ids_are_made_of_names() -> None:
    assert approved.free_id("Kitchen Satellite", set()) == "kitchen-satellite"
    assert approved.free_id("Kitchen", {"kitchen", "kitchen-2"}) == "kitchen-3"
    assert approved.free_id("all", set()) == "all-2"
    for name in ("", "../..", "Küche", "厨房", "-x", "x" * 500):
        assert approved.is_id(approved.free_id(name, set()))


def test_the_file_is_that_of_the_settings(tmp_path: Path) -> None:
    assert approved.file_of(SatellitesSettings(approved_file=tmp_path / "x")) == tmp_path / "x"
    assert approved.file_of(SatellitesSettings()).name == "approved-satellites.json"


def test_at_the_start_the_file_alone_counts(tmp_path: Path) -> None:
    file = tmp_path / "approved.json"
    approved.save(file, {"kitchen": KITCHEN})
    taken: list[Places] = []
    Following(file, taken.append, search=True).read()
    assert taken == [{"kitchen": (KITCHEN.uri,)}]
    Following(tmp_path / "none", taken.append, search=True).read()
    assert len(taken) == 1
