from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.backends import registry
from lunavox_edge.background import Background
from lunavox_edge.engine.engine import Engine
from lunavox_edge.hub.hub import Hub
from lunavox_edge.mqtt import broker_link, discovery_sync
from lunavox_edge.mqtt.mqtt_service import MqttService
from lunavox_edge.settings.model import Settings
from tests.fakes.broker import MOSQUITTO, Mosquitto, Peer
from tests.fakes.leftovers import assert_nothing_left, no_task_left
from tests.fakes.stt import ScriptedStt, SttScript
from tests.fakes.tts import ScriptedTts, TtsScript

NODE = "kitchen"


@dataclass
class Appliance:
    """An engine with scripted backends on MQTT; the audio that it plays is written to a file."""

    engine: Engine
    hub: Hub
    mqtt: MqttService
    played: Path
    tts: TtsScript
    stt: SttScript


Start = Callable[..., Awaitable[Appliance]]
Listen = Callable[..., Awaitable[Peer]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ignore warnings about streams that amqtt leaves to the garbage collector when it stops early."""
    left = [
        f"ignore:Exception ignored in. <{what}:pytest.PytestUnraisableExceptionWarning"
        for what in ("function StreamWriter.__del__", "socket.socket")
    ]
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for found in left:
                item.add_marker(pytest.mark.filterwarnings(found))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_link, "_FIRST_PAUSE_S", 0.2)
    monkeypatch.setattr(broker_link, "_LONGEST_PAUSE_S", 0.5)
    monkeypatch.setattr(discovery_sync, "_SETTLE_S", 0.2)


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    async with no_task_left():
        yield


@pytest.fixture
async def failures() -> AsyncIterator[list[str]]:
    """The names of the background tasks that failed; a test that expects failures clears the list."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def make_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: sudo apt install mosquitto")
    made: list[Mosquitto] = []

    def make(*lines: str) -> Mosquitto:
        made.append(Mosquitto(tmp_path, *lines))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    return make_mosquitto()


@pytest.fixture
async def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failures: list[str]) -> AsyncIterator[Start]:
    """Start an appliance; `mqtt` holds further MQTT settings besides the broker's address."""
    built_in = {"scripted-tts": "tests.fakes.tts:ScriptedTts", "scripted-stt": "tests.fakes.stt:ScriptedStt"}
    monkeypatch.setattr(registry, "_BUILT_IN", built_in)
    monkeypatch.setattr(registry, "vad", lambda: None)
    tts, stt = TtsScript(), SttScript()
    monkeypatch.setattr(ScriptedTts, "script", tts)
    monkeypatch.setattr(ScriptedStt, "script", stt)
    numbers = itertools.count()
    background = Background(lambda name, _: failures.append(name), first_pause_s=0.01)
    async with AsyncExitStack() as stack:

        async def run(
            broker: str,
            *,
            output: str | None = "",
            name: str = NODE,
            satellites: Mapping[str, object] | None = None,
            hub: type[Hub] = Hub,
            **mqtt: Any,  # noqa: ANN401  # settings
        ) -> Appliance:
            played = tmp_path / f"{name}-{next(numbers)}.wav"
            settings = Settings.model_validate(
                {
                    "catalog": {"cache_dir": tmp_path / "cache"},
                    "engine": {"threads": 2},
                    "stt": {"model": "ear"},
                    "tts": {
                        "voice": "alpha",
                        "sentence_silence_ms": 0,
                        "loudness_dbfs": None,
                        "phrase_cache_mb": 0,
                    },
                    "satellites": satellites or {},
                    "mqtt": {"broker": broker, "node": name, **mqtt},
                    "audio": {"output": f"sh -c 'cat >> {played}'" if output == "" else output},
                }
            )
            engine = Engine(settings)
            stack.callback(engine.close)
            stack.callback(assert_nothing_left, engine, background)
            house = hub(
                engine,
                settings.satellites,
                SoundCard(settings.audio.output),
                approved_file=settings.satellites.approved_file,
            )
            service = MqttService(
                engine,
                settings.mqtt,
                loudspeakers=house,
                house=house,
                background=background,
                state_dir=tmp_path / f"state-{name}",
            )
            stack.push_async_callback(house.stop, 0.0)
            house.start()
            stack.push_async_callback(service.stop)
            await service.start()
            service.ready()
            stack.callback(tts.go.set)
            stack.callback(stt.go.set)
            return Appliance(engine, house, service, played, tts, stt)

        yield run


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    peers: list[Peer] = []

    async def start(port: int, **access: Any) -> Peer:  # noqa: ANN401  # arguments of Peer
        peers.append(Peer(port, **access))
        await peers[-1].start()
        return peers[-1]

    yield start
    for peer in peers:
        await asyncio.to_thread(peer.close)
