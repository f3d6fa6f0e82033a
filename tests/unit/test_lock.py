"""The lock file holds everything that an appliance needs, with hashes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]


def locked() -> dict[str, list[str]]:
    """The pinned requirements by name."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            name = re.split(r"[=<> ;\[]", line, maxsplit=1)[0]
            found.setdefault(name, []).append(line)
    return found


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins = locked()
    for text in [*project["dependencies"], *extras["starter"], *extras["mqtt"]]:
        requirement = Requirement(text)
        lines = pins.get(requirement.name.lower(), [])
        assert lines, f"{requirement.name} is not locked; run `make lock`"
        for line in lines:
            version = line.split("==")[1].split()[0]
            assert requirement.specifier.contains(version), f"{line.split()[0]}; run `make lock`"


def test_every_pin_has_a_hash() -> None:
    assert all("--hash=sha256:" in line for lines in locked().values() for line in lines)
