from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lunavox_edge.cli import main
from lunavox_edge.cli.exit_codes import ExitCode, exit_code
from lunavox_edge.cli.listing import print_table, size_text
from lunavox_edge.engine.catalog.manifest import hub_folder
from lunavox_edge.errors import (
    Busy,
    DownloadFailed,
    HubUnreachable,
    InternalError,
    SettingsError,
    UnknownVoice,
    Unreachable,
)
from lunavox_edge.types import ModelKind
from tests.fakes.backends import entry, file_backend, put_model

pytestmark = pytest.mark.unit

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line with a folder of voices, a package, an alias and a cache of its own."""
    packaged = (
        entry("base", ModelKind.STT, languages=tuple(f"l{n:02d}"[:2] + chr(97 + n % 26) for n in range(99))),
        entry("en_US-joe-medium", aliases=("joe",)),
        entry("en_US-libritts-high", speakers=tuple(f"p{n}" for n in range(904))),
    )
    monkeypatch.setattr("lunavox_edge.backends.registry.usable", lambda: (file_backend(packaged=packaged),))
    put_model(tmp_path / "mine", "de_DE-eva-low", languages=["de-DE"])
    put_model(tmp_path / "mine", "en_US-joe-medium")
    put_model(tmp_path / "mine", "broken").with_name("broken.onnx.json").write_text("{")
    monkeypatch.setattr("lunavox_edge.cli._MODULES", ("models", "voices"))
    config = tmp_path / "config.yaml"
    config.write_text(
        json.dumps(
            {
                "catalog": {"folders": [str(tmp_path / "mine")], "cache_dir": str(tmp_path / "cache")},
                "voices": {"announcer": {"voice": "joe", "speed": 1.2}, "lost": {"voice": "nobody"}},
            }
        )
    )
    return lambda *words: main(["--config", str(config), *words])


def test_names_that_are_not_installed_are_warnings(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunavox_edge.cli._MODULES", ("config",))
    file = tmp_path / "config.yaml"
    rest = {"stt": {"model": "nope"}, "tts": {"voice": "joe"}, "wake": {"default": ["zz"]}}
    file.write_text(json.dumps({**json.loads(file.read_text()), **rest}))
    assert run("check-config") == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("OK\n")
    warnings = [line for line in out.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 3
    assert "'nope'" in warnings[0]
    assert "wake.default: " in warnings[1]
    assert "voices: lost: The voice 'nobody'" in warnings[2]
    assert "voices install" in out


def test_the_settings_are_checked_even_if_what_is_installed_cannot_be_looked_at(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_settings: object) -> None:
        raise PermissionError(13, "Permission denied", "models")

    monkeypatch.setattr("lunavox_edge.cli._MODULES", ("config",))
    monkeypatch.setattr("lunavox_edge.engine.catalog.catalog.Catalog.of", fails)
    assert run("check-config") == ExitCode.OK
    assert "warning: The names of models and voices are not checked: " in capsys.readouterr().out


def test_voices_are_listed_with_their_facts_and_the_broken_ones_last(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("voices", "list") == ExitCode.OK
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "LANGUAGES", "SPEAKERS", "SIZE", "LICENCE", "SOURCE"]
    assert all(len(line) <= 100 for line in lines if "/" not in line)
    assert "\x1b" not in out
    assert "base" not in out
    table = {line.split()[0]: line for line in lines[1:] if line}
    assert "904" in table["en_US-libritts-high"]
    assert "alias of en_US-joe-medium" in table["announcer"]
    assert table["en_US-joe-medium"].split()[1] == "*"
    assert "package scripted" in table["en_US-joe-medium@package"]
    assert out.index("Cannot be used:") > out.index("en_US-libritts-high")
    assert "broken.onnx.json is not JSON." in out
    assert "'nobody' is not installed" in out


def test_models_are_listed_of_both_kinds_or_one(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("models", "list")
    both = capsys.readouterr().out
    assert "99 languages" in both
    assert "de_DE-eva-low" in both
    run("models", "list", "--kind", "stt")
    assert "de_DE-eva-low" not in capsys.readouterr().out


def test_voices_of_one_language(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("voices", "list", "--language", "de_AT", "--json") == ExitCode.OK
    listed = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in listed["entries"]] == ["de_DE-eva-low"]
    assert [item["reason"] for item in listed["broken"]]
    assert run("voices", "list", "--language", "!!") == ExitCode.NOT_FOUND
    assert "not a language tag" in capsys.readouterr().err


def test_the_json_holds_every_detail(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("models", "list", "--json")
    listed = json.loads(capsys.readouterr().out)
    base = next(item for item in listed["entries"] if item["name"] == "base")
    assert (base["kind"], base["source_kind"], base["licence"], base["size_bytes"]) == (
        "stt",
        "package",
        "CC0",
        1000,
    )
    assert len(base["languages"]) == 99
    assert [item["name"] for item in listed["hidden"]] == ["en_US-joe-medium"]


def test_one_voice_is_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("voices", "show", "libritts") == ExitCode.NOT_FOUND
    assert "en_US-libritts-high" in capsys.readouterr().err
    assert run("voices", "show", "EN-us-libritts-high") == ExitCode.OK
    shown = capsys.readouterr().out
    assert "and 884 more" in shown
    assert "CC0" in shown
    assert run("voices", "show", "announcer", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["alias"] == {"voice": "joe", "speed": 1.2}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("de_DE-eva-low", "in one of your folders"),
        ("en_US-libritts-high", "remove that with pip"),
        ("announcer", "alias in the settings"),
    ],
)
def test_what_did_not_come_from_the_hub_is_not_removed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert run("voices", "remove", "--yes", name) == ExitCode.ERROR
    assert reason in capsys.readouterr().err
    assert (tmp_path / "mine" / "de_DE-eva-low.onnx").exists()


def test_removing_something_unknown_says_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("voices", "remove", "--yes", "../../etc/passwd") == ExitCode.NOT_FOUND
    assert run("models", "rm", "--yes", "large-v9") == ExitCode.NOT_FOUND
    assert "large-v9" in capsys.readouterr().err


def test_a_voice_without_a_manifest_in_the_hubs_folder_still_works(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_model(hub_folder(tmp_path / "cache", ModelKind.TTS) / "en_GB-alba-medium", "en_GB-alba-medium")
    assert run("voices", "show", "en_GB-alba-medium") == ExitCode.OK


def test_nobody_at_the_address_is_its_own_exit_status(run: Run, tmp_path: Path) -> None:
    assert run("models", "ps", "--uri", f"unix://{tmp_path}/nobody.sock") == ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("models", "shown"),
    [
        ([], "no model in memory"),
        (None, "no model in memory"),
        (
            [
                {
                    "name": "base",
                    "kind": "stt",
                    "device": "cpu",
                    "state": "idle",
                    "size_bytes": 145_000_000,
                    "idle_s": 12.3,
                    "pinned": True,
                }
            ],
            "145 MB  12 s  yes",
        ),
        ([{"name": "base"}, 7], "base"),
    ],
)
def test_what_the_service_has_loaded(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], models: object, shown: str
) -> None:
    monkeypatch.setattr(
        "lunavox_edge.wyoming_server.blocking_client.status", lambda uri, *, timeout_s: {"models": models}
    )
    assert run("models", "ps") == ExitCode.OK
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownVoice(""), 3),
        (HubUnreachable(""), 4),
        (Unreachable(""), 4),
        (Busy("", retry_after_s=1), 5),
        (SettingsError(""), 2),
        (DownloadFailed(""), 1),
        (InternalError(""), 1),
    ],
)
def test_exit_statuses_tell_errors_apart(error: Exception, code: int) -> None:
    assert exit_code(error) == code  # type: ignore[arg-type]


def test_a_table_never_outgrows_its_width(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B", "C"), [("x" * 300, "y" * 300, "z"), ("", "b", "c")], right=("C",))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == 100
    assert lines[1].endswith("z")
    assert "…" in lines[1]


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "-"), (10, "1 kB"), (63_200_000, "63 MB"), (1_500_000_000, "1.5 GB")]
)
def test_sizes_for_people(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text
