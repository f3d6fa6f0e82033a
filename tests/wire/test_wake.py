"""Wake words over Wyoming: routing of audio, detections, errors."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info
from wyoming.tts import Synthesize
from wyoming.wake import Detect, Detection, NotDetected

from lunavox_edge.wire.event_stream import AUDIO_PIECE_BYTES
from lunavox_edge.wyoming_server import wake_handler
from tests.fakes.wake import ScriptedWake, said, silence
from tests.wire.conftest import Peer, Serve, Service

pytestmark = pytest.mark.wire

START = AudioStart(rate=16_000, width=2, channels=1).event()
STOP = AudioStop().event()


def chunks(pcm: bytes, *, start_ms: int | None = None, size: int = 320) -> list[Event]:
    return [
        AudioChunk(
            rate=16_000,
            width=2,
            channels=1,
            audio=pcm[at : at + size],
            timestamp=None if start_ms is None else start_ms + at // 32,
        ).event()
        for at in range(0, len(pcm), size)
    ]


def ask(*names: str, context: dict[str, Any] | None = None) -> Event:
    return Detect(names=list(names) or None, context=context).event()


async def detection(peer: Peer) -> Detection:
    return Detection.from_event(await peer.expect("detection"))


async def test_a_word_is_told_with_its_time_while_audio_flows(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("alexa", context={"room": "k"}), START)
        await peer.send(*chunks(silence(0.5) + said("okay_nabu") + said("alexa"), start_ms=70_000))
        await peer.send(*chunks(silence(0.2)))
        found = await detection(peer)
        assert (found.name, found.timestamp, found.context) == ("alexa", 70_600, {"room": "k"})
        await peer.alive()
    await service.quiet()
    assert ScriptedWake.script.open_streams == 0


async def test_several_words_and_the_rest_after_each(serve: Serve) -> None:
    service = await serve(wake={"words": {"Alexa": {"refractory_s": 0.0}}})
    heard = said("alexa") + said("okay_nabu") + silence(0.1)
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(heard * 3 + silence(2.0) + heard), STOP)
        names = [(await detection(peer)).name for _ in range(6)]
        await peer.alive()
    assert names == ["alexa", "okay_nabu", "alexa", "alexa", "alexa", "okay_nabu"]


async def test_nothing_said_is_told_at_the_end(service: Service) -> None:
    async with service.connect() as peer:
        for _ in range(2):
            await peer.send(ask("alexa", context={"n": 1}), START, *chunks(said("okay_nabu")), STOP)
            answer = NotDetected.from_event(await peer.expect("not-detected"))
            assert answer.context == {"n": 1}
        await peer.alive()


async def test_the_last_moment_counts(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("alexa"), START, *chunks(said("alexa", 0.01)), STOP)
        assert (await detection(peer)).timestamp == 0
        await peer.alive()


@pytest.mark.parametrize(("rate", "width", "channels"), [(48_000, 2, 1), (16_000, 4, 2), (8_000, 2, 1)])
async def test_any_sane_format_will_do(service: Service, rate: int, width: int, channels: int) -> None:
    value = int(0.5 * 2 ** (8 * width - 1)).to_bytes(width, "little")
    async with service.connect() as peer:
        shape = {"rate": rate, "width": width, "channels": channels}
        await peer.send(ask("alexa"), Event("audio-start", shape))
        await peer.send(Event("audio-chunk", shape, value * channels * (rate // 2)), STOP)
        assert (await detection(peer)).name == "alexa"


async def test_the_connection_goes_on_with_other_things(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("alexa"), START, *chunks(said("alexa") + silence(0.1)))
        await detection(peer)
        await peer.send(Transcribe().event(), START, *chunks(silence(0.5)), STOP)
        await peer.expect("transcript")
        await peer.send(Synthesize(text="yes").event())
        await peer.until("audio-stop")
        await peer.send(ask("alexa"), START, *chunks(silence(0.1)), STOP)
        await peer.expect("not-detected")
    await service.quiet()


async def test_without_detect_audio_is_transcribed(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("alexa"), START, *chunks(silence(0.1)), STOP)
        await peer.expect("not-detected")
        await peer.send(START, *chunks(silence(0.5)), STOP)
        await peer.expect("transcript")


async def test_detect_twice_changes_the_words(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("okay_nabu"), ask("alexa"), START)
        await peer.send(*chunks(said("okay_nabu") + said("alexa") + silence(0.1)))
        assert (await detection(peer)).name == "alexa"
        await peer.send(ask("okay_nabu"), *chunks(said("alexa") + said("okay_nabu") + silence(0.1)))
        assert (await detection(peer)).name == "okay_nabu"
    await service.quiet()


async def test_an_unknown_word_is_told_with_what_there_is_and_the_others_are_waited_for(
    service: Service,
) -> None:
    async with service.connect() as peer:
        await peer.send(ask("hey_you", "alexa", "hey_me"), START, *chunks(said("alexa")))
        text = await peer.expect_error("unknown_model")
        assert "'hey_you'" in text
        assert "okay_nabu, alexa" in text
        assert "'hey_me'" in await peer.expect_error("unknown_model")
        assert (await detection(peer)).name == "alexa"
        await peer.send(*chunks(said("okay_nabu") + silence(2.0) + said("alexa")))
        assert (await detection(peer)).name == "alexa"
    await service.quiet()


async def test_words_of_which_none_is_known_are_refused(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("hey_you", "hey_me"), START, *chunks(said("alexa")))
        assert "'hey_you'" in await peer.expect_error("unknown_model")
        await peer.send(STOP, ask("alexa"), START, *chunks(said("alexa") + silence(0.1)))
        await detection(peer)


@pytest.mark.parametrize("names", [[1], [""], ["x" * 300], {"a": 1}, 5])
async def test_names_of_a_wrong_type_are_refused(service: Service, names: object) -> None:
    async with service.connect() as peer:
        await peer.send(Event("detect", {"names": names}))
        await peer.expect_error("bad_message")
        await peer.alive()


BAD_ORDERS = {
    "no format at all": ([ask(), Event("audio-chunk", {}, b"ab")], "bad_audio"),
    "no format": ([ask(), Event("audio-start", {}), Event("audio-chunk", {}, b"ab")], "bad_audio"),
    "half a format": ([ask(), Event("audio-start", {"rate": 16_000})], "bad_audio"),
    "insane format": ([ask(), Event("audio-start", {"rate": 1, "width": 2, "channels": 1})], "bad_audio"),
    "another format": (
        [ask(), START, AudioChunk(rate=8_000, width=2, channels=1, audio=b"ab").event()],
        "bad_audio",
    ),
}


@pytest.mark.parametrize(("events", "code"), BAD_ORDERS.values(), ids=BAD_ORDERS.keys())
async def test_a_bad_order_is_refused_and_the_next_request_served(
    service: Service, events: list[Event], code: str
) -> None:
    async with service.connect() as peer:
        await peer.send(*events)
        await peer.expect_error(code)
        await peer.send(ask("alexa"), START, *chunks(said("alexa") + silence(0.1)), STOP)
        await detection(peer)
    await service.quiet()


async def test_an_old_satellite_sends_no_start(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask("alexa"), *chunks(said("alexa") + silence(0.1)))
        await detection(peer)
        # It sends `detect` again in the middle of the audio, for the next stream.
        await peer.send(ask("okay_nabu"), *chunks(said("okay_nabu") + silence(0.1)))
        assert (await detection(peer)).name == "okay_nabu"


async def test_clients_that_say_the_format_in_other_ways_are_heard(service: Service) -> None:
    floats = {"rate": 16_000.0, "width": 2.0, "channels": 1.0}
    heard = said("alexa") + silence(0.1)
    ways = {
        "a bare start": [Event("audio-start"), *chunks(heard)],
        "nulls": [Event("audio-start", dict.fromkeys(floats)), *chunks(heard)],
        "floats": [Event("audio-start", floats), Event("audio-chunk", floats, heard)],
        "no start": chunks(heard),
        "an empty chunk first": [Event("audio-chunk"), START, *chunks(heard)],
    }
    async with service.connect() as peer:
        for audio in ways.values():
            await peer.send(ask("alexa"), *audio, STOP)
            await detection(peer)
        await peer.alive()
    await service.quiet()


async def test_without_any_audio_nothing_was_said(service: Service) -> None:
    async with service.connect() as peer:
        for audio in ([], [Event("audio-start")], [START], [Event("audio-chunk")]):
            await peer.send(ask("alexa", context={"n": 1}), *audio, STOP)
            assert NotDetected.from_event(await peer.expect("not-detected")).context == {"n": 1}


async def test_one_name_may_be_a_text(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(Event("detect", {"names": "alexa"}), START, *chunks(said("okay_nabu")))
        await peer.send(*chunks(said("alexa") + silence(0.1)), STOP)
        assert (await detection(peer)).name == "alexa"


async def test_a_recording_may_come_in_one_message(service: Service) -> None:
    shape = {"rate": 16_000, "width": 2, "channels": 1}
    async with service.connect() as peer:
        pcm = silence(60.0) + said("alexa") + silence(0.1)
        await peer.send(ask("alexa"), START, Event("audio-chunk", {**shape, "timestamp": 5_000}, pcm), STOP)
        # The time of the piece that contains the word: each piece of the message counts as a chunk.
        assert 65_000 - AUDIO_PIECE_BYTES // 32 < ((await detection(peer)).timestamp or 0) <= 65_000


async def test_an_utterance_is_not_interrupted(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(START, *chunks(silence(0.1)), ask())
        await peer.expect_error("bad_message")
        await peer.send(*chunks(silence(0.1)), STOP)
        await peer.expect("transcript")


async def test_timestamps_of_a_wrong_type_count_as_missing(service: Service) -> None:
    shape = {"rate": 16_000, "width": 2, "channels": 1}
    async with service.connect() as peer:
        await peer.send(ask("alexa"), START)
        stamps: list[object] = ["now", None, True, [1], {}]
        for stamp in stamps:
            await peer.send(Event("audio-chunk", {**shape, "timestamp": stamp}, silence(0.1)))
        await peer.send(Event("audio-chunk", shape, said("alexa")), STOP)
        assert (await detection(peer)).timestamp == 500


async def test_limits_of_utterances_do_not_apply(leaping: None, serve: Serve) -> None:
    service = await serve(
        limits={"max_utterance_s": 0.5, "read_timeout_s": 10, "max_sessions": 1}, wake={"max_streams": 2}
    )
    async with service.connect() as peer, service.connect() as other:
        await other.send(ask("alexa"), START, *chunks(silence(0.1)))
        await peer.send(ask("alexa"), START, *chunks(silence(3.0)))
        await service.until(lambda: service.engine.status().wake_sessions == 2)
        await asyncio.sleep(15)  # an utterance would have been dropped for its silence by now
        await other.send("ping")
        await other.expect("pong")
        await peer.send(*chunks(said("alexa") + silence(0.1)))
        assert (await detection(peer)).timestamp == 3000
        async with service.connect() as third:
            await third.send(ask("alexa"), START)
            await third.expect_error("busy")


async def test_a_client_that_leaves_takes_its_stream_along(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(silence(0.3)))
        await service.until(lambda: service.engine.status().wake_sessions == 1)
        peer.vanish()
        await service.quiet()
    assert ScriptedWake.script.open_streams == 0


async def test_a_failure_is_reported_and_a_client_that_does_not_read_it_is_disconnected(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ScriptedWake.script.error = MemoryError()
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(silence(0.2)))
        await peer.expect_error("out_of_memory")
        # Not earlier: on a busy machine the session fails while the audio above is still being sent.
        monkeypatch.setattr(wake_handler, "_UNREAD_ERROR_S", 0.0)
        with suppress(ConnectionError):  # the last messages may be sent after the connection was closed
            await peer.send(*chunks(silence(0.1)))
            await peer.expect_end()
    await service.quiet()


async def test_a_broken_word_spoils_only_what_names_it(service: Service) -> None:
    ScriptedWake.script.broken.add("okay_nabu")
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(said("alexa") + silence(0.1)))
        assert (await detection(peer)).name == "alexa"
        await peer.send(ask("okay_nabu", "alexa"))
        await peer.expect_error("broken_model")
        await peer.send(*chunks(said("alexa") + silence(0.1)))
        assert (await detection(peer)).name == "alexa"
        await peer.send(ask("okay_nabu"))
        await peer.expect_error("broken_model")
        await peer.send(*chunks(said("okay_nabu") + silence(0.1)), STOP, "ping")
        await peer.expect("pong")


@pytest.mark.parametrize(
    "asked", ["alexa_v0.1", "alexa-v2", "Alexa_v1.0.2", "alexa_v0.1.tflite", "alexa.onnx"]
)
async def test_names_with_a_version_find_the_word(service: Service, asked: str) -> None:
    async with service.connect() as peer:
        await peer.send(ask(asked), START, *chunks(said("okay_nabu") + said("alexa") + silence(0.1)))
        assert (await detection(peer)).name == "alexa"


async def test_an_unknown_word_of_the_settings_does_not_silence_the_others(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    wake = {"default": ["hey_you", "alexa_v0.1"], "words": {"alexa_v0.1": {"refractory_s": 0.0}}}
    service = await serve(wake=wake)
    word = said("alexa") + silence(0.1)
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(word + word), STOP)
        for _ in range(2):
            assert (await detection(peer)).name == "alexa"
        await peer.alive()
    assert "A wake word is left out: No installed wake word is named 'hey_you'" in caplog.text
    assert list(service.engine.unknown_names()) == ["wake.default: hey_you"]


async def test_the_service_stops_at_once_while_it_waits(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send(ask(), START, *chunks(silence(0.2)))
        await service.until(lambda: service.engine.status().wake_sessions == 1)
        await service.server.stop(grace_s=60.0)
        await peer.expect_end()


async def test_the_info_is_complete(service: Service) -> None:
    async with service.connect() as peer:
        await peer.send("describe")
        info = Info.from_event(await peer.expect("info"))
    (program,) = info.wake
    assert program.installed
    assert program.version
    assert [(word.name, word.phrase, word.languages, word.installed) for word in program.models] == [
        ("okay_nabu", "Okay_Nabu", ["en"], True),
        ("alexa", "Alexa", ["en"], True),
    ]


async def test_without_words_there_is_no_program(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedWake, "packaged", classmethod(lambda _cls, _folder: ()))
    service.engine.catalog.refresh(force=True)
    async with service.connect() as peer:
        await peer.send("describe")
        assert not Info.from_event(await peer.expect("info")).wake
        await peer.send(ask())
        assert "lunavox-edge[wake]" in await peer.expect_error("unknown_model")
