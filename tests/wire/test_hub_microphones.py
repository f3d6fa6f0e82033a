"""What is set at a satellite: whether it listens, for which words, and how loud it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lunavox_edge.announcements.announcement import SpeechStatus
from lunavox_edge.announcements.house import Listeners, SatellitePhase
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.errors import UnknownModel
from lunavox_edge.hub.hub import Hub
from tests.fakes.satellite import FakeSatellite, until
from tests.fakes.wake import said, silence
from tests.wire.house import Build, ask

pytestmark = pytest.mark.wire


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


async def test_a_word_that_cannot_be_waited_for_is_told(build: Build) -> None:
    fake = FakeSatellite()
    house = await build(fake, special={"kitchen": {"wake_words": ["gone"]}})
    told: list[str | None] = []
    house.hub.subscribe(Listeners(changed=lambda: told.append(house.hub.views()[0].problem)))
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
