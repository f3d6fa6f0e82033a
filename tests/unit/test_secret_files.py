"""Secrets are read only from files that other users cannot read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lunavox_edge.errors import SettingsError
from lunavox_edge.host.secret_files import check_secret, exposure, read_secret
from lunavox_edge.settings.reading import load_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2\nmore\n", encoding="utf-8")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_a_file_of_ones_own_is_read(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    assert read_secret(secret, "mqtt.password_file") == "hunter2"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o660, 0o666])
def test_a_file_that_others_reach_is_refused(secret: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(SettingsError, match=r"mqtt.password_file is not secret: .*chmod 640") as refused:
        read_secret(secret, "mqtt.password_file")
    assert "hunter2" not in str(refused.value)
    assert str(secret) not in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(secret: Path) -> None:
    os.chown(secret, 12345, 12345)
    assert exposure(secret) == "it belongs to another user"


def test_what_is_not_there_or_no_text_is_named(secret: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        check_secret(tmp_path / "nothing", "wyoming.tls_key")
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="it is not text"):
        read_secret(secret, "mqtt.password_file")
    secret.write_bytes(b"")
    assert read_secret(secret, "mqtt.password_file") == ""


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\r\nmore\r\n"])
def test_what_an_editor_adds_is_no_part_of_the_secret(secret: Path, ending: bytes) -> None:
    secret.write_bytes("\ufeffh\u00fcnter2".encode() + ending)
    assert read_secret(secret, "mqtt.password_file") == "hünter2"


def test_a_password_in_the_settings_wants_a_secret_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("mqtt:\n  password: hunter2\n", encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(
        SettingsError, match=r"config.yaml:2: mqtt.password: stands in a file that"
    ) as refused:
        load_settings(file, {})
    assert "hunter2" not in str(refused.value)
    file.chmod(0o640)
    assert load_settings(file, {}).mqtt.password == "hunter2"  # noqa: S105  # a test's
    file.write_text("mqtt:\n  password: null\n", encoding="utf-8")
    file.chmod(0o644)
    assert load_settings(file, {}).mqtt.password is None


def test_a_password_is_not_taken_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="is not read from the environment") as refused:
        load_settings(file, {"LUNAVOX_EDGE__MQTT__PASSWORD": "hunter2"})
    assert "hunter2" not in str(refused.value)
