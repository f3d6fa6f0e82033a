from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from lunavox_edge.engine.scheduling import lanes
from tests.fakes.leaping_loop import LeapingThreads, PatientLeapingLoop

hypothesis.settings.register_profile(
    "every-run",
    # The same examples whatever the machine and however busy: what fails is the change's own doing.
    derandomize=True,
    deadline=None,
    stateful_step_count=30,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "nightly",  # 10,000 steps of each state machine; other orders of events every night
    deadline=None,
    max_examples=200,
    stateful_step_count=50,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "search", deadline=None, max_examples=5000, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("every-run")

CATEGORIES = {"unit", "wire", "model", "broker"}


def pytest_configure() -> None:
    """Let processes of tests end at Ctrl-C, which a shell has its background jobs ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the collector of garbage, which runs whenever a model is unloaded, pass over what is imported."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that nobody could choose or leave out by their category."""
    wrong = {
        item.nodeid.split("::")[0]
        for item in items
        if len(CATEGORIES & {mark.name for mark in item.iter_markers()}) != 1
    }
    if wrong:
        raise pytest.UsageError(
            f"exactly one of the markers {', '.join(sorted(CATEGORIES))} is needed "
            f"(pytestmark = pytest.mark.unit) in: {', '.join(sorted(wrong))}"
        )


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("LUNAVOX_EDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-settings-here"))
    monkeypatch.setattr("lunavox_edge.settings.reading.SYSTEM_FILE", tmp_path / "no-settings-here.yaml")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give tests that ask for `leaping` a loop that leaps over waits."""
    leaps = isinstance(item, pytest.Function) and "leaping" in item.fixturenames
    return {"leaping": PatientLeapingLoop} if leaps else {"real": asyncio.new_event_loop}


@pytest.fixture
def leaping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loop leap over waits, for servers, satellites and their clients on that one loop."""
    # A pause counts if its audio took as long to come.
    monkeypatch.setattr(lanes, "Threads", LeapingThreads)
