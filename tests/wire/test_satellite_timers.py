"""Timers of the satellite device, with a client like Home Assistant as its hub, on a clock of the test."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from lunavox_edge.announcements.house import SatellitePhase
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.engine.engine import Engine
from lunavox_edge.hub.hub import Hub
from lunavox_edge.satellite import hub_connection as link_module
from lunavox_edge.satellite import rearming, ringing
from lunavox_edge.satellite.device import Sounds
from lunavox_edge.satellite.listening import MicrophonePhase
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import AudioChunk, Priority
from tests.fakes.clock import ManualClock
from tests.fakes.stt import SttScript
from tests.fakes.tts import TtsScript
from tests.fakes.wake import said, silence
from tests.wire.conftest import Peer
from tests.wire.rooms import Furnish, Room, furnishing, speech

pytestmark = pytest.mark.wire

FINISHED = TimerFinished(id="a").event()


def started(timer_id: str = "a", seconds: int = 300) -> Event:
    return TimerStarted(id=timer_id, total_seconds=seconds, name="eggs", start_minutes=seconds // 60).event()


def updated(seconds: int, timer_id: str = "a", *, active: bool = True) -> Event:
    return TimerUpdated(id=timer_id, is_active=active, total_seconds=seconds).event()


@pytest.fixture
async def furnish(scripts: tuple[TtsScript, SttScript], tmp_path: Path) -> AsyncIterator[Furnish]:
    async with furnishing(tmp_path) as start:
        yield start


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def rings(room: Room) -> None:
    """Wait until the ring plays, loudly enough to be noticed."""
    await room.until(lambda: room.satellite.alarm.sounding and loudest(room) > 3000)


async def noticed(room: Room) -> None:
    """Wait until people in the room know of the ring."""
    await room.until(lambda: room.satellite.alarm.noticed)


def loudest(room: Room) -> int:
    pcm = room.heard()
    return max(
        (abs(int.from_bytes(pcm[at : at + 2], "little", signed=True)) for at in range(0, len(pcm), 2)),
        default=0,
    )


def quiet(room: Room) -> bool:
    return not room.satellite.alarm.rings and not room.satellite.alarm.sounding


async def test_a_timer_rings_when_its_time_is_up_and_the_hub_silences_it(
    furnish: Furnish, clock: ManualClock
) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started(seconds=300))
        await hub.alive()
        clock.pass_s(299)
        assert quiet(room)
        clock.pass_s(1)
        await rings(room)
        await hub.send(TimerCancelled(id="a").event())
        await hub.alive()
        assert quiet(room)


async def test_pausing_adding_and_taking_away(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started(seconds=60), updated(50, active=False))
        await hub.alive()
        clock.pass_s(1000)
        assert quiet(room)
        await hub.send(updated(50), updated(110))
        await hub.alive()
        clock.pass_s(109)
        assert quiet(room)
        await hub.send(updated(0))
        await rings(room)


async def test_one_that_was_cancelled_does_not_ring(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started(), TimerCancelled(id="a").event())
        await hub.alive()
        clock.pass_s(301)
        await hub.send(FINISHED)
        await hub.alive()
        assert quiet(room)


async def test_the_countdown_and_the_hub_ring_once(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started())
        await hub.alive()
        clock.pass_s(300)
        await rings(room)
        room.satellite.silence()
        await hub.send(FINISHED, TimerFinished(id="a").event())
        await hub.alive()
        assert quiet(room)
        assert room.said.count("A timer has finished.") == 1


async def test_two_at_once_ring_until_both_are_cancelled(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started("a", 10), started("b", 10))
        await hub.alive()
        clock.pass_s(10)
        await hub.send(TimerCancelled(id="b").event())
        await hub.alive()
        await rings(room)
        await hub.send(TimerCancelled(id="a").event())
        await hub.alive()
        assert quiet(room)


async def test_a_stop_of_the_hub_silences_and_cancels_nothing(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send(started("a", 10), started("b", 20))
        await hub.alive()
        clock.pass_s(10)
        await rings(room)
        await hub.send(TimerCancelled(id="").event())
        await hub.alive()
        assert quiet(room)
        clock.pass_s(10)
        assert room.satellite.alarm.rings


async def test_the_hub_is_gone_and_it_rings_all_the_same(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send("run-satellite", started())
        await hub.until("audio-chunk")
        hub.vanish()
    await room.until(lambda: room.said[-1].endswith("has gone."))
    clock.pass_s(300)
    await rings(room)
    # It reconnects, and sends the end that it could not send before and the timers that still count.
    async with room.connect() as hub:
        await hub.send("run-satellite", FINISHED)
        await hub.until("audio-chunk")
        assert room.satellite.alarm.rings
        assert room.said.count("A timer has finished.") == 1
        await hub.send(TimerCancelled(id="a").event(), "ping")
        await hub.until("pong")
        assert quiet(room)


async def test_a_reconnect_in_the_middle_changes_nothing(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(clock=clock)
    for _ in range(3):
        async with room.connect() as hub:
            await hub.send(started())
            await hub.alive()
            clock.pass_s(99)
        await room.until(lambda: room.said[-1].endswith("has gone."))
    assert quiet(room)
    clock.pass_s(3)
    assert room.satellite.alarm.rings


async def test_any_wake_word_silences_it_and_begins_no_command(furnish: Furnish) -> None:
    room = await furnish(silence(0.1) + said("alexa"), words=("alexa",))
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await noticed(room)
        await hub.send("run-satellite")
        await room.until(lambda: quiet(room))
        assert room.satellite.phase is MicrophonePhase.WAITING
        await hub.alive()  # and neither a detection nor a command


async def test_the_stop_word_silences_it_and_speech_and_begins_no_command(furnish: Furnish) -> None:
    room = await furnish(
        silence(0.3) + said("okay_nabu") + silence(2.0) + said("okay_nabu"),
        words=("alexa",),
        stop_words=("okay_nabu",),
    )
    async with room.connect() as hub:
        await hub.send(FINISHED, "run-satellite")
        await room.until(lambda: quiet(room))
        await hub.send(*speech(30.0))
        await hub.expect("played")
        await hub.alive()
        assert room.satellite.phase is MicrophonePhase.WAITING


async def test_a_word_that_the_hub_heard_silences_it(furnish: Furnish) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await noticed(room)
        await hub.send("detection", "ping")
        await hub.until("pong")
        assert quiet(room)


async def test_a_button_silences_it_and_begins_a_command(furnish: Furnish) -> None:
    room = await furnish(silence(0.1), words=("alexa",))
    async with room.connect() as hub:
        await hub.send("run-satellite", FINISHED)
        await noticed(room)
        await hub.send("run-pipeline")
        await hub.expect("run-pipeline")
        await hub.expect("audio-chunk")
        assert quiet(room)


async def test_it_waits_for_the_end_of_a_command_and_of_its_answer(furnish: Furnish) -> None:
    room = await furnish(silence(0.1) + said("alexa"), words=("alexa",))
    alarm = room.satellite.alarm
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.until("audio-chunk")
        await hub.send(FINISHED, "ping")
        await hub.until("pong")
        assert (alarm.rings, alarm.sounding) == (True, False)
        await hub.send(*speech(0.3), "transcript", "ping")
        await hub.until("pong")
        assert (alarm.rings, alarm.sounding) == (True, False)
        await hub.until("played")
        await rings(room)


async def test_speech_goes_before_a_ring_which_goes_on_afterwards(furnish: Furnish) -> None:
    room = await furnish()
    alarm = room.satellite.alarm
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await rings(room)
        await hub.send(*speech(0.4))
        await hub.send("ping")
        await hub.expect("pong")
        assert (alarm.rings, alarm.sounding) == (True, False)
        await hub.expect("played")
        pcm = room.heard()
        # The speech was played in one piece.
        assert (1000).to_bytes(2, "little") * int(0.4 * 22_050) in pcm
        await room.until(lambda: alarm.sounding and len(room.heard()) > len(pcm))


async def test_a_further_question_of_the_hub_does_not_silence_a_ring(furnish: Furnish) -> None:
    room = await furnish(silence(0.1), words=("alexa",))
    alarm = room.satellite.alarm
    async with room.connect() as hub:
        await hub.send("run-satellite", FINISHED)
        await noticed(room)
        await hub.send(*speech(0.1))
        await hub.until("played")
        await hub.send("run-pipeline")
        await hub.until("audio-chunk")
        assert (alarm.rings, alarm.sounding) == (True, False)
        await hub.send("transcript")
        await room.until(lambda: alarm.sounding)


async def test_without_a_hub_a_word_of_its_own_silences_it(furnish: Furnish, clock: ManualClock) -> None:
    room = await furnish(silence(0.3) + said("alexa"), words=("alexa",), clock=clock)
    async with room.connect() as hub:
        await hub.send(started(seconds=5), "run-satellite")
        await hub.alive()
        hub.vanish()
    await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)
    clock.pass_s(5)
    await room.until(lambda: room.satellite.phase is MicrophonePhase.WAITING)
    await room.until(lambda: quiet(room))
    await room.until(lambda: room.satellite.phase is MicrophonePhase.OFF)


@pytest.mark.parametrize("stays", [False, True])
async def test_a_paused_microphone_stays_closed_and_the_timer_rings(
    furnish: Furnish, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, *, stays: bool
) -> None:
    # When Home Assistant stops, it pauses and disconnects at once; when it mutes, it stays connected.
    monkeypatch.setattr("lunavox_edge.satellite.device._FAREWELL_S", 0.0 if stays else 60.0)
    room = await furnish(silence(0.1) + said("alexa"), words=("alexa",), clock=clock)
    async with room.connect() as hub:
        await hub.send(started(seconds=5), "run-satellite", "pause-satellite")
        await hub.alive()
    await room.until(lambda: room.said[-1].endswith("has gone."))
    clock.pass_s(5)
    if stays:
        assert room.satellite.phase is MicrophonePhase.OFF
        await rings(room)
    else:
        await room.until(lambda: quiet(room))


async def test_a_hub_that_has_paused_is_not_left_for_its_silence(
    furnish: Furnish, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_CHECK_S", 0.02), ("PING_AFTER_S", 0.05), ("GIVE_UP_AFTER_S", 0.1)):
        monkeypatch.setattr(link_module, name, seconds)
    room = await furnish(clock=clock)
    async with room.connect() as hub:
        await hub.send("run-satellite", started(), "ping", "pause-satellite")
        await hub.until("pong")
        link = room.server._hub
        assert link is not None
        await room.until(lambda: link.quiet_s > 0.5)
        await hub.send(TimerCancelled(id="a").event())
        await hub.alive()
        assert clock.waiting == 0


async def test_nobody_silences_it_and_it_ends(furnish: Furnish) -> None:
    room = await furnish(sounds=Sounds(ring_s=0.3))
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await room.until(lambda: "A timer has finished." in room.said and quiet(room))
        assert len(room.heard()) == pytest.approx(2 * 22_050 * 0.3, rel=0.1)
        await hub.send(TimerFinished(id="b").event())
        await rings(room)


async def test_a_loudspeaker_that_does_not_work_at_first_is_tried_again(
    furnish: Furnish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ringing, "_RETRY_S", 0.02)
    tries, sound = tmp_path / "tries", tmp_path / "sound"
    player = f"echo x >> {tries}; test $(wc -l < {tries}) -gt 2 && exec cat > {sound}; echo busy >&2; exit 1"
    room = await furnish(speaker=f"command:sh -c '{player}'")
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await room.until(lambda: sound.exists() and sound.stat().st_size > 10_000)
        assert [record.levelname for record in caplog.records if "not heard" in record.message] == ["WARNING"]


async def test_nonsense_breaks_nothing_and_tells_no_names(
    furnish: Furnish, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    room = await furnish(clock=clock)
    caplog.set_level(logging.INFO)
    async with room.connect() as hub:
        for kind in ("timer-started", "timer-updated", "timer-finished", "timer-cancelled"):
            for data in ({"id": {"secret": 1}}, {"id": "x" * 300, "name": "secret"}, {"id": 5.5}):
                await hub.send(Event(kind, {"total_seconds": 5, **data}))
                await hub.expect_error("bad_message")
        await hub.send(Event("timer-started", {"id": "secret", "total_seconds": "secret", "name": "secret"}))
        await hub.expect_error("bad_message")
        await hub.send(
            Event("timer-unheard-of", {"id": "secret"}), *(started(f"secret {n}") for n in range(65))
        )
        await hub.expect_error("busy")
        await hub.alive()
        assert "secret" not in caplog.text
        assert "secret" not in "".join(room.said)
        assert clock.waiting == 64


async def test_nothing_is_left_of_a_ring_when_the_satellite_ends(furnish: Furnish, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    room = await furnish(speaker=f"command:sh -c 'echo $$ > {pid}; exec cat'")
    async with room.connect() as hub:
        await hub.send(FINISHED)
        await room.until(lambda: pid.exists() and bool(pid.read_text().strip()))
        process = Path("/proc") / pid.read_text().strip()
        assert process.exists()
        await room.server.stop()
    assert not process.exists()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"satellite ringing", "satellite playback", "satellite microphone"}


@pytest.mark.parametrize(
    ("events", "sounds"),
    [
        (("detection", Error("The intent failed", "intent-failed").event()), True),
        (("detection", Error("No text recognized", "stt-no-text-recognized").event()), False),
        (("detection", "transcript", Error("Later", "intent-failed").event()), False),
        ((Error("Nobody asked", "intent-failed").event(),), False),
    ],
)
async def test_a_command_that_failed_is_heard(
    furnish: Furnish, events: tuple[Event | str, ...], *, sounds: bool
) -> None:
    room = await furnish()
    async with room.connect() as hub:
        await hub.send("run-satellite", *events, *speech(0.05, level=100))
        await hub.until("played")
        assert (loudest(room) > 3000) is sounds


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_hub_that_listens_no_more_after_an_error_is_asked_again(
    furnish: Furnish, monkeypatch: pytest.MonkeyPatch, *, restarts: bool
) -> None:
    monkeypatch.setattr(rearming, "FIRST_PAUSE_S", 0.5)
    room = await furnish()
    async with room.connect() as hub:
        await hub.send("run-satellite")
        await hub.expect("run-pipeline")
        await hub.send(Error("No text recognized", "stt-no-text-recognized").event())
        if restarts:
            await hub.send("detect")
            seen = [(await hub.expect("audio-chunk")).type for _ in range(20)]
            assert len(seen) == 20
        else:
            again = (await hub.until("run-pipeline"))[-1]
            assert again.data["start_stage"] == "wake"


@asynccontextmanager
async def house(room: Room, tmp_path: Path, **settings: object) -> AsyncIterator[Hub]:
    """The hub of this project, with the device as its satellite `kitchen`."""
    known = {"kitchen": {"uri": room.server.uri}}
    satellites = {"chime": False, "announcement_chime": False, "known": known, **settings}
    sections = Settings.model_validate(
        {
            "catalog": {"cache_dir": tmp_path},
            "stt": {"model": "ear"},
            "wake": {"default": ["okay_nabu"]},
            "satellites": satellites,
        }
    )
    engine = Engine(sections)
    hub = Hub(engine, sections.satellites, SoundCard(None))
    hub.start()
    try:
        await room.until(lambda: hub.views()[0].phase is SatellitePhase.IDLE)
        yield hub
    finally:
        await hub.stop(0.0)
        engine.close()


async def test_stop_at_our_hub_silences_a_ring_and_an_announcement_does_not(
    furnish: Furnish, clock: ManualClock, tmp_path: Path
) -> None:
    room = await furnish(clock=clock)
    async with room.connect() as other:
        await other.send(started("a", 5), started("b", 50))
        await other.alive()
    await room.until(lambda: room.said[-1].endswith("has gone."))
    async with house(room, tmp_path) as hub:
        clock.pass_s(5)
        await rings(room)

        async def words() -> AsyncIterator[AudioChunk]:
            yield AudioChunk(b"\x10\x00" * 2205, 22_050)

        assert not await hub.play(("kitchen",), words(), Priority.URGENT)
        await rings(room)
        hub.silence("kitchen")
        await room.until(lambda: quiet(room))
        # The other timers go on counting.
        clock.pass_s(45)
        await rings(room)
        hub.silence(None)
        await room.until(lambda: quiet(room))


async def test_a_stop_word_of_our_hub_silences_a_ring(furnish: Furnish, tmp_path: Path) -> None:
    room = await furnish(silence(0.5) + said("alexa"))
    async with room.connect() as other:
        await other.send(FINISHED)
        await other.alive()
    await room.until(lambda: room.said[-1].endswith("has gone."))
    assert room.satellite.alarm.rings
    async with house(room, tmp_path, stop_words=["alexa"]):
        await room.until(lambda: quiet(room))


def test_the_signal_does_not_end_a_command_that_is_starting() -> None:
    program = """
import os, signal, sys
from lunavox_edge import cli

def quiet_numpy():
    os.kill(os.getpid(), signal.SIGUSR1)
    os._exit(7)

cli.quiet_numpy = quiet_numpy
cli.main(sys.argv[1:])
"""
    done = subprocess.run([sys.executable, "-c", program, "satellite"], timeout=60, check=False)
    assert done.returncode == 7


def test_the_signal_does_not_end_a_command_that_is_ending() -> None:
    program = """
import os, signal, sys
from lunavox_edge.cli import main, streams

def say(line):
    if line.startswith("Satellite "):
        os.kill(os.getpid(), signal.SIGTERM)

def end(status):
    os.kill(os.getpid(), signal.SIGUSR1)
    os._exit(7)

streams.say, streams.end = say, end
main(sys.argv[1:])
"""
    done = subprocess.run(
        [
            *(sys.executable, "-c", program, "satellite", "--mic", "command:cat /dev/zero"),
            *("--speaker", "null", "--uri", "tcp://127.0.0.1:0"),
        ],
        timeout=60,
        check=False,
    )
    assert done.returncode == 7


async def test_the_command_rings_and_a_signal_silences_it(tmp_path: Path) -> None:
    speaker = tmp_path / "speaker.wav"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lunavox_edge", "satellite", "--mic", "command:cat /dev/zero"),
        *("--speaker", str(speaker), "--uri", "tcp://127.0.0.1:0", "--name", "attic", "--ring-s", "60"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30.0)).decode()
        hub = Peer(line.split()[3].rstrip("."))
        await hub.client.connect()
        await hub.send(started(seconds=1))
        for wanted in ("is connected.", "A timer has finished."):
            assert wanted in (await asyncio.wait_for(process.stdout.readline(), 30.0)).decode()
        process.send_signal(signal.SIGUSR1)
        assert (await asyncio.wait_for(process.stdout.readline(), 30.0)) == b"The timer is silenced.\n"
        await hub.alive()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10.0) == 0
        await hub.client.disconnect()
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
