"""`say` and `transcribe`: the limits for clients hold for the service, not for an engine of their own."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from lunavox_edge.audio.files import flac_bytes
from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from tests.fakes.stt import SttScript
from tests.fakes.tts import SECONDS_PER_CHARACTER, TtsScript
from tests.wire.conftest import Serve

pytestmark = pytest.mark.wire

LIMITS: dict[str, object] = {"max_text_chars": 100, "max_utterance_s": 2}
TEXT = "This is one of many sentences. " * 20
NOBODY = "unix:///nobody/is/here.sock"


@pytest.fixture
def config(scripts: tuple[TtsScript, SttScript], tmp_path: Path) -> Callable[[str], str]:
    """Write settings with tight limits and return their path, by the address of the service."""

    def write(uri: str) -> str:
        file = tmp_path / "config.yaml"
        settings = {
            "wyoming": {"uri": uri},
            "catalog": {"cache_dir": str(tmp_path)},
            "tts": {"voice": "alpha", "sentence_silence_ms": 0},
            "stt": {"model": "ear"},
            "limits": LIMITS,
        }
        file.write_text(json.dumps(settings))
        return str(file)

    return write


def seconds(file: Path) -> float:
    with wave.open(str(file)) as audio:
        return float(audio.getnframes() / audio.getframerate())


def test_a_long_text_is_spoken_by_an_engine_of_ones_own(
    config: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.wav"
    assert main(["--config", config(NOBODY), "say", TEXT, "-o", str(out)]) == ExitCode.OK
    assert seconds(out) >= (len(TEXT) - 20) * SECONDS_PER_CHARACTER


def _playing(config: str, output: str) -> str:
    settings = json.loads(Path(config).read_text())
    Path(config).write_text(json.dumps({**settings, "audio": {"output": output}}))
    return config


@pytest.mark.parametrize("command", [["say", "Hello.", "--play"], ["voices", "preview", "alpha"]])
def test_speech_is_played_by_the_player_of_the_settings(
    config: Callable[[str], str], tmp_path: Path, command: list[str]
) -> None:
    played = tmp_path / "played.wav"
    file = _playing(config(NOBODY), f"sh -c 'cat > {played}'")
    assert main(["--config", file, *command]) == ExitCode.OK
    assert played.read_bytes().startswith(b"RIFF")


@pytest.mark.parametrize("command", [["say", "Hello.", "--play"], ["voices", "preview", "alpha"]])
def test_nothing_is_synthesised_for_a_player_that_is_not_there(
    config: Callable[[str], str],
    scripts: tuple[TtsScript, SttScript],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    file = _playing(config(NOBODY), str(tmp_path / "player"))
    assert main(["--config", file, *command]) == ExitCode.ERROR
    shown = capsys.readouterr().err
    assert f"The player '{tmp_path / 'player'}' of audio.output is not installed." in shown
    assert "of speech in" not in shown


async def test_a_text_too_long_for_the_service_is_spoken_all_the_same(
    serve: Serve, config: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await serve(limits=LIMITS)
    uri, out = service.server.uri, tmp_path / "out.wav"
    say = ["--config", config(uri), "say", "-o", str(out)]
    assert await asyncio.to_thread(main, [*say, TEXT]) == ExitCode.OK
    assert seconds(out) >= (len(TEXT) - 20) * SECONDS_PER_CHARACTER
    # Who names the service gets its answer.
    assert await asyncio.to_thread(main, [*say, "--uri", uri, TEXT]) != ExitCode.OK
    assert "limit of 100 characters" in capsys.readouterr().err


def recordings(count_s: int) -> dict[str, bytes]:
    """The same recording with its length in the header, and without."""
    pcm = b"\1\0" * 16_000 * count_s
    whole = wav_bytes(pcm, 16_000)
    flac = bytearray(flac_bytes(pcm, 16_000))
    # STREAMINFO: the number of samples, 36 bits, of which these are the last 32; 0 is unknown.
    flac[22:26] = bytes(4)
    return {"wav": whole, "flac": bytes(flac)}


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_long_recording_is_heard_by_an_engine_of_ones_own(
    config: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    file = tmp_path / "recording"
    file.write_bytes(recordings(10)[kind])
    assert main(["--config", config(NOBODY), "transcribe", "--json", str(file)]) == ExitCode.OK
    heard = json.loads(capsys.readouterr().out)
    assert heard["text"]
    assert heard["duration_s"] == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("kind", ["wav", "flac"])
@pytest.mark.parametrize(("length_s", "by_service"), [(1, True), (10, False)])
async def test_a_recording_too_long_for_the_service_is_heard_all_the_same(
    serve: Serve,
    config: Callable[[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    length_s: int,
    by_service: bool,  # noqa: FBT001
) -> None:
    service = await serve(limits=LIMITS)
    file = tmp_path / "recording"
    file.write_bytes(recordings(length_s)[kind])
    command = ["--config", config(service.server.uri), "transcribe", "--json", str(file)]
    assert await asyncio.to_thread(main, command) == ExitCode.OK
    heard = json.loads(capsys.readouterr().out)
    assert heard["text"]
    assert heard["duration_s"] == pytest.approx(length_s, abs=0.1)
    assert bool(service.transcripts) is by_service
    assert ("stats" in heard) is not by_service, "a service sends none"


def test_a_recording_from_a_pipe_may_be_long(
    config: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(recordings(10)["flac"])))
    assert main(["--config", config(NOBODY), "transcribe", "-"]) == ExitCode.OK
    assert capsys.readouterr().out.strip()
