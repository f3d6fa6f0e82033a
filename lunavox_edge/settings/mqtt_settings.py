"""What can be set about MQTT and the appliance's own loudspeaker."""

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
    """YAML reads a bare `5` as a number."""
    return str(value) if type(value) is int else value


Topic = Annotated[str, AfterValidator(_check_base), Field(min_length=1, max_length=200)]


class MqttSettings(Section):
    """The broker through which automations reach the appliance. docs/MQTT.md has the topics."""

    broker: Annotated[str, BeforeValidator(off), AfterValidator(_check_broker)] = "off"
    """`off`, `embedded` for a broker inside the service, or the address of one: `mqtt://HOST`,
    `mqtts://HOST` (TLS), `ws://HOST/PATH`, `wss://HOST/PATH`, with `:PORT` where it is not the usual one."""

    listen: Annotated[str, AfterValidator(_check_listen)] = "127.0.0.1:1883"
    """Where the embedded broker listens. `0.0.0.0:1883` lets other machines in; set a user and a password
    then."""

    node: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Name of this appliance in topics, one of its own for each. `null`: the host name."""

    base: Topic = "lunavox"
    """What all topics begin with, before the node."""

    version: Annotated[Literal["5", "3.1.1"], BeforeValidator(_digits)] = "5"
    """MQTT version to speak: `5` or `3.1.1`. The embedded broker speaks 3.1.1 only."""

    user: Name | None = None
    """User name at the broker; the embedded one lets only this user in."""

    password: Annotated[str, Field(max_length=1000)] | None = Field(None, repr=False)
    """Password of the user. Others must not be able to read the file that it stands in; a variable is not
    taken."""

    password_file: Folder | None = Field(None, strict=False)
    """File whose first line is the password, such as a credential of systemd; others must not be able to
    read it."""

    tls_ca: Folder | None = Field(None, strict=False)
    """File of certificates to trust for `mqtts://` and `wss://`. `null`: those of the system."""

    tls_cert: Folder | None = Field(None, strict=False)
    """File of the certificate that the appliance shows to the broker."""

    tls_key: Folder | None = Field(None, strict=False)
    """File of the key of that certificate."""

    discovery: Annotated[Literal["device", "entities", "off"], BeforeValidator(off)] = "device"
    """How the appliance shows itself to Home Assistant: as one `device`, as single `entities` (for versions
    before 2024.12), or `off`."""

    discovery_prefix: Topic = "homeassistant"
    """Topic below which Home Assistant looks for devices."""

    publish_transcripts: Annotated[
        tuple[Literal["satellites", "mqtt", "wyoming"], ...], Field(strict=False, max_length=3)
    ] = ("satellites", "mqtt")
    """Whose transcripts are published as `events/transcript`: of `satellites`, of audio sent over `mqtt`, of
    clients of the `wyoming` port."""

    max_queue: int = Field(64, ge=1, le=10_000)
    """Texts that may wait to be spoken; over that the answer is "busy"."""

    max_audio_mb: int = Field(32, ge=1, le=200)
    """Megabytes of one recording to transcribe."""

    result_expiry_s: float = Field(300.0, ge=1.0, le=86_400.0)
    """Seconds that results wait for a broker that is away."""


class AudioSettings(Section):
    """The sound card of the appliance itself."""

    output: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Where the appliance speaks: `auto` for the first player found, `alsa:DEVICE` for an ALSA device such
    as `alsa:plughw:1`, or a command that plays a WAV from its input, such as `aplay -q -`. `null`: it has
    no loudspeaker of its own."""

    lead_in_silence_ms: int = Field(0, ge=0, le=5000)
    """Milliseconds of silence before everything that is played, for a loudspeaker that wakes slowly and would
    swallow the first word."""
