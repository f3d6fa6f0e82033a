"""Voicing: what the two workers of a speech share."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import pytest

from lunavox_edge.backends.base import Piece, SpeakRequest, TtsModel
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.speech.assembly import LineWork
from lunavox_edge.engine.speech.pace import Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.script import Script
from lunavox_edge.engine.speech.voicing import SpeechPlan, Voicing
from lunavox_edge.types import AudioChunk
from tests.fakes.simulation import Simulation

pytestmark = pytest.mark.unit

WAIT_S = 20.0


class OnePiece(TtsModel):
    rate_hz = 1000

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        yield Piece(lambda: np.full(100, 0.1, np.float32), 0.1)


def test_a_piece_that_is_being_handed_on_counts_as_being_made() -> None:
    simulation = Simulation()
    heard: list[AudioChunk] = []

    def emit(chunk: AudioChunk, work: LineWork) -> None:
        simulation.sleep(1.0)
        heard.append(chunk)

    plan = SpeechPlan(SpeakRequest(), "en-US")
    voicing = Voicing(plan, pace=Pace(2), phrases=PhraseCache(0), threads=simulation, emit=emit)
    voicing.script.add("Hello.")
    voicing.script.finish()
    lease = Lease(OnePiece(), nullcontext(), lambda: None)
    slot = voicing.next_slot(lease, hungry=lambda: True)
    assert slot is not None
    assert voicing.next_slot(lease, hungry=lambda: True) is None
    simulation.start("worker", lambda: voicing.make(slot, lease))
    simulation.settle()
    assert heard == []  # on its way

    assert not voicing.busy  # as soon as that can be said
    assert len(heard) == 1
    simulation.close()


@pytest.mark.parametrize("ssml", [False, True])
def test_what_is_left_of_a_text_is_told_after_every_step(ssml: bool) -> None:  # noqa: FBT001
    script = Script(language="de", normalize=False, ssml=ssml, sentence_silence_ms=0)
    text = "Das ist Satz eins. Und noch einer hier. Und der ist"
    script.add(f"<speak>{text}</speak>" if ssml else text)
    if not ssml:
        assert (script.backlog.pending_chars, script.backlog.waiting_chars) == (len(text), len("Und der ist"))
    script.finish()
    assert (script.backlog.pending_chars, script.backlog.waiting_chars) == (len(text), 0)
    left = len(text)
    while (line := script.next_line()) is not None:
        left -= len(line.text)
        assert left - 2 <= script.pending_chars <= left
    assert script.pending_chars == 0


def test_one_worker_may_ask_what_is_left_while_the_other_takes_it() -> None:
    script = Script(language="de", normalize=False, ssml=False, sentence_silence_ms=0)
    errors: list[Exception] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                assert script.pending_chars >= 0
            except Exception as error:  # noqa: BLE001  # reported by the test
                errors.append(error)
                return

    asking = threading.Thread(target=ask)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        asking.start()
        for _ in range(60):
            script.add("Das ist Satz Nummer eins. Und noch einer hier. " * 5)
            while script.next_line():
                pass
    finally:
        sys.setswitchinterval(interval_s)
        over.set()
        asking.join(WAIT_S)
    assert errors == []
