"""A day at the hub in a minute: in a process of its own, whose memory nobody else uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]


def test_after_a_day_at_the_hub_nothing_more_is_held() -> None:
    command = [sys.executable, "-m", "tests.simulated_day", "--turns", "50"]
    day = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert day.returncode == 0, day.stdout + day.stderr
    assert all(act in day.stdout for act in ("command", "announce", "interrupt", "guest")), day.stdout
    assert "ERROR" not in day.stderr
