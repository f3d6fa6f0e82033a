"""Definition of all settings: one frozen pydantic model per section, with defaults, units and ranges.

The docstring of a field is its documentation: docs/CONFIG.md and config/lunavox-edge.yaml are generated
from it.
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

_MAX_LABEL_BYTES = 63  # limit of DNS for one label of a name


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
    """The network port that Home Assistant connects to (Wyoming protocol)."""

    uri: Annotated[str, AfterValidator(_check_uri)] = "tcp://127.0.0.1:10300"
    """Address to listen on: `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:///PATH`. The default can be
    reached from this machine only. `tcp://0.0.0.0:10300` listens on every network interface; there is no
    password, so use that only in a trusted network, and see `allow`. Home Assistant does not support
    `tls://`. Port 0 takes any free port."""

    allow: Annotated[tuple[Network, ...], Field(strict=False, max_length=1000)] = ()
    """Networks and addresses that may connect, such as `[192.168.1.0/24, "fd00::/8"]`; this machine may
    always connect. Empty: every address may connect."""

    tls_cert: Folder | None = Field(None, strict=False)
    """File with the server certificate for a `tls://` address, followed by the intermediate certificates if
    there are any."""

    tls_key: Folder | None = Field(None, strict=False)
    """File with the private key of `tls_cert`. Other users must not be able to read it."""

    tls_ca: Folder | None = Field(None, strict=False)
    """File with the CA certificates that `lunavox-edge` commands on this machine use to verify the service
    at a `tls://` address. `null`: the file `tls_cert`."""

    zeroconf: bool = True
    """Whether the port is announced in the network (zeroconf, multicast DNS), so that Home Assistant finds it
    by itself. Nothing is announced while only this machine can reach the port."""

    name: InstanceName | None = None
    """Name under which the port is announced. Home Assistant recognises the service by it, so do not change
    it later. `null`: a name made from an identifier of this machine."""

    @model_validator(mode="after")
    def _check_tls(self) -> WyomingSettings:
        if Address.read(self.uri).tls and (self.tls_cert is None or self.tls_key is None):
            raise ValueError("lack the certificate for a tls:// address; set tls_cert and tls_key")
        return self

    @property
    def client_uri(self) -> str:
        """The address that commands on this machine connect to, with `?ca=FILE` for `tls://`."""
        return self.with_trust(self.uri)

    def with_trust(self, uri: str) -> str:
        """Return `uri`, an address of the service; a `tls://` one with the `?ca=FILE` that clients trust."""
        trusted = self.tls_ca or self.tls_cert
        if trusted is None or not Address.parse(uri).tls:
            return uri
        return f"{uri}?ca={trusted.absolute()}"


class LimitSettings(Section):
    """Limits for clients of the Wyoming port, so that a faulty client does not disturb the others."""

    max_connections: int = Field(1024, ge=1, le=100_000)
    """Maximum number of open connections; further ones are refused."""

    max_connections_per_address: int = Field(512, ge=1, le=100_000)
    """Maximum number of open connections from one network address; further ones are refused."""

    max_connects_per_minute: int = Field(6000, ge=1, le=10_000_000)
    """Maximum number of connections that one network address may open per minute; further ones are
    refused."""

    max_requests_per_minute: int = Field(6000, ge=1, le=10_000_000)
    """Maximum number of requests from one network address per minute; further ones get the error "busy"."""

    max_sessions: int = Field(64, ge=1, le=10_000)
    """Maximum number of simultaneous speech recognition and speech synthesis requests; further ones get the
    error "busy"."""

    max_text_chars: int = Field(50_000, ge=1, le=10_000_000)
    """Maximum length of the text of one speech, in characters."""

    max_utterance_s: float = Field(600.0, gt=0, le=86_400)
    """Maximum length of the audio of one utterance, in seconds."""

    max_message_bytes: int = Field(1_048_576, ge=256, le=1_073_741_824)
    """Maximum size of the data, and of the payload, of one message, in bytes. Audio is limited by
    `max_utterance_s` instead."""

    max_header_bytes: int = Field(65_536, ge=64, le=16_777_216)
    """Maximum size of the header line of a message, in bytes."""

    read_timeout_s: Seconds = 30.0
    """Seconds to wait for the rest of a message, for the next audio of an utterance,
    or for the next text of a streamed speech of which everything so far was spoken."""

    write_timeout_s: Seconds = 30.0
    """Seconds to wait for a client that does not read its answer; then the connection is closed."""

    idle_timeout_s: float = Field(3600.0, ge=0.05, le=2_592_000)
    """Seconds after which a connection that sends nothing is closed."""


class EngineSettings(Section):
    """Threads, memory and queues, shared by all models."""

    threads: int | None = Field(None, ge=1, le=1024)
    """Number of threads for models. `null`: one per processor core; cores that are much slower than the
    fastest one are not counted."""

    memory_budget_mb: int | None = Field(None, ge=1, le=16_777_216)
    """Maximum memory for all loaded models together, in MiB. `null`: all available memory except
    `memory_reserve_mb`."""

    memory_reserve_mb: int = Field(256, ge=0, le=16_777_216)
    """Memory of the machine that models must leave free, in MiB."""

    keep_alive_s: Annotated[float, AfterValidator(_check_keep_alive)] = Field(300.0, ge=-1)
    """Seconds that an unused model stays loaded. 0: it is unloaded at once. -1: it is never unloaded because
    of disuse."""

    max_queue: int = Field(64, ge=1, le=100_000)
    """Maximum number of requests that run or wait on one device (the CPU or a GPU); further ones get the
    error "busy"."""

    max_wait_s: Seconds = 10.0
    """Maximum estimated wait for the first audio of a speech, in seconds. A request that would wait longer
    gets the error "busy"; announcements are accepted in any case."""

    load_timeout_s: Seconds = 120.0
    """Seconds that a request waits for a model to load; then it fails."""

    stuck_after_s: float = Field(120.0, ge=0.1, le=86_400)
    """Seconds after which one call of a model counts as stuck. This is logged, and systemd then restarts the
    service. Raise the value if a large model on a slow board needs longer than this for 30 seconds of
    speech."""

    max_temperature_c: float | None = Field(None, ge=30, le=150)
    """Temperature limit of the hottest sensor, in degrees Celsius. When it is reached, the engine reduces its
    load: it unloads unused models, then recognises speech with `stt.fallback_models`. `null`: it does so
    only while the machine reports that heat slows it down."""

    pinned: Names = ()
    """Names of models and voices that are loaded at the start and never unloaded."""


class CatalogSettings(Section):
    """Folders with models and voices, and where to download more."""

    folders: Annotated[tuple[Folder, ...], Field(strict=False, max_length=100)] = ()
    """Folders to search for models and voices. Files that are added there are found without a restart. A
    relative path starts at the folder of the settings file."""

    cache_dir: Folder | None = Field(None, strict=False)
    """Folder for downloaded models and for files prepared from them. `null`: `$XDG_CACHE_HOME/lunavox-edge`,
    or `~/.cache/lunavox-edge` if that variable is not set."""

    hub_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+[^\s]*$", max_length=2000)] = (
        "https://huggingface.co"
    )
    """Address of the Hugging Face hub, or of a mirror of it."""

    def resolved_cache_dir(self) -> Path:
        """Return `cache_dir` or its default; the folder need not exist."""
        return self.cache_dir or system.cache_home() / "lunavox-edge"


class LogSettings(Section):
    """The log, which is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Messages of this severity and above are logged."""


class Settings(Section):
    """All settings; `Settings()` holds the defaults."""

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
    """Your own names for voices, each with fixed parameters."""
    log: LogSettings = LogSettings()


def sections() -> dict[str, type[Section]]:
    """Return each section's name and model, in the order of the file; `voices` is a table, not a section."""
    found: dict[str, Any] = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {
        name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Section)
    }
