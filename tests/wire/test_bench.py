"""The bench's client against a scripted service, and whole measurements against ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wyoming.event import Event, async_read_event, async_write_event

from lunavox_edge.bench import (
    bench_client,
    hearing,
    home_assistant,
    public,
    recordings,
    servers,
    speaking,
    strain,
)
from lunavox_edge.bench.context import QUICK, BenchRun
from lunavox_edge.bench.figure_table import FigureTable
from lunavox_edge.bench.recordings import Recording
from lunavox_edge.bench.servers import Plan, Service, running
from lunavox_edge.errors import InternalError, ProtocolError, SettingsError, TimedOut, Unreachable
from tests.wire.conftest import Service as OurService

pytestmark = pytest.mark.wire

SECOND = bytes(2 * 16_000)
SHAPE = {"rate": 16_000, "width": 2, "channels": 1}
AUDIO = Event("audio-chunk", SHAPE, SECOND)

Write = Callable[..., Awaitable[None]]
Script = Callable[[Event, Write], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[str, list[Event]]]:
    """Serve a script, which gets every event and may answer it; yield the address and what came."""
    came: list[Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(*events: Event) -> None:
            for event in events:
                await async_write_event(event, writer)

        try:
            while (event := await async_read_event(reader)) is not None:
                came.append(event)
                await script(event, write)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", came
    finally:
        server.close()
        await server.wait_closed()


def kinds(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def test_a_speech_is_timed_piece_by_piece() -> None:
    gate = asyncio.Event()
    heard: list[float] = []

    async def script(event: Event, write: Write) -> None:
        await write(Event("audio-start", SHAPE), AUDIO)
        await gate.wait()
        await write(AUDIO, Event("audio-stop"))

    def on_first(seconds: float) -> None:
        heard.append(seconds)
        gate.set()

    async with scripted(script) as (uri, came):
        spoken = await bench_client.speak(uri, "Hello.", timeout_s=20, on_first=on_first)
    assert kinds(came) == ["synthesize"]
    assert spoken.audio_s == pytest.approx(2.0)
    assert len(spoken.pcm) == 2 * len(SECOND)
    assert heard == [spoken.first_audio_s]
    assert spoken.first_audio_s <= spoken.arrivals[1].at_s <= spoken.total_s


async def test_streamed_text_is_sent_as_home_assistant_does_and_ends_with_its_own_event() -> None:
    async def script(event: Event, write: Write) -> None:
        if event.type == "synthesize-stop":
            await write(AUDIO, Event("audio-stop"), AUDIO, Event("synthesize-stopped"))

    async with scripted(script) as (uri, came):
        spoken = await bench_client.speak_streamed(uri, ["It ", "rains."], token_s=0.001, timeout_s=20)
    assert kinds(came) == [
        "synthesize-start",
        *["synthesize-chunk"] * 2,
        "synthesize",
        "synthesize-stop",
    ]
    assert came[3].data["text"] == "It rains."
    assert len(spoken.arrivals) == 2


async def test_a_recording_is_sent_whole() -> None:
    async def script(event: Event, write: Write) -> None:
        if event.type == "audio-stop":
            await write(Event("transcript", {"text": "yes"}))

    async with scripted(script) as (uri, came):
        heard = await bench_client.hear_at_once(uri, SECOND, language="en", timeout_s=20)
    assert heard.text == "yes"
    assert heard.stop_s is not None
    assert heard.stop_s <= heard.at_s
    assert b"".join(event.payload or b"" for event in came) == SECOND


async def test_live_audio_comes_in_real_time_until_audio_stop() -> None:
    async def script(event: Event, write: Write) -> None:
        if event.type == "audio-stop":
            await write(Event("transcript", {"text": "yes"}))

    async with scripted(script) as (uri, came):
        heard = await bench_client.hear_live(
            uri, SECOND, stop_s=0.2, sensitivity="aggressive", language="en", timeout_s=20
        )
    assert heard.stop_s is not None
    assert heard.at_s >= heard.stop_s >= 0.2
    assert kinds(came).count("audio-chunk") == 20
    assert came[0].data["vad_sensitivity"] == "aggressive"


async def test_a_service_that_finds_the_end_gets_no_audio_stop() -> None:
    async def script(event: Event, write: Write) -> None:
        if kinds(came).count("audio-chunk") == 5:
            await write(Event("transcript", {"text": "yes"}))

    async with scripted(script) as (uri, came):
        heard = await bench_client.hear_live(
            uri, SECOND, stop_s=None, sensitivity="default", language="en", timeout_s=20
        )
    assert (heard.text, heard.stop_s) == ("yes", None)
    assert heard.at_s >= 0.05
    assert "audio-stop" not in kinds(came)


async def test_what_goes_wrong_is_an_error_of_ours() -> None:
    async def refuse(event: Event, write: Write) -> None:
        await write(Event("error", {"text": "no such voice"}))

    async def say_nothing(event: Event, write: Write) -> None:
        await write(Event("audio-start", SHAPE), Event("audio-stop"))

    async def leave(event: Event, write: Write) -> None:
        raise ConnectionError

    async def wait(event: Event, write: Write) -> None:
        return

    for script, kind in (
        (refuse, InternalError),
        (say_nothing, ProtocolError),
        (leave, Unreachable),
        (wait, TimedOut),
    ):
        async with scripted(script) as (uri, _):
            with pytest.raises(kind):
                await bench_client.speak(uri, "Hello.", timeout_s=0.2 if script is wait else 20)
    with pytest.raises(Unreachable):
        await bench_client.describe(uri, timeout_s=20)


async def test_a_command_must_say_where_the_address_goes() -> None:
    with pytest.raises(SettingsError, match="uri"):
        async with running(Plan("x", commands=("true",)), quota=None):
            pass


async def test_a_server_that_does_not_start_says_what_it_said() -> None:
    with pytest.raises(Unreachable, match="no such model"):
        async with running(Plan("x", commands=("sh -c 'echo no such model {uri}; exit 1'",)), quota=None):
            pass


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a service never rests."""
    monkeypatch.setattr(servers, "_REST_TIMEOUT_S", 0.2)


async def test_a_whole_run_over_our_service_fills_the_table(service: OurService) -> None:
    async with running(Plan("ours", uris=(service.server.uri,)), quota=None) as found:
        assert found.tts_uri == found.stt_uri == service.server.uri
        context = one_of_everything(found)
        await speaking.measure(context)
        await strain.describe(context)
        await hearing.words(context)
        strain.memory(context, "RSS")
    values = {name: row.value("ours") for name, row in context.report.rows.items()}
    assert context.report.notes == []
    assert values["gaps, six sentences, 2 clients"] is not None
    assert values["first audio, short sentence, 1 client"] is not None
    assert values["word error rate, sentences"] is not None
    assert values["slowest describe, 2 clients speaking"] is not None
    assert values["slowest describe, 2 rooms heard"] is not None
    assert (values["RSS"] or 0) > 1


async def test_a_command_is_timed_from_audio_stop_and_from_the_end_of_speech(
    service: OurService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "QUIET_S", 1.5)
    async with running(Plan("ours", uris=(service.server.uri,)), quota=None) as found:
        context = one_of_everything(found)
        context.recordings = [Known("a", "command", np.tile(context.recordings[0].samples, 2), "hello")]
        await hearing.stops(context)
        await hearing.rooms(context)
    if not home_assistant.available():
        assert any("voice detector" in note for note in context.report.notes)
        return
    values = {name: row.value("ours") for name, row in context.report.rows.items()}
    assert values["audio-stop to transcript, 1 room"] is not None
    assert values["people cut off, 1 room, default"] is not None


async def test_the_public_benchmark_is_shown(service: OurService, tmp_path: Path) -> None:
    program = tmp_path / "wyoming-bench"
    program.write_text("#!/bin/sh\necho ran $1; [ $1 = tts ] || exit 3\n", encoding="utf-8")
    program.chmod(0o755)
    async with running(Plan("ours", uris=(service.server.uri,)), quota=None) as found:
        context = one_of_everything(found)
        context.extent = replace(context.extent, name="full")
        context.until_s = time.monotonic() + 60
        await public.measure(context, str(program))
        context.report.outputs["one"] = "kept"
        await public.measure(context, str(tmp_path / "missing"))
    assert list(context.report.outputs.values()) == ["ran tts", "ran stt", "kept"]
    assert any("status 3" in note for note in context.report.notes)
    assert any("cannot be started" in note for note in context.report.notes)


class Known(Recording):
    """A recording of noise whose end is known without a detector."""

    end_s = 1.2
    probabilities = (0.9,) * 120 + (0.0,) * 400


def one_of_everything(service: Service) -> BenchRun:
    rooms = ((1, "default", 1),)
    extent = replace(QUICK, single_rounds=1, clients=(1, 2), describers=2, most_words=1, rooms=rooms)
    context = BenchRun([service], extent, FigureTable([service.name]), lambda _: None, float("inf"))
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    context.recordings = [Recording("a", "command", noise, "hello")]
    context.references = True
    return context
