"""The support bundle holds what helps, and no secret."""

from __future__ import annotations

import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunavox_edge.checks.checkup import Finding, Severity
from lunavox_edge.cli import main, support

pytestmark = pytest.mark.unit

SECRET = "hunter2-of-the-house"  # noqa: S105  # a test's


def fake_examine(settings: object, file: Path | None) -> Iterator[Finding]:
    yield Finding("mqtt", Severity.FAIL, f"the broker told '{SECRET}' back; check it")
    yield Finding("rights", Severity.OK, f"settings: {file}")


@pytest.mark.parametrize("kind", ["password", "password_file", "token_file"])
def test_it_holds_everything_but_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    value = SECRET
    if kind != "password":
        (tmp_path / "secret").touch(0o600)
        (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
        value = str(tmp_path / "secret")
    config = tmp_path / "config.yaml"
    config.touch(0o600)
    sections: dict[str, dict[str, object]] = {
        "wyoming": {"uri": "tcp://127.0.0.1:1"},
        "mqtt": {"broker": "mqtt://b", kind: value},
    }
    if kind == "token_file":
        del sections["mqtt"][kind]
        answer = {"kind": "home-assistant", "url": "http://127.0.0.1:1", kind: value}
        sections["satellites"] = {"answers": {"home": answer}}
    config.write_text(json.dumps(sections), encoding="utf-8")
    monkeypatch.setattr("lunavox_edge.checks.doctor.examine", fake_examine)
    monkeypatch.setattr(support, "_journal_text", lambda: f"log: connected with {SECRET}\n")
    output = tmp_path / "bundle.tar.gz"
    assert main(["--config", str(config), "support-bundle", "-o", str(output)]) == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert SECRET not in capsys.readouterr().out
    with tarfile.open(output) as archive:
        texts = {}
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            texts[member.name.rpartition("/")[2]] = content.read().decode()
    assert set(texts) == {"settings.yaml", "packages.txt", "doctor.jsonl", "status.json", "journal.txt"}
    assert all(SECRET not in text for text in texts.values())
    assert "(hidden)" in texts["journal.txt"]
    assert "(hidden)" in texts["doctor.jsonl"]
    assert ("password: (hidden)" in texts["settings.yaml"]) is (kind == "password")
    assert "mqtt://b" in texts["settings.yaml"]
    assert "wyoming 1" in texts["packages.txt"]
    assert "No service answers" in texts["status.json"]
    lines = [json.loads(line) for line in texts["doctor.jsonl"].splitlines()]
    assert [line["verdict"] for line in lines] == ["fail", "ok"]
    assert str(config) in lines[1]["text"]


def test_the_longest_secret_goes_first() -> None:
    assert support.hide("abcdef abcd", {"abcd", "abcdef"}) == "(hidden) (hidden)"
