"""Which broker, and how to prove who we are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.host.secret_files import check_secret, read_secret
from lunavox_edge.settings.mqtt_settings import MqttSettings

# Larger messages are dropped by the broker (MQTT 5); what is over our bounds but below this gets an answer.
_ROOM_BYTES = 33_554_432
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to prove who we are."""

    uri: str
    user: str | None = None
    password: str | None = None
    version: str = "5"
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    max_message_bytes: int = _ROOM_BYTES

    def __repr__(self) -> str:
        """Name the place only."""
        return f"BrokerAddress({self.uri})"

    @classmethod
    def of(cls, settings: MqttSettings) -> BrokerAddress:
        """Return the broker of the settings. Raises SettingsError for what we cannot, or others can read."""
        embedded = settings.broker == "embedded"
        if settings.tls_key is not None:
            check_secret(settings.tls_key, "mqtt.tls_key")
        return cls(
            uri=f"mqtt://{_reachable(settings.listen)}" if embedded else settings.broker,
            user=settings.user,
            password=password_of(settings),
            version="3.1.1" if embedded else settings.version,
            tls_ca=settings.tls_ca,
            tls_cert=settings.tls_cert,
            tls_key=settings.tls_key,
            max_message_bytes=settings.max_audio_mb * _MIB + _ROOM_BYTES,
        )


def password_of(settings: MqttSettings) -> str | None:
    """Return the password of the settings or of the file they name. Raises SettingsError."""
    if settings.password_file is None:
        return settings.password
    return read_secret(settings.password_file, "mqtt.password_file")


def _reachable(listen: str) -> str:
    """Where we ourselves find a broker that listens there."""
    host, _, port = listen.rpartition(":")
    return f"127.0.0.1:{port}" if host == "0.0.0.0" else f"[::1]:{port}" if host == "[::]" else listen  # noqa: S104
