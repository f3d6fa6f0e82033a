from __future__ import annotations

import itertools

import pytest

from lunavox_edge.announcements.house import SatellitePhase as Phase
from lunavox_edge.hub.ending import ENDINGS, EndReason
from lunavox_edge.hub.satellite_state import SatelliteEvent, SatelliteState

pytestmark = pytest.mark.unit

# One row for each state, one column for each event; "-": the event is not possible.
TABLE = """
              connected  lost     muted       unmuted     called     heard       speaks    done
offline       idle       -        offline*    -           -          -           -         -
idle          -          offline  muted*      -           listening  -           speaking  -
listening     -          offline  muted*      -           listening  processing  speaking  idle
processing    -          offline  processing* -           listening  -           speaking  idle
speaking      -          offline  speaking*   -           listening  -           speaking  idle
offline*      muted*     -        -           offline     -          -           -         -
muted*        -          offline* -           idle        -          -           speaking* -
processing*   -          offline* processing* processing  -          -           speaking* muted*
speaking*     -          offline* speaking*   speaking    -          -           speaking* muted*
"""


def named(word: str) -> SatelliteState:
    """`speaking*` is speaking and muted."""
    return SatelliteState(Phase(word.rstrip("*")), muted=word.endswith("*"))


HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(row[0], event, after) for row in ROWS for event, after in zip(HEAD, row[1:], strict=True)]


@pytest.mark.parametrize(("before", "event", "after"), CASES)
def test_table(before: str, event: str, after: str) -> None:
    found = named(before).after(SatelliteEvent(event))
    assert found == (None if after == "-" else named(after))


def test_the_table_has_every_event_and_every_state_that_can_be_reached() -> None:
    assert {SatelliteEvent(name) for name in HEAD} == set(SatelliteEvent)
    reached, fresh = set[SatelliteState](), {SatelliteState()}
    while fresh:
        reached |= fresh
        following = itertools.product(fresh, SatelliteEvent)
        fresh = {found for state, event in following if (found := state.after(event))} - reached
    assert reached == {named(row[0]) for row in ROWS}


def test_muted_nothing_is_listened_to() -> None:
    assert not any(named(row[0]).hears for row in ROWS if row[0].endswith("*") or row[0] == "offline")
    assert all(named(row[0]).phase is not Phase.LISTENING for row in ROWS if row[0].endswith("*"))


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("phase", Phase)
def test_whatever_ends_leaves_a_phase_in_which_it_can_begin_again(reason: EndReason, phase: Phase) -> None:
    event = ENDINGS[reason].event
    if event is None:
        return
    state = SatelliteState(phase).after(event) or SatelliteState(phase)
    assert state.rests or state.phase is Phase.OFFLINE
