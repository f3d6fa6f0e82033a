"""Settings files of older versions are converted; newer ones are rejected."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from lunavox_edge.errors import SettingsError
from lunavox_edge.settings.reading import load_settings
from lunavox_edge.settings.versions import VERSION, take_version

pytestmark = pytest.mark.unit


def renamed(values: dict[str, Any]) -> dict[str, Any]:
    return {"speech": values.pop("tts", {}), **values}


def doubled(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "speech": {key: 2 * value for key, value in values["speech"].items()}}


STEPS = (renamed, doubled)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"version": 1, "tts": {"speed": 1}}, {"speech": {"speed": 2}}),
        ({"version": 2, "speech": {"speed": 1}}, {"speech": {"speed": 2}}),
        ({"version": 3, "speech": {"speed": 1}}, {"speech": {"speed": 1}}),
        ({"tts": {"speed": 1}}, {"speech": {"speed": 2}}),
        ({"version": None, "tts": {"speed": 1}}, {"speech": {"speed": 2}}),
    ],
    ids=["first", "second", "newest", "none is the first", "empty is the first"],
)
def test_steps_from_where_the_file_is(
    before: dict[str, Any], after: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert take_version(before, STEPS) == after
    assert ("read as version 3" in caplog.text) is (before.get("version") != 3)


def test_a_file_that_says_nothing_is_not_called_old(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert take_version({}, (lambda values: values,)) == {}
    assert not caplog.messages


@pytest.mark.parametrize("wrong", [0, -1, "1", 1.0, True, [], VERSION + 1])
def test_a_version_that_is_none_or_too_new_names_its_line(tmp_path: Path, wrong: object) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"\nversion: {wrong!r}\ntts: {{speed: 1.5}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"config.yaml:2: version: "):
        load_settings(file, {})


def test_the_present_version_is_read_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    text = f"# mine\nversion: {VERSION}\ntts: {{speed: 1.5}}\n"
    file.write_text(text, encoding="utf-8")
    assert load_settings(file, {}).tts.speed == 1.5
    assert file.read_text(encoding="utf-8") == text
