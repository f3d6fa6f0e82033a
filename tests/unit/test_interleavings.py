"""Speeches on a lane in any order of events: every lock is a place where another thread may go first.

Clients write, fetch and cancel while workers speak. Whatever the order, each word is heard once and in
its place, and nothing is left behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lunavox_edge.backends.base import Piece, Samples, SpeakRequest, TtsModel
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.pace import Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.errors import (
    BrokenModel,
    Busy,
    Cancelled,
    EmptyText,
    InternalError,
    LunavoxError,
    TextTooLong,
)
from tests.fakes.simulated_lane import SimulatedLane
from tests.fakes.simulation import Simulation, Whims
from tests.fakes.stateful import machine_settings

pytestmark = [pytest.mark.unit, pytest.mark.timeout(3600)]

RATE_HZ = 100
WORD_S = 0.4
FOR_EVER_S = 600.0
SEEDS = 100
INSTANTS_S = (0.0, 0.25, 0.5)
"""Durations of events: only a few, so that many events fall on the same instant."""
MAX_CHARS = 2000


EXPECTED = (Cancelled, BrokenModel, InternalError, EmptyText, TextTooLong, Busy)
RARELY, OFTEN = st.sampled_from([False, False, False, True]), st.sampled_from([True, True, True, False])
WHICH, AFTER_S = st.integers(0, 99), st.sampled_from(INSTANTS_S)


class OddPace(Pace):
    """Lets other threads run before and after each of its answers, as at a lock."""

    def __init__(self, workers: int, simulation: Simulation) -> None:
        super().__init__(workers)
        self._simulation = simulation

    def enter(self, room: object, *, playing: bool) -> None:
        self._simulation.switch()
        super().enter(room, playing=playing)
        self._simulation.switch()

    def leave(self, room: object) -> None:
        self._simulation.switch()
        super().leave(room)
        self._simulation.switch()


class WordByWord(TtsModel):
    """Makes one piece per word, with the number of the word as every sample."""

    rate_hz = RATE_HZ

    def __init__(self, simulation: Simulation, random: Random) -> None:
        self._simulation = simulation
        self._random = random
        self.breaks_in: int | None = None
        """The number of calls until it fails, once."""
        self.inside = 0

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        self.inside += 1
        try:
            for word in text.split():
                self._work()
                yield Piece(partial(self._make, number_of(word)), WORD_S)
        finally:
            self.inside -= 1

    def _make(self, number: int) -> Samples:
        self._work()
        return np.full(int(WORD_S * RATE_HZ), number / 32767, np.float32)

    def _work(self) -> None:
        self._simulation.sleep(self._random.choice(INSTANTS_S))
        if self.breaks_in is not None:
            self.breaks_in -= 1
            if self.breaks_in < 0:
                self.breaks_in = None
                raise RuntimeError("the graphics driver went away")


def word_of(number: int) -> str:
    return "w" + "".join("abcdefghij"[int(digit)] for digit in str(number))


def number_of(word: str) -> int:
    return int("".join(str("abcdefghij".index(letter)) for letter in word.strip("w.")))


def numbers_in(text: str) -> list[int]:
    return [number_of(word) for word in text.split()]


def numbers_heard(pcm: bytes) -> list[int]:
    samples = np.frombuffer(pcm, np.int16)[:: int(WORD_S * RATE_HZ)]
    return [int(sample) for sample in samples]


@dataclass(eq=False)
class Client:
    """The client of a speech: one thread writes, another one fetches."""

    speech: Speech
    voice: WordByWord
    text: str = ""
    heard: list[int] = field(default_factory=list)
    error: LunavoxError | None = None
    jobs: deque[Callable[[], None]] = field(default_factory=deque)
    is_fetching: bool = False
    news: bool = True
    started: bool = False
    finished: bool = False
    over: bool = False
    ends: int = 0
    leases: int = 0
    given_back: int = 0
    left_open: int = 0

    @property
    def can_go_on(self) -> bool:
        """Whether only work of the lane is missing until all text so far is spoken."""
        loaded = self.speech._lease_future.done()
        return self.started and loaded and self.is_fetching and not self.jobs


class Interleavings(RuleBasedStateMachine):
    """One lane, one voice, and clients that come and go."""

    @initialize(workers=st.integers(1, 3), parallel=st.booleans(), seed=st.integers(0, 2**32))
    def begin(self, workers: int, parallel: bool, seed: int) -> None:  # noqa: FBT001
        random = Random(seed)  # noqa: S311  # for an order that is the same every time
        self.simulation = Simulation(choose=Whims(seed), at_locks=True)
        self.lane = SimulatedLane(workers=workers, max_tasks=4, simulation=self.simulation)
        self.pace = OddPace(workers, self.simulation)
        self.random = random
        self.turn = nullcontext() if parallel else self.simulation.lock()
        self.phrases = PhraseCache(100_000)
        self.clients: list[Client] = []
        self.loads: list[tuple[Client, Future[Lease]]] = []
        self.numbers = count(1)
        self.said = ["wa."]

    @rule(loads=RARELY, relaxed=st.booleans(), starts=OFTEN, fetches=OFTEN)
    def open(self, *, loads: bool, relaxed: bool, starts: bool, fetches: bool) -> None:
        lease: Future[Lease] = Future()
        plan = SpeechPlan(
            SpeakRequest(),
            "en-US",
            voice_key="joe",
            max_chars=MAX_CHARS,
            normalize_text=False,
            buffer_char_threshold=2,
        )
        client: Client
        speech = Speech(
            plan=plan,
            lane=self.lane,
            lease=lease,
            pace=self.pace,
            phrases=self.phrases,
            relaxed=relaxed,
            on_end=lambda session: self._ended(client, session),
            on_ready=lambda: setattr(client, "news", True),
        )
        client = Client(speech, WordByWord(self.simulation, self.random), is_fetching=fetches)
        self.clients.append(client)
        if loads:
            self.loads.append((client, lease))
        else:
            lease.set_result(self._lease(client))
        if starts:
            client.started = True
            with suppress(Busy):
                speech.start()
        self.simulation.start("writer", partial(self._write_on, client))
        self.simulation.start("reader", partial(self._read_on, client))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, words=st.integers(1, 6), ends=st.booleans(), again=st.booleans())
    def write(self, which: int, words: int, *, ends: bool, again: bool) -> None:
        client = self._client(which)
        new = " ".join(word_of(next(self.numbers)) for _ in range(words)) + ("." if ends else "")
        text = self.said[which % len(self.said)] if again else new
        if ends and not again:
            self.said.append(text)
        client.jobs.append(partial(self._write, client, " " + text))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        client = self._client(which)
        client.jobs.append(partial(self._finish, client))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH)
    def write_and_finish(self, which: int) -> None:
        self.write(which, words=2, ends=False, again=False)
        self.finish(which)

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, on=st.booleans())
    def fetch(self, which: int, *, on: bool) -> None:
        self._client(which).is_fetching = on

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, after_s=AFTER_S)
    def cancel(self, which: int, after_s: float) -> None:
        self._later(after_s, self._client(which).speech.cancel)

    @rule(
        sentences=st.integers(1, 4),
        finishes_s=AFTER_S,
        cancels_s=st.none() | AFTER_S,
        breaks=st.none() | st.integers(0, 7),
    )
    def talk(self, sentences: int, finishes_s: float, cancels_s: float | None, breaks: int | None) -> None:
        """A whole speech at once, which is usually in progress at the next event."""
        self.open(loads=False, relaxed=False, starts=True, fetches=True)
        client = self.clients[-1]
        for _ in range(sentences):
            self.write(-1, words=3, ends=True, again=False)
        self._later(finishes_s, lambda: client.jobs.append(partial(self._finish, client)))
        if cancels_s is not None:
            self._later(cancels_s, client.speech.cancel)
        if breaks is not None:
            client.voice.breaks_in = breaks

    @precondition(lambda self: self.loads)
    @rule(fails=st.booleans())
    def load(self, *, fails: bool) -> None:
        client, lease = self.loads.pop(0)
        if not lease.set_running_or_notify_cancel():
            return
        if fails:
            lease.set_exception(BrokenModel("The voice is damaged."))
        else:
            lease.set_result(self._lease(client))

    @precondition(lambda self: self.clients)
    @rule(which=WHICH, after=st.integers(0, 5))
    def break_voice(self, which: int, after: int) -> None:
        self._client(which).voice.breaks_in = after

    @rule(steps=st.integers(1, 200))
    def run(self, steps: int) -> None:
        for _ in range(steps):
            if not self.simulation.step():
                return

    @rule(seconds=st.sampled_from([0.25, 0.25, 1.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.simulation.sleep(seconds)

    def teardown(self) -> None:
        if not hasattr(self, "simulation"):
            return
        self.simulation.sleep(FOR_EVER_S)
        for client in self.clients:
            self._check_progress(client)
        while self.loads:
            self.load(fails=False)
        for client in self.clients:
            client.jobs.append(partial(self._finish, client))
            client.is_fetching = True
            if not client.started:
                self.simulation.start("leaver", client.speech.cancel)
        self.simulation.wait(lambda: all(client.over for client in self.clients), FOR_EVER_S)
        self.simulation.settle()
        for client in self.clients:
            self._check(client)
        assert not self.lane._states, "a task is left in the lane"
        assert not self.lane._alarms, "an alarm is left in the lane"
        assert self.lane.status().lost_workers == 0
        assert not self.pace._rooms, "a room is counted that is not there"
        assert not self.pace._waiting
        for key, phrase in self.phrases._phrases.items():
            assert isinstance(key, tuple)
            assert numbers_heard(b"".join(phrase.pieces)) == numbers_in(key[1]), "half a phrase is kept"
        self.simulation.close()

    def _check_progress(self, client: Client) -> None:
        """All work is done that needs no further event."""
        if client.error is None and client.can_go_on:
            written = numbers_in(client.text)
            assert client.over or not client.finished, "a speech never ended"
            # Text that stalled is spoken too; only a word that may still grow is waited for.
            assert written[: len(client.heard)] == client.heard
            assert len(client.heard) >= len(written) - 1, "text was never spoken"

    def _check(self, client: Client) -> None:
        assert client.over, "a speech never ended"
        assert client.ends == 1
        assert client.leases == client.given_back
        assert client.left_open == 0, "the model was given back before what was opened in it was closed"
        written = numbers_in(client.text)
        if client.error is None:
            assert client.heard == written
        else:
            assert client.heard == written[: len(client.heard)], (client.heard, written, client.error)
            assert isinstance(client.error, EXPECTED)
        if isinstance(client.error, EmptyText):
            assert not written

    def _later(self, after_s: float, job: Callable[[], None]) -> None:
        def wait_and_do() -> None:
            self.simulation.sleep(after_s)
            job()

        self.simulation.start("later", wait_and_do)

    def _client(self, which: int) -> Client:
        return self.clients[which % len(self.clients)]

    def _lease(self, client: Client) -> Lease:
        client.leases += 1

        def give_back() -> None:
            client.given_back += 1
            client.left_open += client.voice.inside

        return Lease(client.voice, self.turn, give_back)

    def _ended(self, client: Client, session: Session) -> None:
        assert session is client.speech
        client.ends += 1

    def _write_on(self, client: Client) -> None:
        while True:
            self.simulation.wait(lambda: bool(client.jobs) or client.over)
            if not client.jobs:
                return
            client.jobs.popleft()()

    def _write(self, client: Client, text: str) -> None:
        if not client.finished and not client.speech._ended:
            client.text += text
        client.speech.write(text)

    def _finish(self, client: Client) -> None:
        client.finished = True
        client.speech.finish()

    def _read_on(self, client: Client) -> None:
        speech = client.speech
        while True:
            self.simulation.wait(lambda: client.is_fetching and client.news)
            client.news = False
            try:
                while (chunk := speech.poll()) is not None:
                    client.heard += numbers_heard(chunk.pcm)
                if speech.done:
                    speech.poll()
                    client.over = True
                    return
            except LunavoxError as error:
                client.error = error
                client.over = True
                return


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = machine_settings(runs=40)


@pytest.mark.parametrize("event", ["all is written", "the client leaves", "the voice breaks"])
def test_what_happens_while_two_workers_make_the_last_pieces(event: str) -> None:
    for seed in range(SEEDS):
        machine = Interleavings()
        machine.begin(workers=2, parallel=True, seed=seed)
        machine.open(loads=False, relaxed=False, starts=True, fetches=True)
        client = machine.clients[0]
        machine.write(0, words=2 + seed % 3, ends=True, again=False)
        if event == "the voice breaks":
            client.voice.breaks_in = seed % 6
        all_is_written = partial(client.jobs.append, partial(machine._finish, client))
        happens = client.speech.cancel if event == "the client leaves" else all_is_written
        machine._later(INSTANTS_S[seed % 3], happens)
        machine.teardown()
