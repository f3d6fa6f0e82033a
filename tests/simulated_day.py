"""A day at the hub in minutes: scripted satellites on real sockets, people who interrupt and pull cables.

`python -m tests.simulated_day` lives through it and says whether anything grew: memory, file handles, tasks,
threads, objects. A house with eight satellites hears a few hundred commands a day. What is only waited for is
leapt over.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from wyoming.event import Event, async_write_event

from lunavox_edge.announcements.announcement import Announcement
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import SatellitePhase
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.backends import registry
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.scheduling import lanes
from lunavox_edge.host import system
from lunavox_edge.hub import approved, following, satellite_link
from lunavox_edge.hub.approved import Approved
from lunavox_edge.hub.hub import Hub
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import Priority
from tests.fakes.leaping_loop import LeapingThreads, PatientLeapingLoop, wait_for_threads_of
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.sound import steady
from tests.fakes.stt import ScriptedStt, SttScript
from tests.fakes.tts import ScriptedTts, TtsScript
from tests.fakes.vad import LoudnessVad
from tests.fakes.wake import ScriptedWake, WakeScript, said

SPEECH = steady(0.5, 0.06)
TURN_S = 60.0
PATIENCE_S = 3.0
GUEST = "guest"
ALLOWED = {"MB": 8.0, "files": 2, "tasks": 0, "threads": 1, "objects": 2000}
_T = TypeVar("_T")


def now_s() -> float:
    return asyncio.get_running_loop().time()


class Forgotten(list[_T]):
    """A list that drops its items, so that scripts do not grow."""

    def append(self, item: _T) -> None:
        del item


class Forgetful(FakeSatellite):
    """A satellite whose recorded events can be cleared."""

    @property
    def last(self) -> str:
        return self.came[-1].event.type if self.came else ""

    def forget(self) -> None:
        self.came.clear()


@dataclass(frozen=True)
class Held:
    """Resources of the process while it is idle."""

    rss_mb: float
    files: int
    tasks: int
    threads: int
    objects: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        return cls(
            system.rss_bytes() / 1e6,
            system.open_files(),
            len(asyncio.all_tasks()),
            threading.active_count(),
            len(gc.get_objects()),
        )


@contextmanager
def scripted() -> Iterator[None]:
    """Use scripted models that answer at once, and short pauses."""
    tts, stt = TtsScript(), SttScript()
    tts.spoken, stt.heard, stt.models = Forgotten(), Forgotten(), Forgotten()
    stt.text = "ok?"
    with pytest.MonkeyPatch.context() as patch:
        names = ("tts:ScriptedTts", "stt:ScriptedStt", "wake:ScriptedWake")
        built_in = {f"scripted-{name.partition(':')[0]}": f"tests.fakes.{name}" for name in names}
        patch.setattr(registry, "_BUILT_IN", built_in)
        patch.setattr(registry, "vad", LoudnessVad)
        patch.setattr(lanes, "Threads", LeapingThreads)
        patch.setattr(ScriptedTts, "script", tts)
        patch.setattr(ScriptedStt, "script", stt)
        patch.setattr(ScriptedWake, "script", WakeScript())
        patch.setattr(satellite_link, "_FIRST_PAUSE_S", 0.02)
        patch.setattr(satellite_link, "_LONGEST_PAUSE_S", 0.1)
        patch.setattr(following, "_LOOK_EVERY_S", 0.05)
        yield


class Household:
    """A simulated household: people at satellites of one hub."""

    def __init__(self, hub: Hub, announcer: Announcer, satellites: dict[str, Forgetful], file: Path) -> None:
        self.hub = hub
        self.done: Counter[str] = Counter()
        self._announcer = announcer
        self._satellites = satellites
        self._file = file
        self._left = 0
        self._numbers = 0
        self._dice = random.Random(7)  # noqa: S311  # no secret

    async def live(self, turns: int) -> None:
        """Run `turns` actions, concurrently at all satellites."""
        self._left = turns
        rooms = [name for name in self._satellites if name != GUEST]
        await asyncio.gather(*(self._room(name) for name in rooms), self._guests())
        await self._rest()

    async def held(self) -> Held:
        """Wait until everything is idle, and return the resources."""
        await self._rest()
        return Held.now()

    async def _room(self, name: str) -> None:
        acts: tuple[tuple[Callable[[str], Awaitable[None]], int], ...] = (
            (self._command, 60),
            (self._nothing_said, 8),
            (self._interrupt, 8),
            (self._announce, 10),
            (self._knobs, 6),
            (self._junk, 4),
            (self._pull_the_cable, 4),
        )
        kinds, weights = zip(*acts, strict=True)
        while self._left > 0:
            self._left -= 1
            (act,) = self._dice.choices(kinds, weights)
            await self._idle(name)
            self._satellites[name].forget()
            try:
                await act(name)
            except (ConnectionError, IndexError):
                self.done["lost"] += 1
            self.done[act.__name__.strip("_")] += 1

    async def _guests(self) -> None:
        """Approve and forget one satellite repeatedly."""
        entry = {GUEST: Approved(GUEST, self._satellites[GUEST].uri)}
        while self._left > 0:
            approved.save(self._file, entry)
            await until(lambda: self._phase(GUEST) is SatellitePhase.IDLE, self.hub.views, TURN_S)
            approved.save(self._file, {})
            await until(lambda: self._phase(GUEST) is None, self.hub.views, TURN_S)
            self._satellites[GUEST].forget()
            self.done["guest"] += 1

    async def _ask(self, name: str, pcm: bytes) -> None:
        satellite = self._satellites[name]
        if satellite.waits_itself:
            await satellite.wake()
        else:
            pcm = said("okay_nabu", 0.1) + pcm
        if not satellite.waits_itself:
            await satellite.say(pcm, fast=True)
            await self._reached(name, "detection")
        elif pcm:
            await satellite.say(pcm, fast=True)
        await satellite.send_stop()

    async def _command(self, name: str) -> None:
        await self._ask(name, SPEECH)
        await self._reached(name, "audio-stop")
        # The answer was a question, so the satellite listens again.
        if self._phase(name) is SatellitePhase.LISTENING:
            await self._satellites[name].send_stop()

    async def _nothing_said(self, name: str) -> None:
        await self._ask(name, b"")
        await self._reached(name, "transcript")

    async def _interrupt(self, name: str) -> None:
        if not self._say("one " * 20, name):
            return
        await self._reached(name, "audio-start")
        await self._ask(name, SPEECH)
        await self._reached(name, "audio-stop")

    async def _announce(self, name: str) -> None:
        self._say("Hello.", "all")
        self._say("Fire!", name, priority=Priority.URGENT)
        await self._reached(name, "audio-stop")

    async def _knobs(self, name: str) -> None:
        self.hub.set_muted(name, muted=True)
        self.hub.set_volume(name, 0.5)
        self.hub.set_wake_words(name, ("alexa",))
        try:
            await self._satellites[name].say(said("alexa", 0.1), fast=True)
        finally:
            self.hub.set_wake_words(name, ())
            self.hub.set_volume(name, 1.0)
            self.hub.set_muted(name, muted=False)
            self.hub.silence(name)

    async def _junk(self, name: str) -> None:
        satellite = self._satellites[name]
        for event in (Event("audio-chunk", {"rate": 1}, b"x"), Event("run-pipeline", {"start_stage": 7})):
            await async_write_event(event, satellite.writer)
        satellite.writer.write(b"\x00 no JSON\n")
        await satellite.writer.drain()

    async def _pull_the_cable(self, name: str) -> None:
        await self._ask(name, SPEECH)
        self._satellites[name].writer.transport.abort()

    def _say(self, text: str, place: str, priority: Priority = Priority.NORMAL) -> bool:
        if self._announcer.waiting >= 4:
            return False
        self._numbers += 1
        self._announcer.add(Announcement(str(self._numbers), text, place=Place((place,)), priority=priority))
        return True

    def _phase(self, name: str) -> SatellitePhase | None:
        return next((view.phase for view in self.hub.views() if view.id == name), None)

    async def _reached(self, name: str, kind: str) -> None:
        """Wait for an event of the hub; an interruption may prevent it."""
        satellite = self._satellites[name]
        end_s = now_s() + PATIENCE_S
        while not satellite.all(kind):
            if now_s() > end_s or self._phase(name) is SatellitePhase.OFFLINE:
                self.done["missed"] += 1
                return
            await asyncio.sleep(0.005)

    async def _idle(self, name: str) -> None:
        end_s = now_s() + TURN_S
        while self._phase(name) is not SatellitePhase.IDLE:
            assert now_s() < end_s, self.hub.views()
            if self._phase(name) is SatellitePhase.LISTENING:
                with suppress(ConnectionError, IndexError):
                    await self._satellites[name].send_stop()
            await asyncio.sleep(0.01)

    async def _rest(self) -> None:
        for name in self._satellites:
            if name != GUEST:
                await self._idle(name)
        await until(lambda: self._announcer.waiting == 0, self.hub.views, TURN_S)
        for name in self._satellites:
            if name != GUEST:
                await self._idle(name)
            self._satellites[name].forget()
        await asyncio.sleep(0.3)


@asynccontextmanager
async def household(folder: Path, count: int = 8) -> AsyncIterator[Household]:
    """Start a hub with satellites; every third detects wake words itself, and one is a guest."""
    file = folder / "approved.json"
    rooms = {f"room{number}": Forgetful(waits_itself=number % 3 == 0) for number in range(1, count + 1)}
    satellites = {**rooms, GUEST: Forgetful()}
    for satellite in satellites.values():
        await satellite.start()
    settings = Settings.model_validate(
        {
            "catalog": {"cache_dir": folder},
            "engine": {"threads": 2},
            "stt": {"model": "ear", "no_speech_timeout_s": 2.0},
            "tts": {"voice": "alpha", "sentence_silence_ms": 0, "loudness_dbfs": None, "phrase_cache_mb": 0},
            "wake": {"default": ["okay_nabu"]},
            "satellites": {
                "known": {name: {"uri": satellite.uri} for name, satellite in rooms.items()},
                "chime": False,
                "announcement_chime": False,
                "follow_up": "question",
                "zeroconf": False,
            },
        }
    )
    engine = Engine(settings)
    wait_for_threads_of(engine)
    hub = Hub(
        engine,
        settings.satellites,
        SoundCard(None),
        choices_file=folder / "choices.json",
        approved_file=file,
    )
    announcer = Announcer(engine, hub, max_waiting=8, report=lambda _: None)
    hub.start()
    announcing = asyncio.create_task(announcer.run(), name="announcer")
    try:
        yield Household(hub, announcer, satellites, file)
    finally:
        announcing.cancel()
        await asyncio.gather(announcing, return_exceptions=True)
        await hub.stop(0.0)
        for satellite in satellites.values():
            await satellite.stop()
        engine.close()


async def day(turns: int, folder: Path, say: Callable[[str], None]) -> list[Held]:
    """Run `turns` actions; return the resources after every tenth of them, from the second on."""
    found: list[Held] = []
    with scripted():
        async with household(folder) as house:
            await house.live(turns // 5)
            for _ in range(9):
                found.append(await house.held())
                say(str(found[-1]))
                await house.live(turns // 10)
            found.append(await house.held())
            say(", ".join(f"{count} {what}" for what, count in sorted(house.done.items())))
    return found


def growth(found: list[Held]) -> dict[str, float]:
    """Return the growth of each resource from the first to the last measurement."""
    first, last = found[0], found[-1]
    return {
        "MB": last.rss_mb - first.rss_mb,
        "files": last.files - first.files,
        "tasks": last.tasks - first.tasks,
        "threads": last.threads - first.threads,
        "objects": last.objects - first.objects,
    }


def main() -> int:
    """Run the simulation; return 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1000, help="default: %(default)s, more than a day has")
    args = parser.parse_args()
    os.environ["XDG_CONFIG_HOME"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="lunavox-day-") as folder:
        loop = PatientLeapingLoop()
        grown = growth(loop.run_until_complete(day(args.turns, Path(folder), print)))
        loop.close()
    good = True
    for what, most in ALLOWED.items():
        good &= grown[what] <= most
        verdict = "ok  " if grown[what] <= most else "FAIL"
        sys.stdout.write(f"{verdict}  {what}: {grown[what]:+.1f}, at most {most}\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
