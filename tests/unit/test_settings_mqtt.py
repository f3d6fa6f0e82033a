from __future__ import annotations

from pathlib import Path

import pytest

from lunavox_edge.errors import SettingsError
from lunavox_edge.settings.reading import load_settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("off", "off"),
        ('"off"', "off"),
        ("embedded", "embedded"),
        ("mqtt://broker.local", "mqtt://broker.local"),
        ("wss://broker:8884/mqtt", "wss://broker:8884/mqtt"),
    ],
)
def test_brokers_as_people_write_them(tmp_path: Path, text: str, broker: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"mqtt:\n  broker: {text}\n  version: 5\n", encoding="utf-8")
    settings = load_settings(file).mqtt
    assert (settings.broker, settings.version) == (broker, "5")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("broker: http://broker", "is not an address"),
        ("broker: mqtt://me:hunter2@broker", "mqtt.password_file"),
        ("broker: mqtt://broker/path", "has a path"),
        ("broker: true", "must be text"),
        ("listen: 1883", "must be text"),
        ("listen: ':1883'", "HOST:PORT"),
        ("listen: '::1:1883'", "HOST:PORT"),
        ("listen: '[::1]'", "HOST:PORT"),
        ("listen: '127.0.0.1:１８８３'", "HOST:PORT"),
        ("listen: 'me@127.0.0.1:1883'", "HOST:PORT"),
        ("listen: '127.0.0.1:1883/path'", "HOST:PORT"),
        ('base: "a\\0"', "one or more levels"),
        ('broker: "mqtt://broker\\n"', "is not an address"),
        ("password: 4711", "not the number (hidden); put it in quotes"),
        ("base: a/+/b", "one or more levels"),
        ("base: $SYS", "one or more levels"),
        ("discovery: yes", "must be one of"),
        ("publish_transcripts: [everybody]", "must be one of"),
    ],
)
def test_what_is_wrong_about_mqtt_is_named_without_secrets(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"mqtt:\n  {line}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "4711" not in str(caught.value)
