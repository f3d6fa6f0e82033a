"""Microphones, loudspeakers and words of the satellite device."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend, Capabilities, LoadedModel, LoadOptions
from lunavox_edge.cli import main
from lunavox_edge.engine.engine import Engine
from lunavox_edge.errors import (
    BackendUnavailable,
    BadAudio,
    BrokenModel,
    LunavoxError,
    SettingsError,
    UnknownModel,
)
from lunavox_edge.satellite import microphone as microphone_module
from lunavox_edge.satellite.microphone import CHUNK_BYTES, Microphone, StdinMicrophone, open_microphone
from lunavox_edge.satellite.satellite_info import satellite_info
from lunavox_edge.satellite.speaker import open_speaker
from lunavox_edge.satellite.words import Words, choose_words
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind
from tests.fakes.backends import entry

pytestmark = pytest.mark.unit


async def heard(microphone: Microphone, chunks: int) -> bytes:
    sound = b""
    async with aclosing(microphone.chunks()) as source:
        async for chunk in source:
            assert len(chunk) == CHUNK_BYTES
            sound += chunk
            if len(sound) == chunks * CHUNK_BYTES:
                break
    return sound


def ramp(samples: int, start: int = 0) -> bytes:
    return np.arange(start, start + samples, dtype="<i2").tobytes()


async def test_a_file_of_another_rate_is_converted(tmp_path: Path) -> None:
    recording = tmp_path / "tone.wav"
    tone = np.sin(np.arange(4800) * 2 * np.pi * 440 / 48_000) * 20_000
    recording.write_bytes(wav_bytes(tone.astype("<i2").tobytes(), 48_000))
    sound = np.frombuffer(await heard(open_microphone(str(recording)), 4), "<i2").astype(float)
    want = np.sin(np.arange(1600) * 2 * np.pi * 440 / 16_000) * 20_000
    assert np.abs(sound[200:1400] - want[200:1400]).max() < 400
    assert not sound[1600:].any()


@pytest.mark.parametrize("header", [b"", wav_bytes(b"", 16_000)])
async def test_standard_input_goes_on_where_somebody_listens_again(
    leaping: None, header: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone_module, "_STALE_WAIT_S", 5.0)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file, os.fdopen(write_end, "wb", buffering=0) as pipe:
        microphone = StdinMicrophone(file)
        pipe.write(header + ramp(960) + b"\x01")
        assert await heard(microphone, 2) == ramp(960)
        # These came while nothing was read; the first byte is the second half of a sample.
        pipe.write(b"\x01" + ramp(5000))
        listening = microphone.chunks()
        task = asyncio.ensure_future(listening.__anext__())
        async with aclosing(listening):
            await asyncio.sleep(20)  # what is stale is looked for while there is something to read
            pipe.write(ramp(480, 7000))
            assert await asyncio.wait_for(task, 60.0) == ramp(480, 7000)
        microphone.close()


async def test_standard_input_that_ends_is_followed_by_silence() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(ramp(480))
        microphone = StdinMicrophone(file)
        assert await heard(microphone, 3) == ramp(480) + bytes(2 * CHUNK_BYTES)
        microphone.close()


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("/nowhere/at-all.wav", SettingsError, "No such file"),
        ("command:", SettingsError, "program"),
        ("command:sh 'x", SettingsError, "quotes"),
        (__file__, BadAudio, "not a WAV"),
        ("alsa", BackendUnavailable, "alsa-utils"),
    ],
)
def test_what_is_no_microphone(
    source: str, kind: type[LunavoxError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(kind, match=words):
        open_microphone(source)


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("/nowhere/at-all.wav", SettingsError, "No such file"),
        ("command:sh 'x", BackendUnavailable, "quotes"),
        ("alsa:plughw:1", BackendUnavailable, "alsa-utils"),
    ],
)
def test_what_is_no_speaker(
    target: str, kind: type[LunavoxError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(kind, match=words):
        open_speaker(target)


async def test_alsa_is_asked_for_what_the_hub_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = tmp_path / "arecord"
    recorder.write_text('#!/bin/sh\nprintf "%-960s" "$*"; exec sleep 30\n')
    recorder.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    asked = (await heard(open_microphone("alsa:plughw:2,0"), 1)).decode().split()
    assert asked[:3] == ["-D", "plughw:2,0", "-q"]
    assert " ".join(asked[3:11]) == "-t raw -f S16_LE -r 16000 -c 1"


def test_a_file_is_no_pipe() -> None:
    with Path(__file__).open("rb") as file, pytest.raises(SettingsError, match="pipe"):
        StdinMicrophone(file)


@pytest.mark.parametrize("wrong", ["x" * 257, "kit\nchen", "kit\udcffchen"])
def test_a_name_that_hubs_refuse_is_not_told_to_them(wrong: str) -> None:
    with pytest.raises(SettingsError, match="--name must be printable and at most 256"):
        satellite_info(wrong, None)
    with pytest.raises(SettingsError, match="--area must be printable and at most 256"):
        satellite_info("kitchen", wrong)
    assert satellite_info("ü" * 256, "").satellite is not None


class Installed(Backend):
    """A backend whose installed wake words have these names."""

    name = "installed"
    kind = ModelKind.WAKE
    capabilities = Capabilities(parallel=True)
    names: tuple[str, ...] = ()

    @classmethod
    def missing(cls) -> str | None:
        return None

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        return [entry(name, ModelKind.WAKE, backend=cls.name, languages=("en",)) for name in cls.names]

    def load(self, entry: ModelEntry, options: LoadOptions) -> LoadedModel:
        raise BrokenModel("Only its name is needed here.")


@pytest.mark.parametrize(
    ("installed", "calls", "stops", "chosen"),
    [
        (("alexa", "nabu"), (), None, Words(("alexa", "nabu"), ())),
        # The stop word starts no command, even if it is named as a wake word.
        (("alexa", "stop"), (), None, Words(("alexa",), ("stop",))),
        (("alexa", "stop"), ("alexa",), None, Words(("alexa",), ("stop",))),
        (("alexa", "stop"), ("alexa", "stop"), None, Words(("alexa",), ("stop",))),
        (("alexa", "stop"), ("alexa",), (), Words(("alexa",), ())),
        (("alexa", "nabu", "stop"), ("alexa",), ("nabu",), Words(("alexa",), ("nabu",))),
        # Otherwise there would be no wake word.
        (("stop",), (), None, Words(("stop",), ())),
    ],
)
def test_which_words_command_and_which_silence(
    installed: tuple[str, ...],
    calls: tuple[str, ...],
    stops: tuple[str, ...] | None,
    chosen: Words,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Installed, "names", installed)
    monkeypatch.setattr(registry, "_BUILT_IN", {"installed": f"{__name__}:Installed"})
    engine = Engine(Settings.model_validate({"catalog": {"cache_dir": tmp_path}}))
    try:
        found = choose_words(engine, calls, stops)
        assert (sorted(found.calls), found.stops) == (sorted(chosen.calls), chosen.stops)
        with pytest.raises(UnknownModel):
            choose_words(engine, calls, ("unheard_of",))
    finally:
        engine.close()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon", "3601", "inf"])
def test_a_ring_has_a_bound(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["satellite", "--ring-s", seconds])
    assert "--ring-s" in capsys.readouterr().err
