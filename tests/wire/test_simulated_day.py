from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests import simulated_day

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]


async def test_after_a_day_at_the_hub_nothing_more_is_held(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    said: list[str] = []
    found = await simulated_day.day(100, tmp_path, said.append)
    grown = simulated_day.growth(found)
    assert {what: most for what, most in simulated_day.ALLOWED.items() if grown[what] > most} == {}, said
    assert all(act in said[-1] for act in ("command", "announce", "interrupt", "guest")), said[-1]
    assert not caplog.records
