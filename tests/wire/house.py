"""A hub with satellites in a house, on a loop that leaps over what is only waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lunavox_edge.announcements.announcement import Announcement, AnnouncementReport, SpeechStatus
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatellitePhase
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.background import Background
from lunavox_edge.engine.engine import Engine
from lunavox_edge.hub.hub import Hub
from lunavox_edge.settings.model import Settings
from tests.fakes.leaping_loop import wait_for_threads_of
from tests.fakes.leftovers import assert_nothing_left
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.sound import steady
from tests.fakes.stt import SttScript
from tests.fakes.tts import TtsScript
from tests.fakes.wake import said, silence

NAMES = ("kitchen", "bedroom", "bath")
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


Build = Callable[..., Awaitable[House]]


@asynccontextmanager
async def building(scripts: tuple[TtsScript, SttScript], cache_dir: Path) -> AsyncIterator[Build]:
    """Start hubs of a house with these satellites; keywords are settings of `satellites`."""
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
                    "catalog": {"cache_dir": cache_dir},
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
            wait_for_threads_of(engine)
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
            hub.subscribe(Listeners(heard=house.heard.append, overlapped=house.overlaps.append))
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
