from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.fakes.leftovers import Leftovers

_LEFTOVERS = pytest.StashKey[Leftovers]()


@pytest.fixture(autouse=True)
def _leftovers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    leftovers = Leftovers()
    leftovers.watch(monkeypatch)
    request.node.stash[_LEFTOVERS] = leftovers
    yield
    leftovers.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Look before the fixtures are torn down: closing a lane or an engine ends what a test forgot."""
    result = yield
    if _LEFTOVERS in item.stash:
        item.stash[_LEFTOVERS].check()
    return result
