"""Several rooms on a simulated clock: response times, with the real sessions and scheduler.

The voice and the recogniser cost what they cost on a small board, or on a desktop.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pytest

from lunavox_edge.backends.base import (
    Piece,
    Recognition,
    RecognizeRequest,
    Samples,
    SpeakRequest,
    SttModel,
    TtsModel,
    Vad,
    VadStream,
)
from lunavox_edge.engine.hearing.transcription import ListenPlan
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.pace import Cost, Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.errors import Busy
from lunavox_edge.types import AudioFormat, Transcript
from tests.fakes.simulated_lane import SimulatedLane

pytestmark = pytest.mark.unit

RATE_HZ = 16_000
SENTENCE = "The heating in the living room is set to twenty degrees now. "
REPLY = SENTENCE * 6
SECONDS_PER_CHARACTER = 0.06


@dataclass(frozen=True)
class Machine:
    """The cost of a second of speech: the text part, before any audio, and the vocoder."""

    first_half: float
    vocoder: float
    transcript_s: float
    workers: int


DESKTOP = Machine(first_half=0.015, vocoder=0.025, transcript_s=0.3, workers=2)
BOARD = Machine(first_half=0.06, vocoder=0.14, transcript_s=1.0, workers=1)


class CostlyVoice(TtsModel):
    """Makes silence in growing chunks; each costs simulated time."""

    rate_hz = RATE_HZ
    dbfs = -20.0

    def __init__(self, lane: SimulatedLane, machine: Machine) -> None:
        self._lane = lane
        self._machine = machine

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        left_s = len(text) * SECONDS_PER_CHARACTER
        self._lane.spend(left_s * self._machine.first_half)
        piece_s = 0.23
        while left_s > 0:
            made_s = min(piece_s, left_s)
            yield Piece(partial(self._make, made_s), made_s)
            left_s -= made_s
            piece_s = min(2 * piece_s, 1.86)

    def _make(self, seconds: float) -> Samples:
        self._lane.spend(seconds * self._machine.vocoder)
        return np.zeros(int(seconds * RATE_HZ), np.float32)


class CostlyStt(SttModel):
    """Recognises the same words in any audio; each call costs simulated time."""

    def __init__(self, lane: SimulatedLane, machine: Machine) -> None:
        self._lane = lane
        self._machine = machine

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        self._lane.spend(self._machine.transcript_s)
        return Recognition("turn on the light", "en", 0.9)


class AllSpeech(Vad):
    """Reports all audio as speech."""

    frame_s = 0.032

    def stream(self) -> VadStream:
        return AllSpeechStream()


class AllSpeechStream(VadStream):
    def feed(self, samples: Samples) -> Samples:
        return np.ones(len(samples) // 512, np.float32)


@dataclass
class Room:
    """A listener that plays audio as soon as it arrives."""

    lane: SimulatedLane
    asked_s: float
    speech: Speech | None = None
    first_s: float | None = None
    ends_s: float = 0.0
    left: bool = False
    gaps_s: list[float] = field(default_factory=list)

    def listen(self) -> None:
        assert self.speech is not None
        if self.left:
            return
        while (chunk := self.speech.poll()) is not None:
            now_s = self.lane.now_s
            if self.first_s is None:
                self.first_s = self.ends_s = now_s
            if now_s > self.ends_s:
                self.gaps_s.append(now_s - self.ends_s)
                self.ends_s = now_s
            self.ends_s += chunk.duration_s

    @property
    def waited_s(self) -> float:
        assert self.first_s is not None, "nothing was heard"
        return self.first_s - self.asked_s


class House:
    """Several rooms, one machine and its models."""

    def __init__(self, machine: Machine, *, max_tasks: int = 64) -> None:
        self.machine = machine
        self.lane = SimulatedLane(workers=machine.workers, max_tasks=max_tasks)
        self.pace = Pace(machine.workers)
        self.voice = CostlyVoice(self.lane, machine)
        self.stt = CostlyStt(self.lane, machine)
        self.start_s = self.lane.now_s
        self.ended: list[Session] = []

    def lease(self, model: TtsModel | SttModel) -> Future[Lease]:
        future: Future[Lease] = Future()
        future.set_result(Lease(model, nullcontext(), lambda: None))
        return future

    def say(
        self,
        text: str = REPLY,
        *,
        after_s: float = 0.0,
        relaxed: bool = False,
        lease: Future[Lease] | None = None,
    ) -> Room:
        """A room requests a speech, at a time counted from the start."""
        room = Room(self.lane, self.start_s + after_s)

        def ask() -> None:
            room.speech = Speech(
                plan=SpeechPlan(SpeakRequest(), "en-US", voice_key="joe"),
                lane=self.lane,
                lease=lease or self.lease(self.voice),
                pace=self.pace,
                phrases=PhraseCache(0),
                relaxed=relaxed,
                on_end=self.ended.append,
                on_ready=room.listen,
            )
            room.speech.start()
            room.speech.write(text)
            room.speech.finish()

        self.lane.at(room.asked_s, ask)
        return room

    def hear(self, *, after_s: float, seconds: float = 2.0) -> Future[tuple[Transcript, float]]:
        """A room sends a whole utterance at once; return its transcript and how long it took."""
        answer: Future[tuple[Transcript, float]] = Future()

        def ask() -> None:
            asked_s = self.lane.now_s
            utterance = Utterance(
                plan=ListenPlan(RecognizeRequest(), "en"),
                audio_format=AudioFormat(RATE_HZ),
                vad=AllSpeech,
                lane=self.lane,
                lease=self.lease(self.stt),
                relaxed=False,
                on_end=self.ended.append,
            )
            utterance.start()
            utterance.feed(bytes(int(2 * RATE_HZ * seconds)))
            utterance.submit().add_done_callback(
                lambda done: answer.set_result((done.result(), self.lane.now_s - asked_s))
            )

        self.lane.at(self.start_s + after_s, ask)
        return answer

    def learn(self) -> None:
        """One reply before the scenario, from which the machine learns what a voice costs."""
        self.say(REPLY)
        self.lane.run(self.lane.now_s + 120.0)
        self.start_s = self.lane.now_s
        self.lane.ran.clear()

    def run(self, seconds: float) -> None:
        self.lane.run(self.start_s + seconds)


@pytest.fixture(params=[DESKTOP, BOARD], ids=["desktop", "board"])
def house(request: pytest.FixtureRequest) -> House:
    house = House(request.param)
    house.learn()
    return house


def test_eight_rooms_speak_at_once_without_gaps() -> None:
    house = House(DESKTOP)
    rooms = [house.say() for _ in range(8)]
    house.run(60.0)
    assert not any(room.gaps_s for room in rooms)
    waits = sorted(room.waited_s for room in rooms)
    assert waits[0] < 0.1
    assert waits[-1] < 0.5
    assert all(room.ends_s - (room.first_s or 0) > 20 for room in rooms)


def test_a_room_alone_is_spoken_to_by_both_workers() -> None:
    ended_s = []
    for workers in (1, 2):
        house = House(replace(DESKTOP, workers=workers))
        room = house.say(SENTENCE)
        house.run(60.0)
        assert room.waited_s < 0.1
        assert not room.gaps_s
        ended_s.append(max(began_s + took_s for began_s, took_s, _ in house.lane.ran) - house.start_s)
    assert ended_s[1] < 0.8 * ended_s[0]


def test_four_rooms_on_a_small_board_start_later_rather_than_have_gaps() -> None:
    house = House(BOARD)
    house.learn()
    alone = house.say()
    house.run(60.0)
    assert alone.waited_s < 0.35
    house.start_s = house.lane.now_s
    rooms = [house.say() for _ in range(4)]
    house.run(120.0)
    assert not any(room.gaps_s for room in rooms)
    assert max(room.waited_s for room in rooms) < 3.0


def test_rooms_wait_little_longer_than_the_machine_needs_to_keep_up() -> None:
    house = House(Machine(first_half=0.13, vocoder=0.20, transcript_s=1.5, workers=1))
    house.learn()
    rooms = [house.say() for _ in range(4)]
    house.run(240.0)
    worked_s = house.lane.ran[-1][0] + house.lane.ran[-1][1] - house.start_s
    spoken_s = rooms[0].ends_s - (rooms[0].first_s or 0)
    assert worked_s > 1.2 * spoken_s
    assert not any(room.gaps_s for room in rooms)
    assert max(room.waited_s for room in rooms) < 1.5 * (worked_s - spoken_s)


def test_more_rooms_than_the_machine_can_speak_to_wait_and_hear_no_gaps() -> None:
    house = House(BOARD)
    house.learn()
    rooms = [house.say() for _ in range(8)]  # 1.6 times what it can do
    house.run(240.0)
    assert not any(room.gaps_s for room in rooms)


def test_a_room_that_comes_later_does_not_interrupt_those_who_listen(house: House) -> None:
    rooms = [house.say(after_s=second) for second in (0.0, 1.0, 2.0, 3.0)]
    house.run(120.0)
    assert not any(room.gaps_s for room in rooms)


def test_a_final_transcript_runs_between_two_vocoder_chunks() -> None:
    house = House(Machine(first_half=0.015, vocoder=0.025, transcript_s=0.2, workers=1))
    house.learn()
    room = house.say(REPLY * 4)
    answer = house.hear(after_s=0.5)
    house.run(60.0)
    transcript, waited_s = answer.result(0)
    assert transcript.text == "turn on the light"
    assert waited_s < 0.2 + 0.15  # its own work and the slice that ran
    assert not room.gaps_s
    kinds = [type(task) for _, _, task in house.lane.ran]
    first = kinds.index(Utterance)
    assert Speech in kinds[:first]
    assert Speech in kinds[first:]


def test_a_long_announcement_does_not_delay_a_reply(house: House) -> None:
    alone = house.say()
    house.run(60.0)
    house.start_s = house.lane.now_s
    announcement = house.say(SENTENCE * 100, relaxed=True)
    reply = house.say(after_s=2.0)
    house.run(600.0)
    longest_s = max(took_s for _, took_s, _ in house.lane.ran)
    assert reply.waited_s <= alone.waited_s + longest_s + 0.01
    assert not reply.gaps_s
    assert announcement.ends_s - (announcement.first_s or 0) > 300  # and is heard to its end


def test_an_announcement_is_spoken_however_many_replies_keep_coming() -> None:
    house = House(DESKTOP)
    announcement = house.say(SENTENCE, relaxed=True)
    replies = [house.say(after_s=0.02 * number) for number in range(60)]
    house.run(120.0)
    assert announcement.waited_s < 40.0
    assert all(reply.first_s is not None for reply in replies)


def test_a_client_that_leaves_costs_no_further_slice(house: House) -> None:
    stays, leaves = house.say(), house.say()
    left_s = house.start_s + 1.0

    def leave() -> None:
        assert leaves.speech is not None
        leaves.left = True
        leaves.speech.cancel()

    house.lane.at(left_s, leave)
    house.run(60.0)
    begun = [began_s for began_s, _, task in house.lane.ran if task is leaves.speech]
    assert begun
    assert max(begun) <= left_s
    assert leaves.speech in house.ended
    assert not stays.gaps_s


def test_speech_goes_on_while_another_model_loads(house: House) -> None:
    loading: Future[Lease] = Future()
    waits = house.say(lease=loading)
    speaks = house.say(after_s=0.1)
    loaded_s = house.start_s + 8.0
    house.lane.at(loaded_s, lambda: loading.set_result(house.lease(house.voice).result(0)))
    house.run(90.0)
    assert speaks.waited_s < 1.0
    assert not speaks.gaps_s
    assert not waits.gaps_s
    assert waits.first_s is not None
    assert 0 < waits.first_s - loaded_s < 3.0


def test_over_its_bound_the_lane_refuses_at_once_and_says_when_to_come_back() -> None:
    house = House(BOARD, max_tasks=4)
    rooms = [house.say() for _ in range(4)]
    refused: list[Busy] = []

    def ask_too_much() -> None:
        try:
            Utterance(
                plan=ListenPlan(RecognizeRequest(), "en"),
                audio_format=AudioFormat(RATE_HZ),
                vad=AllSpeech,
                lane=house.lane,
                lease=house.lease(house.stt),
                relaxed=False,
                on_end=house.ended.append,
            ).start()
        except Busy as error:
            refused.append(error)

    house.lane.at(house.start_s + 0.5, ask_too_much)
    house.run(0.6)
    (error,) = refused
    assert error.retryable
    assert error.retry_after_s is not None
    assert error.retry_after_s > 0
    assert isinstance(house.lane, Lane)
    assert len(rooms) == 4
    house.run(240.0)


def test_what_one_more_room_would_wait_for_is_known_before_it_is_let_in() -> None:
    house = House(BOARD)
    assert house.pace.wait_s("joe") == 0.0
    house.learn()
    assert house.pace.wait_s("joe") == 0.0
    for _ in range(20):
        house.say()
    house.run(1.0)
    assert house.pace.wait_s("joe") > 10.0
    house.run(600.0)
    assert house.pace.wait_s("joe") == 0.0


def test_one_hiccup_of_the_machine_does_not_shut_out_the_next_room() -> None:
    pace = Pace(workers=1)
    pace.learn("joe", Cost(chars=10).plus(audio_s=1.0, work_s=500.0))
    assert pace.wait_s("joe") == 0.0
