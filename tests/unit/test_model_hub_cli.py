from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.progress import transfer_progress
from lunavox_edge.downloads.download import Patience
from lunavox_edge.engine.catalog.manifest import hub_folder
from lunavox_edge.types import ModelKind
from tests.fakes.backends import file_backend
from tests.fakes.hub import FakeHub, Fault, fake_hub

pytestmark = pytest.mark.unit

VOICE = "en_GB-alba-medium"
Run = Callable[..., int]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with fake_hub() as hub:
        hub.add_voice(VOICE, licence="CC BY 4.0")
        hub.add_voice("en_US-joe-medium")
        hub.add_model("Systran/faster-whisper-tiny.en")
        hub.add_model("someone/faster-whisper-swiss")
        yield hub


@pytest.fixture
def run(fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line against the fake hub, with a cache of its own."""
    backends = (file_backend(), file_backend(ModelKind.STT, suffix=".bin"))
    monkeypatch.setattr("lunavox_edge.backends.registry.usable", lambda: backends)
    monkeypatch.setattr("lunavox_edge.downloads.model_hub.Patience", lambda: Patience(pause_s=0.0))
    monkeypatch.setattr("lunavox_edge.cli._MODULES", ("models", "voices"))
    config = tmp_path / "config.yaml"
    catalog = {"cache_dir": str(tmp_path / "cache"), "hub_endpoint": fake.url}
    config.write_text(json.dumps({"catalog": catalog, "tts": {"voice": VOICE}}))
    return lambda *words: main(["--config", str(config), *words])


def test_a_voice_is_installed_listed_removed_and_brought_back(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("voices", "install", "alba") == ExitCode.OK
    assert f"Installed {VOICE} (200 kB, CC BY 4.0)" in capsys.readouterr().out
    assert run("voices", "install", "alba") == ExitCode.OK
    assert "Already installed" in capsys.readouterr().out
    run("voices", "list")
    assert "hub rhasspy/piper-voices" in capsys.readouterr().out
    assert run("voices", "remove", VOICE, "--yes") == ExitCode.OK
    undo = capsys.readouterr().out
    assert f"`lunavox-edge voices install {VOICE}` installs it again" in undo
    run("voices", "list", "--json")
    assert json.loads(capsys.readouterr().out)["entries"] == []
    assert run("voices", "install", VOICE) == ExitCode.OK


def test_one_that_fails_does_not_stop_the_others(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("voices", "install", "en_GB-albo-medium", VOICE) == ExitCode.NOT_FOUND
    shown = capsys.readouterr()
    assert f"Did you mean '{VOICE}'" in shown.err
    assert f"Installed {VOICE}" in shown.out


def test_pull_tells_models_from_voices(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The scripted backend wants a JSON beside the weights, which Whisper has not.
    monkeypatch.setattr("lunavox_edge.cli.installing._is_usable", lambda catalog, manifest: True)
    assert run("models", "pull", "tiny.en", VOICE, "someone/faster-whisper-swiss") == ExitCode.OK
    assert (hub_folder(tmp_path / "cache", ModelKind.STT) / "tiny.en" / "model.bin").exists()
    assert (hub_folder(tmp_path / "cache", ModelKind.TTS) / VOICE).exists()
    assert run("models", "rm", "--yes", "swiss") == ExitCode.OK
    assert "`lunavox-edge models pull someone/faster-whisper-swiss`" in capsys.readouterr().out


def test_pull_knows_that_a_misspelled_name_may_mean_a_model_or_a_voice(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, meant in (("smalll", "small"), ("en_GB-albo-medium", VOICE)):
        assert run("models", "pull", wrong) == ExitCode.NOT_FOUND
        told = capsys.readouterr().err
        assert f"No model or voice named '{wrong}'" in told
        assert f"Did you mean '{meant}'" in told
    assert run("models", "pull", "--kind", "tts", "smalll") == ExitCode.NOT_FOUND
    assert "No voice named 'smalll'" in capsys.readouterr().err


def test_something_that_nothing_here_can_run_is_said_and_can_be_removed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("models", "pull", "tiny.en") == ExitCode.ERROR
    assert "tiny.en cannot be used: model.bin.json is missing." in capsys.readouterr().err
    assert run("models", "list") == ExitCode.OK
    assert "Install 'tiny.en' again" in capsys.readouterr().out
    assert run("models", "rm", "--yes", "tiny.en") == ExitCode.OK


def test_the_voices_on_offer(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("voices", "install", VOICE)
    capsys.readouterr()
    assert run("voices", "list", "--available") == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == [VOICE, "en-GB", "medium", "1", "200", "kB", "yes"]
    assert lines[2].split()[0] == "en_US-joe-medium"
    run("voices", "list", "--available", "--language", "de", "--json")
    assert json.loads(capsys.readouterr().out) == {"available": []}


def test_offline_is_its_own_exit_status(run: Run, fake: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    fake.faults = [Fault("/", times=99, status=503)]
    assert run("voices", "install", VOICE) == ExitCode.UNREACHABLE
    assert run("models", "pull", "tiny.en") == ExitCode.UNREACHABLE
    assert run("voices", "list", "--available") == ExitCode.UNREACHABLE
    assert run("voices", "list") == ExitCode.OK, "what is installed needs no hub"
    assert "keep working" in capsys.readouterr().err


def test_removing_asks_and_takes_no_for_an_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("voices", "install", VOICE)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run("voices", "remove", VOICE) == ExitCode.ERROR
    asked = capsys.readouterr().err
    assert f"Remove {VOICE} (200 kB)?" in asked
    assert "Requests that name no model or voice use it" in asked
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run("voices", "remove", VOICE) == ExitCode.OK


def test_removing_in_a_script_wants_yes(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("voices", "install", VOICE)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run("voices", "remove", VOICE) == ExitCode.USAGE
    assert "--yes" in capsys.readouterr().err
    assert run("voices", "show", VOICE) == ExitCode.OK


def test_a_terminal_gets_a_bar_that_begins_where_the_last_pull_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with transfer_progress("joe") as on_progress:
        on_progress(30_000_000, 60_000_000)
        on_progress(60_000_000, 60_000_000)
    shown = terminal.getvalue()
    assert "joe:  50%" in shown
    assert "joe: 100%" in shown


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    # The module's clock only: that of the process runs on for the threads of others.
    monkeypatch.setattr("lunavox_edge.cli.progress.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with transfer_progress("joe") as on_progress:
        for done in (10, 20, 30, 40):
            on_progress(done * 1_000_000, 60_000_000)
    assert capsys.readouterr().err.splitlines() == ["joe: 20 of 60 MB (33 %)", "joe: 40 of 60 MB (66 %)"]
