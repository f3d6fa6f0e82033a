"""The broker's address and our credentials, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.host.secret_files import check_secret, read_secret
from lunavox_edge.settings.mqtt_settings import MqttSettings

# The largest message accepted from the broker (MQTT 5) is this much over our own limit, so that a message
# over that limit gets an error reply; the broker drops larger ones without one.
_MARGIN_BYTES = 33_554_432
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The broker's address, our credentials, and the protocol version (`5` or `3.1.1`)."""

    uri: str
    user: str | None = None
    password: str | None = None
    version: str = "5"
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    max_message_bytes: int = _MARGIN_BYTES

    def __repr__(self) -> str:
        """Show the address only, no credentials."""
        return f"BrokerAddress({self.uri})"

    @classmethod
    def of(cls, settings: MqttSettings) -> BrokerAddress:
        """Return the broker of the settings; blocks while secret files are checked.

        Raises SettingsError if a secret file cannot be read, or can be read by other users.
        """
        embedded = settings.broker == "embedded"
        if settings.tls_key is not None:
            check_secret(settings.tls_key, "mqtt.tls_key")
        return cls(
            uri=f"mqtt://{_local_address(settings.listen)}" if embedded else settings.broker,
            user=settings.user,
            password=password_of(settings),
            version="3.1.1" if embedded else settings.version,
            tls_ca=settings.tls_ca,
            tls_cert=settings.tls_cert,
            tls_key=settings.tls_key,
            max_message_bytes=settings.max_audio_mb * _MIB + _MARGIN_BYTES,
        )


def password_of(settings: MqttSettings) -> str | None:
    """Return the password, from the settings or from `password_file`. Raises SettingsError."""
    if settings.password_file is None:
        return settings.password
    return read_secret(settings.password_file, "mqtt.password_file")


def _local_address(listen: str) -> str:
    """Return the address at which this machine reaches a broker that listens on `listen`."""
    host, _, port = listen.rpartition(":")
    return f"127.0.0.1:{port}" if host == "0.0.0.0" else f"[::1]:{port}" if host == "[::]" else listen  # noqa: S104
