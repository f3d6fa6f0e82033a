"""A speech with a scripted voice: order, streaming, pauses, limits, leaving early."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import numpy as np
import pytest

from lunavox_edge.backends.base import Piece, SpeakRequest, TtsModel
from lunavox_edge.engine.lanes import Lane
from lunavox_edge.engine.pace import Pace
from lunavox_edge.engine.phrases import PhraseCache
from lunavox_edge.engine.residency import Lease
from lunavox_edge.engine.session import Session
from lunavox_edge.engine.speech import Speech
from lunavox_edge.engine.voicing import SpeechPlan
from lunavox_edge.errors import (
    BrokenModel,
    Busy,
    Cancelled,
    EmptyText,
    InternalError,
    OutOfMemory,
    TextTooLong,
)
from lunavox_edge.types import AudioChunk

pytestmark = pytest.mark.unit

WAIT_S = 20.0
RATE_HZ = 1000


class ScriptedVoice(TtsModel):
    """Speaks 0.1 s per segment and remembers what it was asked; may wait or fail."""

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

    def __init__(self, *, workers: int = 1, max_tasks: int = 8, seconds: float = 0.1) -> None:
        self.lane = Lane("cpu", workers=workers, max_tasks=max_tasks)
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
        speech = Speech(
            plan=plan or SpeechPlan(SpeakRequest(), "en-US"),
            lane=self.lane,
            lease=lease or self.lease(),
            pace=self.pace,
            phrases=self.phrases,
            relaxed=relaxed,
            on_end=self.ended.append,
            on_ready=None,
        )
        speech.start()
        return speech


@pytest.fixture
def studio() -> Iterator[Studio]:
    studio = Studio()
    yield studio
    if studio.voice.gate is not None:
        studio.voice.gate.set()
    studio.lane.close(WAIT_S)


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
    assert not studio.released.acquire(timeout=0.05)
    assert len(studio.voice.said) == 1
    with pytest.raises(Cancelled):
        speech.poll()


def test_a_speech_that_waits_for_text_can_be_cancelled(studio: Studio) -> None:
    speech = studio.open()
    speech.cancel()

    assert studio.released.acquire(timeout=WAIT_S)
    assert studio.ended == [speech]


def test_a_listener_who_does_not_fetch_stops_the_work_and_resumes_it() -> None:
    studio = Studio(seconds=15.0)
    speech = studio.open()
    speech.write("One. Two. Three. Four. Five. Six.")
    speech.finish()
    studio.voice.entered.wait(WAIT_S)
    for _ in range(100):
        if studio.lane.status().running == 0 and studio.lane.status().queued == 0:
            break
        threading.Event().wait(0.01)
    assert len(studio.voice.said) == 2

    assert sum(chunk.duration_s for chunk in drain(speech)) == pytest.approx(6 * 15.0)
    studio.lane.close(WAIT_S)


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


def test_text_that_stalls_is_spoken_up_to_its_last_whole_word(studio: Studio) -> None:
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=10, max_buffer_delay_ms=50)
    speech = studio.open(plan)
    speech.write("Let me think about this for a mom")
    assert speech.read(WAIT_S) is not None
    assert [text.strip() for text in studio.voice.said] == ["Let me think about this for a"]

    speech.write("ent. Yes.")
    speech.finish()
    drain(speech)
    assert [text.strip() for text in studio.voice.said[1:]] == ["moment.", "Yes."]


@pytest.mark.parametrize("text", ["One moment.", "One moment. ", "Really?\n", "One moment. 😀"])
def test_a_short_sentence_after_which_the_text_stalls_is_spoken(studio: Studio, text: str) -> None:
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=40, max_buffer_delay_ms=50)
    speech = studio.open(plan)
    speech.write(text)
    assert speech.read(WAIT_S) is not None
    speech.write(" It is done.")
    speech.finish()
    drain(speech)
    assert [said.strip() for said in studio.voice.said][1:] == ["It is done."]


@pytest.mark.parametrize("text", ["Well, then", "Ask Dr. ", "It costs 3.", "1. "])
def test_a_few_characters_wait_for_their_sentence(studio: Studio, text: str) -> None:
    plan = SpeechPlan(SpeakRequest(), "en-US", buffer_char_threshold=40, max_buffer_delay_ms=50)
    speech = studio.open(plan)
    speech.write(text)
    threading.Event().wait(0.2)

    assert speech.poll() is None
    assert studio.voice.said == []
