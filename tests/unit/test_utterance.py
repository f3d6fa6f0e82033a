"""Utterances with a scripted recogniser and VAD: pieces, limits, headers, cancelling."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import numpy as np
import pytest

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.backends.base import Recognition, RecognizeRequest, Samples, SttModel
from lunavox_edge.engine.hearing.hypotheses import GuessTime
from lunavox_edge.engine.hearing.transcription import ListenPlan
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.scheduling.threads import Threads
from lunavox_edge.errors import AudioTooLong, BrokenModel, Cancelled, InternalError, TimedOut
from lunavox_edge.types import AudioFormat, Word
from tests.fakes.simulation import Simulation, Whims
from tests.fakes.vad import LoudnessVad

pytestmark = pytest.mark.unit

WAIT_S = 20.0
FORMAT = AudioFormat(16_000)


class ScriptedEar(SttModel):
    """Returns the number of the piece as its text."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, RecognizeRequest]] = []
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        self.asked.append((len(samples) / 16_000, request))
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        number = len(self.asked)
        return Recognition(f"piece {number}", "en", 0.5, (Word("piece", 0.0, 0.5, 0.9),))


class SetClock(Threads):
    """Real threads with a clock that only the test advances."""

    now = 1000.0

    def clock(self) -> float:
        return self.now


class Room:
    def __init__(self) -> None:
        self.threads = SetClock()
        self.lane = Lane("cpu", workers=1, max_tasks=8, threads=self.threads)
        self.stt = ScriptedEar()
        self.guess_time = GuessTime()
        self.released = threading.Semaphore(0)
        self.ended = threading.Event()

    def say(self, utterance: Utterance, pcm: bytes, *, speed: float = 1.0) -> None:
        """Feed audio as it would arrive, in real time or faster, on the clock of this object."""
        for start in range(0, len(pcm), 3200):
            piece = pcm[start : start + 3200]
            self.threads.now += len(piece) / 32_000 / speed
            utterance.feed(piece)

    @property
    def idle(self) -> bool:
        status = self.lane.status()
        return not status.running and not status.queued

    def settle(self, done: Callable[[], bool]) -> None:
        for _ in range(3000):
            if done():
                return
            threading.Event().wait(0.01)
        pytest.fail("it never came to that")

    def open(
        self,
        audio_format: AudioFormat = FORMAT,
        *,
        max_s: float | None = 60.0,
        language: str | None = None,
        lease: Future[Lease] | None = None,
        endpoint: EndpointRules | None = None,
        on_partial: Callable[[str], None] | None = None,
        relaxed: bool = False,
    ) -> Utterance:
        if lease is None:
            lease = Future()
            lease.set_result(Lease(self.stt, nullcontext(), self.released.release))
        utterance = Utterance(
            plan=ListenPlan(RecognizeRequest(language=language), "en", max_s, endpoint, self.guess_time),
            audio_format=audio_format,
            vad=LoudnessVad,
            lane=self.lane,
            lease=lease,
            relaxed=relaxed,
            on_end=lambda _: None,
            on_ended=self.ended.set,
            on_partial=on_partial,
        )
        utterance.start()
        return utterance


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    if room.stt.gate is not None:
        room.stt.gate.set()
    room.lane.close(WAIT_S)


def tone(seconds: float, rate_hz: int = 16_000, level: float = 0.5) -> bytes:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * 440 * times) * level * 32767).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * 16_000))


def test_speech_is_transcribed_once_the_audio_is_complete(room: Room) -> None:
    utterance = room.open(language="en-US")
    utterance.feed(silence(1.0) + tone(2.0))
    utterance.feed(silence(1.0))
    transcript = utterance.finish(WAIT_S)

    assert transcript.text == "piece 1"
    assert transcript.duration_s == pytest.approx(4.0)
    assert transcript.confidence == pytest.approx(0.5)
    assert 2.0 <= transcript.stats.speech_s < 4.0
    assert room.stt.asked[0][1].language == "en-US"
    assert room.released.acquire(timeout=WAIT_S)


def test_word_times_are_those_of_the_whole_audio(room: Room) -> None:
    utterance = room.open()
    utterance.feed(silence(2.0) + tone(1.0))
    word = utterance.finish(WAIT_S).words[0]

    assert 1.0 <= word.start_s <= 2.1
    assert word.end_s == pytest.approx(word.start_s + 0.5)


@pytest.mark.parametrize("pcm", [b"", b"\0", silence(30.0)])
def test_nobody_speaking_gives_an_empty_transcript_without_the_model(room: Room, pcm: bytes) -> None:
    utterance = room.open()
    utterance.feed(pcm)

    assert utterance.finish(WAIT_S).text == ""
    assert room.stt.asked == []


def test_long_audio_is_recognised_in_bounded_slices(room: Room) -> None:
    utterance = room.open(max_s=None)
    for _ in range(5):
        utterance.feed(tone(20.0) + silence(1.5))
    transcript = utterance.finish(WAIT_S)

    assert len(room.stt.asked) >= 4
    assert max(seconds for seconds, _ in room.stt.asked) <= 30.0
    assert transcript.text.startswith("piece 1 piece 2")
    assert utterance.recognized_s == pytest.approx(106.0, abs=1.0)


def test_the_language_heard_first_holds_for_the_rest(room: Room) -> None:
    utterance = room.open(max_s=None)
    utterance.feed(tone(40.0))
    utterance.finish(WAIT_S)

    assert [request.language for _, request in room.stt.asked][:2] == [None, "en"]


def test_a_wav_header_says_the_real_format(room: Room) -> None:
    utterance = room.open(AudioFormat(16_000))
    recording = wav_bytes(tone(2.0, rate_hz=48_000), 48_000)
    for start in range(0, len(recording), 100):
        utterance.feed(recording[start : start + 100])

    assert utterance.finish(WAIT_S).duration_s == pytest.approx(2.0, abs=0.01)


def test_audio_that_only_looks_like_a_header_is_audio(room: Room) -> None:
    utterance = room.open()
    utterance.feed(b"RIFF" + tone(1.0))

    assert utterance.finish(WAIT_S).duration_s == pytest.approx(1.0, abs=0.01)


def test_audio_over_the_limit_is_refused(room: Room) -> None:
    utterance = room.open(max_s=2.0)
    utterance.feed(tone(1.5))
    with pytest.raises(AudioTooLong, match="2 seconds"):
        utterance.feed(tone(1.0))

    assert room.released.acquire(timeout=WAIT_S)
    assert room.stt.asked == []


def test_a_client_that_leaves_stops_the_work(room: Room) -> None:
    room.stt.gate = threading.Event()
    utterance = room.open(max_s=None)
    utterance.feed(tone(80.0))
    future = utterance.submit()
    assert room.stt.entered.wait(WAIT_S)
    utterance.cancel()
    room.stt.gate.set()

    with pytest.raises(Cancelled):
        future.result(WAIT_S)
    assert len(room.stt.asked) == 1
    assert room.released.acquire(timeout=WAIT_S)


def test_finish_gives_up_after_its_timeout(room: Room) -> None:
    room.stt.gate = threading.Event()
    utterance = room.open()
    utterance.feed(tone(1.0))

    with pytest.raises(TimedOut):
        utterance.finish(0.05)
    room.stt.gate.set()


def test_a_failing_model_fails_this_utterance_only(room: Room) -> None:
    room.stt.error = RuntimeError("cuda")
    utterance = room.open()
    utterance.feed(tone(1.0))
    with pytest.raises(InternalError):
        utterance.finish(WAIT_S)

    room.stt.error = None
    again = room.open()
    again.feed(tone(1.0))
    assert again.finish(WAIT_S).text


def test_the_model_may_load_while_the_person_speaks(room: Room) -> None:
    loading: Future[Lease] = Future()
    utterance = room.open(lease=loading)
    utterance.feed(tone(1.0))
    future = utterance.submit()
    assert not future.done()
    loading.set_result(Lease(room.stt, nullcontext(), room.released.release))

    assert future.result(WAIT_S).text == "piece 1"


def test_a_load_error_reaches_the_utterance(room: Room) -> None:
    loading: Future[Lease] = Future()
    utterance = room.open(lease=loading)
    utterance.feed(tone(1.0))
    loading.set_exception(BrokenModel("The model is damaged."))

    with pytest.raises(BrokenModel):
        utterance.finish(WAIT_S)


def test_the_backlog_is_worked_off_while_audio_comes(room: Room) -> None:
    utterance = room.open(max_s=None)
    utterance.feed(tone(20.0))
    room.settle(lambda: utterance.backlog_bytes == 0)

    utterance.cancel()


def test_audio_after_the_end_is_passed_over(room: Room) -> None:
    loading: Future[Lease] = Future()
    utterance = room.open(lease=loading)
    utterance.feed(tone(1.0))
    future = utterance.submit()
    loading.set_exception(BrokenModel("The model is damaged."))
    with pytest.raises(BrokenModel):
        future.result(WAIT_S)
    utterance.feed(tone(1.0))

    assert utterance.backlog_bytes == 0


RULES = EndpointRules(pause_s=0.6, unfinished_pause_s=0.6, no_speech_s=3.0)


def test_an_utterance_ends_by_itself_after_a_pause(room: Room) -> None:
    utterance = room.open(endpoint=RULES)
    room.say(utterance, silence(0.5) + tone(1.5) + silence(1.0))

    assert room.ended.wait(WAIT_S)
    assert utterance.done
    assert utterance.submit().result(0).text == "piece 1"


def test_audio_that_comes_after_its_own_end_is_passed_over(room: Room) -> None:
    rate_hz = 32_000  # what is resampled cannot go on once it has been ended
    loading: Future[Lease] = Future()
    utterance = room.open(AudioFormat(rate_hz), endpoint=RULES, lease=loading)
    room.say(utterance, tone(1.5, rate_hz) + silence(2.0), speed=2.0)
    room.settle(lambda: room.idle)

    room.say(utterance, tone(0.5, rate_hz), speed=2.0)
    loading.set_result(Lease(room.stt, nullcontext(), room.released.release))

    assert utterance.submit().result(WAIT_S).text == "piece 1"
    assert utterance.backlog_bytes == 0


class Order(ScriptedEar):
    """Recognises the same text, whether it is finished or not."""

    text = ""

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        super().recognize(samples, request)
        return Recognition(self.text, "en", 0.9)


@pytest.mark.parametrize(("text", "over"), [("A coffee.", True), ("A coffee with.", False)])
def test_words_that_want_more_are_given_a_longer_pause(room: Room, text: str, over: bool) -> None:  # noqa: FBT001
    room.stt = Order()
    room.stt.text = text
    utterance = room.open(endpoint=EndpointRules(pause_s=0.3, unfinished_pause_s=2.0))
    room.say(utterance, tone(1.5) + silence(0.25))
    assert room.stt.entered.wait(WAIT_S)
    room.settle(lambda: room.lane.status().running == 0)
    room.say(utterance, silence(0.75))
    room.settle(lambda: utterance.done or not utterance.backlog_bytes)
    room.settle(lambda: room.lane.status().running == 0)
    assert utterance.done == over

    room.say(utterance, silence(1.5))
    assert room.ended.wait(WAIT_S)
    assert utterance.submit().result(0).text == text


def test_a_pause_in_a_recording_sent_fast_does_not_end_it(room: Room) -> None:
    utterance = room.open(endpoint=RULES)
    room.say(utterance, tone(1.5) + silence(1.0) + tone(1.5) + silence(1.0), speed=50.0)
    room.settle(lambda: not utterance.backlog_bytes)
    assert not utterance.done

    assert utterance.finish(WAIT_S).stats.speech_s > 3.0


def test_nobody_speaking_ends_with_an_empty_transcript(room: Room) -> None:
    utterance = room.open(endpoint=RULES)
    room.say(utterance, silence(3.5))

    assert room.ended.wait(WAIT_S)
    assert utterance.submit().result(0).text == ""
    assert room.stt.asked == []


def test_a_guess_in_the_pause_is_the_transcript_if_nothing_more_is_said(room: Room) -> None:
    utterance = room.open()
    room.say(utterance, tone(1.5) + silence(0.4))
    assert room.stt.entered.wait(WAIT_S)
    room.settle(lambda: room.lane.status().running == 0)
    utterance.feed(silence(0.3))

    assert utterance.finish(WAIT_S).text == "piece 1"
    assert len(room.stt.asked) == 1


def test_a_guess_is_thrown_away_if_more_is_said(room: Room) -> None:
    utterance = room.open()
    room.say(utterance, tone(1.5) + silence(0.4))
    assert room.stt.entered.wait(WAIT_S)
    room.say(utterance, tone(1.0))
    transcript = utterance.finish(WAIT_S)

    assert transcript.stats.speech_s == pytest.approx(2.9, abs=0.2)
    assert len(room.stt.asked) >= 2


@pytest.mark.parametrize(("decode_s", "guesses"), [(0.1, 1), (1.0, 2)])
def test_a_short_pause_is_not_worth_a_guess_where_decodes_are_quick(
    room: Room, decode_s: float, guesses: int
) -> None:
    room.guess_time.took(decode_s)
    utterance = room.open(endpoint=RULES)
    room.say(utterance, tone(1.5) + silence(0.3))
    room.settle(lambda: room.idle and not utterance.backlog_bytes)
    room.say(utterance, tone(1.0) + silence(0.7))

    assert room.ended.wait(WAIT_S)
    assert len(room.stt.asked) == guesses


def test_a_guess_that_fails_is_the_error(room: Room) -> None:
    room.stt.error = RuntimeError("cuda")
    utterance = room.open(endpoint=RULES)
    room.say(utterance, tone(1.5) + silence(1.0))

    assert room.ended.wait(WAIT_S)
    with pytest.raises(InternalError):
        utterance.submit().result(0)


class Dictation(ScriptedEar):
    """Recognises one word a second, the last one wrongly."""

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        super().recognize(samples, request)
        words = "one two three four five six seven eight".split()[: max(1, round(len(samples) / 16_000))]
        return Recognition(" ".join([*words[:-1], words[-1] + str(len(self.asked))]), "en", 0.9)


def test_words_are_told_while_the_person_speaks_and_never_taken_back(room: Room) -> None:
    room.stt = Dictation()
    told: list[str] = []
    utterance = room.open(on_partial=told.append)
    for _ in range(6):
        room.stt.entered.clear()
        room.say(utterance, tone(1.1))
        assert room.stt.entered.wait(WAIT_S)
    transcript = utterance.finish(WAIT_S)

    assert told
    assert "one" in told[0]
    joined = " ".join([*told, utterance.rest_of(transcript.text)]).split()
    assert joined == transcript.text.split()


def test_a_long_recording_is_heard_while_it_comes(room: Room) -> None:
    utterance = room.open(max_s=None)
    for number in range(20):
        utterance.feed(tone(8.0) + silence(1.0 + number % 2))
        assert utterance.wait_for_room(WAIT_S)
    room.settle(lambda: utterance.recognized_s > 60.0)
    transcript = utterance.finish(WAIT_S)

    assert transcript.duration_s == pytest.approx(190.0)
    assert len(room.stt.asked) == 20
    assert transcript.text.split()[1::2] == [str(number) for number in range(1, 21)]
    starts = [word.start_s for word in transcript.words]
    expected = np.cumsum([0, *(9 + number % 2 for number in range(19))])
    assert starts == pytest.approx(expected, abs=0.4)


def test_who_reads_a_long_recording_is_told_to_wait(room: Room) -> None:
    room.stt.gate = threading.Event()
    utterance = room.open(max_s=None)
    for _ in range(20):
        utterance.feed(tone(8.0) + silence(1.0))
    assert not utterance.wait_for_room(0.01)

    room.stt.gate.set()
    assert utterance.wait_for_room(WAIT_S)
    utterance.cancel()
    assert utterance.wait_for_room(WAIT_S)


def test_a_live_request_goes_between_two_pieces_of_a_relaxed_recording(room: Room) -> None:
    room.stt.gate = threading.Event()
    recording = room.open(max_s=None, relaxed=True)
    for _ in range(5):
        recording.feed(tone(8.0) + silence(1.0))
    long = recording.submit()
    assert room.stt.entered.wait(WAIT_S)
    live = room.open()
    live.feed(tone(1.0))
    short = live.submit()
    room.stt.gate.set()

    assert short.result(WAIT_S).text == "piece 2"
    assert long.result(WAIT_S).text == "piece 1 piece 3 piece 4 piece 5 piece 6"


class Parts(ScriptedEar):
    """Only records that it was called; used where time is simulated."""

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        self.asked.append((len(samples) / 16_000, request))
        return Recognition("turn on the light", "en", 0.9)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_audio_that_comes_with_its_end_at_any_moment_of_a_slice_is_heard(rate_hz: int) -> None:
    for seed in range(100):
        simulation = Simulation(choose=Whims(seed), at_locks=True)
        lane = Lane("cpu", workers=1, max_tasks=8, threads=simulation)
        lease: Future[Lease] = Future()
        lease.set_result(Lease(Parts(), nullcontext(), lambda: None))
        utterance = Utterance(
            plan=ListenPlan(RecognizeRequest(), "en", 60.0, None),
            audio_format=AudioFormat(rate_hz),
            vad=LoudnessVad,
            lane=lane,
            lease=lease,
            relaxed=False,
            on_end=lambda _: None,
        )
        utterance.start()

        def client(utterance: Utterance = utterance) -> None:
            for _ in range(6):
                utterance.feed(tone(0.1, rate_hz))
            utterance.submit()

        simulation.start("client", client)
        simulation.wait(lambda utterance=utterance: utterance.done, 60.0)  # type: ignore[misc]  # bound now
        transcript = utterance.submit().result(0)
        assert transcript.duration_s == pytest.approx(0.6, abs=0.001), seed
        assert transcript.stats.speech_s == pytest.approx(0.6, abs=0.05), seed
        simulation.close()


def test_a_callback_that_fails_does_not_end_the_utterance(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    def on_partial(text: str) -> None:
        raise OSError("the client's socket is gone")

    room.stt = Dictation()
    utterance = room.open(on_partial=on_partial)
    for _ in range(6):
        room.stt.entered.clear()
        room.say(utterance, tone(1.1))
        assert room.stt.entered.wait(WAIT_S)

    assert utterance.finish(WAIT_S).text.startswith("one two")
    assert "the client's socket is gone" in caplog.text


def test_whoever_asks_for_the_speech_that_goes_on_gets_both_numbers_of_the_same_moment(room: Room) -> None:
    utterance = room.open(max_s=None)
    assert utterance.ongoing_speech == (0.0, 0.0)
    room.say(utterance, tone(1.0))
    room.settle(lambda: utterance.ongoing_speech[0] > 0.9)
    assert utterance.ongoing_speech[1] == 1.0
    room.say(utterance, silence(0.5))
    room.settle(lambda: utterance.ongoing_speech == (0.0, 0.0))
    utterance.cancel()
