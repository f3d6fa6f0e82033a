"""Speech synthesis over Wyoming: whole and streamed texts, order of messages, errors."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from wyoming.audio import AudioChunk
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from lunavox_edge.errors import BrokenModel
from tests.fakes.tts import RATE_HZ, SECONDS_PER_CHARACTER
from tests.wire.conftest import PATIENCE_S, Serve, Service

pytestmark = pytest.mark.wire


def say(text: str, **voice: str) -> Event:
    return Synthesize(text=text, voice=SynthesizeVoice(**voice) if voice else None).event()


def stream(*texts: str) -> list[Event]:
    """Return the messages of a stream in Home Assistant's order."""
    return [
        SynthesizeStart().event(),
        *(SynthesizeChunk(text=text).event() for text in texts),
        say("".join(texts)),
        SynthesizeStop().event(),
    ]


def check_speech(events: Sequence[Event], *, characters: int, streamed: bool = False) -> None:
    """Check the events: one start, chunks of 20 to 100 ms with matching times, one stop, the right length."""
    kinds = [event.type for event in events]
    ending = ["audio-stop", "synthesize-stopped"] if streamed else ["audio-stop"]
    chunks = [AudioChunk.from_event(event) for event in events[1 : -len(ending)]]
    assert kinds == ["audio-start", *["audio-chunk"] * len(chunks), *ending]
    assert {"rate": RATE_HZ, "width": 2, "channels": 1}.items() <= events[0].data.items()
    samples = 0
    for chunk in chunks:
        assert (chunk.rate, chunk.width, chunk.channels) == (RATE_HZ, 2, 1)
        assert chunk.timestamp == samples * 1000 // RATE_HZ
        assert chunk.samples * 1000 / RATE_HZ <= 100
        samples += chunk.samples
    assert samples == pytest.approx(characters * SECONDS_PER_CHARACTER * RATE_HZ, rel=0.05)


async def test_a_text_is_spoken(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(say("Dinner is ready."))
        check_speech(await peer.until("audio-stop"), characters=16)
        await peer.alive()
    assert service.tts.texts == ["Dinner is ready."]


async def test_a_stream_is_spoken_while_its_text_comes(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(SynthesizeStart().event(), SynthesizeChunk(text="It is raining. Take ").event())
        events = [await peer.expect("audio-start"), await peer.expect("audio-chunk")]
        await peer.send(SynthesizeChunk(text="an umbrella.").event(), say("It is raining. Take an umbrella."))
        await peer.send(SynthesizeStop().event())
        events += await peer.until("synthesize-stopped")
        check_speech(events, characters=32, streamed=True)
    assert "".join(service.tts.texts).replace(" ", "") == "Itisraining.Takeanumbrella."


async def test_plain_and_streamed_requests_follow_each_other_on_one_connection(service: Service) -> None:
    async with service.connect() as peer:
        for _ in range(2):
            await peer.send(say("One two."))
            check_speech(await peer.until("audio-stop"), characters=8)
            await peer.send(*stream("Three ", "four."))
            check_speech(await peer.until("synthesize-stopped"), characters=11, streamed=True)


async def test_pipelined_requests_are_answered_in_order(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(say("One two three."), *stream("Four."), say("Six."), *stream("Seven."))
        check_speech(await peer.until("audio-stop"), characters=14)
        check_speech(await peer.until("synthesize-stopped"), characters=5, streamed=True)
        check_speech(await peer.until("audio-stop"), characters=4)
        check_speech(await peer.until("synthesize-stopped"), characters=6, streamed=True)


async def test_a_refusal_keeps_its_place_in_the_order(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(
            say("One."), say("Two.", name="nobody"), Event("synthesize", {"text": 5}), say("Three.")
        )
        check_speech(await peer.until("audio-stop"), characters=4)
        await peer.expect_error("unknown_voice")
        await peer.expect_error("bad_message")
        check_speech(await peer.until("audio-stop"), characters=6)


async def test_too_many_requests_ahead_are_refused(service: Service) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(say("First."))
        await asyncio.get_running_loop().run_in_executor(None, service.tts.asked.wait, PATIENCE_S)
        await peer.send(*[say(f"Number {number}.") for number in range(10)])
        await peer.alive()
        service.tts.go.set()
        for _ in range(9):
            await peer.until("audio-stop")
        for _ in range(2):
            await peer.expect_error("busy")
        await peer.send(say("Again."))
        await peer.until("audio-stop")


async def test_voice_speaker_and_language_are_passed_on(service: Service) -> None:
    async with service.connect() as peer:
        for voice in (
            {"name": "beta"},
            {"name": "AL"},
            {"name": "choir", "speaker": "bass"},
            {"language": "de"},
            {"language": "en-GB"},
            {"name": "", "speaker": ""},
        ):
            await peer.send(Event("synthesize", {"text": "Hi.", "voice": voice}))
            await peer.until("audio-stop")
    assert [request.speaker for _, request in service.tts.spoken] == [None, None, "bass", None, None, None]


SPEAKERS: dict[str, tuple[object, str | None]] = {
    "number": ({"name": "choir", "speaker": 1}, "bass"),
    "whole number as float": ({"name": "choir", "speaker": 1.0}, "bass"),
    "zero": ({"name": "choir", "speaker": 0}, "soprano"),
    "number as text": ({"name": "choir", "speaker": "1"}, "bass"),
    "the only speaker": ({"name": "alpha", "speaker": 0}, None),
    "text": ("choir", None),
    "text with a speaker": ("choir#bass", "bass"),
    "nothing": (None, None),
    "blank text": ("", None),
    "nulls": ({"name": None, "speaker": None, "language": None}, None),
}


@pytest.mark.parametrize(("voice", "speaker"), SPEAKERS.values(), ids=SPEAKERS.keys())
async def test_a_voice_may_be_named_in_any_clear_way(
    service: Service, voice: object, speaker: str | None
) -> None:
    async with service.connect() as peer:
        await peer.send(Event("synthesize", {"text": "Hi.", "voice": voice}))
        await peer.until("audio-stop")
        await peer.send(Event("synthesize-start", {"voice": voice}))
        await peer.send(SynthesizeChunk(text="Hi.").event(), SynthesizeStop().event())
        await peer.until("synthesize-stopped")
    assert [request.speaker for _, request in service.tts.spoken] == [speaker, speaker]


async def test_an_alias_of_the_settings_is_a_voice(serve: Serve) -> None:
    service = await serve(voices={"announcer": {"voice": "choir", "speaker": "bass", "speed": 1.5}})
    async with service.connect() as peer:
        await peer.send(say("Hi.", name="announcer"))
        await peer.until("audio-stop")
    ((_, request),) = service.tts.spoken
    assert (request.speaker, request.speed) == ("bass", 1.5)


async def test_ssml_is_spoken_plain_and_streamed(service: Service) -> None:
    markup = '<speak>One <break time="100ms"/>two.</speak>'
    async with service.connect() as peer:
        await peer.send(Event("synthesize", {"text": markup, "text_format": "ssml"}))
        await peer.until("audio-stop")
        await peer.send(Event("synthesize-start", {"text_format": "ssml"}))
        await peer.send(*(SynthesizeChunk(text=character).event() for character in markup))
        await peer.send(SynthesizeStop().event())
        await peer.until("synthesize-stopped")
    assert "<" not in "".join(service.tts.texts)
    assert "".join(service.tts.texts).count("One") == 2


async def test_thoughts_are_spoken_neither_plain_nor_streamed(service: Service) -> None:
    text = "<think>\nOkay. The user asks?\n</think>\n\nIt is five."
    async with service.connect() as peer:
        await peer.send(Event("synthesize", {"text": text}))
        await peer.until("audio-stop")
        await peer.send(Event("synthesize-start", {}))
        await peer.send(*(SynthesizeChunk(text=character).event() for character in text))
        await peer.send(SynthesizeStop().event())
        await peer.until("synthesize-stopped")
    assert [said.strip() for said in service.tts.texts] == ["It is five."] * 2


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({}, "bad_message"),
    "null text": ({"text": None}, "bad_message"),
    "a list as text": ({"text": ["a"]}, "bad_message"),
    "empty text": ({"text": ""}, "empty_text"),
    "blank text": ({"text": " \n\t "}, "empty_text"),
    "only a thought": ({"text": "<think>It is five."}, "empty_text"),
    "only punctuation": ({"text": "... !!! ?"}, "empty_text"),
    "unknown voice": ({"text": "a", "voice": {"name": "nobody"}}, "unknown_voice"),
    "a path as voice": ({"text": "a", "voice": {"name": "../../etc/passwd"}}, "unknown_voice"),
    "an absolute path as voice": ({"text": "a", "voice": {"name": "/etc/passwd"}}, "unknown_voice"),
    "a null byte in a voice": ({"text": "a", "voice": {"name": "alpha\0"}}, "unknown_voice"),
    "unknown speaker": ({"text": "a", "voice": {"name": "choir", "speaker": "tenor"}}, "unknown_speaker"),
    "a speaker of none": ({"text": "a", "voice": {"name": "alpha", "speaker": "bass"}}, "unknown_speaker"),
    "unknown language": ({"text": "a", "voice": {"language": "tlh"}}, "unsupported_language"),
    "a language that is none": ({"text": "a", "voice": {"language": "../x"}}, "unsupported_language"),
    "a list as voice": ({"text": "a", "voice": ["alpha"]}, "bad_message"),
    "an unknown voice as text": ({"text": "a", "voice": "nobody"}, "unknown_voice"),
    "a number as voice": ({"text": "a", "voice": 7}, "bad_message"),
    "a number as name": ({"text": "a", "voice": {"name": 7}}, "bad_message"),
    "a long name": ({"text": "a", "voice": {"name": "a" * 300}}, "bad_message"),
    "a speaker's number of none": (
        {"text": "a", "voice": {"name": "choir", "speaker": 2}},
        "unknown_speaker",
    ),
    "a negative speaker": ({"text": "a", "voice": {"name": "choir", "speaker": -1}}, "unknown_speaker"),
    "true as speaker": ({"text": "a", "voice": {"name": "choir", "speaker": True}}, "bad_message"),
    "half a number as speaker": ({"text": "a", "voice": {"name": "choir", "speaker": 0.5}}, "bad_message"),
    "a list as speaker": ({"text": "a", "voice": {"name": "choir", "speaker": [0]}}, "bad_message"),
    "a list as language": ({"text": "a", "voice": {"language": ["en"]}}, "bad_message"),
    "unknown text format": ({"text": "a", "text_format": "markdown"}, "bad_message"),
    "a number as text format": ({"text": "a", "text_format": 1}, "bad_message"),
    "broken markup": ({"text": "<speak>", "text_format": "ssml"}, "bad_markup"),
    "100,000 characters": ({"text": "word " * 20_000}, "text_too_long"),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_that_cannot_be_spoken_is_refused_plain_and_streamed(
    service: Service, data: dict[str, Any], code: str
) -> None:
    async with service.connect() as peer:
        await peer.send(Event("synthesize", data))
        await peer.expect_error(code)
        text = data.get("text")
        options = {key: value for key, value in data.items() if key != "text"}
        await peer.send(Event("synthesize-start", options), Event("synthesize-chunk", {"text": text}))
        await peer.send(Event("synthesize", {"text": text}), SynthesizeStop().event())
        await peer.expect_error(code)
        await peer.send(say("Good."), *stream("Fine."))
        check_speech(await peer.until("audio-stop"), characters=5)
        check_speech(await peer.until("synthesize-stopped"), characters=5, streamed=True)
    assert service.tts.texts[-2:] == ["Good.", "Fine."]


LONG = {"5,000 letters": "a" * 5_000, "20,000 characters without an end": "word " * 4_000}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
async def test_text_without_an_end_is_spoken_in_pieces(service: Service, text: str) -> None:
    async with service.connect() as peer:
        await peer.send(say(text))
        await peer.until("audio-stop")
    assert max(map(len, service.tts.texts)) <= 500
    assert "".join(service.tts.texts).replace(" ", "") == text.replace(" ", "")


async def test_text_of_a_stream_is_limited_in_all(serve: Serve) -> None:
    service = await serve(limits={"max_text_chars": 1000})
    async with service.connect() as peer:
        await peer.send(SynthesizeStart().event())
        await peer.send(*(SynthesizeChunk(text="word " * 30).event() for _ in range(10)))
        assert (await peer.until("error"))[-1].data["code"] == "text_too_long"
        await peer.send(SynthesizeChunk(text="more").event(), SynthesizeStop().event(), say("Good."))
        check_speech(await peer.until("audio-stop"), characters=5)


@pytest.mark.parametrize("kind", ["synthesize-chunk", "synthesize-stop"])
async def test_a_stream_needs_its_start(service: Service, kind: str) -> None:
    async with service.connect() as peer:
        await peer.send(Event(kind, {"text": "Hello."}))
        await peer.expect_error("bad_message")
        await peer.send(say("Good."))
        check_speech(await peer.until("audio-stop"), characters=5)


async def test_a_second_start_ends_the_stream(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(SynthesizeStart().event(), SynthesizeStart().event())
        await peer.expect_error("bad_message")
        await peer.send(SynthesizeChunk(text="Passed over.").event(), SynthesizeStop().event())
        await peer.send(*stream("Good."))
        check_speech(await peer.until("synthesize-stopped"), characters=5, streamed=True)
    assert service.tts.texts == ["Good."]


async def test_a_failed_stream_may_be_left_by_a_new_start(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(SynthesizeStart(voice=SynthesizeVoice(name="nobody")).event())
        await peer.expect_error("unknown_voice")
        await peer.send(*stream("Good."))
        check_speech(await peer.until("synthesize-stopped"), characters=5, streamed=True)


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("secret"), "internal"), (BrokenModel("No good."), "broken_model")]
)
async def test_a_model_that_fails_is_told_and_the_next_request_works(
    service: Service, error: Exception, code: str
) -> None:
    async with service.connect() as peer:
        service.tts.error = error
        await peer.send(say("Hello."))
        assert "secret" not in await peer.expect_error(code)
        service.tts.error = None
        await peer.send(say("Good."))
        check_speech(await peer.until("audio-stop"), characters=5)


async def test_describe_is_answered_while_a_speech_runs(service: Service) -> None:
    service.tts.go.clear()
    async with service.connect() as peer:
        await peer.send(say("Hello."), "describe", "ping")
        await peer.expect("info")
        await peer.expect("pong")
        service.tts.go.set()
        check_speech(await peer.until("audio-stop"), characters=6)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_leaves_takes_its_speech_with_it(service: Service, streamed: bool) -> None:  # noqa: FBT001
    service.tts.go.clear()
    sentences = [f"This is sentence number {number}. " for number in range(60)]
    async with service.connect() as peer:
        await peer.send(*(stream(*sentences) if streamed else [say("".join(sentences))]))
        await asyncio.get_running_loop().run_in_executor(None, service.tts.asked.wait, PATIENCE_S)
        peer.vanish()
    await service.until(lambda: not service.server.connections)
    service.tts.go.set()
    await service.quiet()
    assert len(service.tts.spoken) <= 2


async def test_a_client_that_never_reads_is_given_up(serve: Serve) -> None:
    service = await serve(limits={"write_timeout_s": 0.3, "max_text_chars": 2_000_000})
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with service.connect() as neighbour:
        deaf.connect(neighbour.writer.get_extra_info("peername"))
        deaf.setblocking(False)  # noqa: FBT003
        raw = b"".join(
            b'{"type":"synthesize","data":{"text":"%s"}}\n' % (b"This is one of many sentences. " * 900)
            for _ in range(8)
        )
        await asyncio.get_running_loop().sock_sendall(deaf, raw)
        while service.server.connections > 1:
            await neighbour.send("describe")
            await neighbour.expect("info")
            await asyncio.sleep(0.01)
        made_s = sum(len(text) for text in service.tts.texts) * SECONDS_PER_CHARACTER
        assert made_s < 400  # of 2200: the engine's queue and the kernel's buffers
        deaf.close()
    await service.quiet()


async def test_a_slow_reader_gets_everything(leaping: None, serve: Serve) -> None:
    service = await serve(limits={"write_timeout_s": 10})
    async with service.connect() as peer:
        await peer.send(say("This is one of many sentences. " * 300))
        events = [await peer.expect("audio-start")]
        await asyncio.sleep(2)
        events += await peer.until("audio-stop")
        check_speech(events, characters=31 * 300)


async def test_sessions_over_the_limit_are_busy(serve: Serve) -> None:
    service = await serve(limits={"max_sessions": 1})
    service.tts.go.clear()
    async with service.connect() as first, service.connect() as second:
        await first.send(say("Hello."))
        await asyncio.get_running_loop().run_in_executor(None, service.tts.asked.wait, PATIENCE_S)
        await second.send(say("Hello."))
        error = await second.expect("error")
        assert error.data["code"] == "busy"
        assert error.data["retry_after_s"] > 0
        service.tts.go.set()
        await first.until("audio-stop")
        await service.engine_idle()
        await second.send(say("Hello."))
        await second.until("audio-stop")


SILENT_STREAMS: dict[str, list[str]] = {
    "no text": [],
    "an empty text": [""],
    "a thought without an end": ["<think>"],
    "the beginning of a sentence": ["It is"],
    "a sentence and the beginning of one": ["It is raining. Take "],
}


@pytest.mark.parametrize("texts", SILENT_STREAMS.values(), ids=SILENT_STREAMS.keys())
async def test_a_stream_whose_text_stays_away_is_dropped(
    leaping: None, serve: Serve, texts: list[str]
) -> None:
    service = await serve(limits={"read_timeout_s": 10, "max_sessions": 1})
    async with service.connect() as peer, service.connect() as other:
        await peer.send(SynthesizeStart().event(), *(SynthesizeChunk(text=text).event() for text in texts))
        error = (await peer.until("error"))[-1]
        assert error.data["code"] == "timeout"
        assert error.data["text"] == "No text came for 10 seconds; the speech was dropped."
        await service.engine_idle()
        await other.send(say("Good."))
        check_speech(await other.until("audio-stop"), characters=5)
        await peer.send(SynthesizeChunk(text="Too late.").event(), SynthesizeStop().event(), say("Again."))
        check_speech(await peer.until("audio-stop"), characters=6)


async def test_streams_without_text_take_nobodys_place_for_long(leaping: None, serve: Serve) -> None:
    service = await serve(limits={"read_timeout_s": 10, "max_sessions": 4})
    async with AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(service.connect()) for _ in range(4)]
        for peer in silent:
            await peer.send(SynthesizeStart().event())
        await service.until(lambda: service.engine.status().sessions == 4)
        refused = await stack.enter_async_context(service.connect())
        await refused.send(say("Hello."))
        await refused.expect_error("busy")
        for peer in silent:
            await peer.expect_error("timeout")
        await service.engine_idle()
        other = await stack.enter_async_context(service.connect())
        await other.send(say("Hello."))
        check_speech(await other.until("audio-stop"), characters=6)


async def test_a_stream_may_pause_for_nearly_as_long_again_and_again(leaping: None, serve: Serve) -> None:
    service = await serve(limits={"read_timeout_s": 10})
    async with service.connect() as peer:
        await peer.send(SynthesizeStart().event())
        for text in ("<think>", "Is it raining?", "</think>", "It is raining. "):
            await asyncio.sleep(8)
            await peer.send(SynthesizeChunk(text=text).event())
        await asyncio.sleep(8)
        await peer.send(SynthesizeStop().event())
        await peer.until("synthesize-stopped")
    assert [text.strip() for text in service.tts.texts] == ["It is raining."]
