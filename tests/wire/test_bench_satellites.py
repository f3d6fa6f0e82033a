"""The bench's rooms at a hub of ours, with scripted models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.backends import registry
from lunavox_edge.bench import hub_load
from lunavox_edge.bench.context import QUICK, BenchRun
from lunavox_edge.bench.figure_table import FigureTable, p95
from lunavox_edge.bench.hub_load import HubBenchmark
from lunavox_edge.bench.rooms import Room, SpokenCommand, rooms
from lunavox_edge.bench.servers import Service
from lunavox_edge.engine.engine import Engine
from lunavox_edge.errors import TimedOut
from lunavox_edge.hub.hub import Hub
from lunavox_edge.settings.model import LimitSettings, Settings
from tests.fakes.sound import steady
from tests.fakes.stt import SttScript
from tests.fakes.tts import TtsScript
from tests.fakes.vad import LoudnessVad
from tests.fakes.wake import said, silence

pytestmark = pytest.mark.wire

SPEECH = steady(0.5, 0.06)
COMMAND = SpokenCommand(silence(0.3) + said("okay_nabu", 0.1) + SPEECH, 0.4, 0.9, "turn on the light")


@pytest.fixture
async def two_rooms(
    scripts: tuple[TtsScript, SttScript], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Room, ...]]:
    monkeypatch.setattr(registry, "vad", LoudnessVad)
    monkeypatch.setattr(hub_load, "_SETTLE_S", 0.1)
    async with rooms(2, LimitSettings()) as found:
        settings = Settings.model_validate(
            {
                "catalog": {"cache_dir": tmp_path},
                "stt": {"model": "ear", "pause_default_ms": 200, "no_speech_timeout_s": 1.0},
                "tts": {"voice": "alpha", "loudness_dbfs": None, "phrase_cache_mb": 0},
                "wake": {"default": ["okay_nabu"]},
                "satellites": {
                    "known": {f"room{number}": {"uri": uri} for number, uri in enumerate(found)},
                    "chime": False,
                },
            }
        )
        engine = Engine(settings)
        hub = Hub(engine, settings.satellites, SoundCard(None))
        hub.start()
        for room in found.values():
            await room.until("run-satellite", since_s=0.0, timeout_s=30)
        yield tuple(found.values())
        await hub.stop(0.0)
        engine.close()


async def test_turns_are_timed(two_rooms: tuple[Room, ...]) -> None:
    report = FigureTable(["ours"])
    context = BenchRun([Service("ours")], QUICK, report, lambda _: None, float("inf"))
    house = HubBenchmark(context, Service("hub"), two_rooms, None)
    await house.choose([[COMMAND]])
    await house.turns(3)
    await house.announcements()
    await house.at_once()
    house.end()
    values = {name.removeprefix("satellites: "): row.value("ours") for name, row in report.rows.items()}
    assert values["wake words missed"] == 0
    assert values["wake words missed, 2 at once"] == 0
    assert values["commands lost"] == 0
    assert values["gaps in echoes"] is not None
    assert -400 < (values["wake word heard"] or 0) < 5000
    assert -900 < (values["end of speech to first audio of an echo"] or 0) < 9000
    assert (values["longest wait of a microphone"] or -1) >= 0
    assert len(report.rows["satellites: wake word heard"].samples["ours"]) == 3
    assert any("mqtt" in note for note in report.notes)


async def test_a_word_that_is_not_understood_is_counted(
    two_rooms: tuple[Room, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunavox_edge.bench.hub_load._START_S", 1.0)
    monkeypatch.setattr("lunavox_edge.bench.hub_load._WORD_S", 0.5)
    report = FigureTable(["ours"])
    context = BenchRun([Service("ours")], QUICK, report, lambda _: None, float("inf"))
    house = HubBenchmark(context, Service("hub"), two_rooms, None)
    mumbled = SpokenCommand(silence(0.5), 0.3, 0.4, "")
    with pytest.raises(TimedOut, match="wake word"):
        await house.choose([[mumbled]])
    house.phrases = [mumbled]
    await house.turns(1)
    assert report.rows["satellites: wake words missed"].value("ours") == 1


def test_the_95th_percentile() -> None:
    assert p95([]) is None
    assert p95([3.0]) == 3.0
    assert p95(range(1, 101)) == 95
