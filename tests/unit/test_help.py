"""Two workers for one speech: which makes what, the order of the audio, and the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest

from lunavox_edge.backends.base import Piece, Samples, SpeakRequest, TtsModel
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.speech.pace import Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.errors import Cancelled, InternalError
from lunavox_edge.types import AudioChunk

pytestmark = pytest.mark.unit

WAIT_S = 20.0
RATE_HZ = 16_000
PIECE_S = 0.5


class Held:
    """A piece of audio whose `make` waits until it is released."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.begun = threading.Event()
        self.go = threading.Event()
        self.error: Exception | None = None

    def make(self) -> Samples:
        self.begun.set()
        assert self.go.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        return np.full(int(PIECE_S * RATE_HZ), self.level, np.float32)


class Choir(TtsModel):
    """Makes every line from the given pieces, and records its requests."""

    rate_hz = RATE_HZ

    def __init__(self, *lines: list[Held]) -> None:
        self._lines = list(lines)
        self.eager: list[bool] = []

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        self.eager.append(eager)
        return (Piece(held.make, PIECE_S) for held in self._lines.pop(0))


class Stage:
    """A lane of two workers, and a speech of one line for each list of pieces."""

    def __init__(self, *lines: list[Held], turn: AbstractContextManager[object] | None = None) -> None:
        self.lane = Lane("cpu", workers=2, max_tasks=1)
        self.held = [held for line in lines for held in line]
        self.choir = Choir(*lines)
        self.released = threading.Event()
        self.over = threading.Event()
        lease: Future[Lease] = Future()
        lease.set_result(Lease(self.choir, turn or nullcontext(), self.released.set))
        self.speech = Speech(
            plan=SpeechPlan(SpeakRequest(), "en-US"),
            lane=self.lane,
            lease=lease,
            pace=Pace(2),
            phrases=PhraseCache(0),
            relaxed=False,
            on_end=lambda _: self.over.set(),
            on_ready=None,
        )
        self.speech.start()
        self.speech.write(" ".join("Line." for _ in lines))
        self.speech.finish()

    def rest(self) -> list[AudioChunk]:
        return list(iter(lambda: self.speech.read(WAIT_S), None))

    def close(self) -> None:
        for held in self.held:
            held.go.set()
        self.lane.close(WAIT_S)


def levels(chunks: list[AudioChunk]) -> list[float]:
    return [round(float(np.frombuffer(chunk.pcm, np.int16)[0]) / 32767, 2) for chunk in chunks]


def voices(count: int) -> list[Held]:
    return [Held(0.1 * (index + 1)) for index in range(count)]


def test_the_second_piece_is_made_beside_the_first_and_heard_after_it() -> None:
    pieces = voices(3)
    stage = Stage(pieces)
    assert all(held.begun.wait(WAIT_S) for held in pieces[:2])
    pieces[1].go.set()
    assert pieces[2].begun.wait(WAIT_S)
    assert stage.speech.poll() is None
    pieces[0].go.set()
    pieces[2].go.set()
    assert levels(stage.rest()) == [0.1, 0.2, 0.3]
    stage.close()


def test_the_next_line_is_begun_while_the_last_piece_of_this_one_is_made() -> None:
    first, second = voices(1), voices(2)
    stage = Stage(first, second)
    assert all(held.begun.wait(WAIT_S) for held in (*first, second[0]))
    for held in (*second, *first):
        held.go.set()
    assert levels(stage.rest()) == [0.1, 0.1, 0.2]
    stage.close()


def test_what_helps_needs_no_admission_of_its_own() -> None:
    pieces = voices(2)
    stage = Stage(pieces)  # on a lane for one task
    assert all(held.begun.wait(WAIT_S) for held in pieces)
    stage.close()


def test_a_model_that_takes_one_call_at_a_time_is_called_by_one_worker() -> None:
    pieces = voices(2)
    stage = Stage(pieces, turn=threading.Lock())
    assert pieces[0].begun.wait(WAIT_S)
    assert stage.lane.status().running == 1
    assert not pieces[1].begun.is_set()
    for held in pieces:
        held.go.set()
    assert levels(stage.rest()) == [0.1, 0.2]
    stage.close()


def test_an_error_beside_ends_the_speech_after_what_was_made_before() -> None:
    pieces = voices(2)
    pieces[1].error = RuntimeError("broken")
    stage = Stage(pieces)
    assert all(held.begun.wait(WAIT_S) for held in pieces)
    pieces[1].go.set()
    pieces[0].go.set()
    chunk = stage.speech.read(WAIT_S)
    assert chunk is not None
    assert levels([chunk]) == [0.1]
    with pytest.raises(InternalError):
        stage.rest()
    assert stage.released.wait(WAIT_S)
    stage.close()


def test_a_model_is_given_back_when_the_last_worker_is_done_with_it() -> None:
    pieces = voices(3)
    stage = Stage(pieces)
    assert all(held.begun.wait(WAIT_S) for held in pieces[:2])
    stage.speech.cancel()
    pieces[0].go.set()
    assert stage.over.wait(WAIT_S)
    assert not stage.released.is_set()
    pieces[1].go.set()
    assert stage.released.wait(WAIT_S)
    assert not pieces[2].begun.is_set()
    with pytest.raises(Cancelled):
        stage.speech.poll()
    stage.close()


def test_a_speech_that_ended_leaves_nobody_behind() -> None:
    pieces = voices(3)
    for held in pieces:
        held.go.set()
    stage = Stage(pieces)
    assert len(stage.rest()) == 3
    known = stage.lane._states  # nothing else tells of parked tasks
    for _ in range(250):
        if not known:
            break
        threading.Event().wait(0.02)
    assert not known
    stage.close()


def test_only_the_line_that_is_waited_for_is_begun_in_haste() -> None:
    lines = [voices(6) for _ in range(3)]
    for held in (*lines[0], *lines[1][2:], *lines[2]):
        held.go.set()
    stage = Stage(*lines)
    assert all(stage.speech.read(WAIT_S) for _ in lines[0])
    for held in lines[1][:2]:  # until now nobody could go on to the third line
        held.go.set()
    stage.rest()
    assert stage.choir.eager[0] is True
    assert stage.choir.eager[-1] is False
    stage.close()
