"""Wake-word sessions: detections, what a session does with audio, joint leases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import pytest

from lunavox_edge.engine.models.leases import JointLease, Lease, joint
from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.waking import wake_session as wake_session_module
from lunavox_edge.engine.waking.spotting import Spotter, SpottingRules
from lunavox_edge.engine.waking.wake_session import WakeSession, WakeTarget
from lunavox_edge.errors import BrokenModel, Busy, Cancelled, InternalError, LunavoxError, UnknownModel
from lunavox_edge.types import AudioFormat, Detection, ModelKind
from tests.fakes.backends import entry
from tests.fakes.wake import LEVELS, ScriptedWord, WakeScript, said, silence

pytestmark = pytest.mark.unit

WAIT_S = 20.0


@pytest.mark.parametrize("as_made", [0.5, 0.85, 0.97, 0.99])
def test_half_is_what_the_author_meant_and_more_hears_more(as_made: float) -> None:
    thresholds = [SpottingRules(sensitivity).threshold(as_made) for sensitivity in (0.0, 0.3, 0.5, 0.8, 1.0)]
    assert thresholds[2] == pytest.approx(as_made)
    assert thresholds == sorted(thresholds, reverse=True)
    assert all(0.0 < threshold < 1.0 for threshold in thresholds)


@pytest.mark.parametrize("as_made", [-1.0, 0.0, 1.0, 7.0])
def test_a_threshold_of_nonsense_is_bounded(as_made: float) -> None:
    assert 0.0 < SpottingRules().threshold(as_made) < 1.0


@pytest.mark.parametrize(
    ("refractory_s", "above_at", "told_at"),
    [
        (2.0, [1.0, 1.1, 1.2], [1.0]),
        (2.0, [1.0, 2.0, 2.9], [1.0]),
        (2.0, [1.0, 2.9, 3.0], [1.0]),
        (2.0, [1.0, 3.1], [1.0, 3.1]),
        (0.0, [1.0, 1.1, 1.5], [1.0, 1.5]),
        (1.0, [round(1.0 + step / 10, 1) for step in range(40)], [1.0]),
    ],
    ids=["long word", "again too soon", "goes on past the rest", "again", "no rest", "never ends"],
)
def test_a_word_is_told_once(refractory_s: float, above_at: list[float], told_at: list[float]) -> None:
    spotter = Spotter(SpottingRules(refractory_s=refractory_s), 0.9)
    steps = [round(step / 10, 1) for step in range(60)]
    told = [at_s for at_s in steps if spotter.spot(at_s, 0.95 if at_s in above_at else 0.1)]
    assert told == told_at


class Room:
    def __init__(self) -> None:
        self.lane = Lane("wake", workers=1, max_tasks=8)
        self.script = WakeScript()
        self.heard: list[Detection] = []
        self.released: list[str] = []
        self.ended = threading.Event()
        self.word_heard = threading.Event()

    def hear(self, detection: Detection) -> None:
        self.heard.append(detection)
        self.word_heard.set()

    def lease(self, name: str) -> Future[Lease]:
        future: Future[Lease] = Future()
        future.set_result(self.granted(name))
        return future

    def granted(self, name: str) -> Lease:
        model = ScriptedWord(name, self.script)
        return Lease(model, nullcontext(), lambda: self.released.append(name))

    def open(self, *names: str, lease: Future[Lease] | None = None, rate_hz: int = 16_000) -> WakeSession:
        wake_session = WakeSession(
            words=[WakeTarget(entry(name, ModelKind.WAKE), SpottingRules()) for name in names],
            audio_format=AudioFormat(rate_hz),
            lane=self.lane,
            lease=lease or joint([self.lease(name) for name in names], forgiving=False),
            on_end=lambda _: self.ended.set(),
            on_detection=self.hear,
        )
        wake_session.start()
        return wake_session


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.lane.close(WAIT_S)
    assert room.script.open_streams == 0


def test_detections_have_a_place_and_the_senders_time(room: Room) -> None:
    wake_session = room.open("okay_nabu", "alexa")
    pcm = silence(0.3) + said("alexa") + silence(0.2) + said("okay_nabu")
    for start in range(0, len(pcm), 1024):
        wake_session.feed(pcm[start : start + 1024], 9_000 + start // 32)
    assert wake_session.finish(WAIT_S) == 2
    assert [(found.name, found.at_s) for found in room.heard] == [("alexa", 0.31), ("okay_nabu", 0.61)]
    # The starts of the chunks, of 32 ms each, in which the words ended.
    assert [found.timestamp_ms for found in room.heard] == [9_288, 9_608]
    assert sorted(room.released) == ["alexa", "okay_nabu"]
    assert room.ended.is_set()


class FailingList(list[Detection]):
    """Takes a detection and fails, like a callback."""

    def append(self, found: Detection) -> None:
        super().append(found)
        raise OSError("the client's socket is gone")


def test_a_listener_that_fails_does_not_end_the_wait(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.heard = FailingList()
    wake_session = room.open("okay_nabu", "alexa")
    wake_session.feed(said("alexa") + silence(0.2) + said("okay_nabu"))

    assert wake_session.finish(WAIT_S) == 2
    assert [found.name for found in room.heard] == ["alexa", "okay_nabu"]
    assert "the client's socket is gone" in caplog.text


def test_without_timestamps_time_is_counted(room: Room) -> None:
    wake_session = room.open("alexa")
    wake_session.feed(silence(1.0))
    wake_session.feed(said("alexa"))
    assert wake_session.finish(WAIT_S) == 1
    assert room.heard[0].timestamp_ms == 1000


def test_odd_pieces_lose_nothing(room: Room) -> None:
    wake_session = room.open("alexa")
    pcm = silence(0.5) + said("alexa") + silence(0.1)
    for start in range(0, len(pcm), 333):
        wake_session.feed(pcm[start : start + 333])
    assert wake_session.finish(WAIT_S) == 1
    assert room.heard[0].at_s == 0.51


def test_audio_waits_for_the_model_within_bounds(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake_session_module, "MAX_BACKLOG_BYTES", 20_000)
    lease: Future[Lease] = Future()
    wake_session = room.open("alexa", lease=lease)
    wake_session.feed(said("alexa", 0.5))
    with pytest.raises(Busy):
        wake_session.feed(silence(0.5))
    assert wake_session.backlog_bytes == 16_000
    lease.set_result(JointLease([(0, room.granted("alexa"))]))
    assert wake_session.finish(WAIT_S) == 1
    assert wake_session.backlog_bytes == 0


def test_what_is_kept_of_a_long_stream_is_bounded(room: Room) -> None:
    wake_session = room.open("alexa")
    for second in range(600):
        for part in range(10):
            wake_session.feed(silence(0.1), second * 1000 + part * 100)
        while wake_session.backlog_bytes > 64_000:
            threading.Event().wait(0.001)
    assert wake_session.finish(WAIT_S) == 0
    assert len(wake_session._marks) <= 1
    assert wake_session.backlog_bytes == 0


def test_leaving_frees_everything_and_later_audio_is_passed_over(room: Room) -> None:
    wake_session = room.open("alexa")
    wake_session.feed(silence(1.0))
    wake_session.cancel()
    with pytest.raises(Cancelled):
        wake_session.outcome.result(WAIT_S)
    wake_session.cancel()
    wake_session.feed(said("alexa"))
    assert wake_session.backlog_bytes == 0
    assert room.released == ["alexa"]
    assert not room.heard


def test_a_failing_model_ends_it(room: Room) -> None:
    room.script.error = ValueError("scripted")
    wake_session = room.open("alexa")
    wake_session.feed(silence(0.2))
    with pytest.raises(InternalError):
        wake_session.outcome.result(WAIT_S)
    assert room.released == ["alexa"]


def test_one_model_that_fails_fails_all_unless_forgiven(room: Room) -> None:
    broken: Future[Lease] = Future()
    broken.set_exception(BrokenModel("broken"))
    strict = joint([room.lease("alexa"), broken], forgiving=False)
    with pytest.raises(BrokenModel):
        strict.result(0)
    assert room.released == ["alexa"]

    kept = joint([broken, room.lease("okay_nabu")], forgiving=True).result(0)
    assert isinstance(kept, JointLease)
    ((place, model),) = kept.models
    assert isinstance(model, ScriptedWord)
    assert (place, model.level) == (1, LEVELS["okay_nabu"])
    kept.release()
    kept.release()
    assert room.released == ["alexa", "okay_nabu"]

    with pytest.raises(BrokenModel):
        joint([broken], forgiving=True).result(0)


def test_who_steps_out_leaves_no_lease_behind(room: Room) -> None:
    late: Future[Lease] = Future()
    late.set_running_or_notify_cancel()
    never: Future[Lease] = Future()
    together = joint([room.lease("alexa"), late, never], forgiving=False)
    assert together.cancel()
    assert never.cancelled()
    assert not room.released
    late.set_result(room.granted("okay_nabu"))
    assert sorted(room.released) == ["alexa", "okay_nabu"]


@pytest.mark.parametrize("cancels", [False, True])
def test_streams_are_closed_before_the_models_that_they_listen_with(room: Room, *, cancels: bool) -> None:
    open_when_freed: list[int] = []
    model = ScriptedWord("alexa", room.script)
    lease: Future[Lease] = Future()
    lease.set_result(
        JointLease(
            [(0, Lease(model, nullcontext(), lambda: open_when_freed.append(room.script.open_streams)))]
        )
    )
    wake_session = room.open("alexa", lease=lease)
    wake_session.feed(said("alexa"))
    assert room.word_heard.wait(WAIT_S)
    if cancels:
        wake_session.cancel()
    else:
        wake_session.finish(WAIT_S)
    assert room.ended.wait(WAIT_S)
    assert open_when_freed == [0]


def test_what_is_left_out_is_told_and_the_rest_is_heard(room: Room) -> None:
    told: list[str] = []

    def tell(problem: LunavoxError) -> None:
        told.append(problem.code)
        raise ValueError("a callback of somebody else")

    broken: Future[Lease] = Future()
    broken.set_exception(BrokenModel("broken"))
    wake_session = WakeSession(
        words=[WakeTarget(entry(name, ModelKind.WAKE), SpottingRules()) for name in ("okay_nabu", "alexa")],
        audio_format=AudioFormat(16_000),
        lane=room.lane,
        lease=joint([broken, room.lease("alexa")], forgiving=True),
        on_end=lambda _: room.ended.set(),
        on_detection=room.hear,
        unknown=[UnknownModel("unknown")],
        on_problem=tell,
    )
    wake_session.start()
    wake_session.feed(said("okay_nabu") + said("alexa"))
    assert wake_session.finish(WAIT_S) == 1
    assert told == ["unknown_model", "broken_model"]
    assert [found.name for found in room.heard] == ["alexa"]
