"""What ends an answer at a satellite: a wake word, a stop word, words spoken over it."""

from __future__ import annotations

import numpy as np
import pytest

from lunavox_edge.announcements.announcement import SpeechStatus
from lunavox_edge.announcements.house import SatellitePhase
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.wake import said, silence
from tests.wire.house import SPEECH, Build, ask

pytestmark = pytest.mark.wire


async def test_the_wake_word_interrupts_an_answer(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    house.stt.text = "tell me a story " * 20
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    await fake.say(said("okay_nabu", 0.1) + silence(0.2))
    await fake.until("detection", 2)
    await fake.until("audio-stop")
    kinds = [came.event.type for came in fake.came]
    told = len(kinds) - kinds[::-1].index("detection")
    assert "audio-chunk" not in kinds[told:]
    assert house.phase() is SatellitePhase.LISTENING


async def test_a_stop_word_ends_the_answer_and_nothing_more(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, stop_words=["Alexa", "no_such_word"])
    house.stt.text = "tell me a story " * 20
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    await fake.say(said("alexa", 0.1) + silence(0.2))
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.IDLE)
    assert len(fake.all("detection")) == 1
    assert "no_such_word" in (house.hub.views()[0].problem or "")


async def test_a_stop_ends_a_turn_that_was_held_open(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake, answer="mqtt", follow_up="always")
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH + silence(0.6))
    await house.until_phase(SatellitePhase.PROCESSING)
    house.announce("one " * 100, "kitchen")
    await house.until_phase(SatellitePhase.SPEAKING)
    assert fake.streaming
    house.hub.silence("kitchen")
    await until(lambda: not fake.streaming)
    await house.until_phase(SatellitePhase.IDLE)


async def test_a_stop_silences_a_timer_that_rings_there(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert not fake.all("timer-cancelled")
    assert house.hub.silence("kitchen") == 0
    assert (await fake.until("timer-cancelled")).data == {"id": ""}


@pytest.mark.parametrize("overlap", ["interrupt", "report", "off"])
async def test_speaking_over_an_answer(build: Build, overlap: str) -> None:
    fake = FakeSatellite()
    house = await build(fake, overlap=overlap, overlap_ms=300, special={"kitchen": {"echo_cancelled": True}})
    house.stt.text = "tell me a story " * 60
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    cough = SPEECH[: len(SPEECH) // 3]
    await fake.say(silence(0.2) + cough + silence(0.3) + cough + silence(0.3))
    assert not house.overlaps
    assert house.phase() is SatellitePhase.SPEAKING
    house.stt.text = "that is enough"
    await fake.say(SPEECH * 2 + silence(0.6))
    if overlap == "interrupt":
        assert (await fake.until("transcript", 2)).data["text"] == "that is enough"
        loud = np.count_nonzero(np.abs(house.stt.heard[-1][0]) > 0.01)
        assert loud >= len(SPEECH) - 1024
    else:
        assert house.phase() is SatellitePhase.SPEAKING
    assert [found.interrupted for found in house.overlaps] == {
        "interrupt": [True],
        "report": [False],
        "off": [],
    }[overlap]
    assert all(0.3 <= found.duration_s < 0.9 and found.probability == 1.0 for found in house.overlaps)


async def test_without_echo_cancellation_nobody_is_overheard(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, overlap_ms=100)
    house.stt.text = "tell me a story " * 60
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    await fake.say(SPEECH * 2)
    assert house.phase() is SatellitePhase.SPEAKING
    assert not house.overlaps
