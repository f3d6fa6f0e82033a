"""Speech sessions with a scripted voice: order, streaming, pauses, limits, cancelling."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import numpy as np
import pytest

from lunavox_edge.backends.base import Piece, SpeakRequest, TtsModel
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome, Task
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.pace import Cost, Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.errors import (
    BrokenModel,
    Busy,
    Cancelled,
    EmptyText,
    EngineClosed,
    InternalError,
    LunavoxError,
    OutOfMemory,
    TextTooLong,
)
from lunavox_edge.types import AudioChunk
from tests.fakes.simulation import Simulation, Whims

pytestmark = pytest.mark.unit

WAIT_S = 20.0
RATE_HZ = 1000


class ScriptedVoice(TtsModel):
    """Makes 0.1 s of audio per segment and records its requests; may wait or fail."""

    rate_hz = RATE_HZ
    dbfs = -20.0

    def __init__(self, *, seconds: float = 0.1) -> None:
        self.said: list[str] = []
        self.requests: list[SpeakRequest] = []
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()
        self.samples = int(seconds * RATE_HZ)

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        self.said.append(text)
        self.requests.append(request)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        yield Piece(lambda: np.full(self.samples, 0.1, np.float32))


class Studio:
    """A lane, a voice, and speeches on it."""

    def __init__(
        self, *, workers: int = 1, max_tasks: int = 8, seconds: float = 0.1, lane: Lane | None = None
    ) -> None:
        self.lane = lane or Lane("cpu", workers=workers, max_tasks=max_tasks)
        self.voice = ScriptedVoice(seconds=seconds)
        self.pace = Pace(workers)
        self.phrases = PhraseCache(1_000_000)
        self.released = threading.Semaphore(0)
        self.ended: list[Session] = []

    def lease(self) -> Future[Lease]:
        future: Future[Lease] = Future()
        future.set_result(Lease(self.voice, nullcontext(), self.released.release))
        return future

    def open(
        self, plan: SpeechPlan | None = None, *, lease: Future[Lease] | None = None, relaxed: bool = False
    ) -> Speech:
        speech = self.make(plan, lease=lease, relaxed=relaxed)
        speech.start()
        return speech

    def make(
        self,
        plan: SpeechPlan | None = None,
        *,
        lease: Future[Lease] | None = None,
        relaxed: bool = False,
        on_ready: Callable[[], None] | None = None,
    ) -> Speech:
        return Speech(
            plan=plan or SpeechPlan(SpeakRequest(), "en-US"),
            lane=self.lane,
            lease=lease or self.lease(),
            pace=self.pace,
            phrases=self.phrases,
            relaxed=relaxed,
            on_end=self.ended.append,
            on_ready=on_ready,
        )


@pytest.fixture
def studio() -> Iterator[Studio]:
    studio = Studio()
    yield studio
    if studio.voice.gate is not None:
        studio.voice.gate.set()
    studio.lane.close(WAIT_S)


@pytest.fixture
def simulated() -> Iterator[tuple[Studio, Simulation]]:
    """A studio whose lane runs on a simulated clock."""
    simulation = Simulation()
    yield Studio(lane=Lane("cpu", workers=1, max_tasks=8, threads=simulation)), simulation
    simulation.close()


def drain(speech: Speech) -> list[AudioChunk]:
    chunks = []
    while (chunk := speech.read(WAIT_S)) is not None:
        chunks.append(chunk)
    return chunks


def test_a_text_is_spoken_in_order_and_the_lease_comes_back(studio: Studio) -> None:
    speech = studio.open()
    speech.write("It is raining. Take an umbrella.")
    speech.finish()
    chunks = drain(speech)

    assert [text.strip() for text in studio.voice.said] == ["It is raining.", "Take an umbrella."]
    assert len(chunks) == 2
    assert speech.sample_rate == RATE_HZ
    assert speech.done
    assert studio.released.acquire(timeout=WAIT_S)
    assert studio.ended == [speech]


def test_audio_comes_while_the_text_still_comes(studio: Studio) -> None:
    speech = studio.open()
    for token in ("The light ", "is on. ", "And"):
        speech.write(token)
    first = speech.read(WAIT_S)

    assert first is not None
    assert [text.strip() for text in studio.voice.said] == ["The light is on."]
    assert not speech.done
    speech.write(" the door is shut")
    speech.finish()
    assert len(drain(speech)) == 1


def test_a_pause_separates_sentences_but_does_not_end_the_speech(studio: Studio) -> None:
    speech = studio.open(SpeechPlan(SpeakRequest(), "en-US", sentence_silence_ms=200))
    speech.write("One. Two.")
    speech.finish()

    assert sum(chunk.duration_s for chunk in drain(speech)) == pytest.approx(0.1 + 0.2 + 0.1)


def test_markup_sets_speed_volume_and_pauses(studio: Studio) -> None:
    speech = studio.open(SpeechPlan(SpeakRequest(speed=2.0), "en-US", ssml=True))
    speech.write('<speak>Slow<break time="500ms"/><prosody rate="50%" vol')
    speech.write('ume="0.5">down</prosody></speak>')
    speech.finish()
    chunks = drain(speech)

    assert sum(chunk.duration_s for chunk in chunks) == pytest.approx(0.1 + 0.5 + 0.1)
    assert [request.speed for request in studio.voice.requests] == [2.0, 1.0]


@pytest.mark.parametrize("text", ["", "   ", "?!…", "\n"])
def test_a_text_without_words_is_an_error(studio: Studio, text: str) -> None:
    speech = studio.open()
    speech.write(text)
    speech.finish()

    with pytest.raises(EmptyText):
        drain(speech)
    assert studio.released.acquire(timeout=WAIT_S)


def test_too_much_text_ends_the_speech(studio: Studio) -> None:
    speech = studio.open(SpeechPlan(SpeakRequest(), "en-US", max_chars=10))
    with pytest.raises(TextTooLong, match="10 characters"):
        speech.write("x" * 11)

    assert studio.released.acquire(timeout=WAIT_S)
    assert studio.voice.said == []


@pytest.mark.parametrize(
    ("raised", "expected"), [(RuntimeError("onnx"), InternalError), (MemoryError(), OutOfMemory)]
)
def test_a_failing_model_fails_this_speech_only(
    studio: Studio, raised: Exception, expected: type[Exception]
) -> None:
    studio.voice.error = raised
    speech = studio.open()
    speech.write("Hello.")
    speech.finish()
    with pytest.raises(expected) as failed:
        drain(speech)
    assert "onnx" not in str(failed.value)

    studio.voice.error = None
    again = studio.open()
    again.write("Hello.")
    again.finish()
    assert len(drain(again)) == 1


def test_a_client_that_leaves_stops_the_work_before_the_next_slice(studio: Studio) -> None:
    studio.voice.gate = threading.Event()
    speech = studio.open()
    speech.write("One. Two. Three.")
    speech.finish()
    assert studio.voice.entered.wait(WAIT_S)
    speech.cancel()
    speech.cancel()
    studio.voice.gate.set()

    assert studio.released.acquire(timeout=WAIT_S)
    studio.lane.close(WAIT_S)  # so that nothing more can come
    assert not studio.released.acquire(blocking=False)
    assert len(studio.voice.said) == 1
    with pytest.raises(Cancelled):
        speech.poll()


def test_a_speech_that_waits_for_text_can_be_cancelled(studio: Studio) -> None:
    speech = studio.open()
    speech.cancel()

    assert studio.released.acquire(timeout=WAIT_S)
    assert studio.ended == [speech]


def test_a_listener_who_does_not_fetch_stops_the_work_and_resumes_it() -> None:
    simulation = Simulation()
    studio = Studio(lane=Lane("cpu", workers=1, max_tasks=8, threads=simulation), seconds=15.0)
    speech = studio.open()
    speech.write("One. Two. Three. Four. Five. Six.")
    speech.finish()
    simulation.settle()
    assert len(studio.voice.said) == 2

    assert sum(chunk.duration_s for chunk in drain(speech)) == pytest.approx(6 * 15.0)
    simulation.close()


def test_a_speech_waits_for_its_model_without_holding_the_lane(studio: Studio) -> None:
    loading: Future[Lease] = Future()
    slow = studio.open(lease=loading)
    slow.write("Later.")
    slow.finish()
    quick = studio.open()
    quick.write("Now.")
    quick.finish()
    assert len(drain(quick)) == 1
    assert slow.poll() is None

    loading.set_result(Lease(studio.voice, nullcontext(), studio.released.release))
    assert len(drain(slow)) == 1


def test_a_load_error_reaches_the_speech(studio: Studio) -> None:
    loading: Future[Lease] = Future()
    speech = studio.open(lease=loading)
    speech.write("Hello.")
    loading.set_exception(BrokenModel("The voice is damaged."))

    with pytest.raises(BrokenModel):
        drain(speech)


def test_a_full_lane_refuses_and_gives_the_lease_back() -> None:
    studio = Studio(max_tasks=1)
    first = studio.open()
    with pytest.raises(Busy):
        studio.open()

    assert studio.released.acquire(timeout=WAIT_S)
    first.cancel()
    studio.lane.close(WAIT_S)


def test_a_reply_overtakes_an_announcement(studio: Studio) -> None:
    studio.voice.gate = threading.Event()
    first = studio.open(relaxed=True)
    first.write("".join(f"Announcement number {number}. " for number in range(20)))
    first.finish()
    assert studio.voice.entered.wait(WAIT_S)
    reply = studio.open()
    reply.write("Reply.")
    reply.finish()
    studio.voice.gate.set()
    drain(reply)

    assert studio.voice.said.index("Reply.") <= 2
    assert len(drain(first)) == 20


def test_stats_tell_first_audio_and_duration(studio: Studio) -> None:
    speech = studio.open()
    speech.write("Hello there.")
    speech.finish()
    drain(speech)
    stats = speech.stats

    assert stats.audio_duration_ms == pytest.approx(100)
    assert 0 < stats.first_audio_ms <= stats.t_total_ms
    assert stats.rtf == pytest.approx(stats.t_total_ms / 100)
    assert stats.mem.rss_peak_bytes >= stats.mem.rss_start_bytes > 0


CACHED = SpeechPlan(SpeakRequest(), "en-US", voice_key="joe")


def test_a_sentence_said_before_needs_no_model(studio: Studio) -> None:
    first = studio.open(CACHED)
    first.write("Dinner is ready. Wash your hands.")
    first.finish()
    before = [chunk.pcm for chunk in drain(first)]
    loading: Future[Lease] = Future()
    again = studio.open(CACHED, lease=loading)
    again.write("Dinner is ready. Wash your hands.")
    again.finish()

    assert [chunk.pcm for chunk in drain(again)] == before
    assert len(studio.voice.said) == 2


@pytest.mark.parametrize(
    "plan",
    [
        SpeechPlan(SpeakRequest(), "en-US", voice_key="amy"),
        SpeechPlan(SpeakRequest(speed=1.5), "en-US", voice_key="joe"),
        SpeechPlan(SpeakRequest(), "en-US", voice_key="joe", volume=0.5),
        SpeechPlan(SpeakRequest(), "en-US", voice_key="joe", loudness_dbfs=-40.0),
        SpeechPlan(SpeakRequest(), "en-US"),
    ],
)
def test_another_way_to_say_it_is_another_phrase(studio: Studio, plan: SpeechPlan) -> None:
    for each in (CACHED, plan):
        speech = studio.open(each)
        speech.write("Dinner is ready.")
        speech.finish()
        drain(speech)

    assert len(studio.voice.said) == 2


def test_a_speech_cut_off_leaves_no_half_phrase(studio: Studio) -> None:
    studio.voice.gate = threading.Event()
    speech = studio.open(CACHED)
    speech.write("Dinner is ready.")
    speech.finish()
    assert studio.voice.entered.wait(WAIT_S)
    speech.cancel()
    studio.voice.gate.set()
    assert studio.released.acquire(timeout=WAIT_S)

    assert studio.phrases.size_bytes == 0


Simulated = tuple[Studio, Simulation]


def test_text_that_stalls_is_spoken_up_to_its_last_whole_word(simulated: Simulated) -> None:
    studio, simulation = simulated
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=10, max_buffer_delay_ms=500)
    speech = studio.open(plan)
    speech.write("Let me think about this for a mom")
    simulation.sleep(0.49)
    assert studio.voice.said == []
    simulation.sleep(0.02)
    assert [text.strip() for text in studio.voice.said] == ["Let me think about this for a"]

    speech.write("ent. Yes.")
    speech.finish()
    assert len(drain(speech)) == 3
    assert [text.strip() for text in studio.voice.said[1:]] == ["moment.", "Yes."]


@pytest.mark.parametrize("text", ["One moment.", "One moment. ", "Really?\n", "One moment. 😀"])
def test_a_short_sentence_after_which_the_text_stalls_is_spoken(simulated: Simulated, text: str) -> None:
    studio, simulation = simulated
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=40, max_buffer_delay_ms=500)
    speech = studio.open(plan)
    speech.write(text)
    simulation.sleep(0.51)
    assert speech.poll() is not None
    speech.write(" It is done.")
    speech.finish()
    drain(speech)
    assert [said.strip() for said in studio.voice.said][1:] == ["It is done."]


@pytest.mark.parametrize("text", ["Well, then", "Ask Dr. ", "It costs 3.", "1. "])
def test_a_few_characters_wait_for_their_sentence(simulated: Simulated, text: str) -> None:
    studio, simulation = simulated
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=40, max_buffer_delay_ms=500)
    speech = studio.open(plan)
    speech.write(text)
    simulation.sleep(3600.0)

    assert speech.poll() is None
    assert studio.voice.said == []
    speech.cancel()


def test_a_word_without_an_end_is_waited_for_without_work(simulated: Simulated) -> None:
    studio, simulation = simulated
    speech = studio.open(SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=10))
    speech.write("A " + "x" * 50)
    simulation.sleep(3600.0)  # raises if a thread never comes to rest
    assert [text.strip() for text in studio.voice.said] == ["A"]

    speech.write("y Z")
    simulation.sleep(3600.0)
    assert studio.voice.said[1].strip() == "x" * 50 + "y"
    speech.cancel()


def test_a_speech_waits_for_text_when_all_that_can_be_spoken_was_fetched(simulated: Simulated) -> None:
    studio, simulation = simulated
    speech = studio.open(SpeechPlan(SpeakRequest(), "en-US", max_buffer_delay_ms=500))
    assert speech.waits_for_text

    speech.write("It is raining. One moment.")
    assert not speech.waits_for_text
    simulation.sleep(0.4)
    assert speech.poll() is not None
    assert not speech.waits_for_text, "the second sentence is still to be spoken, once the text stalls"
    simulation.sleep(0.2)
    assert not speech.waits_for_text, "its audio was not fetched"
    while speech.poll() is not None:
        pass
    assert speech.waits_for_text

    speech.finish()
    assert not speech.waits_for_text
    speech.cancel()


def test_a_speech_whose_model_loads_waits_for_text_only_if_it_has_none(studio: Studio) -> None:
    speech = studio.open(lease=Future())
    assert speech.waits_for_text
    speech.write("It is raining. ")
    assert not speech.waits_for_text
    speech.cancel()
    assert not speech.waits_for_text


class Recording(Task):
    """Like a long recording: always has more to do, with a later deadline than any speech."""

    over = False

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @property
    def deadline_s(self) -> float:
        return self._simulation.now_s + 30.0

    def run_slice(self) -> Outcome:
        self._simulation.sleep(0.5)
        return Outcome.DONE if self.over else Outcome.MORE

    def fail(self, error: Exception) -> None:
        pytest.fail(str(error))


def test_text_that_stalls_is_spoken_while_a_recording_keeps_the_only_worker_busy(
    simulated: Simulated,
) -> None:
    studio, simulation = simulated
    recording = Recording(simulation)
    studio.lane.add(recording)
    speech = studio.open()
    speech.write("One moment.")
    simulation.sleep(1.6)

    assert studio.voice.said == ["One moment."]
    recording.over = True
    speech.cancel()
    simulation.sleep(1.0)


@pytest.mark.parametrize("first", ["", "It is raining. "])
def test_the_end_of_the_text_may_come_at_any_moment_of_a_slice(first: str) -> None:
    for seed in range(60):
        simulation = Simulation(choose=Whims(seed), at_locks=True)
        studio = Studio(lane=Lane("cpu", workers=1, max_tasks=8, threads=simulation))
        speech = studio.open()

        def client(speech: Speech = speech) -> None:
            for text in (first, "Goodbye"):
                speech.write(text)
            speech.finish()

        simulation.start("client", client)
        chunks = drain(speech)
        assert " ".join(text.strip() for text in studio.voice.said) == first + "Goodbye", seed
        assert len(chunks) == len(studio.voice.said)
        simulation.close()


def _not_started(studio: Studio) -> Speech:
    return studio.make()


def _not_started_with_text(studio: Studio) -> Speech:
    speech = studio.make()
    speech.write("Hello.")
    return speech


def _without_text(studio: Studio) -> Speech:
    return studio.open()


def _waits_for_more_text(studio: Studio) -> Speech:
    speech = studio.open()
    speech.write("Hello. And")
    assert speech.read(WAIT_S)
    return speech


def _is_not_fetched(studio: Studio) -> Speech:
    studio.voice.samples = 30 * RATE_HZ
    speech = studio.open()
    speech.write("Hello. How are you? Fine.")
    speech.finish()
    return speech


def _ended(studio: Studio) -> Speech:
    speech = studio.open()
    speech.write("Hello.")
    speech.finish()
    drain(speech)
    return speech


def _failed(studio: Studio) -> Speech:
    studio.voice.error = RuntimeError("onnx")
    speech = studio.open()
    speech.write("Hello.")
    speech.finish()
    with pytest.raises(InternalError):
        drain(speech)
    return speech


def _too_long(studio: Studio) -> Speech:
    speech = studio.open(SpeechPlan(SpeakRequest(), "en-US", max_chars=3))
    with pytest.raises(TextTooLong):
        speech.write("Hello.")
    return speech


def _refused(studio: Studio) -> Speech:
    studio.lane.close(WAIT_S)
    speech = studio.make()
    with pytest.raises(EngineClosed):
        speech.start()
    return speech


@pytest.mark.parametrize(
    "brought",
    [
        _not_started,
        _not_started_with_text,
        _without_text,
        _waits_for_more_text,
        _is_not_fetched,
        _ended,
        _failed,
        _too_long,
        _refused,
    ],
)
def test_a_speech_can_be_cancelled_in_any_state(studio: Studio, brought: Callable[[Studio], Speech]) -> None:
    speech = brought(studio)
    speech.cancel()
    assert studio.released.acquire(timeout=WAIT_S)
    speech.cancel()
    speech.write("More of it. ")  # by who has not heard of the end yet
    speech.finish()
    studio.lane.close(WAIT_S)

    assert not studio.released.acquire(blocking=False)
    assert studio.ended == [speech]
    assert not studio.pace._rooms  # nothing else tells who is counted


def test_a_speech_without_its_model_can_be_cancelled(studio: Studio) -> None:
    loading: Future[Lease] = Future()
    speech = studio.open(lease=loading)
    speech.write("Hello.")
    speech.cancel()

    assert loading.cancelled()
    assert studio.ended == [speech]
    assert not studio.pace._rooms


def test_who_writes_on_after_a_failed_load_takes_nobodys_place(studio: Studio) -> None:
    studio.pace.learn("joe", Cost(60, 3.0, 1.5, 0.3, 0.4))
    for _ in range(6):
        loading: Future[Lease] = Future()
        speech = studio.open(lease=loading)
        speech.write("First token ")
        loading.set_exception(BrokenModel("The voice is damaged."))
        with pytest.raises(BrokenModel):
            drain(speech)
        speech.write("second token")
        speech.finish()

    assert studio.pace.wait_s("joe") == 0.0


def test_a_callback_that_fails_does_not_end_the_speech(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    def on_ready() -> None:
        raise OSError("the client's socket is gone")

    speech = studio.make(on_ready=on_ready)
    speech.start()
    speech.write("Hello.")
    speech.finish()

    assert len(drain(speech)) == 1
    assert "the client's socket is gone" in caplog.text


def test_what_is_called_at_the_end_may_fail_and_the_rest_is_done(studio: Studio) -> None:
    def on_end(session: Session) -> None:
        raise OSError("no memory for the statistics")

    speech = studio.make()
    speech._on_end = on_end
    speech.start()
    speech.write("Hello.")
    speech.finish()

    assert len(drain(speech)) == 1
    assert studio.released.acquire(timeout=WAIT_S)
    studio.lane.close(WAIT_S)
    assert not studio.pace._rooms


class LongLine(ScriptedVoice):
    """Has something open in the model while a line is made."""

    def __init__(self) -> None:
        super().__init__()
        self.open = 0

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        self.open += 1
        try:
            for _ in range(1000):
                yield from super().pieces(text, request, eager=eager)
        finally:
            self.open -= 1


def test_what_was_opened_in_the_model_is_closed_before_the_model_is_given_back(simulated: Simulated) -> None:
    studio, simulation = simulated
    studio.voice = voice = LongLine()
    left_open: list[int] = []
    lease: Future[Lease] = Future()
    lease.set_result(Lease(voice, nullcontext(), lambda: left_open.append(voice.open)))
    speech = studio.open(lease=lease)
    speech.write("Hello.")
    speech.finish()
    simulation.settle()  # in the middle of the line, as nobody fetches
    assert voice.open == 1
    speech.cancel()
    simulation.settle()

    assert left_open == [0]


@pytest.mark.parametrize(
    ("error", "condemned"), [(RuntimeError("cuda"), 1), (MemoryError(), 0), (BrokenModel("damaged"), 0)]
)
def test_a_device_that_is_out_of_memory_has_not_failed(
    studio: Studio, error: Exception, condemned: int
) -> None:
    studio.voice.error = error
    studio.voice.device = "cuda:0"
    reasons: list[str] = []
    lease: Future[Lease] = Future()
    lease.set_result(Lease(studio.voice, nullcontext(), studio.released.release, reasons.append))
    speech = studio.open(lease=lease)
    speech.write("Hello.")
    speech.finish()
    with pytest.raises(LunavoxError):
        drain(speech)

    assert len(reasons) == condemned
