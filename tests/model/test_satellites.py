"""Real satellites: processes of wyoming-satellite, with files as microphone and loudspeaker.

Its pinned dependencies do not go with ours, so it needs an environment of its own:
`python3 -m venv DIR && DIR/bin/pip install wyoming-satellite`, then LUNAVOX_SATELLITE_PYTHON=DIR/bin/python.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lunavox_edge import Engine
from lunavox_edge.announcements.announcement import Announcement, AnnouncementReport, SpeechStatus
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import HeardUtterance, Listeners, SatellitePhase
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.audio.pcm import resample, to_pcm16
from lunavox_edge.backends import registry
from lunavox_edge.hub.hub import Hub
from lunavox_edge.settings.model import Settings
from lunavox_edge.wyoming_server.server import WyomingServer
from tests.fakes.ports import free_port
from tests.fakes.satellite import until

PYTHON = os.environ.get("LUNAVOX_SATELLITE_PYTHON", "")
missing = registry.backend("microwakeword").missing()
pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(180),
    pytest.mark.skipif(missing is not None, reason=str(missing)),
    pytest.mark.skipif(
        not PYTHON, reason="LUNAVOX_SATELLITE_PYTHON does not name a Python with wyoming-satellite"
    ),
]

# A microphone: silence, until a file beside the recording starts the speech.
MICROPHONE = """
import os, sys, time
pcm, at, began, count = open(sys.argv[1], "rb").read(), None, time.monotonic(), 0
while True:
    if at is None and os.path.exists(sys.argv[1] + ".go"):
        os.remove(sys.argv[1] + ".go")
        at = 0
    block = bytes(2048)
    if at is not None:
        block = (pcm[at : at + 2048] + block)[:2048]
        at = at + 2048 if at + 2048 < len(pcm) else None
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
    count += 1
    time.sleep(max(0, began + count * 0.064 - time.monotonic()))
"""
WAIT_S = 30.0


class RealSatellite:
    """A process of wyoming-satellite."""

    def __init__(self, name: str, uri: str, folder: Path, question: bytes, *more: str) -> None:
        self.heard = folder / f"{name}.raw"
        self._question = folder / f"{name}.pcm"
        self._question.write_bytes(question)
        script = folder / "microphone.py"
        script.write_text(MICROPHONE)
        self._command = [
            *(PYTHON, "-m", "wyoming_satellite", "--name", name, "--no-zeroconf"),
            *("--uri", uri),
            *("--mic-command", f"{sys.executable} {script} {self._question}"),
            *("--snd-command", f"sh -c 'cat >> {self.heard}'"),
            *more,
        ]
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, 9)
            self._process.wait(WAIT_S)

    def speak(self) -> None:
        Path(f"{self._question}.go").touch()

    @property
    def heard_s(self) -> float:
        """Return the seconds of audio that it played."""
        pcm = np.frombuffer(self.heard.read_bytes() if self.heard.exists() else b"", "<i2")
        return float(np.count_nonzero(np.abs(pcm.astype(int)) > 100)) / 22_050


@dataclass
class House:
    hub: Hub
    announcer: Announcer
    satellites: dict[str, RealSatellite]
    heard: list[HeardUtterance]
    reports: list[AnnouncementReport]

    def phase(self, name: str) -> SatellitePhase:
        return next(view.phase for view in self.hub.views() if view.id == name)

    async def until(self, phase: SatellitePhase) -> None:
        await until(
            lambda: all(self.phase(name) is phase for name in self.satellites), self.hub.views, WAIT_S
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    ports = {name: free_port() for name in ("streams", "waits")}
    settings = {
        "wyoming": {"uri": f"tcp://127.0.0.1:{free_port()}"},
        "stt": {"model": "tiny.en"},
        "wake": {"default": ["okay_nabu"], "words": {"okay_nabu": {"sensitivity": 0.8}}},
        "satellites": {
            "known": {name: {"uri": f"tcp://127.0.0.1:{port}"} for name, port in ports.items()},
            "chime": False,
        },
    }
    with Engine(Settings.model_validate(settings)) as engine:
        engine.warm_up()
        yield engine


@pytest.fixture
async def house(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Both satellites at a hub; a parameter holds settings of `satellites` for this one."""
    settings = engine.settings
    of_house = settings.satellites.model_copy(update=getattr(request, "param", {}))
    spoken = engine.synthesize("Okay Nabu. Turn on the light.")
    pcm = to_pcm16(resample(spoken.audio, spoken.sample_rate, 16_000))
    waking = ("--wake-uri", settings.wyoming.uri, "--wake-word-name", "okay_nabu")
    satellites = {
        name: RealSatellite(name, found.uri, tmp_path, pcm, *(waking if name == "waits" else ()))
        for name, found in settings.satellites.known.items()
    }
    async with AsyncExitStack() as stack:
        server = WyomingServer(engine, settings.wyoming, settings.limits)
        await server.start()
        stack.push_async_callback(server.stop, 0.0)
        for satellite in satellites.values():
            satellite.start()
            stack.callback(satellite.kill)
        hub = Hub(engine, of_house, SoundCard(None))
        heard: list[HeardUtterance] = []
        reports: list[AnnouncementReport] = []
        hub.subscribe(Listeners(heard=heard.append))
        hub.start()
        stack.push_async_callback(hub.stop, 0.0)
        announcer = Announcer(engine, hub, max_waiting=8, report=reports.append)
        task = asyncio.create_task(announcer.run())
        stack.callback(task.cancel)
        house = House(hub, announcer, satellites, heard, reports)
        await house.until(SatellitePhase.IDLE)
        yield house


async def test_the_whole_path_and_announcements_and_a_satellite_that_is_killed(house: House) -> None:
    await asyncio.sleep(1)  # until both have opened their microphones
    for satellite in house.satellites.values():
        satellite.speak()
    await until(lambda: len(house.heard) == 2, lambda: house.heard, WAIT_S)
    for heard in house.heard:
        assert heard.transcript.text.lower().strip(" .") == "turn on the light", heard
    await house.until(SatellitePhase.IDLE)
    await until(
        lambda: all(satellite.heard_s > 0.5 for satellite in house.satellites.values()),
        lambda: [satellite.heard_s for satellite in house.satellites.values()],
        WAIT_S,
    )

    before = {name: satellite.heard_s for name, satellite in house.satellites.items()}
    house.announcer.add(Announcement("1", "Dinner is ready.", place=Place(("all",))))
    await until(
        lambda: any(report.status is SpeechStatus.FINISHED for report in house.reports),
        lambda: house.reports,
        WAIT_S,
    )
    await until(
        lambda: all(satellite.heard_s > before[name] + 0.5 for name, satellite in house.satellites.items()),
        lambda: (before, [satellite.heard_s for satellite in house.satellites.values()]),
        WAIT_S,
    )

    for satellite in house.satellites.values():
        satellite.kill()
    await house.until(SatellitePhase.OFFLINE)
    for satellite in house.satellites.values():
        satellite.start()
    await house.until(SatellitePhase.IDLE)
    house.satellites["streams"].speak()
    await until(lambda: len(house.heard) == 3, lambda: house.heard, WAIT_S)


async def answered(house: House, count: int) -> None:
    """Speak to both; wait until that many utterances came in all and both have answered."""
    before = {name: satellite.heard_s for name, satellite in house.satellites.items()}
    for satellite in house.satellites.values():
        satellite.speak()
    await until(lambda: len(house.heard) == count, lambda: house.heard, WAIT_S)
    await until(
        lambda: all(satellite.heard_s > before[name] + 0.5 for name, satellite in house.satellites.items()),
        lambda: (before, [satellite.heard_s for satellite in house.satellites.values()]),
        WAIT_S,
    )


@pytest.mark.parametrize("house", [{"follow_up": "always"}], indirect=True)
async def test_after_an_answer_it_is_listened_on_without_a_wake_word(house: House) -> None:
    await asyncio.sleep(1)  # until both have opened their microphones
    for turn in (1, 2):
        await answered(house, 2 * turn)
        await house.until(SatellitePhase.LISTENING)
    assert [heard.wake_word for heard in house.heard[2:]] == [None, None]
    await house.until(SatellitePhase.IDLE)
    house.satellites["waits"].speak()
    await until(lambda: len(house.heard) == 5, lambda: house.heard, WAIT_S)
