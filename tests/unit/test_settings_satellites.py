from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lunavox_edge.address import Address
from lunavox_edge.errors import SettingsError
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.reading import changed, load_settings
from lunavox_edge.settings.satellite_settings import Answer, SatelliteSettings

pytestmark = pytest.mark.unit

NOT_THERE = "is not an address|needs a host and a port|needs an absolute path"

LONG = "a" * 64


@pytest.mark.parametrize(
    "uri",
    [
        "tcp://kitchen.local:10700",
        "tcp://[fe80::1%25wlan0]:10700",
        "tls://192.168.1.20:10700?ca=/etc/kitchen.pem",
        "unix:///run/kitchen.sock",
        "tcp://küche.local:10700",
    ],
)
def test_where_a_satellite_may_be(uri: str) -> None:
    assert SatelliteSettings(uri=uri).uri == uri
    Address.parse(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "kitchen",
        "tcp://kitchen",
        "tcp://:10700",
        "tcp://kitchen:70000",
        "http://kitchen:1",
        "unix://run/x",
        "tcp://kitchen..local:10700",
        f"tcp://{LONG}.local:10700",
        f"tls://{LONG}.local:10700",
    ],
)
def test_where_no_satellite_can_be(uri: str) -> None:
    with pytest.raises(ValidationError, match=NOT_THERE):
        SatelliteSettings(uri=uri)
    with pytest.raises(SettingsError, match=NOT_THERE):
        Address.parse(uri)


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("openai", "http://host:99999/v1"),
        ("openai", "http:///v1"),
        ("openai", "http://host..local/v1"),
        ("home-assistant", "http:homeassistant"),
        ("wyoming", "tcp://host"),
        ("wyoming", "tcp://host:0"),
        ("wyoming", f"tcp://{LONG}.local:1"),
        ("wyoming", "unix:"),
    ],
)
def test_where_nobody_can_answer(kind: str, url: str) -> None:
    with pytest.raises(ValidationError, match=NOT_THERE):
        Answer.model_validate({"kind": kind, "url": url})


def test_what_cannot_be_seen_in_an_address_is_shown() -> None:
    wrong = "tcp://kitchen\u200b:10700"
    with pytest.raises(SettingsError, match=r"'tcp://kitchen\?:10700' is not an address"):
        Address.parse(wrong)
    with pytest.raises(SettingsError, match=r"'tcp://kitchen\?:10700' is not an address"):
        changed(Settings(), "wyoming", uri=wrong)


def test_the_scheme_of_a_web_address_may_be_in_capitals() -> None:
    assert Answer(kind="openai", url="HTTP://host/v1").url == "HTTP://host/v1"


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("satellites: {answers: {x: {kind: openai, url: 'http://me:hunter2@host/v1'}}}")
    with pytest.raises(SettingsError, match="use token_file") as caught:
        load_settings(file)
    assert "hunter2" not in str(caught.value)


def test_where_the_service_cannot_listen() -> None:
    with pytest.raises(ValidationError, match=NOT_THERE):
        Settings.model_validate({"wyoming": {"uri": "tcp://kitchen..local:10300"}})
