"""Doctor's checks of the machine: problems are found, and each finding says what to do."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from lunavox_edge.checks import checkup
from lunavox_edge.checks.checkup import Finding, Severity, check_machine, check_port
from lunavox_edge.host.system import MemoryInfo
from lunavox_edge.host.telemetry import Readings
from lunavox_edge.settings.model import Settings
from tests.fakes.ports import free_port

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path


def settings(**sections: dict[str, object]) -> Settings:
    return Settings.model_validate(sections)


def by_topic(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.topic: finding for finding in findings}


def test_every_topic_has_its_line(home: Path) -> None:
    found = by_topic(check_machine(Settings()))
    topics = {"machine", "packages", "memory", "board", "clock", "disk", "rights", "sound", "watchdog"}
    assert set(found) == topics
    assert all(finding.text for finding in found.values())
    assert found["sound"].verdict is found["rights"].verdict is Severity.OK


def test_a_missing_package_is_named() -> None:
    def version(name: str) -> str:
        if name in ("onnxruntime", "zeroconf"):
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    found = checkup._packages(version)
    assert found.verdict is Severity.FAIL
    assert "not installed: onnxruntime; run: pip" in found.text


@pytest.mark.parametrize(
    ("slowed", "advice"), [("undervoltage", "power supply"), ("throttled by heat", "cool it better")]
)
def test_a_board_that_is_slowed_down(slowed: str, advice: str) -> None:
    found = checkup._board(lambda: Readings({"cpu": 71.0}, 34.5, (slowed,)))
    assert found.verdict is Severity.WARN
    assert slowed in found.text
    assert advice in found.text
    assert "cpu 71 °C, GPU at 34 %" in found.text


def test_a_clock_that_was_never_set() -> None:
    assert checkup._clock(0.0).verdict is Severity.WARN
    assert "timedatectl" in checkup._clock(0.0).text


@pytest.mark.parametrize(
    ("free_mb", "verdict"), [(10, Severity.FAIL), (300, Severity.WARN), (9000, Severity.OK)]
)
def test_a_disk_that_is_full(free_mb: int, verdict: Severity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free_mb << 20))
    for finding in checkup._disk(Settings()):
        assert finding.verdict is verdict
        assert ("make room" in finding.text) is (verdict is not Severity.OK)


def test_files_that_others_reach(home: Path) -> None:
    secret, file = home / "secret", home / "config.yaml"
    for path, mode in ((secret, 0o644), (file, 0o666)):
        path.touch()
        path.chmod(mode)
    (found,) = checkup._permissions(settings(mqtt={"password_file": str(secret)}), file)
    assert found.verdict is Severity.WARN
    assert "mqtt.password_file: others may read" in found.text
    assert "chmod go-w" in found.text
    secret.chmod(0o600)
    file.chmod(0o644)
    (found,) = checkup._permissions(settings(mqtt={"password_file": str(secret)}), file)
    assert found.verdict is Severity.OK
    (found,) = checkup._permissions(settings(mqtt={"password_file": str(home / "nothing")}), None)
    assert "No such file" in found.text
    secret.chmod(0o604)
    home_assistant = {"kind": "home-assistant", "url": "http://h:8123", "token_file": str(secret)}
    (found,) = checkup._permissions(settings(satellites={"answers": {"home": home_assistant}}), None)
    assert "satellites.answers.home.token_file: others may read" in found.text


@pytest.mark.parametrize(
    ("output", "words"), [("no-such-player -", "not installed"), ("'", "check its quotes")]
)
def test_a_loudspeaker_that_cannot_play(output: str, words: str) -> None:
    found = checkup._sound(settings(audio={"output": output}))
    assert found.verdict is Severity.FAIL
    assert words in found.text


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        uri = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        found = check_port(settings(wyoming={"uri": uri}))
        assert found.verdict is Severity.FAIL
        assert "another program" in found.text
    assert check_port(settings(wyoming={"uri": uri})).verdict is Severity.OK


@pytest.mark.parametrize("uri", ["tcp://192.0.2.1:10300", "unix:///no/such/folder/socket"])
def test_an_address_that_cannot_be_had(uri: str) -> None:
    found = check_port(settings(wyoming={"uri": uri}))
    assert found.verdict is Severity.FAIL
    assert "set wyoming.uri" in found.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_disk_that_cannot_be_written(home: Path) -> None:
    home.chmod(0o500)
    assert all(finding.verdict is Severity.WARN for finding in checkup._disk(Settings()))


@pytest.mark.parametrize(
    ("unit", "verdict", "text"),
    [
        (None, Severity.OK, "not installed as a service"),
        (
            {"ActiveState": "active", "WatchdogUSec": "30s", "NRestarts": "2"},
            Severity.OK,
            "restarted 2 times",
        ),
        ({"ActiveState": "active", "WatchdogUSec": "0"}, Severity.WARN, "systemctl edit"),
        ({"ActiveState": "active", "WatchdogUSec": "infinity"}, Severity.WARN, "hangs"),
        ({"ActiveState": "failed", "WatchdogUSec": "30s"}, Severity.FAIL, "journalctl"),
    ],
)
def test_who_would_notice_that_it_hangs(unit: dict[str, str] | None, verdict: Severity, text: str) -> None:
    found = checkup._watchdog(unit)
    assert found.verdict is verdict
    assert text in found.text


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        ("echo LoadState=loaded; echo WatchdogUSec=30s", "30s"),
        ("[ $1 = --user ] && echo LoadState=loaded && echo WatchdogUSec=10s", "10s"),
        ("echo LoadState=not-found", None),
        ("echo System has not been booted with systemd >&2; exit 1", None),
    ],
)
def test_the_unit_is_asked_about(
    home: Path, monkeypatch: pytest.MonkeyPatch, script: str, limit: str | None
) -> None:
    systemctl = home / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n{script}\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    unit = checkup._unit_state()
    assert (unit or {}).get("WatchdogUSec") == limit


def test_without_systemd_there_is_no_unit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    assert checkup._unit_state() is None


def test_memory_that_the_system_does_not_tell_of_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunavox_edge.host.system.memory", lambda: MemoryInfo(0, 0))
    found = checkup._memory(settings())
    assert found.verdict is Severity.OK
    assert found.text.startswith("The system does not say how much is available;")
