from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Attribution, Info, Satellite
from wyoming.snd import Played

from lunavox_edge import bridge
from lunavox_edge.announcements.announcement import Announcement, AnnouncementReport, SpeechStatus
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatellitePhase
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.backends import registry
from lunavox_edge.background import Background
from lunavox_edge.engine.engine import Engine
from lunavox_edge.errors import LunavoxError, UnknownModel, UnknownSatellite
from lunavox_edge.hub import playing, satellite_link
from lunavox_edge.hub.answers.making import OverHttp
from lunavox_edge.hub.hub import Hub
from lunavox_edge.hub.satellite_link import SatelliteLink
from lunavox_edge.hub.satellite_state import SatelliteEvent
from lunavox_edge.mqtt.events import SatellitePayload
from lunavox_edge.settings.model import LimitSettings, Settings
from lunavox_edge.types import AudioChunk, Priority
from tests.fakes.http import HttpServer, stream
from tests.fakes.leftovers import assert_nothing_left, no_task_left
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.sound import steady
from tests.fakes.stt import SttScript
from tests.fakes.tts import TtsScript
from tests.fakes.vad import LoudnessVad
from tests.fakes.wake import said, silence

pytestmark = pytest.mark.wire

NAMES = ("kitchen", "bedroom", "bath")
DESCRIBED = Satellite(
    "x", attribution=Attribution("", ""), installed=True, description=None, version=None
).to_dict()
LEVEL = 0.06
SPEECH = steady(0.4, LEVEL)
"""Not as loud as any wake word."""


@dataclass
class House:
    hub: Hub
    engine: Engine
    announcer: Announcer
    tts: TtsScript
    stt: SttScript
    reports: list[AnnouncementReport] = field(default_factory=list)
    heard: list[HeardUtterance] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)

    def phase(self, name: str = "kitchen") -> SatellitePhase:
        return next(view.phase for view in self.hub.views() if view.id == name)

    async def until_phase(self, phase: SatellitePhase, name: str = "kitchen") -> None:
        await until(lambda: self.phase(name) is phase, self.hub.views)

    async def until_report(self, status: SpeechStatus, announcement_id: str = "1") -> AnnouncementReport:
        def found() -> list[AnnouncementReport]:
            return [
                report
                for report in self.reports
                if report.status is status and report.announcement.id == announcement_id
            ]

        await until(found, lambda: self.reports)
        return found()[0]

    def announce(self, text: str, *satellites: str, number: str = "1", **more: object) -> None:
        self.announcer.add(Announcement(number, text, place=Place(satellites), **more))  # type: ignore[arg-type]


class Correspondence:
    """Talks with a satellite, about nothing."""

    def __init__(self) -> None:
        self.connections = 0
        self.ends: list[LunavoxError] = []

    def opened(self, info: Info) -> None:
        self.connections += 1

    def received(self, event: Event) -> None:
        pass

    def closed(self, error: LunavoxError) -> None:
        self.ends.append(error)


Build = Callable[..., Awaitable[House]]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(satellite_link, "_LONGEST_PAUSE_S", 0.1)


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with no_task_left():
        yield


@pytest.fixture
async def build(
    scripts: tuple[TtsScript, SttScript], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Build]:
    """Start the hub of a house with these satellites; keywords are settings of `satellites`."""
    monkeypatch.setattr(registry, "vad", LoudnessVad)
    async with AsyncExitStack() as stack:

        async def start(
            *fakes: FakeSatellite,
            special: Mapping[str, Mapping[str, object]] | None = None,
            limits: Mapping[str, object] | None = None,
            **more: object,
        ) -> House:
            known: dict[str, object] = {}
            for fake, name in zip(fakes, NAMES, strict=False):
                await fake.start()
                stack.push_async_callback(fake.stop)
                known[name] = {"uri": fake.uri, **(special or {}).get(name, {})}
            settings = Settings.model_validate(
                {
                    "catalog": {"cache_dir": tmp_path},
                    "limits": limits or {},
                    "engine": {"threads": 2},
                    "stt": {"model": "ear", "pause_default_ms": 200, "no_speech_timeout_s": 1.5},
                    "tts": {
                        "voice": "alpha",
                        "sentence_silence_ms": 0,
                        "loudness_dbfs": None,
                        "phrase_cache_mb": 0,
                    },
                    "wake": {"default": ["okay_nabu"]},
                    "satellites": {"chime": False, "announcement_chime": False, **more, "known": known},
                }
            )
            engine = Engine(settings)
            stack.callback(engine.close)
            background = Background()
            stack.callback(assert_nothing_left, engine, background)
            hub = Hub(engine, settings.satellites, SoundCard(None), background=background)
            house = House(hub, engine, None, *scripts)  # type: ignore[arg-type]
            house.announcer = Announcer(
                engine,
                hub,
                max_waiting=8,
                report=house.reports.append,
                resumes=settings.satellites.interrupted == "resume",
            )
            hub.tell(Listeners(heard=house.heard.append, overlapped=house.overlaps.append))
            hub.start()
            stack.push_async_callback(hub.stop, 0.0)
            announcing = asyncio.create_task(house.announcer.run())

            async def end() -> None:
                announcing.cancel()
                await asyncio.gather(announcing, return_exceptions=True)

            stack.push_async_callback(end)
            for script in scripts:
                stack.callback(script.go.set)
            return house

        yield start


async def ask(satellite: FakeSatellite) -> None:
    """Say the wake word and a command, then be silent."""
    await satellite.say(said("okay_nabu", 0.1) + SPEECH + silence(1.0))


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


async def test_muted_no_audio_is_looked_at(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    await fake.say(silence(0.2))
    await until(lambda: house.engine.status().wake_sessions == 1)
    house.hub.set_muted("kitchen", muted=True)
    assert house.phase() is SatellitePhase.MUTED
    await fake.until("pause-satellite")
    await ask(fake)
    assert house.engine.status().wake_sessions == 0
    assert not fake.all("detection")
    assert not house.stt.heard
    house.hub.set_muted("kitchen", muted=False)
    await ask(fake)
    await fake.until("detection")


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


async def test_a_satellite_that_comes_back_is_served_again(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await until(lambda: house.hub.views()[0].problem == "It cannot be reached: Connection refused.")
    await fake.start()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")


async def test_a_satellite_that_goes_while_it_is_answered(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    house.stt.text = "tell me a story " * 20
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await house.until_phase(SatellitePhase.SPEAKING)
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await until(lambda: not house.engine.status().sessions and not house.engine.status().wake_sessions)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"satellite": 7},
        {"satellite": {"name": []}},
        {"satellite": {**DESCRIBED, "name": 7}},
        {"satellite": {**DESCRIBED, "area": ["Kitchen"]}},
        {"satellite": {**DESCRIBED, "name": "x" * 10_000}},
    ],
)
async def test_a_service_that_is_no_satellite(build: Build, info: dict[str, object]) -> None:
    fake = FakeSatellite(info=info)
    house = await build(fake)

    def changed() -> None:
        SatellitePayload.of(house.hub.views()[0])

    house.hub.tell(Listeners(changed=changed))
    await until(lambda: house.hub.views()[0].problem)
    assert house.phase() is SatellitePhase.OFFLINE
    fake.info = None
    await house.until_phase(SatellitePhase.IDLE)


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


async def test_each_satellite_gets_its_own_format_and_volume(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, special={"kitchen": {"rate_hz": 8000, "volume": 0.5}})
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert fake.all("audio-start")[0].data["rate"] == 8000
    audio = np.frombuffer(fake.pcm(), "<i2")
    assert abs(len(audio) - 8000 * 0.06) < 200
    assert abs(np.median(audio) / 32768 - 0.05) < 0.005


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
    assert house.hub.hush("kitchen") == 1
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
    before_s = time.monotonic()
    await fake.until("audio-stop", 3)
    await fake.send(Played().event())
    await house.until_report(SpeechStatus.FINISHED, "3")
    assert time.monotonic() - before_s >= len("fire ") * 24 * 0.01 - 0.1


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
    house.hub.hush("kitchen")
    await until(lambda: not fake.streaming)
    await house.until_phase(SatellitePhase.IDLE)


async def test_a_stop_silences_a_timer_that_rings_there(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert not fake.all("timer-cancelled")
    assert house.hub.hush("kitchen") == 0
    assert (await fake.until("timer-cancelled")).data == {"id": ""}


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


class Gone:
    """A satellite whose conversation has been ended by the time that its answer could be played."""

    id = "gone"
    area = None

    def move(self, event: SatelliteEvent) -> bool:
        return True

    def check_active(self) -> None:
        pass

    def publish_utterance(self, heard: HeardUtterance) -> None:
        pass

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        raise asyncio.CancelledError


async def test_an_answer_that_nobody_begins_to_play_leaves_no_session(build: Build) -> None:
    house = await build(FakeSatellite())
    conversation = house.hub._satellites["kitchen"].activity._conversation
    conversation._host = Gone()

    async def answer() -> AsyncGenerator[str, None]:
        yield "One more sentence of an answer that is far longer than what is made ahead. " * 40

    with pytest.raises(asyncio.CancelledError):
        await conversation._speak(answer())
    await until(lambda: not house.engine.status().speeches)


def ended_as(reports: list[AnnouncementReport], announcement_id: str) -> list[SpeechStatus]:
    ends = (SpeechStatus.FINISHED, SpeechStatus.CANCELLED, SpeechStatus.FAILED)
    return [at.status for at in reports if at.announcement.id == announcement_id and at.status in ends]


async def test_a_listener_that_fails_silences_no_satellite(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeSatellite()
    house = await build(fake)

    def fails(*_: object) -> None:
        raise RuntimeError("a front-end is broken")

    house.hub.tell(Listeners(changed=fails, heard=fails, overlapped=fails))
    told: list[HeardUtterance] = []
    house.hub.tell(Listeners(heard=told.append))
    await fake.stop()
    await house.until_phase(SatellitePhase.OFFLINE)
    await fake.start()
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop")
    await house.until_phase(SatellitePhase.IDLE)
    assert len(told) == 1
    assert "a front-end is broken" in caplog.text


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
    await bridge.ended(running)


class Unready(Correspondence):
    """Fails at the first connection."""

    failed = False

    def opened(self, info: Info) -> None:
        if not self.failed:
            self.failed = True
            raise RuntimeError("not ready")
        super().opened(info)


async def test_a_link_whose_owner_fails_connects_again(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeSatellite()
    await fake.start()
    owner = Unready()
    looking = asyncio.create_task(SatelliteLink("x", fake.uri, LimitSettings(), owner).run())
    await until(lambda: owner.connections == 1)
    assert [error.code for error in owner.ends] == ["internal"]
    await fake.stop()
    await until(lambda: len(owner.ends) > 3)
    assert not looking.done()
    assert "not ready" in caplog.text
    await bridge.ended(looking)


async def test_what_was_lent_before_a_satellite_failed_is_given_back(build: Build) -> None:
    fakes = [FakeSatellite(), FakeSatellite()]
    house = await build(*fakes)
    for name in ("kitchen", "bedroom"):
        await house.until_phase(SatellitePhase.IDLE, name)
    broken = house.hub._satellites["bedroom"].activity

    def fails() -> None:
        raise RuntimeError("broken")

    broken.lend = fails  # type: ignore[method-assign]  # a fault that nobody foresaw
    house.announce("Hello.", "all")
    await house.until_report(SpeechStatus.FAILED)
    del broken.lend
    kitchen = house.hub._satellites["kitchen"].activity
    assert kitchen.loudspeaker._outlet is None
    house.announce("Hello.", "all", number="2")
    await house.until_report(SpeechStatus.FINISHED, "2")


async def test_a_conversation_that_was_cut_off_has_ended_when_the_hub_has(build: Build) -> None:
    fake = FakeSatellite(waits_itself=True)
    house = await build(fake)
    await fake.until("run-satellite")
    await fake.wake()
    await fake.say(SPEECH, fast=True)
    await house.until_phase(SatellitePhase.LISTENING)
    kitchen = house.hub._satellites["kitchen"].activity
    conversation = kitchen._task
    assert conversation is not None
    house.hub.hush("kitchen")
    await house.hub.stop(0.0)
    assert conversation.done()
    assert not kitchen._cancelled


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


async def test_a_loudspeaker_that_wakes_slowly_gets_silence_first(build: Build) -> None:
    slow, quick = FakeSatellite(), FakeSatellite()
    house = await build(
        slow, quick, chime=True, announcement_chime=True, special={"kitchen": {"lead_in_silence_ms": 300}}
    )
    for name in ("kitchen", "bedroom"):
        await house.until_phase(SatellitePhase.IDLE, name)
    house.announce("Hello.", "all")
    await house.until_report(SpeechStatus.FINISHED)
    silent, rate_hz = int(0.3 * 16_000), 16_000
    for fake in (slow, quick):
        audio = np.frombuffer(fake.pcm(), "<i2")
        assert fake.all("audio-start")[0].data["rate"] == rate_hz
        assert not audio[:silent].any()
        assert audio[silent : silent + 800].any()
    before = len(slow.pcm())
    await slow.say(said("okay_nabu", 0.1) + silence(0.2))
    await slow.until("audio-stop", 2)
    ring = np.frombuffer(slow.pcm()[before:], "<i2")
    assert not ring[: int(0.3 * 22_050)].any()
    assert ring.any()


async def test_satellites_that_ask_the_same_have_one_answerer_which_the_hub_closes(build: Build) -> None:
    model = {"kind": "openai", "url": "http://127.0.0.1:9/v1"}
    house = await build(FakeSatellite(), FakeSatellite(), answer="model", answers={"model": model})
    conversations = [house.hub._satellites[name].activity._conversation for name in ("kitchen", "bedroom")]
    answerer, other = (conversation._options.answerer for conversation in conversations)
    assert isinstance(answerer, OverHttp)
    assert other is answerer
    await until(lambda: answerer._making)  # before anybody asks
    made = await answerer._made()
    await house.hub.stop(0.0)
    assert made._client.is_closed


async def test_chimes(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, chime=True, announcement_chime=True)
    await house.until_phase(SatellitePhase.IDLE)
    await ask(fake)
    await fake.until("audio-stop", 2)
    assert [event.data["rate"] for event in fake.all("audio-start")] == [22_050, 16_000]
    await house.until_phase(SatellitePhase.IDLE)
    before = len(fake.pcm())
    house.announce("Hello.", "kitchen")
    await house.until_report(SpeechStatus.FINISHED)
    assert len(fake.pcm()) - before > 0.06 * 32_000 + 0.4 * 32_000


async def test_a_word_that_cannot_be_waited_for_is_told(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, special={"kitchen": {"wake_words": ["gone"]}})
    told: list[str | None] = []
    house.hub.tell(Listeners(changed=lambda: told.append(house.hub.views()[0].problem)))
    await house.until_phase(SatellitePhase.IDLE)
    await fake.say(silence(0.1))
    await until(lambda: "'gone'" in (told[-1] or ""), lambda: told, 20.0)
    house.hub.set_wake_words("kitchen", ("okay_nabu",))
    assert told[-1] is None
    await ask(fake)
    assert (await fake.until("detection")).data["name"] == "okay_nabu"


async def test_a_word_that_is_unknown_does_not_silence_the_others(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, special={"kitchen": {"wake_words": ["gone", "okay_nabu_v0.1"]}})
    await house.until_phase(SatellitePhase.IDLE)
    await fake.say(silence(0.1))
    await until(lambda: "'gone'" in (house.hub.views()[0].problem or ""), house.hub.views, 20.0)
    await ask(fake)
    assert (await fake.until("detection")).data["name"] == "okay_nabu"
    with pytest.raises(UnknownModel):
        house.hub.set_wake_words("kitchen", ("okay_nabu", "gone"))


async def test_what_was_chosen_outlives_a_restart(build: Build, tmp_path: Path) -> None:
    fake = FakeSatellite()
    house = await build(fake)
    await house.until_phase(SatellitePhase.IDLE)
    file = tmp_path / "state" / "satellites.json"
    settings, engine = house.engine.settings.satellites, house.engine
    first = Hub(engine, settings, SoundCard(None), choices_file=file)
    first.set_muted("kitchen", muted=True)
    first.set_volume("kitchen", 0.5)
    first.set_wake_words("kitchen", ("alexa",))
    await first.stop(0.0)
    (view,) = Hub(engine, settings, SoundCard(None), choices_file=file).views()
    assert (view.muted, view.volume, view.wake_words) == (True, 0.5, ("alexa",))
    await house.hub.stop(0.0)
    again = Hub(engine, settings, SoundCard(None), choices_file=file)
    again.start()
    await fake.until("pause-satellite")
    assert again.views()[0].phase is SatellitePhase.MUTED
    again.set_muted("kitchen", muted=False)
    again.set_wake_words("kitchen", ())
    await again.stop(0.0)
    (view,) = Hub(engine, settings, SoundCard(None), choices_file=file).views()
    assert (view.muted, view.volume, view.wake_words) == (False, 0.5, ("okay_nabu",))
    file.write_text("{")
    assert Hub(engine, settings, SoundCard(None), choices_file=file).views()[0].volume == 1.0


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


async def test_one_that_is_looked_for_is_left_whenever_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(bridge, "_CANCEL_AGAIN_S", 0.05)
    nobody = FakeSatellite()
    await nobody.start()
    await nobody.stop()
    for step in range(200):
        looking = asyncio.create_task(SatelliteLink("x", nobody.uri, LimitSettings(), Correspondence()).run())
        for _ in range(step % 50):
            await asyncio.sleep(0)
        await asyncio.sleep(step % 7 * 0.0005)
        await asyncio.wait_for(bridge.ended(looking), 20.0)
        assert looking.done()
