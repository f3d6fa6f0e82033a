"""Who answers at satellites: automations over MQTT, language models."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from lunavox_edge.announcements.announcement import SpeechStatus
from lunavox_edge.announcements.house import SatellitePhase
from lunavox_edge.hub.answers.making import OverHttp
from tests.fakes.http import HttpServer, stream
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.wake import silence
from tests.wire.house import SPEECH, Build, ask

pytestmark = pytest.mark.wire


async def test_an_automation_answers_by_announcing(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, answer="mqtt")
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.PROCESSING)
    house.announce("The light is on.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert house.tts.texts == ["The light is on."]
    await house.until_phase(SatellitePhase.IDLE)


async def test_nobody_answers(build: Build) -> None:
    fake = FakeSatellite()
    answers = {"nobody": {"kind": "mqtt", "timeout_s": 0.2, "error_text": "Nobody is here."}}
    house = await build(fake, answer="nobody", answers=answers)
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    assert house.tts.texts == ["Nobody is here."]


@pytest.mark.parametrize("waits_itself", [False, True])
@pytest.mark.parametrize("text", ["Which one?", "It is on."])
async def test_an_answer_of_an_automation_may_be_a_question(
    build: Build, *, waits_itself: bool, text: str
) -> None:
    fake = FakeSatellite(waits_itself=waits_itself)
    house = await build(fake, answer="mqtt", follow_up="question")
    await fake.until("run-satellite")
    if waits_itself:
        await fake.wake()
        await fake.say(SPEECH + silence(0.6))
    else:
        await ask(fake)
    await house.until_phase(SatellitePhase.PROCESSING)
    house.announce(text, "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    if text.endswith("?"):
        await house.until_phase(SatellitePhase.LISTENING)
        assert not waits_itself or fake.streaming
        await fake.say(SPEECH + silence(0.6))
        await until(lambda: len(house.heard) == 2)
        assert house.heard[1].wake_word is None
        house.announce("Good.", "kitchen", number="2")
        await house.until_report(SpeechStatus.FINISHED, "2")
    await house.until_phase(SatellitePhase.IDLE)
    await until(lambda: not fake.streaming)


async def test_an_announcement_that_is_no_answer_is_not_followed_by_listening(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, answer="mqtt", follow_up="always")
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Is anybody there?", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert house.phase() is SatellitePhase.IDLE


@pytest.mark.parametrize("opened", [True, False], ids=["opened", "opened in the prompt"])
async def test_a_language_models_thoughts_are_not_spoken(build: Build, *, opened: bool) -> None:
    thought: tuple[str, ...]
    thought = ("<th", "ink>", "The user wants light. " * 5) if opened else ("Light. ",)
    thought += ("</thi", "nk>\n\n", "The light", " is on.")
    pieces = [{"choices": [{"delta": {"content": piece}}]} for piece in thought]
    server = HttpServer((200, stream(*pieces, "[DONE]")), (200, stream(*pieces, "[DONE]")))
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    fake = FakeSatellite()
    answers = {"model": {"kind": "openai", "url": url}}
    # The thought alone would be too long.
    house = await build(fake, answer="model", answers=answers, limits={"max_text_chars": 30})
    await house.until_phase(SatellitePhase.IDLE)
    for count in (1, 2):
        await ask(fake)
        await fake.until("audio-stop", count)
        await house.until_phase(SatellitePhase.IDLE)
    if opened:
        assert house.tts.texts == ["The light is on."] * 2
    assert house.tts.texts[-1].strip() == "The light is on."
    _, _, body = server.asked[1]
    assert [message["content"].strip() for message in body["messages"]][2] == "The light is on."  # type: ignore[attr-defined]
    listening.close()


async def test_satellites_that_ask_the_same_have_one_answerer_which_the_hub_closes(build: Build) -> None:
    model = {"kind": "openai", "url": "http://127.0.0.1:9/v1"}
    house = await build(FakeSatellite(), FakeSatellite(), answer="model", answers={"model": model})
    talks = [
        house.hub._satellites[name].activity._conversation._options.answerer
        for name in ("kitchen", "bedroom")
    ]
    answerer = talks[0]
    assert isinstance(answerer, OverHttp)
    assert talks[1] is answerer
    await until(lambda: answerer._making)  # before anybody asks
    made = await answerer._made()
    await house.hub.stop(0.0)
    assert made._client.is_closed


async def test_a_language_model_answers_and_then_does_not(build: Build) -> None:
    pieces = [{"choices": [{"delta": {"content": piece}}]} for piece in ("It is ", "on. ", "Anything else?")]
    server = HttpServer((200, stream(*pieces, "[DONE]")), (500, b""), (500, b""))
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    answers = {"model": {"kind": "openai", "url": url, "error_text": "I cannot think."}}
    fake = FakeSatellite()
    house = await build(fake, answer="model", answers=answers, follow_up="question")
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    assert "".join(house.tts.texts) == "It is on.Anything else?"
    await house.until_phase(SatellitePhase.LISTENING)
    await fake.say(SPEECH + silence(0.6))
    await fake.until("audio-stop", 2)
    assert house.tts.texts[-1] == "I cannot think."
    await house.until_phase(SatellitePhase.IDLE)
    said = [[message["content"] for message in body["messages"][1:]] for _, _, body in server.asked]  # type: ignore[index]
    light = "turn on the light"
    assert said == [[light], *[[light, "It is on. Anything else?", light]] * 2]
    listening.close()


def endless(
    piece: bytes, gone: asyncio.Event, pause_s: float
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A language model that says one thing again and again until nobody listens."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        writer.close()
        gone.set()

    return serve


async def test_of_an_endless_answer_the_beginning_is_spoken(build: Build) -> None:
    piece = stream({"choices": [{"delta": {"content": "Once more. "}}]})
    gone = asyncio.Event()
    listening = await asyncio.start_server(endless(piece, gone, 0.0), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    fake = FakeSatellite()
    house = await build(
        fake,
        answer="model",
        answers={"model": {"kind": "openai", "url": url}},
        limits={"max_text_chars": 30},
    )
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await asyncio.wait_for(gone.wait(), 10)
    await fake.until("audio-stop")
    assert "".join(house.tts.texts).replace(" ", "") == "Oncemore.Oncemore.Oncemor"
    listening.close()


async def test_blank_lines_without_end_are_no_answer(build: Build) -> None:
    piece = stream({"choices": [{"delta": {"content": "\n"}}]})
    gone = asyncio.Event()
    listening = await asyncio.start_server(endless(piece, gone, 0.001), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    model = {"kind": "openai", "url": url, "timeout_s": 1, "retries": 0, "error_text": "I cannot think."}
    fake = FakeSatellite()
    house = await build(fake, answer="model", answers={"model": model}, limits={"max_text_chars": 30})
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    assert house.tts.texts == ["I cannot think."]
    await asyncio.wait_for(gone.wait(), 20)
    listening.close()


@pytest.mark.parametrize("content", ["\n\n", "<think>The user wants", "Hm.</think>"])
async def test_blank_lines_and_thoughts_are_no_answer(build: Build, content: str) -> None:
    server = HttpServer((200, stream({"choices": [{"delta": {"content": content}}]}, "[DONE]")))
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    answers = {"model": {"kind": "openai", "url": url, "retries": 0, "error_text": "I cannot think."}}
    fake = FakeSatellite()
    house = await build(fake, answer="model", answers=answers)
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    assert "".join(house.tts.texts).strip() == "I cannot think."
    listening.close()
