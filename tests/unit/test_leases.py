"""A caller that stops waiting for a model leaves no lease behind, however late the model comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import LoadOptions, Piece, Samples, SpeakRequest
from lunavox_edge.engine.admission import Admission
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.leases import Lease, ask_for_all, give_back, wait_for
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.pace import Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.errors import BrokenModel, Busy, EngineClosed, LunavoxError, TimedOut
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry
from tests.fakes.tts import ScriptedTts, ScriptedVoice, TtsScript
from tests.unit.test_residency import FakeModel, House, entry

pytestmark = pytest.mark.unit

WAIT_S = 20.0


class Gate:
    """Loads wait for it; it opens after a timeout, so that a failing test ends."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.loads = 0
        self.error: BaseException | None = None


GATE = Gate()


class SlowTts(ScriptedTts):
    def load(self, entry: ModelEntry, options: LoadOptions) -> ScriptedVoice:
        GATE.loads += 1
        GATE.opened.wait(WAIT_S)
        if GATE.error is not None:
            raise GATE.error
        return super().load(entry, options)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    GATE.__dict__.update(Gate().__dict__)
    monkeypatch.setattr(registry, "_BUILT_IN", {"scripted-tts": f"{__name__}:SlowTts"})
    monkeypatch.setattr(registry, "vad", lambda: None)
    monkeypatch.setattr(ScriptedTts, "script", TtsScript())
    yield GATE
    GATE.opened.set()


def made_engine(cache_dir: Path, load_timeout_s: float) -> Engine:
    settings = {"threads": 2, "load_timeout_s": load_timeout_s, "pinned": ["beta"]}
    return Engine(
        Settings.model_validate(
            {"catalog": {"cache_dir": cache_dir}, "tts": {"voice": "alpha"}, "engine": settings}
        )
    )


@pytest.fixture
def engine(gate: Gate, tmp_path: Path) -> Iterator[Engine]:
    with made_engine(tmp_path, 3 * WAIT_S) as engine:
        yield engine


@pytest.fixture
def impatient(gate: Gate, tmp_path: Path) -> Iterator[Engine]:
    """An engine whose loads soon take too long."""
    with made_engine(tmp_path, 1.0) as engine:
        yield engine


def until(reached: Callable[[], bool]) -> None:
    for _ in range(2000):
        if reached():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came about")


def state(engine: Engine, name: str) -> str:
    return next((model.state for model in engine.status().models if model.name == name), "")


def test_a_load_that_comes_late_leaves_an_idle_model(impatient: Engine, gate: Gate) -> None:
    with pytest.raises(TimedOut, match="'alpha' takes too long"):
        impatient.load("alpha")
    gate.opened.set()
    until(lambda: state(impatient, "alpha") == "idle")
    assert impatient.unload("alpha")
    assert not impatient.is_loaded("alpha")


def test_a_warm_up_that_takes_too_long_says_so_and_pins_what_comes_late(
    impatient: Engine, gate: Gate
) -> None:
    failed = impatient.warm_up()
    assert [type(error) for error in failed] == [TimedOut, TimedOut]
    assert {"'alpha'", "'beta'"} == {word for error in failed for word in str(error).split() if "'" in word}
    gate.opened.set()
    until(lambda: state(impatient, "alpha") == state(impatient, "beta") == "idle")
    assert all(model.pinned for model in impatient.status().models)
    assert impatient.unload("alpha")
    assert impatient.unload("beta")


def test_what_progress_raises_leaves_no_lease_behind(engine: Engine, gate: Gate) -> None:
    gate.opened.set()

    def progress(entry: ModelEntry) -> None:
        raise ZeroDivisionError(entry.name)

    with pytest.raises(ZeroDivisionError):
        engine.warm_up(progress)
    until(lambda: state(engine, "alpha") == state(engine, "beta") == "idle")


def test_a_library_that_exits_fails_the_load(engine: Engine, gate: Gate) -> None:
    gate.error = SystemExit(3)
    gate.opened.set()
    (failed, _) = engine.warm_up()
    assert failed.code == "internal"
    gate.error = None
    engine.load("alpha")
    assert state(engine, "alpha") == "idle"


def test_an_error_of_the_load_is_raised_as_it_is(engine: Engine, gate: Gate) -> None:
    gate.error = BrokenModel("The voice is damaged.")
    gate.opened.set()
    with pytest.raises(BrokenModel, match="damaged"):
        engine.load("alpha")


def test_a_session_that_cannot_be_built_leaves_no_lease_behind(
    engine: Engine, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unbuildable(Speech):
        def __init__(self, **parts: object) -> None:
            raise ZeroDivisionError(len(parts))

    gate.opened.set()
    engine.load("alpha")
    monkeypatch.setattr("lunavox_edge.engine.engine.Speech", Unbuildable)
    with pytest.raises(ZeroDivisionError):
        engine.open_speech(voice="alpha")
    assert state(engine, "alpha") == "idle"
    assert not engine.status().sessions


# The helpers, in every order of events


def test_what_is_given_back_is_released_whenever_it_comes() -> None:
    released: list[str] = []

    def lease(name: str) -> Lease:
        return Lease(FakeModel(name), nullcontext(), lambda: released.append(name))

    there: Future[Lease] = Future()
    there.set_result(lease("there"))
    coming: Future[Lease] = Future()
    coming.set_running_or_notify_cancel()
    waiting: Future[Lease] = Future()
    broken: Future[Lease] = Future()
    broken.set_exception(BrokenModel("no"))
    for future in (there, coming, waiting, broken):
        give_back(future)
    assert released == ["there"]
    assert waiting.cancelled()
    coming.set_result(lease("coming"))
    assert released == ["there", "coming"]


def test_a_wait_that_is_interrupted_gives_the_lease_back() -> None:
    class Interrupted(Future[Lease]):
        def result(self, timeout: float | None = None) -> Lease:
            raise KeyboardInterrupt

    future = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        wait_for(future, WAIT_S, "joe")
    assert future.cancelled()


def test_leases_asked_for_before_the_engine_closed_are_given_back() -> None:
    house = House()
    house.use(entry("joe"))

    def acquire(wanted: ModelEntry) -> Future[Lease]:
        if wanted.name == "amy":
            house.residency.close()
        return house.residency.acquire(wanted)

    with pytest.raises(EngineClosed):
        ask_for_all([entry("joe"), entry("amy")], acquire)
    assert house.names() == []
    assert [model.closed for model in house.models] == [1]


def test_a_lease_is_given_back_once_by_however_many_threads() -> None:
    given_back: list[int] = []
    start = threading.Barrier(8)
    lease = Lease(FakeModel("joe"), nullcontext(), lambda: given_back.append(1))

    def release() -> None:
        start.wait(WAIT_S)
        lease.release()

    threads = [threading.Thread(target=release) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert given_back == [1]


def test_one_chore_that_fails_does_not_keep_the_others_from_being_done(
    impatient: Engine, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreadable(type(impatient.catalog)):  # type: ignore[misc]  # a catalog whose look fails
        def refresh(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002
            raise OSError("the card has gone")

    monkeypatch.setattr(impatient.catalog, "__class__", Unreadable)
    speech = impatient.open_speech(voice="alpha")
    speech.write("Hello.")
    speech.finish()
    with pytest.raises(TimedOut, match="'alpha' takes too long"):
        speech.read(WAIT_S)
    gate.opened.set()
    until(lambda: state(impatient, "alpha") == "idle")


def test_sessions_built_at_once_do_not_share_the_last_place() -> None:
    admission = Admission(cpu_workers=1, max_sessions=1, max_tasks=8, max_wait_s=1.0)
    released: list[str] = []

    class Silent(Session):
        def _slice(self) -> Outcome:
            return Outcome.WAIT

        def _ended_with(self, error: LunavoxError | None) -> None:
            return

        @property
        def deadline_s(self) -> float:
            return 0.0

    def build(name: str) -> Silent:
        lease: Future[Lease] = Future()
        lease.set_result(Lease(FakeModel(name), nullcontext(), lambda: released.append(name)))
        return Silent(lane=admission.lane("cpu"), lease=lease, relaxed=False, on_end=admission.leave)

    first, second = build("first"), build("second")
    admission.join(first)
    with pytest.raises(Busy):
        admission.join(second)
    assert released == ["second"]
    assert admission.status()[0] == (first,)
    first.cancel()
    until(lambda: released == ["second", "first"])
    admission.close(WAIT_S)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_line_that_is_read_from_a_voice_ends_before_the_voice_may_be_freed(workers: int) -> None:
    """A speech that is cancelled in the middle of a line, also while a second worker makes a piece of it."""
    events: list[str] = []
    making, go_on = threading.Event(), threading.Event()

    class Voice(ScriptedVoice):
        def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
            try:
                for _ in range(100):
                    yield Piece(self.make, 0.1)
            finally:
                events.append("line ended")

        def make(self) -> Samples:
            making.set()
            go_on.wait(WAIT_S)
            return np.zeros(1600, np.float32)

    lane = Lane("cpu", workers=workers, max_tasks=8)
    lease: Future[Lease] = Future()
    lease.set_result(Lease(Voice(TtsScript()), nullcontext(), lambda: events.append("voice freed")))
    speech = Speech(
        plan=SpeechPlan(SpeakRequest(), "en-US"),
        lane=lane,
        lease=lease,
        pace=Pace(workers),
        phrases=PhraseCache(0),
        relaxed=False,
        on_end=lambda _: None,
        on_ready=None,
    )
    speech.start()
    speech.write("Hello there.")
    speech.finish()
    assert making.wait(WAIT_S)
    speech.cancel()
    go_on.set()
    until(lambda: "voice freed" in events)
    assert events == ["line ended", "voice freed"]
    lane.close(WAIT_S)
