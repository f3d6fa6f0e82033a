"""Wake words with the real engine."""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lunavox_edge import Detection, Engine
from lunavox_edge.backends import registry
from lunavox_edge.backends.packages import package_folder
from lunavox_edge.errors import BrokenModel, UnknownModel
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import AudioFormat, ModelEntry

FORMAT = AudioFormat(16_000)
WAIT_S = 30.0
WORDS = {"alexa": "Alexa", "hey_jarvis": "Hey Jarvis", "hey_mycroft": "Hey Mycroft", "okay_nabu": "Okay Nabu"}

missing = registry.backend("microwakeword").missing()
pytestmark = [pytest.mark.model, pytest.mark.skipif(missing is not None, reason=str(missing))]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("words")
    with Engine(Settings.model_validate({"catalog": {"folders": [folder]}})) as engine:
        yield engine


def listen(engine: Engine, pcm: bytes, rate_hz: int = 16_000, *names: str) -> list[Detection]:
    heard: list[Detection] = []
    wake_session = engine.open_wake_session(AudioFormat(rate_hz), names=names, on_detection=heard.append)
    wake_session.feed(pcm)
    assert wake_session.finish(WAIT_S) == len(heard)
    return heard


def test_every_word_is_described(engine: Engine) -> None:
    entries = {entry.name: entry for entry in engine.wake_words()}
    assert {name: entry.phrase for name, entry in entries.items()} == WORDS
    assert all(entry.licence == "Apache-2.0" and entry.size_bytes > 10_000 for entry in entries.values())
    assert engine.catalog.find("ok_nabu", entries["alexa"].kind) == entries["okay_nabu"]


def test_silence_and_noise_are_no_word(engine: Engine) -> None:
    noise = np.random.default_rng(0).normal(0, 2000, 16_000 * 20).astype("<i2").tobytes()
    assert listen(engine, bytes(32_000 * 5) + noise) == []


def test_other_speech_is_no_word(engine: Engine) -> None:
    speech = engine.synthesize("The kitchen light is on, and dinner is ready at half past seven.")
    assert listen(engine, speech.pcm, speech.sample_rate) == []


def test_a_spoken_word_is_heard(engine: Engine) -> None:
    """The starter voice is not among those the words were trained on; what it says well is asked."""
    speech = engine.synthesize("Okay Nabu. Turn on the light.")
    settings = Settings.model_validate({"wake": {"words": {"okay_nabu": {"sensitivity": 0.8}}}})
    with Engine(settings) as keen:
        heard = listen(keen, bytes(22_050) + speech.pcm + bytes(22_050), speech.sample_rate)
    assert [found.name for found in heard] == ["okay_nabu"]
    assert 0.5 < heard[0].at_s < 2.5


def test_recorded_words_are_heard(engine: Engine) -> None:
    folder = os.environ.get("LUNAVOX_SPEECH_DATA")
    if not folder:
        pytest.skip("LUNAVOX_SPEECH_DATA does not name a folder with speech")
    recordings = sorted(Path(folder).glob("wake/alexa/*.wav"))
    if not recordings:
        pytest.skip("this collection has no recordings of wake words")
    found = 0
    for recording in recordings:
        with wave.open(str(recording)) as file:
            pcm = file.readframes(file.getnframes())
        found += len(listen(engine, pcm + bytes(16_000), 16_000, "alexa")) == 1
    assert found / len(recordings) >= 0.9


def test_damaged_models_are_refused_and_hurt_nobody(engine: Engine) -> None:
    source = package_folder("pymicro_wakeword")
    assert source is not None
    folder = engine.settings.catalog.folders[0]
    whole = (source / "models" / "alexa.tflite").read_bytes()
    about = json.loads((source / "models" / "alexa.json").read_text())
    damaged = {"half": whole[: len(whole) // 2], "junk": whole[:8] + bytes(range(256)) * 40}
    for name, content in damaged.items():
        (folder / f"{name}.json").write_text(json.dumps({**about, "model": f"{name}.tflite"}))
        (folder / f"{name}.tflite").write_bytes(content)
        for file in folder.glob(f"{name}.*"):
            os.utime(file, (1e9, 1e9))
    engine.catalog.refresh(force=True)
    try:
        for name in damaged:
            with pytest.raises(BrokenModel, match=name):
                engine.load(name)
        assert listen(engine, bytes(32_000)) == []
    finally:
        for file in folder.iterdir():
            file.unlink()
        engine.catalog.refresh(force=True)


def test_a_copied_word_is_used_under_its_own_name(engine: Engine) -> None:
    source = package_folder("pymicro_wakeword")
    assert source is not None
    folder = engine.settings.catalog.folders[0]
    for suffix in ("json", "tflite"):
        shutil.copy(source / "models" / f"hey_jarvis.{suffix}", folder)
    about = json.loads((folder / "hey_jarvis.json").read_text())
    (folder / "butler.json").write_text(json.dumps(about))
    (folder / "hey_jarvis.json").unlink()
    for file in folder.iterdir():
        os.utime(file, (1e9, 1e9))
    engine.catalog.refresh(force=True)
    try:
        (entry,) = (entry for entry in engine.wake_words() if entry.name == "butler")
        assert isinstance(entry, ModelEntry)
        assert listen(engine, bytes(32_000), 16_000, "butler") == []
    finally:
        for file in folder.iterdir():
            file.unlink()
        engine.catalog.refresh(force=True)


def test_an_unknown_word_names_those_there_are(engine: Engine) -> None:
    with pytest.raises(UnknownModel, match="alexa, hey_jarvis, hey_mycroft, okay_nabu"):
        engine.open_wake_session(FORMAT, names=["hey_you"])
    assert [word.name for word in engine.wake_words("okay_nabu")] == ["okay_nabu"]
    assert engine.status().wake_sessions == 0
