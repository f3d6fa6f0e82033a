"""The units as systemd itself judges them, without a running systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

UNITS = Path(__file__).resolve().parents[2] / "systemd"
UNIT = UNITS / "lunavox-edge.service"
ANALYZE = shutil.which("systemd-analyze") or ""


@pytest.fixture
def analyze() -> str:
    """The tool of systemd 250 or later, which can look at a file."""
    if not ANALYZE:
        pytest.skip("systemd-analyze is not installed")
    version = subprocess.run([ANALYZE, "--version"], capture_output=True, text=True, check=True, timeout=30)
    number = re.match(r"systemd (\d+)", version.stdout)
    if number is None or int(number[1]) < 250:
        pytest.skip("systemd-analyze is too old")
    return ANALYZE


def installed_here(folder: Path, unit: Path) -> Path:
    """A copy whose program exists on this machine."""
    copy = folder / unit.name
    copy.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/sh", unit.read_text()))
    return copy


def test_the_unit_exposes_at_most_1_5(analyze: str) -> None:
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("drop_in", [None, "gpu.conf.example", "credentials.conf.example"])
def test_the_unit_and_its_drop_ins_are_clean(analyze: str, tmp_path: Path, drop_in: str | None) -> None:
    copy = installed_here(tmp_path, UNIT)
    if drop_in is not None:
        folder = tmp_path / f"{UNIT.name}.d"
        folder.mkdir()
        (folder / drop_in.removesuffix(".example")).write_text((UNITS / folder.name / drop_in).read_text())
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_of_one_user_is_clean(analyze: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    copy = installed_here(tmp_path, UNITS / "user" / UNIT.name)
    done = subprocess.run(
        [analyze, "--user", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
