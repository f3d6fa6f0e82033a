"""What can be set: one frozen model per section, with every default, unit and range.

The text under a field is its documentation: docs/CONFIG.md and config/lunavox-edge.yaml are written from it.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from lunavox_edge.address import Address
from lunavox_edge.host import system
from lunavox_edge.settings.mqtt_settings import AudioSettings, MqttSettings
from lunavox_edge.settings.satellite_settings import SatellitesSettings
from lunavox_edge.settings.section import Folder, Name, Names, Seconds, Section
from lunavox_edge.settings.speech_settings import SttSettings, TtsSettings, VoiceAlias, WakeSettings

_MAX_LABEL_BYTES = 63  # of a name in the DNS


def _check_uri(uri: str) -> str:
    if Address.read(uri).authority is not None:
        raise ValueError("needs nothing after the port; what clients trust is wyoming.tls_ca")
    return uri


def _check_keep_alive(seconds: float) -> float:
    if -1 < seconds < 0:
        raise ValueError("must be 0 or more, or -1 for never")
    return seconds


def _check_instance(name: str) -> str:
    if len(name.encode()) > _MAX_LABEL_BYTES or not name.isprintable():
        raise ValueError(f"must be printable and at most {_MAX_LABEL_BYTES} bytes")
    return name


def _check_network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("is not a network; write 192.168.1.0/24 or one address") from None
    return text


Network = Annotated[str, AfterValidator(_check_network)]
InstanceName = Annotated[str, Field(min_length=1), AfterValidator(_check_instance)]


class WyomingSettings(Section):
    """The port that Home Assistant talks to."""

    uri: Annotated[str, AfterValidator(_check_uri)] = "tcp://127.0.0.1:10300"
    """Where to listen: `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:///PATH`. `tcp://0.0.0.0:10300`
    listens on every network interface; there is no password, so do that in a trusted network only, and
    see `allow`. Home Assistant knows no `tls://`. Port 0 takes any free port."""

    allow: Annotated[tuple[Network, ...], Field(strict=False, max_length=1000)] = ()
    """Networks and addresses that may connect, such as `[192.168.1.0/24, "fd00::/8"]`; this machine always
    may. Empty: everybody who reaches the port."""

    tls_cert: Folder | None = Field(None, strict=False)
    """File of the certificate that a `tls://` address shows, with those between it and the authority."""

    tls_key: Folder | None = Field(None, strict=False)
    """File of the key of that certificate; others must not be able to read it."""

    tls_ca: Folder | None = Field(None, strict=False)
    """File of certificates that the commands of this machine trust at a `tls://` address. `null`:
    `tls_cert`."""

    zeroconf: bool = True
    """Whether Home Assistant finds the port by itself (multicast DNS), if other machines can reach it."""

    name: InstanceName | None = None
    """Name under which the port is found; Home Assistant knows the service by it, so keep it. `null`: a
    name that belongs to this machine."""

    @model_validator(mode="after")
    def _check_tls(self) -> WyomingSettings:
        if Address.read(self.uri).tls and (self.tls_cert is None or self.tls_key is None):
            raise ValueError("lack what a tls:// address needs; set tls_cert and tls_key")
        return self

    @property
    def client_uri(self) -> str:
        """Where the commands of this machine find the service."""
        return self.with_trust(self.uri)

    def with_trust(self, uri: str) -> str:
        """Return an address of the service with the certificate that its clients trust."""
        trusted = self.tls_ca or self.tls_cert
        if trusted is None or not Address.parse(uri).tls:
            return uri
        return f"{uri}?ca={trusted.absolute()}"


class LimitSettings(Section):
    """What one client may use up, so that it hurts only itself."""

    max_connections: int = Field(1024, ge=1, le=100_000)
    """Connections at once; one more is refused."""

    max_connections_per_address: int = Field(512, ge=1, le=100_000)
    """Connections at once from one address; one more is refused."""

    max_connects_per_minute: int = Field(6000, ge=1, le=10_000_000)
    """Connections that one address may open in a minute."""

    max_requests_per_minute: int = Field(6000, ge=1, le=10_000_000)
    """Requests of one address in a minute; one more is answered "busy"."""

    max_sessions: int = Field(64, ge=1, le=10_000)
    """Utterances and speeches at once; one more is answered "busy"."""

    max_text_chars: int = Field(50_000, ge=1, le=10_000_000)
    """Characters of text in one speech."""

    max_utterance_s: float = Field(600.0, gt=0, le=86_400)
    """Seconds of audio in one utterance."""

    max_message_bytes: int = Field(1_048_576, ge=256, le=1_073_741_824)
    """Bytes of data, and of payload, in one message; audio may be as long as `max_utterance_s` allows."""

    max_header_bytes: int = Field(65_536, ge=64, le=16_777_216)
    """Bytes of the line that starts a message."""

    read_timeout_s: Seconds = 30.0
    """Seconds to wait for the rest of a message, or for the next audio inside an utterance."""

    write_timeout_s: Seconds = 30.0
    """Seconds to wait for a client that does not read."""

    idle_timeout_s: float = Field(3600.0, ge=0.05, le=2_592_000)
    """Seconds after which a silent connection is closed."""


class EngineSettings(Section):
    """Threads, memory and queues, shared by all models."""

    threads: int | None = Field(None, ge=1, le=1024)
    """Threads for models. `null`: as many as there are cores, without those that are much weaker."""

    memory_budget_mb: int | None = Field(None, ge=1, le=16_777_216)
    """MiB that all loaded models may take together. `null`: what is available, less the reserve."""

    memory_reserve_mb: int = Field(256, ge=0, le=16_777_216)
    """MiB of the machine's available memory that models leave alone."""

    keep_alive_s: Annotated[float, AfterValidator(_check_keep_alive)] = Field(300.0, ge=-1)
    """Seconds an unused model stays loaded. 0: it leaves at once. -1: it stays."""

    max_queue: int = Field(64, ge=1, le=100_000)
    """Pieces of work that may wait for one device; over that the answer is "busy"."""

    max_wait_s: Seconds = 10.0
    """Seconds one more room may be expected to wait for its first audio; over that the answer is "busy"."""

    load_timeout_s: Seconds = 120.0
    """Seconds a request waits for a model to load."""

    stuck_after_s: float = Field(120.0, ge=0.1, le=86_400)
    """Seconds after which a piece of work for a model counts as stuck: the log says so, and the service
    manager, if there is one, restarts the service. Raise it if a large model on a slow board needs longer
    for 30 seconds of speech."""

    max_temperature_c: float | None = Field(None, ge=30, le=150)
    """Degrees Celsius of the hottest sensor from which on work is saved: idle models leave, then
    `stt.fallback_models` hear. `null`: only when the machine says that heat slows it down."""

    pinned: Names = ()
    """Names of models and voices that are loaded at the start and never unloaded."""


class CatalogSettings(Section):
    """Where models and voices are found."""

    folders: Annotated[tuple[Folder, ...], Field(strict=False, max_length=100)] = ()
    """Folders to search for models and voices; what is put there appears without a restart. A relative
    folder counts from the folder of the settings file."""

    cache_dir: Folder | None = Field(None, strict=False)
    """Folder for downloads and prepared models. `null`: `$XDG_CACHE_HOME/lunavox-edge`, else
    `~/.cache/lunavox-edge`."""

    hub_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+[^\s]*$", max_length=2000)] = (
        "https://huggingface.co"
    )
    """Address of the Hugging Face hub or a mirror of it."""

    def resolved_cache_dir(self) -> Path:
        """Return the folder for downloads with the default filled in; it need not exist."""
        return self.cache_dir or system.cache_home() / "lunavox-edge"


class LogSettings(Section):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is logged."""


class Settings(Section):
    """Everything that can be set; `Settings()` holds the defaults."""

    wyoming: WyomingSettings = WyomingSettings()
    mqtt: MqttSettings = MqttSettings()
    audio: AudioSettings = AudioSettings()
    satellites: SatellitesSettings = SatellitesSettings()
    limits: LimitSettings = LimitSettings()
    engine: EngineSettings = EngineSettings()
    stt: SttSettings = SttSettings()
    tts: TtsSettings = TtsSettings()
    wake: WakeSettings = WakeSettings()
    catalog: CatalogSettings = CatalogSettings()
    voices: dict[Name, VoiceAlias] = Field(default_factory=dict)
    """Names of your own for voices, each with fixed parameters."""
    log: LogSettings = LogSettings()


def sections() -> dict[str, type[Section]]:
    """Return each section's name and model, in the order of the file; `voices` is no section."""
    found: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {
        name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Section)
    }
