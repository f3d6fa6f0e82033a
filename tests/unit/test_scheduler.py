"""The order in which the scheduler gives out items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.engine.scheduling.scheduler import Scheduler

pytestmark = pytest.mark.unit


def test_earliest_deadline_comes_first() -> None:
    queue: Scheduler[str] = Scheduler()
    queue.push("announcement", 30.0)
    queue.push("reply", 1.0)
    queue.push("transcript", 0.5)

    assert [queue.pop(), queue.pop(), queue.pop(), queue.pop()] == [
        "transcript",
        "reply",
        "announcement",
        None,
    ]


def test_equal_deadlines_keep_their_order() -> None:
    queue: Scheduler[int] = Scheduler()
    for room in range(8):
        queue.push(room, 0.0)

    assert [queue.pop() for _ in range(8)] == list(range(8))


def test_pushing_again_replaces_the_deadline() -> None:
    queue: Scheduler[str] = Scheduler()
    queue.push("speech", 1.0)
    queue.push("reply", 2.0)
    queue.push("speech", 3.0)

    assert len(queue) == 2
    assert [queue.pop(), queue.pop(), queue.pop()] == ["reply", "speech", None]


def test_a_removed_item_is_never_popped() -> None:
    queue: Scheduler[str] = Scheduler()
    queue.push("left", 0.0)
    queue.push("stays", 1.0)

    assert queue.remove("left")
    assert not queue.remove("left")
    assert queue.pop() == "stays"
    assert queue.pop() is None


def test_a_relaxed_item_is_reached_however_many_replies_keep_coming() -> None:
    queue: Scheduler[str] = Scheduler()
    queue.push("announcement", 30.0)
    for second in range(100):
        queue.push(f"reply {second}", float(second))
        if queue.pop() == "announcement":
            break
    else:
        pytest.fail("the announcement starved")

    assert second >= 30


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100), st.booleans())))
def test_any_sequence_of_pushes_and_removes_keeps_the_order(steps: list[tuple[int, float, bool]]) -> None:
    queue: Scheduler[int] = Scheduler()
    expected: dict[int, float] = {}
    for item, deadline_s, remove in steps:
        if remove:
            assert queue.remove(item) == (expected.pop(item, None) is not None)
        else:
            queue.push(item, deadline_s)
            expected[item] = deadline_s

    assert len(queue) == len(expected)
    popped = []
    while (next_item := queue.pop()) is not None:
        popped.append(expected.pop(next_item))
    assert popped == sorted(popped)
    assert not expected
