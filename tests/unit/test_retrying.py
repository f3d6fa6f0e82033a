"""The pauses between connection attempts, on an event loop whose clock leaps to the next timer."""

from __future__ import annotations

import asyncio

import pytest

from lunavox_edge.bridge import cancel_and_wait
from lunavox_edge.retrying import Retrying
from tests.fakes.leaping_loop import run

pytestmark = pytest.mark.unit


class Attempts:
    """Connections that last for these seconds; after the last one, `connect` waits forever."""

    def __init__(self, *lasting_s: float) -> None:
        self.lasting_s = list(lasting_s)
        self.begun_s: list[float] = []
        self.ended_s: list[float] = []
        self.all = asyncio.Event()
        self.retrying = Retrying(self.connect, first_pause_s=1.0, longest_pause_s=8.0, stable_s=10.0)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        self.begun_s.append(loop.time())
        if not self.lasting_s:
            self.all.set()
            await asyncio.Event().wait()
        await asyncio.sleep(self.lasting_s.pop(0))
        self.ended_s.append(loop.time())

    @property
    def pauses_s(self) -> list[float]:
        return [begun - end for begun, end in zip(self.begun_s[1:], self.ended_s, strict=True)]

    async def made(self) -> list[float]:
        running = asyncio.create_task(self.retrying.run())
        await self.all.wait()
        await cancel_and_wait(running)
        return self.pauses_s


def test_pauses_grow_to_a_bound_and_are_never_quite_the_same() -> None:
    async def pauses() -> list[float]:
        return await Attempts(*[0.0] * 8).made()

    found = run(pauses())
    for pause_s, most_s in zip(found, (1, 2, 4, 8, 8, 8, 8, 8), strict=True):
        assert most_s / 2 - 0.001 <= pause_s <= most_s + 0.001
    assert len(set(found)) == len(found)


def test_after_a_connection_that_lasted_they_begin_anew() -> None:
    async def pauses() -> list[float]:
        return await Attempts(0.0, 0.0, 0.0, 11.0, 9.0).made()

    *_, after_long, after_short = run(pauses())
    assert after_long <= 1.001
    assert 1.0 <= after_short <= 2.001


@pytest.mark.parametrize("after_s", [2.0, 5.1], ids=["while it connects", "while it rests"])
def test_news_shorten_the_pause(after_s: float) -> None:
    class Hurried(Attempts):
        async def connect(self) -> None:
            if len(self.begun_s) == 4:
                asyncio.get_running_loop().call_later(after_s, self.retrying.hurry)
            await super().connect()

    async def pauses() -> list[float]:
        return await Hurried(0.0, 0.0, 0.0, 0.0, 5.0, 0.0).made()

    found = run(pauses())
    assert found[3] >= 4.0 - 0.001
    assert found[4] <= 1.2
    assert 1.0 - 0.001 <= found[5] <= 2.001


def test_what_the_attempt_raises_comes_out() -> None:
    async def broken() -> None:
        raise KeyError("x")

    async def tried() -> None:
        await Retrying(broken, first_pause_s=1.0, longest_pause_s=8.0, stable_s=10.0).run()

    with pytest.raises(KeyError):
        run(tried())
