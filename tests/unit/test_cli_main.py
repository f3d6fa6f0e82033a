from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lunavox_edge import __version__
from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import exit_code
from lunavox_edge.errors import Busy, InternalError, LunavoxError, UnknownVoice
from lunavox_edge.settings.model import Settings

pytestmark = pytest.mark.unit

Run = Callable[[argparse.Namespace, Settings], int]


@pytest.fixture
def ending_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Put a function in the place of `doctor`."""

    def replace(run: Run) -> None:
        monkeypatch.setattr("lunavox_edge.cli.doctor._run", run)

    return replace


def raising(error: BaseException) -> Run:
    def run(_args: argparse.Namespace, _settings: Settings) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (UnknownVoice("There is no voice 'x'."), 3, "There is no voice 'x'.\n"),
        (Busy("Too much to do.", retry_after_s=1.0), 5, "Too much to do.\n"),
        (InternalError("Something failed."), 1, "Something failed.\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_a_command_ends(
    ending_with: Callable[[Run], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    shown: str,
) -> None:
    ending_with(raising(error))
    assert main(["doctor"]) == status
    assert capsys.readouterr() == ("", shown)


def test_a_bug_is_told_with_its_traceback(
    ending_with: Callable[[Run], None], caplog: pytest.LogCaptureFixture
) -> None:
    ending_with(raising(ZeroDivisionError("a bug")))
    assert main(["doctor"]) == 1
    assert "please report it" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("argv", [[], ["fly"], ["run", "--fly"], ["--log-level", "loud", "run"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: lunavox-edge" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out == f"lunavox-edge {__version__}\n"


def test_global_options_are_understood_on_both_sides(
    ending_with: Callable[[Run], None], tmp_path: Path
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("tts: {speed: 2.0}", encoding="utf-8")
    seen: list[tuple[float, str | None]] = []

    def run(args: argparse.Namespace, settings: Settings) -> int:
        seen.append((settings.tts.speed, args.log_level))
        return 0

    ending_with(run)
    options = ["--config", str(file), "--log-level", "error"]
    assert main([*options, "doctor"]) == main(["doctor", *options]) == main(["doctor"]) == 0
    assert seen == [(2.0, "error"), (2.0, "error"), (1.0, None)]


def test_wrong_settings_end_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("tts: {speed: 9}\nfoo: 1", encoding="utf-8")
    assert main(["doctor", "--config", str(file)]) == 2
    shown = capsys.readouterr().err
    assert f"{file}:1: tts.speed" in shown
    assert f"{file}:2: foo" in shown


def test_check_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["check-config"]) == 0
    assert capsys.readouterr().out == "OK\nfile: none, the defaults apply\n"
    file = tmp_path / "edge.yaml"
    file.write_text("tts: {speed: 2.0}", encoding="utf-8")
    monkeypatch.setenv("LUNAVOX_EDGE_CONFIG", str(file))
    monkeypatch.setenv("LUNAVOX_EDGE__STT__NAMES", "[Anouk]")
    assert main(["check-config"]) == 0
    assert capsys.readouterr().out == f"OK\nfile: {file}\nLUNAVOX_EDGE__STT__NAMES: stt.names = ['Anouk']\n"
    file.write_text("tts: {speed: 9}", encoding="utf-8")
    assert main(["check-config"]) == 1
    assert capsys.readouterr() == (
        "",
        f"The settings have one problem:\n  {file}:1: tts.speed: must be 0.25 to 4, not 9\n",
    )


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "lunavox_edge", "check-config"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=30,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141


def test_every_error_has_an_exit_status() -> None:
    def leaves(kind: type[LunavoxError]) -> list[type[LunavoxError]]:
        return [leaf for child in kind.__subclasses__() for leaf in leaves(child)] or [kind]

    for kind in leaves(LunavoxError):
        error = kind("x", retry_after_s=1.0) if issubclass(kind, Busy) else kind("x")
        assert exit_code(error) in range(1, 6)


@pytest.mark.parametrize(
    "words",
    [
        ("mqtt", "say", "Dinner is ready.", "--satellite", ""),
        ("mqtt", "say", "Dinner is ready.", "--node", " "),
        ("mqtt", "watch", "--broker", ""),
        ("say", "Dinner is ready.", "-o", "-", "--uri", ""),
        ("healthcheck", "--uri", ""),
        ("satellite", "--name", ""),
    ],
)
def test_an_empty_place_is_not_another_place(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert f"argument {words[-2]}: is empty" in capsys.readouterr().err


def test_a_stop_word_needs_words_that_the_satellite_detects(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["satellite", "--stop-word", "alexa", "--speaker", "null", "--mic", "stdin"]) == 2
    assert "Add --wake." in capsys.readouterr().err
