"""Settings of MQTT and of the appliance's own sound card."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lunavox_edge.address import split
from lunavox_edge.settings.section import Folder, Name, Section, off


def _check_broker(broker: str) -> str:
    if broker in ("off", "embedded"):
        return broker
    example = "write off, embedded, or mqtt://HOST, mqtts://HOST, ws://HOST or wss://HOST"
    try:
        parts = split(broker)
    except ValueError:
        raise ValueError(f"is not an address; {example}") from None
    if (
        parts.scheme not in ("mqtt", "mqtts", "ws", "wss")
        or not parts.hostname
        or parts.port == 0
        or parts.query
    ):
        raise ValueError(f"is not an address; {example}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; use mqtt.user and mqtt.password_file")
    if parts.path.strip("/") and parts.scheme.startswith("mqtt"):
        raise ValueError("has a path, which only ws:// and wss:// may have")
    return broker


def _check_listen(address: str) -> str:
    example = "write HOST:PORT, such as 127.0.0.1:1883 or [::1]:1883"
    try:
        parts = split(f"mqtt://{address}")
    except ValueError:
        raise ValueError(f"is not an address; {example}") from None
    if not parts.hostname or parts.port is None or parts.netloc != address or "@" in address:
        raise ValueError(f"is not an address; {example}")
    return address


def _check_base(base: str) -> str:
    odd = not base.isprintable() or bool(set(base) & {"+", "#"})
    if odd or any(not level or level.startswith("$") for level in base.split("/")):
        raise ValueError("must be one or more levels such as lunavox or house/voice, without + # and $")
    return base


def _digits(value: object) -> object:
    """Turn an integer into text, because YAML reads a bare `5` as a number."""
    return str(value) if type(value) is int else value


Topic = Annotated[str, AfterValidator(_check_base), Field(min_length=1, max_length=200)]


class MqttSettings(Section):
    """MQTT, for automations and Home Assistant. docs/MQTT.md describes the topics."""

    broker: Annotated[str, BeforeValidator(off), AfterValidator(_check_broker)] = "off"
    """`off`, `embedded` for a broker inside the service, or the address of your broker: `mqtt://HOST`,
    `mqtts://HOST` (TLS), `ws://HOST/PATH` or `wss://HOST/PATH`, with `:PORT` if it is not the standard
    port."""

    listen: Annotated[str, AfterValidator(_check_listen)] = "127.0.0.1:1883"
    """Address that the embedded broker listens on. With `0.0.0.0:1883` other machines can connect; set a user
    and a password then."""

    node: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Name of this appliance in topics; two appliances must not have the same name. `null`: the host name."""

    base: Topic = "lunavox"
    """First part of all topics, before the node."""

    version: Annotated[Literal["5", "3.1.1"], BeforeValidator(_digits)] = "5"
    """MQTT version to use: `5` or `3.1.1`. The embedded broker supports 3.1.1 only."""

    user: Name | None = None
    """User name to log in with at the broker. The embedded broker accepts only this user."""

    password: Annotated[str, Field(max_length=1000)] | None = Field(None, repr=False)
    """Password of the user. Other users of this machine must not be able to read the settings file then. The
    password cannot be set by an environment variable."""

    password_file: Folder | None = Field(None, strict=False)
    """File whose first line is the password, such as a systemd credential. Other users must not be able to
    read it."""

    tls_ca: Folder | None = Field(None, strict=False)
    """File with the CA certificates that verify the broker for `mqtts://` and `wss://`. `null`: the CA
    certificates of the system."""

    tls_cert: Folder | None = Field(None, strict=False)
    """File with the client certificate, if the broker asks for one."""

    tls_key: Folder | None = Field(None, strict=False)
    """File with the private key of `tls_cert`."""

    discovery: Annotated[Literal["device", "entities", "off"], BeforeValidator(off)] = "device"
    """How Home Assistant discovers the appliance: as one `device`, as separate `entities` (for versions of
    Home Assistant before 2024.12), or `off`."""

    discovery_prefix: Topic = "homeassistant"
    """First part of the topics where Home Assistant looks for devices."""

    publish_transcripts: Annotated[
        tuple[Literal["satellites", "mqtt", "wyoming"], ...], Field(strict=False, max_length=3)
    ] = ("satellites", "mqtt")
    """Which transcripts are published as `events/transcript`: those of `satellites`, of audio sent over
    `mqtt`, and of clients of the `wyoming` port."""

    max_queue: int = Field(64, ge=1, le=10_000)
    """Maximum number of announcements that are queued; further ones get the error "busy"."""

    max_audio_mb: int = Field(32, ge=1, le=200)
    """Maximum size of one recording to transcribe, in megabytes."""

    result_expiry_s: float = Field(300.0, ge=1.0, le=86_400.0)
    """Seconds that results are kept while the broker cannot be reached; then they are dropped."""


class AudioSettings(Section):
    """The sound card of the appliance, for announcements."""

    output: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """How the appliance plays sound: `auto` for the first installed player, `alsa:DEVICE` for an ALSA device
    such as `alsa:plughw:1`, or a command that plays a WAV from its standard input, such as `aplay -q -`.
    `null`: the appliance has no loudspeaker of its own."""

    lead_in_silence_ms: int = Field(0, ge=0, le=5000)
    """Milliseconds of silence before everything that is played, for a loudspeaker that wakes up slowly and
    would cut off the first word."""
