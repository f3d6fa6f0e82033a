"""Conversations at satellites: from the wake word to the answer, and what follows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np
import pytest
from wyoming.event import Event

from lunavox_edge.announcements.house import HeardUtterance, SatellitePhase
from lunavox_edge.hub.satellite_state import SatelliteEvent
from lunavox_edge.types import AudioChunk
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.wake import silence
from tests.wire.house import LEVEL, SPEECH, Build, ask

pytestmark = pytest.mark.wire


async def test_a_wake_word_heard_by_the_hub_leads_to_an_answer(build: Build) -> None:
    fake = FakeSatellite(area="Kitchen")
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    assert (await fake.until("detection")).data["name"] == "okay_nabu"
    assert (await fake.until("transcript")).data["text"] == "turn on the light"
    await fake.until("audio-stop")
    assert house.tts.texts == ["turn on the light"]
    assert len(fake.pcm()) == int(len("turn on the light") * 0.01 * 16_000) * 2
    assert fake.all("audio-start")[0].data["rate"] == 16_000
    await house.until_phase(SatellitePhase.IDLE)
    (heard,) = house.heard
    assert (heard.satellite, heard.transcript.text, heard.wake_word) == (
        "kitchen",
        "turn on the light",
        "okay_nabu",
    )


async def test_an_answer_goes_on_to_its_end_when_the_hub_stops(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, follow_up="always")
    house.tts.go.clear()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.PROCESSING)
    stopping = asyncio.create_task(house.hub.stop(10.0))
    await asyncio.sleep(0)
    house.tts.go.set()
    await stopping
    assert len(fake.pcm()) == int(len("turn on the light") * 0.01 * 16_000) * 2
    assert len(house.heard) == 1


async def test_an_end_without_patience_cuts_answers_off(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    house.tts.go.clear()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.PROCESSING)
    await asyncio.wait_for(house.hub.stop(0.05), 10.0)
    assert not fake.pcm()


async def test_the_word_right_after_the_wake_word_is_not_lost(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("transcript")
    samples, _ = house.stt.heard[-1]
    loud = np.count_nonzero(np.abs(np.abs(samples) - LEVEL) < 0.002)
    assert loud >= len(SPEECH) / 2 - 512


async def test_a_satellite_with_its_own_wake_word(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH + silence(0.6))
    assert (await fake.until("transcript")).data["text"] == "turn on the light"
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.IDLE)
    assert not fake.all("detection")


async def test_a_second_wake_word_begins_anew_and_ends_nothing_else(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    for _ in range(5):
        await fake.wake()
        await fake.say(SPEECH, fast=True)
        await house.until_phase(SatellitePhase.LISTENING)
    await fake.send_stop()
    await fake.until("audio-stop")
    assert [event.data["text"] for event in fake.all("transcript")] == ["turn on the light"]
    assert len(house.heard) == 1


async def test_a_conversation_that_was_ended_cannot_go_on(build: Build) -> None:
    house = await build(FakeSatellite())
    with pytest.raises(asyncio.CancelledError):
        house.hub._satellites["kitchen"].activity.check_active()


async def test_nothing_said_leads_to_nothing(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(silence(2.0))
    assert (await fake.until("transcript")).data["text"] == ""
    await house.until_phase(SatellitePhase.IDLE)
    assert not house.heard
    assert not fake.all("audio-start")


async def test_a_microphone_that_stops_sending_ends_what_it_began(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await house.until_phase(SatellitePhase.LISTENING)
    await fake.send(Event("audio-stop"))
    assert (await fake.until("transcript")).data["text"] == ""
    await house.until_phase(SatellitePhase.IDLE)


async def test_a_question_is_followed_by_listening(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, follow_up="question")
    house.stt.text = "which lamp?"
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.LISTENING)
    house.stt.text = "the big one"
    await fake.say(SPEECH + silence(0.6))
    await fake.until("transcript", 2)
    assert [heard.transcript.text for heard in house.heard] == ["which lamp?", "the big one"]
    await fake.until("audio-stop", 2)
    await house.until_phase(SatellitePhase.IDLE)


@pytest.mark.parametrize("takes_requests", [False, True])
async def test_a_satellite_with_its_own_wake_word_is_listened_to_after_a_question(
    build: Build, *, takes_requests: bool
) -> None:
    fake = FakeSatellite(waits_itself=True, takes_requests=takes_requests)
    house = await build(fake, follow_up="question")
    house.stt.text = "which lamp?"
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH + silence(0.6))
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.LISTENING)
    await until(lambda: fake.streaming)
    house.stt.text = "the big one"
    await fake.say(SPEECH + silence(0.6))
    await fake.until("audio-stop", 2)
    await house.until_phase(SatellitePhase.IDLE)
    assert [heard.transcript.text for heard in house.heard] == ["which lamp?", "the big one"]
    await until(lambda: not fake.streaming)
    texts = [event.data["text"] for event in fake.all("transcript")]
    assert texts == (["which lamp?", "the big one"] if takes_requests else ["the big one"])
    await fake.wake()
    await house.until_phase(SatellitePhase.LISTENING)


@pytest.mark.parametrize("takes_requests", [False, True])
async def test_nothing_said_after_a_question_ends_it(build: Build, *, takes_requests: bool) -> None:
    fake = FakeSatellite(waits_itself=True, takes_requests=takes_requests)
    house = await build(fake, follow_up="always")
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH + silence(0.6))
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.LISTENING)
    await fake.say(silence(2.0))
    await house.until_phase(SatellitePhase.IDLE)
    await until(lambda: not fake.streaming)
    assert len(house.heard) == 1
    assert fake.all("transcript")[-1].data["text"] == ""


async def test_the_hub_hears_the_wake_word_while_it_has_a_satellite_stream(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake, follow_up="question")
    house.stt.text = "turn on the light " * 20 + "?"
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH + silence(0.6))
    await house.until_phase(SatellitePhase.SPEAKING)
    assert fake.streaming
    house.stt.text = "stop"
    await ask(fake)
    await fake.until("detection")
    await fake.until("transcript")
    await house.until_phase(SatellitePhase.IDLE)
    assert [heard.wake_word for heard in house.heard] == [None, "okay_nabu"]
    await until(lambda: not fake.streaming)


async def test_a_conversation_that_was_cut_off_has_ended_when_the_hub_has(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH, fast=True)
    await house.until_phase(SatellitePhase.LISTENING)
    kitchen = house.hub._satellites["kitchen"]
    talk = kitchen.activity._task
    assert talk is not None
    house.hub.silence("kitchen")
    await house.hub.stop(0.0)
    assert talk.done()
    assert not kitchen.activity._cancelled


class Gone:
    """A satellite whose conversation has been ended by the time that its answer could be played."""

    id = "gone"
    area = None

    def move(self, event: SatelliteEvent) -> bool:
        return True

    def check_active(self) -> None:
        pass

    def publish_utterance(self, utterance: HeardUtterance) -> None:
        pass

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        raise asyncio.CancelledError


async def test_an_answer_that_nobody_begins_to_play_leaves_no_session(build: Build) -> None:
    house = await build(FakeSatellite())
    talk = house.hub._satellites["kitchen"].activity._conversation
    talk._host = Gone()

    async def answer() -> AsyncGenerator[str, None]:
        yield "One more sentence of an answer that is far longer than what is made ahead. " * 40

    with pytest.raises(asyncio.CancelledError):
        await talk._speak(answer())
    await until(lambda: not house.engine.status().speeches)
