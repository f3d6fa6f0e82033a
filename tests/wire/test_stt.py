"""Speech recognition over Wyoming: order of messages, formats, errors."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.tts import Synthesize

from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.errors import OutOfMemory
from lunavox_edge.wyoming_server import read_batching
from tests.wire.conftest import Serve, Service

pytestmark = pytest.mark.wire

SECOND = (np.sin(np.arange(16_000) / 10) * 8_000).astype("<i2").tobytes()
START = AudioStart(rate=16_000, width=2, channels=1).event()
STOP = AudioStop().event()


def chunks(
    pcm: bytes = SECOND, rate: int = 16_000, width: int = 2, channels: int = 1, size: int = 640
) -> list[Event]:
    return [
        AudioChunk(rate=rate, width=width, channels=channels, audio=pcm[start : start + size]).event()
        for start in range(0, len(pcm), size)
    ]


def ask(**options: Any) -> Event:  # noqa: ANN401  # what a Transcribe takes
    return Transcribe(**options).event()


async def test_what_is_said_is_transcribed(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(language="en"), START, *chunks(), STOP)
        transcript = Transcript.from_event(await peer.expect("transcript"))
        await peer.alive()
    assert (transcript.text, transcript.language) == ("turn on the light", "en")
    ((samples, request),) = service.stt.heard
    assert [transcript.text for transcript in service.transcripts] == ["turn on the light"]
    assert len(samples) == 16_000
    assert request.language == "en"


async def test_the_wishes_are_passed_on(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(
            ask(
                name="ear.en",
                language="en-US",
                context={"room": "küche"},
                vad_sensitivity="aggressive",
                transcript_names=["Zoë", "", "x" * 500, "Zoë"],
                transcript_terms=["dimmer"],
            ),
            START,
            *chunks(),
            STOP,
        )
        transcript = Transcript.from_event(await peer.expect("transcript"))
    assert transcript.context == {"room": "küche"}
    assert service.stt.models == ["ear.en"]
    ((_, request),) = service.stt.heard
    assert (request.names, request.terms) == (("Zoë",), ("dimmer",))


ORDERS = {
    "transcribe first": [ask(name="ear.en"), START, *chunks(), STOP],
    "transcribe second": [START, ask(name="ear.en"), *chunks(), STOP],
    "twice": [ask(name="ear"), ask(name="ear.en"), START, *chunks(), STOP],
    "around the start": [START, ask(name="ear.en"), START, *chunks(), STOP],
}


@pytest.mark.parametrize("events", ORDERS.values(), ids=ORDERS.keys())
async def test_transcribe_may_come_before_or_after_the_start(service: Service, events: list[Event]) -> None:
    async with service.connect() as peer:
        await peer.send(*events)
        await peer.expect("transcript")
    assert service.stt.models == ["ear.en"]


async def test_without_transcribe_the_defaults_hold(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(name="ear.en", language="en"), START, *chunks(), STOP)
        await peer.expect("transcript")
        await peer.send(START, *chunks(), STOP)
        await peer.expect("transcript")
    assert service.stt.models == ["ear.en", "ear"]
    assert service.stt.heard[1][1].language is None


async def test_a_second_start_begins_anew(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(name="ear.en"), START, *chunks(SECOND * 2), START, *chunks(), STOP)
        await peer.expect("transcript")
    ((samples, _),) = service.stt.heard
    assert len(samples) == 16_000
    assert service.stt.models == ["ear.en"]


async def test_utterances_and_speeches_share_a_connection(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks()[:10])
        await peer.send(Synthesize(text="Meanwhile.").event())
        await peer.until("audio-stop")
        await peer.send(*chunks()[10:], STOP)
        await peer.expect("transcript")
        await peer.send(ask(), START, *chunks(), STOP, ask(), START, *chunks(), STOP)
        await peer.expect("transcript")
        await peer.expect("transcript")


async def test_the_next_utterance_may_come_while_the_last_is_transcribed(service: Service) -> None:
    service.stt.go.clear()
    async with service.connect() as peer:
        await peer.send(ask(context={"n": 1}), START, *chunks(), STOP)
        await peer.send(ask(context={"n": 2}), START, *chunks(), STOP)
        await peer.alive()
        service.stt.go.set()
        assert [(await peer.expect("transcript")).data["context"]["n"] for _ in range(2)] == [1, 2]


async def test_an_empty_utterance_is_an_empty_transcript(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, STOP)
        assert (await peer.expect("transcript")).data["text"] == ""
        await peer.send(ask(), START, Event("audio-chunk", dict(START.data)), STOP)
        assert (await peer.expect("transcript")).data["text"] == ""
    assert not service.stt.heard


FORMATS = {
    "8 kHz": (8_000, 2, 1),
    "44.1 kHz stereo": (44_100, 2, 2),
    "48 kHz 24 bit": (48_000, 3, 1),
    "32 bit": (16_000, 4, 1),
    "8 bit": (16_000, 1, 1),
}


@pytest.mark.parametrize(("rate", "width", "channels"), FORMATS.values(), ids=FORMATS.keys())
async def test_any_sane_format_is_converted(service: Service, rate: int, width: int, channels: int) -> None:
    pcm = b"\1" * (rate * width * channels)
    async with service.connect() as peer:
        await peer.send(ask(), AudioStart(rate=rate, width=width, channels=channels).event())
        await peer.send(*chunks(pcm, rate, width, channels, size=1001), STOP)
        await peer.expect("transcript")
    ((samples, _),) = service.stt.heard
    assert len(samples) == pytest.approx(16_000, rel=0.01)


async def test_a_wav_header_says_the_format(service: Service) -> None:
    """A WAV file as audio of another format, as Home Assistant's REST interface sends it."""
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(wav_bytes(SECOND * 2, 32_000), size=7), STOP)
        await peer.expect("transcript")
    ((samples, _),) = service.stt.heard
    assert len(samples) == pytest.approx(16_000, rel=0.01)


async def test_odd_byte_counts_are_joined(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(size=641), *chunks(b"\1"), STOP)
        await peer.expect("transcript")
    ((samples, _),) = service.stt.heard
    assert len(samples) == 16_000


async def test_a_streamed_transcript_frames_the_final_one(serve: Serve) -> None:
    service = await serve(stt={"streaming": True})
    async with service.connect() as peer:
        await peer.send(ask(context={"a": 1}), START, *chunks(), STOP)
        start = await peer.expect("transcript-start")
        assert start.data == {"language": "en", "context": {"a": 1}}
        assert (await peer.expect("transcript-chunk")).data["text"] == "turn on the light"
        await peer.expect("transcript-stop")
        assert (await peer.expect("transcript")).data["text"] == "turn on the light"


BAD_FORMATS: dict[str, dict[str, Any]] = {
    "rate 0": {"rate": 0},
    "rate -1": {"rate": -1},
    "rate 2**31": {"rate": 2**31},
    "rate 2**70": {"rate": 2**70},
    "text rate": {"rate": "16000"},
    "float rate": {"rate": 16000.5},
    "true rate": {"rate": True},
    "null rate": {"rate": None},
    "list rate": {"rate": [16000]},
    "width 0": {"width": 0},
    "width 100": {"width": 100},
    "width 5": {"width": 5},
    "text width": {"width": "2"},
    "channels 0": {"channels": 0},
    "channels 100": {"channels": 100},
    "channels -2": {"channels": -2},
    "object channels": {"channels": {}},
}


@pytest.mark.parametrize("wrong", BAD_FORMATS.values(), ids=BAD_FORMATS.keys())
async def test_a_format_that_is_none_is_refused_once(service: Service, wrong: dict[str, Any]) -> None:
    data = {"rate": 16_000, "width": 2, "channels": 1, **wrong}
    async with service.connect() as peer:
        await peer.send(ask(), Event("audio-start", data))
        await peer.send(*(Event("audio-chunk", data, b"\1" * 640) for _ in range(20)), STOP)
        await peer.expect_error("bad_audio")
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")


@pytest.mark.parametrize("told", [{}, {"rate": 16_000, "width": 2}], ids=["nothing", "no channels"])
async def test_a_format_that_nobody_tells_is_refused_once(service: Service, told: dict[str, Any]) -> None:
    async with service.connect() as peer:
        for start in ([], [Event("audio-start", told)]):
            audio = [Event("audio-chunk", told, b"\1" * 640) for _ in range(20)]
            await peer.send(ask(), *start, *audio, STOP)
            await peer.expect_error("bad_audio")
            await peer.send(ask(), START, *chunks(), STOP)
            await peer.expect("transcript")


FLOATS = {"rate": 16_000.0, "width": 2.0, "channels": 1.0}
WAYS: dict[str, list[Event]] = {
    "no start": chunks(),
    "a bare start": [Event("audio-start"), *chunks()],
    "a start of nulls": [Event("audio-start", dict.fromkeys(FLOATS)), *chunks()],
    "a start with the rate only": [Event("audio-start", {"rate": 16_000}), *chunks()],
    "the rest of the start": [
        Event("audio-start", {"rate": 16_000}),
        Event("audio-chunk", {"width": 2, "channels": 1}, SECOND),
    ],
    "floats": [Event("audio-start", FLOATS), Event("audio-chunk", FLOATS, SECOND)],
    "floats in the start": [Event("audio-start", FLOATS), *chunks()],
    "floats in the chunks": [START, Event("audio-chunk", FLOATS, SECOND)],
    "no start and floats": [Event("audio-chunk", FLOATS, SECOND)],
    "nulls in the chunks": [START, Event("audio-chunk", dict.fromkeys(FLOATS), SECOND)],
    "the format only at first": [*chunks()[:1], *(Event("audio-chunk", {}, c.payload) for c in chunks()[1:])],
    "empty chunks": [Event("audio-chunk"), START, Event("audio-chunk"), *chunks(), Event("audio-chunk")],
}


@pytest.mark.parametrize("audio", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("opening", [[ask(language="en")], []], ids=["transcribe", "no transcribe"])
async def test_the_format_may_be_said_in_any_clear_way(
    service: Service, opening: list[Event], audio: list[Event]
) -> None:
    async with service.connect() as peer:
        for _ in range(2):
            await peer.send(*opening, *audio, STOP)
            assert (await peer.expect("transcript")).data["text"] == "turn on the light"
        await peer.alive()
    assert [len(samples) for samples, _ in service.stt.heard] == [16_000] * 2


async def test_transcribe_may_come_between_a_bare_start_and_the_audio(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(Event("audio-start"), ask(name="ear.en"), *chunks(), STOP)
        await peer.expect("transcript")
    assert service.stt.models == ["ear.en"]


@pytest.mark.parametrize(
    "nothing",
    [[ask()], [ask(), START], [ask(), Event("audio-start")], [START], [ask(), Event("audio-chunk")]],
    ids=["no audio", "start", "bare start", "start without transcribe", "empty chunk"],
)
async def test_of_no_audio_the_transcript_is_empty(service: Service, nothing: list[Event]) -> None:
    async with service.connect() as peer:
        for _ in range(2):
            await peer.send(*nothing, STOP)
            assert (await peer.expect("transcript")).data["text"] == ""
        await peer.alive()
    assert not service.stt.heard


async def test_of_a_wish_that_cannot_be_met_no_transcript_is_empty(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(name="enormous"), STOP)
        await peer.expect_error("unknown_model")
        await peer.send(Event("transcribe", {"name": 5}), STOP)
        await peer.expect_error("bad_message")
        await peer.send(Event("transcribe", {"name": 5}), *chunks(), STOP)
        await peer.expect_error("bad_message")
        await peer.send(Event("transcribe", {"name": None, "language": None}), STOP)
        assert (await peer.expect("transcript")).data["text"] == ""


RECORDINGS = {
    "44 s at 16 kHz": (16_000, 2, 1, 44),
    "11 s of 48 kHz in stereo": (48_000, 2, 2, 11),
    "60 s of 48 kHz in stereo": (48_000, 2, 2, 60),
}


@pytest.mark.parametrize(("rate", "width", "channels", "seconds"), RECORDINGS.values(), ids=RECORDINGS.keys())
async def test_a_recording_may_come_in_one_message(
    service: Service, rate: int, width: int, channels: int, seconds: int
) -> None:
    pcm = b"\1" * (rate * width * channels * seconds)
    (chunk,) = chunks(pcm, rate, width, channels, size=len(pcm))
    start = AudioStart(rate=rate, width=width, channels=channels).event()
    async with service.connect() as peer:
        await peer.send(ask(), start, chunk, STOP)
        await peer.expect("transcript")
        await peer.alive()
    assert sum(len(samples) for samples, _ in service.stt.heard) == pytest.approx(seconds * 16_000, rel=0.01)


async def test_a_message_over_the_longest_utterance_is_refused_by_the_settings_name(serve: Serve) -> None:
    service = await serve(limits={"max_utterance_s": 30})
    (chunk,) = chunks(bytes(32_000 * 50), size=32_000 * 50)
    async with service.connect() as peer:
        await peer.send(ask(), START, chunk, STOP)
        assert "limits.max_utterance_s" in await peer.expect_error("audio_too_long")
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")


@pytest.mark.parametrize("wrong", [{"rate": 8_000}, {"width": 1}, {"channels": 2}, {"rate": "16000"}])
async def test_the_format_may_not_change_on_the_way(service: Service, wrong: dict[str, Any]) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(), Event("audio-chunk", {**START.data, **wrong}, b"\1\1"))
        await peer.send(*chunks(), STOP)
        await peer.expect_error("bad_audio")
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")
    assert len(service.stt.heard) == 1


async def test_chunks_may_leave_the_format_to_the_start(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, Event("audio-chunk", {}, SECOND), STOP)
        await peer.expect("transcript")


async def test_a_stop_without_a_start_is_refused(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(STOP)
        await peer.expect_error("bad_message")
        await peer.send(ask(), START, *chunks(), STOP, STOP)
        await peer.expect("transcript")
        await peer.expect_error("bad_message")


async def test_transcribe_in_the_middle_of_the_audio_is_refused(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(START, *chunks(), ask(name="ear.en"), *chunks(), STOP)
        await peer.expect_error("bad_message")
        await peer.alive()
    assert not service.stt.heard


BAD_WISHES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown model": ({"name": "enormous"}, "unknown_model"),
    "a path as model": ({"name": "../../../etc/passwd"}, "unknown_model"),
    "unknown language": ({"language": "tlh"}, "unsupported_language"),
    "a language the model lacks": ({"name": "ear.en", "language": "de"}, "unsupported_language"),
    "a language that is none": ({"language": "e" * 200}, "unsupported_language"),
    "a number as model": ({"name": 5}, "bad_message"),
    "a list as language": ({"language": ["en"]}, "bad_message"),
    "a text as context": ({"context": "kitchen"}, "bad_message"),
    "a text as names": ({"transcript_names": "Zoe"}, "bad_message"),
    "numbers as names": ({"transcript_names": [1]}, "bad_message"),
    "an object as terms": ({"transcript_terms": {"a": 1}}, "bad_message"),
    "a number as sensitivity": ({"vad_sensitivity": 1}, "bad_message"),
}


@pytest.mark.parametrize(("wish", "code"), BAD_WISHES.values(), ids=BAD_WISHES.keys())
@pytest.mark.parametrize("first", ["transcribe", "audio-start"])
async def test_a_wish_that_cannot_be_met_is_refused_once(
    service: Service, wish: dict[str, Any], code: str, first: str
) -> None:
    opening = [Event("transcribe", wish), START]
    async with service.connect() as peer:
        await peer.send(*(opening if first == "transcribe" else reversed(opening)), *chunks(), STOP)
        await peer.expect_error(code)
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")
    assert len(service.stt.heard) == 1


async def test_settings_that_change_hold_from_the_next_utterance_on(service: Service) -> None:
    engine = service.engine
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")
        stt = engine.settings.stt.model_copy(update={"streaming": True})
        await asyncio.to_thread(engine.apply, engine.settings.model_copy(update={"stt": stt}))
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript-start")
        await peer.until("transcript")


async def test_a_bad_wish_inside_an_utterance_spoils_only_that_one(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(START, Event("transcribe", {"name": 5}), *chunks(), STOP)
        await peer.expect_error("bad_message")
        await peer.send(START, *chunks(), STOP)
        await peer.expect("transcript")


async def test_an_engine_that_fails_to_open_is_told_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(service.engine, "open_utterance", fail)
        async with service.connect() as peer:
            await peer.send(ask(), START, *chunks(), STOP)
            assert "secret" not in await peer.expect_error("internal")
            await peer.alive()


async def test_an_utterance_over_the_limit_is_refused_once(serve: Serve) -> None:
    service = await serve(limits={"max_utterance_s": 2})
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(SECOND * 5), STOP)
        await peer.expect_error("audio_too_long")
        await peer.send(ask(), START, *chunks(SECOND * 2), STOP)
        await peer.expect("transcript")


async def test_silence_on_the_wire_ends_the_utterance(leaping: None, serve: Serve) -> None:
    service = await serve(limits={"read_timeout_s": 10})
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks())
        await peer.expect_error("timeout")
        assert not service.engine.status().sessions
        await peer.send(*chunks(), STOP, ask(), START, *chunks(), STOP)
        await peer.expect("transcript")


async def test_a_model_that_fails_is_told_and_the_next_utterance_works(service: Service) -> None:
    async with service.connect() as peer:
        for error, code in ((RuntimeError("secret"), "internal"), (OutOfMemory("Too big."), "out_of_memory")):
            service.stt.error = error
            await peer.send(ask(), START, *chunks(), STOP)
            assert "secret" not in await peer.expect_error(code)
        service.stt.error = None
        await peer.send(ask(), START, *chunks(), STOP)
        await peer.expect("transcript")


async def test_a_client_that_leaves_takes_its_utterances_with_it(service: Service) -> None:
    service.stt.go.clear()
    async with service.connect() as peer:
        for _ in range(4):
            await peer.send(ask(), START, *chunks(), STOP)
        await peer.send(ask(), START, *chunks())
        await asyncio.get_running_loop().run_in_executor(None, service.stt.asked.wait, 5.0)
        peer.vanish()
    await service.until(lambda: not service.server.connections)
    service.stt.go.set()
    await service.quiet()
    assert len(service.stt.heard) <= 2


async def test_live_audio_gathers_before_it_is_read_and_none_is_lost(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_batching, "_LIVE_AFTER_S", 0.0)
    async with service.connect() as peer:
        await peer.send(ask(), START)
        for chunk in chunks(size=3200):
            await peer.send(chunk)
            await peer.alive()
        await peer.send(STOP)
        await peer.expect("transcript")
    ((samples, _),) = service.stt.heard
    assert len(samples) == 16_000


async def test_a_recording_may_come_faster_than_it_is_converted(serve: Serve) -> None:
    service = await serve(limits={"max_utterance_s": 600})
    rate, channels = 96_000, 2
    pcm = b"\1" * (rate * 2 * channels * 30)
    async with service.connect() as peer, service.connect() as neighbour:
        start = AudioStart(rate=rate, width=2, channels=channels).event()
        await peer.send(ask(), start)
        sending = asyncio.ensure_future(peer.send(*chunks(pcm, rate, 2, channels, size=500_000), STOP))
        await neighbour.alive()
        await sending
        await peer.expect("transcript")
    assert sum(len(samples) for samples, _ in service.stt.heard) == pytest.approx(30 * 16_000, rel=0.01)
