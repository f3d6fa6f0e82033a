"""`tools/test.sh`: what fails has failed, whatever it does the second time."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TOOLS = Path(__file__).resolve().parents[2] / "tools"

PYTEST = """#!/usr/bin/env bash
echo "$@" >> "$0.calls"
run=$(wc -l < "$0.calls")
echo "FAILED tests/x.py::test_$run"
read -ra statuses <<< "$STATUSES"
exit "${statuses[$run - 1]}"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose Python answers every call with the next of $STATUSES."""
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOLS / "test.sh", tmp_path / "tools")
    python = tmp_path / "python"
    python.write_text(PYTEST, encoding="utf-8")
    python.chmod(0o755)
    return tmp_path


def run(checkout: Path, *statuses: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "tools" / "test.sh"), str(checkout / "python"), "tests/unit"],
        env={**os.environ, "STATUSES": " ".join(map(str, statuses))},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def calls(checkout: Path) -> list[str]:
    return (checkout / "python.calls").read_text(encoding="utf-8").splitlines()


def test_what_passes_has_passed(checkout: Path) -> None:
    assert run(checkout, 0).returncode == 0
    (call,) = calls(checkout)
    assert call.endswith("tests/unit")


@pytest.mark.parametrize(("second", "verdict"), [(0, "They pass alone"), (1, "They fail alone too")])
def test_what_fails_has_failed_and_the_first_run_is_kept(checkout: Path, second: int, verdict: str) -> None:
    done = run(checkout, 1, second)
    assert done.returncode == 1
    assert verdict in done.stdout
    assert ".pytest_cache/first-run.log" in done.stdout
    assert done.stdout.splitlines()[-1] == "FAILED tests/x.py::test_1"
    log = (checkout / ".pytest_cache" / "first-run.log").read_text(encoding="utf-8")
    assert log == "FAILED tests/x.py::test_1\n"
    first, again = calls(checkout)
    assert "--numprocesses 0 --last-failed" in again
    assert "--last-failed" not in first


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_what_did_not_run_is_not_run_again(checkout: Path, status: int) -> None:
    assert run(checkout, status).returncode == status
    assert len(calls(checkout)) == 1


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (
            ["3.10", "3.13", "--", "tests/unit", "tests/wire"],
            ["3.10 tests/unit tests/wire", "3.13 tests/unit tests/wire"],
        ),
        (["3.10", "--"], ["3.10"]),
        (["3.10"], ["3.10"]),
    ],
)
def test_other_pythons_run_the_folders_that_are_named(
    tmp_path: Path, arguments: list[str], asked: list[str]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(TOOLS / "test_pythons.sh", tools)
    stubs = {
        "find_python.sh": "true",
        "setup_env.sh": "true",
        "test.sh": 'name=${1#.venv-}; shift; echo "asked ${name%/bin/python} $*"; [[ $name != 3.13* ]]',
    }
    for name, line in stubs.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{line}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    done = subprocess.run(
        [str(tools / "test_pythons.sh"), *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    calls = [line.removeprefix("asked ") for line in done.stdout.splitlines() if line.startswith("asked ")]
    assert [" ".join(word for word in call.split() if not word.startswith("--")) for call in calls] == asked
    assert done.returncode == ("3.13" in arguments)
    assert "Tests passed on: 3.10" in done.stdout
