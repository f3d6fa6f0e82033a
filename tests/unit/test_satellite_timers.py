"""The countdown of the device's timers, on a clock that the test moves."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from lunavox_edge.errors import Busy, ProtocolError
from lunavox_edge.satellite.timers import MAX_TIMERS, Timers
from tests.fakes.clock import ManualClock

pytestmark = pytest.mark.unit


class Kitchen:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.rung = 0
        self.silent = 0
        self.timers = Timers(self.clock, on_ring=self._rang, on_silent=self._fell_silent)

    def _rang(self) -> None:
        self.rung += 1

    def _fell_silent(self) -> None:
        self.silent += 1

    def start(self, timer_id: str, seconds: int) -> None:
        self.timers.take(TimerStarted(id=timer_id, total_seconds=seconds, name="eggs").event())

    def update(self, timer_id: str, seconds: int, *, active: bool = True) -> None:
        event = TimerUpdated(id=timer_id, is_active=active, total_seconds=seconds)
        self.timers.take(event.event())

    def cancel(self, timer_id: str) -> None:
        self.timers.take(TimerCancelled(id=timer_id).event())

    def finish(self, timer_id: str) -> None:
        self.timers.take(TimerFinished(id=timer_id).event())


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


def test_it_rings_when_the_time_is_up_and_not_before(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(59.9)
    assert not kitchen.timers.ringing
    kitchen.clock.pass_s(0.1)
    assert kitchen.timers.ringing
    assert (kitchen.rung, kitchen.timers.count) == (1, 0)


@pytest.mark.parametrize("silenced", [False, True])
def test_what_the_hub_says_after_our_own_countdown_rings_no_second_time(
    kitchen: Kitchen, *, silenced: bool
) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(60)
    if silenced:
        assert kitchen.timers.silence()
    kitchen.finish("a")
    assert kitchen.rung == 1
    assert kitchen.timers.ringing is not silenced


def test_the_hub_may_be_earlier_than_our_own_countdown(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(59)
    kitchen.finish("a")
    assert kitchen.timers.silence()
    kitchen.clock.pass_s(60)
    assert (kitchen.rung, kitchen.silent, kitchen.clock.waiting) == (1, 1, 0)


def test_a_pause_stops_the_countdown_and_the_rest_is_counted_after_it(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(20)
    kitchen.update("a", 40, active=False)
    kitchen.clock.pass_s(3600)
    assert not kitchen.timers.ringing
    kitchen.update("a", 40)
    kitchen.clock.pass_s(39)
    assert not kitchen.timers.ringing
    kitchen.clock.pass_s(1)
    assert kitchen.rung == 1


@pytest.mark.parametrize(("left_s", "more_s"), [(90, 90), (5, 5)])
def test_time_is_added_or_taken_away(kitchen: Kitchen, left_s: int, more_s: int) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(30)
    kitchen.update("a", left_s)
    kitchen.clock.pass_s(more_s - 1)
    assert not kitchen.timers.ringing
    kitchen.clock.pass_s(1)
    assert kitchen.rung == 1


def test_all_time_taken_away_rings_once(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.update("a", 0)
    assert kitchen.rung == 1
    kitchen.finish("a")
    kitchen.clock.pass_s(100)
    assert kitchen.rung == 1


def test_a_cancelled_timer_does_not_ring_even_if_its_end_still_comes(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.cancel("a")
    kitchen.clock.pass_s(61)
    kitchen.finish("a")
    assert (kitchen.rung, kitchen.clock.waiting) == (0, 0)


def test_what_is_said_again_after_a_reconnect_changes_nothing(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(50)
    kitchen.start("a", 60)
    kitchen.clock.pass_s(10)
    assert kitchen.rung == 1
    kitchen.start("a", 60)
    assert kitchen.timers.ringing
    kitchen.clock.pass_s(60)
    assert kitchen.rung == 1


def test_an_id_can_be_used_for_another_timer_once_the_first_is_over(kitchen: Kitchen) -> None:
    for rung in (1, 2):
        kitchen.start("eggs", 60)
        kitchen.clock.pass_s(60)
        assert kitchen.rung == rung
        assert kitchen.timers.silence()


def test_time_added_to_a_timer_that_rings_silences_it_until_then(kitchen: Kitchen) -> None:
    kitchen.start("a", 60)
    kitchen.clock.pass_s(60)
    kitchen.update("a", 60)
    assert not kitchen.timers.ringing
    assert kitchen.silent == 1
    kitchen.clock.pass_s(60)
    assert kitchen.rung == 2


@pytest.mark.parametrize("active", [True, False])
def test_a_timer_that_only_the_hub_knows_is_taken_up(kitchen: Kitchen, *, active: bool) -> None:
    kitchen.update("from before our restart", 30, active=active)
    kitchen.clock.pass_s(30)
    assert kitchen.timers.ringing is active
    kitchen.finish("another")
    assert kitchen.timers.ringing


def test_two_at_once_and_one_is_cancelled(kitchen: Kitchen) -> None:
    kitchen.start("a", 10)
    kitchen.start("b", 10)
    kitchen.clock.pass_s(10)
    assert kitchen.rung == 2
    kitchen.cancel("a")
    assert kitchen.timers.ringing
    assert kitchen.silent == 0
    kitchen.cancel("b")
    assert not kitchen.timers.ringing
    assert kitchen.silent == 1


@pytest.mark.parametrize("data", [{"id": ""}, {"id": None}, {}])
def test_a_cancel_without_an_id_silences_and_cancels_nothing(
    kitchen: Kitchen, data: dict[str, object]
) -> None:
    kitchen.start("a", 10)
    kitchen.start("b", 20)
    kitchen.clock.pass_s(10)
    kitchen.timers.take(Event("timer-cancelled", data))
    assert not kitchen.timers.ringing
    kitchen.clock.pass_s(10)
    assert kitchen.rung == 2


def test_there_is_a_bound_and_those_that_are_known_keep_working(kitchen: Kitchen) -> None:
    for number in range(MAX_TIMERS):
        kitchen.start(f"t{number}", 60)
    with pytest.raises(Busy, match="64 timers"):
        kitchen.start("one more", 60)
    with pytest.raises(Busy):
        kitchen.finish("and another")
    kitchen.update("t0", 30)
    kitchen.cancel("t1")
    kitchen.start("one more", 60)
    kitchen.clock.pass_s(60)
    assert kitchen.rung == MAX_TIMERS
    kitchen.timers.close()
    assert (kitchen.timers.ringing, kitchen.clock.waiting) == (False, 0)


def test_paused_timers_that_their_hub_has_forgotten_do_not_fill_it_up(kitchen: Kitchen) -> None:
    for number in range(MAX_TIMERS):
        kitchen.update(f"t{number}", 60, active=number % 2 == 0)
    kitchen.start("eggs", 5)
    kitchen.clock.pass_s(5)
    assert (kitchen.rung, kitchen.timers.count) == (1, MAX_TIMERS - 1)
    kitchen.clock.pass_s(60)
    assert kitchen.rung == 1 + MAX_TIMERS // 2


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("timer-started", {"total_seconds": 5}, "needs an 'id'"),
        ("timer-started", {"id": " ", "total_seconds": 5}, "needs an 'id'"),
        ("timer-started", {"id": "a" * 257, "total_seconds": 5}, "'id' must be"),
        ("timer-started", {"id": ["a"], "total_seconds": 5}, "'id' must be"),
        ("timer-started", {"id": "a"}, "'total_seconds' must be"),
        ("timer-started", {"id": "a", "total_seconds": -1}, "between 0"),
        ("timer-started", {"id": "a", "total_seconds": 1e12}, "between 0"),
        ("timer-started", {"id": "a", "total_seconds": float("nan")}, "'total_seconds' must be"),
        ("timer-started", {"id": "a", "total_seconds": True}, "'total_seconds' must be"),
        ("timer-started", {"id": "a", "total_seconds": "soon"}, "'total_seconds' must be"),
        ("timer-updated", {"id": "a", "is_active": True}, "'total_seconds' must be"),
        ("timer-updated", {"id": "a", "is_active": "no", "total_seconds": 5}, "'is_active' must be"),
        ("timer-finished", {}, "needs an 'id'"),
        ("timer-cancelled", {"id": {}}, "'id' must be"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_the_rest_alone(
    kitchen: Kitchen, kind: str, data: dict[str, object], words: str
) -> None:
    kitchen.start("a", 10)
    with pytest.raises(ProtocolError, match=words):
        kitchen.timers.take(Event(kind, data))
    kitchen.clock.pass_s(10)
    assert (kitchen.rung, kitchen.clock.waiting) == (1, 0)


def test_numbers_as_the_wild_has_them(kitchen: Kitchen) -> None:
    kitchen.timers.take(Event("timer-started", {"id": 7, "total_seconds": 5.0, "name": 3}))
    kitchen.clock.pass_s(5)
    assert kitchen.rung == 1
    kitchen.cancel("7")
    assert not kitchen.timers.ringing


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_in_any_order_nothing_is_left_over(kitchen: Kitchen, seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311  # no secret
    for _ in range(400):
        timer_id = str(chosen.randrange(100))
        kind = chosen.choice(("started", "updated", "updated", "cancelled", "finished"))
        data = {"id": timer_id, "total_seconds": chosen.randrange(4), "is_active": chosen.random() < 0.6}
        with suppress(Busy):
            kitchen.timers.take(Event(f"timer-{kind}", data))
        if chosen.random() < 0.2:
            kitchen.clock.pass_s(1)
        if chosen.random() < 0.05:
            was = kitchen.timers.ringing
            assert kitchen.timers.silence() is was
        assert kitchen.timers.count <= MAX_TIMERS
        assert kitchen.clock.waiting <= kitchen.timers.count
    kitchen.timers.close()
    assert (kitchen.timers.ringing, kitchen.timers.count, kitchen.clock.waiting) == (False, 0, 0)
