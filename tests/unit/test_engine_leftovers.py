"""The check for what a test leaves behind finds it."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import nullcontext

import pytest

from lunavox_edge.backends.base import RecognizeRequest
from lunavox_edge.engine.hearing.transcription import ListenPlan
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome, Task
from lunavox_edge.types import AudioFormat
from tests.fakes.engine_leftovers import Leftovers
from tests.fakes.simulation import Simulation
from tests.fakes.stt import ScriptedEar, SttScript
from tests.fakes.vad import LoudnessVad

pytestmark = pytest.mark.unit


@pytest.fixture
def leftovers(monkeypatch: pytest.MonkeyPatch) -> Leftovers:
    leftovers = Leftovers()
    leftovers.watch(monkeypatch)
    return leftovers


def test_an_open_session_and_its_task_are_seen(leftovers: Leftovers) -> None:
    lane = Lane("cpu", workers=1, max_tasks=8)
    lease: Future[Lease] = Future()
    lease.set_result(Lease(ScriptedEar(SttScript()), nullcontext(), lambda: None))
    utterance = Utterance(
        plan=ListenPlan(RecognizeRequest(), "en"),
        audio_format=AudioFormat(16_000),
        vad=LoudnessVad,
        lane=lane,
        lease=lease,
        relaxed=False,
        on_end=lambda _: None,
    )
    utterance.start()
    with pytest.raises(AssertionError, match=r"an Utterance that is open; 1 tasks in the lane cpu"):
        leftovers.check(0.1)
    utterance.cancel()
    leftovers.check()
    lane.close(20.0)


class Fatal(Task):
    """Ends the thread that runs it."""

    deadline_s = 0.0

    def run_slice(self) -> Outcome:
        raise SystemExit

    def fail(self, error: Exception) -> None:
        return


def test_a_worker_that_died_is_seen(leftovers: Leftovers) -> None:
    simulation = Simulation()
    lane = Lane("cpu", workers=1, max_tasks=8, threads=simulation)
    lane.add(Fatal())
    with pytest.raises(SystemExit):
        simulation.settle()
    with pytest.raises(AssertionError, match="a worker of the lane cpu that died"):
        leftovers.check(0.1)
    simulation.close()
