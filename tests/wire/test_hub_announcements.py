"""Announcements at satellites: together, one after the other, urgent, stopped."""

from __future__ import annotations

import asyncio

import pytest
from wyoming.snd import Played

from lunavox_edge import bridge
from lunavox_edge.announcements.announcement import Announcement, AnnouncementReport, SpeechStatus
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import SatellitePhase
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.errors import UnknownSatellite
from lunavox_edge.hub import playing
from lunavox_edge.types import Priority
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.wake import said, silence
from tests.wire.house import SPEECH, Build

pytestmark = pytest.mark.wire


async def test_an_announcement_is_heard_everywhere_at_once(build: Build) -> None:
    fakes = [FakeSatellite(name=name) for name in "abc"]
    house = await build(*fakes)
    for name in ("kitchen", "bedroom", "bath"):
        await house.until_phase(SatellitePhase.IDLE, name)
    house.announce("Dinner is ready in a moment, please come.", "all")
    await house.until_report(SpeechStatus.FINISHED)
    assert len({fake.pcm() for fake in fakes}) == 1
    assert len(house.tts.texts) == 1
    starts = [next(came.at_s for came in fake.came if came.event.type == "audio-start") for fake in fakes]
    assert max(starts) - min(starts) < 1.0


async def test_who_is_offline_is_reported(build: Build) -> None:
    here, gone = FakeSatellite(), FakeSatellite()
    house = await build(here, gone)
    await house.until_phase(SatellitePhase.IDLE)
    await gone.stop()
    await house.until_phase(SatellitePhase.OFFLINE, "bedroom")
    house.announce("Hello.", "all")
    assert (await house.until_report(SpeechStatus.FINISHED)).missed == ("bedroom",)
    house.announce("Hello.", "bedroom", number="2")
    failed = await house.until_report(SpeechStatus.FAILED, "2")
    assert failed.error is not None
    assert failed.error.code == "unreachable"
    with pytest.raises(UnknownSatellite, match="kitchen, bedroom"):
        house.announce("Hello.", "attic")


@pytest.mark.parametrize("interrupted", ["resume", "drop"])
async def test_an_urgent_announcement_interrupts(build: Build, interrupted: str) -> None:
    fake, other = FakeSatellite(), FakeSatellite()
    house = await build(fake, other, interrupted=interrupted)
    await house.until_phase(SatellitePhase.IDLE)
    await house.until_phase(SatellitePhase.IDLE, "bedroom")
    house.announce("one " * 50, "kitchen")
    house.announce("two " * 50, "bedroom", number="other")
    await house.until_report(SpeechStatus.STARTED)
    await house.until_phase(SatellitePhase.SPEAKING)
    house.announce("Fire!", "kitchen", number="2", priority=Priority.URGENT)
    await house.until_report(SpeechStatus.FINISHED, "2")
    await house.until_report(SpeechStatus.FINISHED if interrupted == "resume" else SpeechStatus.CANCELLED)
    order = [report.status.value for report in house.reports if report.announcement.id == "1"]
    assert order == (
        ["queued", "started", "interrupted", "finished"]
        if interrupted == "resume"
        else ["queued", "started", "cancelled"]
    )
    await house.until_report(SpeechStatus.FINISHED, "other")
    if interrupted == "resume":
        whole_s = (len("one ") * 50 - 1 + len("Fire!")) * 0.01
        assert len(fake.pcm()) / 32_000 == pytest.approx(whole_s, abs=0.3)


async def test_announcements_for_one_satellite_wait_for_each_other(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    for number, priority in (("1", Priority.NORMAL), ("2", Priority.LOW), ("3", Priority.NORMAL)):
        house.announce("Hello there.", "kitchen", number=number, priority=priority)
    await house.until_report(SpeechStatus.FINISHED, "2")
    ends = [report.announcement.id for report in house.reports if report.status is SpeechStatus.FINISHED]
    assert ends == ["1", "3", "2"]


async def test_a_stop_at_one_satellite_leaves_the_others(build: Build) -> None:
    fakes = [FakeSatellite(), FakeSatellite()]
    house = await build(*fakes)
    for name in ("kitchen", "bedroom"):
        await house.until_phase(SatellitePhase.IDLE, name)
    house.announce("one " * 40, "all")
    await house.until_phase(SatellitePhase.SPEAKING)
    assert house.hub.silence("kitchen") == 1
    assert house.announcer.stop(satellite="kitchen") == 1
    await house.until_report(SpeechStatus.FINISHED)
    assert len(fakes[0].pcm()) < len(fakes[1].pcm()) / 2


async def test_one_announcement_is_stopped_at_one_satellite(build: Build) -> None:
    fakes = [FakeSatellite(), FakeSatellite()]
    house = await build(*fakes)
    for name in ("kitchen", "bedroom"):
        await house.until_phase(SatellitePhase.IDLE, name)
    house.announce("one " * 1000, "all")
    await house.until_phase(SatellitePhase.SPEAKING)
    assert house.announcer.stop(announcement_id="1", satellite="kitchen") == 1
    await house.until_phase(SatellitePhase.IDLE)
    assert house.phase("bedroom") is SatellitePhase.SPEAKING
    await fakes[0].until("audio-stop")
    silenced = len(fakes[0].pcm())
    await until(lambda: len(fakes[1].pcm()) > silenced + 32_000, wait_s=20.0)
    assert len(fakes[0].pcm()) == silenced
    assert house.announcer.stop(announcement_id="1") == 1
    stopped = await house.until_report(SpeechStatus.CANCELLED)
    assert stopped.satellites == ("bedroom",)


async def test_what_was_stopped_before_it_began_is_not_spoken(build: Build) -> None:
    fake, talking = FakeSatellite(), FakeSatellite(waits_itself=True)
    house = await build(fake, talking)
    await house.until_phase(SatellitePhase.IDLE)
    await talking.until("run-satellite")
    await talking.wake()
    await house.until_phase(SatellitePhase.LISTENING, "bedroom")
    house.announce("Hello.", "all")
    await house.until_report(SpeechStatus.QUEUED)
    await until(lambda: not house.announcer.waiting)
    assert house.announcer.stop(satellite="kitchen") == 1
    await talking.say(SPEECH + silence(0.6))
    await house.until_report(SpeechStatus.FINISHED)
    assert not fake.pcm()


async def test_what_a_wake_word_kept_from_being_spoken_is_not_finished(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    house.tts.go.clear()
    house.announce("Dinner is ready.", "kitchen")
    await asyncio.to_thread(house.tts.asked.wait, 20.0)
    await fake.say(said("okay_nabu", 0.1) + silence(0.2))
    await house.until_phase(SatellitePhase.LISTENING)
    house.tts.go.set()
    await house.until_report(SpeechStatus.CANCELLED)
    assert not fake.pcm()


async def test_an_announcement_waits_for_a_conversation(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await house.until_phase(SatellitePhase.LISTENING)
    house.announce("Hello.", "kitchen")
    await fake.say(SPEECH + silence(0.6))
    await house.until_report(SpeechStatus.FINISHED)
    assert house.tts.texts[-1] == "turn on the light"
    rates = fake.all("audio-start")
    assert len(rates) == 2
    kinds = [came.event.type for came in fake.came]
    assert kinds.index("transcript") < kinds.index("audio-start")


async def test_an_urgent_announcement_does_not_wait(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await house.until_phase(SatellitePhase.LISTENING)
    house.announce("Fire!", "kitchen", priority=Priority.URGENT)
    await house.until_report(SpeechStatus.FINISHED)
    assert fake.all("transcript")[0].data["text"] == ""
    await house.until_phase(SatellitePhase.IDLE)


async def test_played_is_waited_for(build: Build) -> None:
    fake = FakeSatellite(tells_played=True)
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    for number in "12":
        house.announce("Hello.", "kitchen", number=number)
        await house.until_report(SpeechStatus.FINISHED, number)
    assert house.phase() is SatellitePhase.IDLE


async def test_the_end_of_what_was_interrupted_is_not_that_of_the_next(build: Build) -> None:
    fake = FakeSatellite(tells_played=True)
    house = await build(fake, lead_ms=2000)
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    house.announce("one " * 200, "kitchen", number="2")
    await house.until_phase(SatellitePhase.SPEAKING)
    fake.tells_played = False
    house.announce("fire " * 24, "kitchen", number="3", priority=Priority.URGENT)
    now = asyncio.get_running_loop().time
    before_s = now()
    await fake.until("audio-stop", 3)
    await fake.send(Played().event())
    await house.until_report(SpeechStatus.FINISHED, "3")
    assert now() - before_s >= len("fire ") * 24 * 0.01 - 0.1


async def test_what_was_interrupted_after_its_last_word_is_over_at_once(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "_PLAYED_S", 60.0)
    fake = FakeSatellite(tells_played=True)
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    fake.tells_played = False
    house.announce("Hello there.", "kitchen", number="2")
    await fake.until("audio-stop", 2)
    house.announce("Fire!", "kitchen", number="3", priority=Priority.URGENT)
    await house.until_report(SpeechStatus.INTERRUPTED, "2")
    await fake.until("audio-stop", 3)
    await fake.send(Played().event())
    await house.until_report(SpeechStatus.FINISHED, "3")
    await house.until_report(SpeechStatus.FINISHED, "2")


@pytest.mark.parametrize("absent", ["offline", "gone", "talking"])
async def test_announcements_that_cannot_be_heard_leave_no_session(build: Build, absent: str) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake, limits={"max_sessions": 4})
    await fake.until("run-satellite")
    if absent == "offline":
        await fake.stop()
        await house.until_phase(SatellitePhase.OFFLINE)
    elif absent == "talking":
        await fake.wake()
        await house.until_phase(SatellitePhase.LISTENING)
    text = "One more sentence of an announcement that is far longer than what is made ahead. " * 40
    for number in range(6):
        house.announce(text, "kitchen", number=str(number))
        if absent == "gone":
            await fake.stop()
        if absent == "talking":
            await until(lambda: house.engine.status().sessions)
            house.announcer.stop()
        await until(lambda number=number: ended_as(house.reports, str(number)))  # type: ignore[misc]  # bound
    await until(lambda: not house.engine.status().speeches)
    assert house.engine.synthesize("Hello.").sample_rate


def ended_as(reports: list[AnnouncementReport], announcement_id: str) -> list[SpeechStatus]:
    ends = (SpeechStatus.FINISHED, SpeechStatus.CANCELLED, SpeechStatus.FAILED)
    return [at.status for at in reports if at.announcement.id == announcement_id and at.status in ends]


async def test_a_report_that_fails_ends_no_announcement(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    told: list[SpeechStatus] = []

    def fails(report: AnnouncementReport) -> None:
        told.append(report.status)
        raise RuntimeError("a front-end is broken")

    announcer = Announcer(house.engine, house.hub, max_waiting=8, report=fails)
    running = asyncio.create_task(announcer.run())
    for number in "12":
        announcer.add(Announcement(number, "Hello.", place=Place(("kitchen",))))
    await until(lambda: told.count(SpeechStatus.FINISHED) == 2, lambda: told)
    await bridge.cancel_and_wait(running)


async def test_what_was_lent_before_a_satellite_failed_is_given_back(build: Build) -> None:
    fakes = [FakeSatellite(), FakeSatellite()]
    house = await build(*fakes)
    for name in ("kitchen", "bedroom"):
        await house.until_phase(SatellitePhase.IDLE, name)
    broken = house.hub._satellites["bedroom"]

    def fails() -> None:
        raise RuntimeError("broken")

    broken.activity.lend = fails  # type: ignore[method-assign]  # a fault that nobody foresaw
    house.announce("Hello.", "all")
    await house.until_report(SpeechStatus.FAILED)
    del broken.activity.lend
    kitchen = house.hub._satellites["kitchen"]
    assert kitchen.activity.loudspeaker._outlet is None
    house.announce("Hello.", "all", number="2")
    await house.until_report(SpeechStatus.FINISHED, "2")
