"""Commands that ask the running service, typed with mistakes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lunavox_edge.audio.wav import wav_bytes
from lunavox_edge.bench.servers import Plan, running
from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.errors import SettingsError
from tests.wire.conftest import Serve, Service

pytestmark = pytest.mark.wire


@pytest.fixture
def recording(tmp_path: Path) -> str:
    file = tmp_path / "recording.wav"
    file.write_bytes(wav_bytes(bytes(3200), 16_000))
    return str(file)


async def test_transcribe_tells_its_first_failure_by_its_exit_status(
    service: Service, recording: str, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = service.server.uri
    for options, status in (
        (("--uri", uri), ExitCode.OK),
        (("--uri", uri, "--model", "nobody"), ExitCode.NOT_FOUND),
        (("--uri", "tcp://127.0.0.1:9"), ExitCode.UNREACHABLE),
        (("--uri", "kitchen"), ExitCode.USAGE),
    ):
        assert await asyncio.to_thread(main, ["transcribe", recording, *options]) == status
    both = ["transcribe", f"{recording}.none", recording, "--uri", uri, "--model", "nobody"]
    assert await asyncio.to_thread(main, both) == ExitCode.ERROR
    assert "Traceback" not in capsys.readouterr().err


async def test_word_times_of_a_named_service_are_refused(
    service: Service, recording: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["transcribe", recording, "--words", "--uri", service.server.uri]
    assert await asyncio.to_thread(main, command) == ExitCode.USAGE
    assert "--uri" in capsys.readouterr().err


async def test_a_blank_voice_is_the_default_one(service: Service, tmp_path: Path) -> None:
    for voice in ("", " "):
        output = tmp_path / "said.wav"
        command = ["say", "Hello.", "-o", str(output), "--voice", voice, "--uri", service.server.uri]
        assert await asyncio.to_thread(main, command) == ExitCode.OK
        assert output.read_bytes().startswith(b"RIFF")


async def test_a_blank_voice_is_the_default_one_without_a_service(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "said.wav"
    assert await asyncio.to_thread(main, ["say", "Hello.", "-o", str(output), "--voice", " ", "--local"]) == 0
    assert output.read_bytes().startswith(b"RIFF")
    command = ["voices", "preview", " ", "--text", "Hello.", "-o", str(output)]
    assert await asyncio.to_thread(main, command) == ExitCode.NOT_FOUND
    assert "No installed voice is named" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_a_timeout_is_a_number_of_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["healthcheck", f"--timeout={seconds}"])
    assert ended.value.code == ExitCode.USAGE
    assert f"'{seconds}' is not a number of seconds" in capsys.readouterr().err


async def test_what_is_not_installed_is_told_with_what_is_used_instead(serve: Serve) -> None:
    assert not (await serve()).engine.substitutes()
    assert not (await serve(stt={"model": "EAR"})).engine.substitutes()
    service = await serve(stt={"model": "eer"})
    (told,) = service.engine.substitutes().values()
    assert "'eer'" in str(told)
    assert str(told).endswith("'ear' is used instead.")


async def test_names_of_the_settings_that_nothing_installed_has_are_told(serve: Serve) -> None:
    right = {"default": ["okay-nabu"], "words": {"alexa": {}}}
    service = await serve(wake=right, stt={"language": "en", "fallback_models": ["ear"]})
    assert not service.engine.unknown_names()
    service = await serve(
        wake={"default": ["alexa", "okay_nabuu"], "words": {"alexxa": {}}},
        stt={"language": "english", "fallback_models": ["eer"]},
    )
    told = [str(problem) for problem in service.engine.unknown_names().values()]
    assert [line.partition(":")[0] for line in told] == [
        "stt.fallback_models",
        "wake.default",
        "wake.words",
        "stt.language",
    ]
    assert "'okay_nabuu'. Did you mean 'okay_nabu'?" in told[1]
    assert "'alexxa'. Did you mean 'alexa'?" in told[2]
    assert "'english'" in told[3]


def test_the_public_benchmark_needs_its_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--only", "public"]) == ExitCode.USAGE
    assert "--public PROGRAM" in capsys.readouterr().err


async def test_a_command_with_an_open_quote_cannot_be_measured() -> None:
    with pytest.raises(SettingsError, match="check its quotes"):
        async with running(Plan("theirs", commands=("echo ' {uri}",)), quota=None):
            pass
