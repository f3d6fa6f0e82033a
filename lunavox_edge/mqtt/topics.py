"""The names of all topics; no other module builds or parses them.

All topics are below `<base>/<node>`. A name (node, model, id) is one level of a topic and is escaped, so that
it cannot address another topic. The topics of satellites are below `satellites/<id>`, with the same last
levels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

DEFAULT_BASE = "lunavox"

# Separators, wildcards, our escape character `%`, and characters that MQTT forbids or discourages.
_UNSAFE = re.compile("[/+#%\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MAX_TOPIC_BYTES = 65_535


class Command(str, Enum):
    """The commands, as the last levels of their topics."""

    SAY = "say"
    STOP = "stop"
    SYNTHESIZE = "synthesize"
    TRANSCRIBE = "transcribe"
    SET_VOICE = "voice/set"
    SET_LANGUAGE = "language/set"
    SET_MODEL = "models/set"
    SET_VOLUME = "volume/set"
    SET_MUTE = "mute/set"
    SET_WAKE_WORDS = "wake_words/set"


SATELLITE_COMMANDS = (
    Command.SAY,
    Command.STOP,
    Command.SET_VOLUME,
    Command.SET_MUTE,
    Command.SET_WAKE_WORDS,
)
"""The commands that a satellite has."""

_PLAIN_COMMANDS = (
    Command.SAY,
    Command.STOP,
    Command.SYNTHESIZE,
    Command.TRANSCRIBE,
    Command.SET_VOICE,
    Command.SET_LANGUAGE,
)


@dataclass(frozen=True, slots=True)
class CommandAddress:
    """A parsed command topic; `model` is the name in `models/<name>/set`."""

    command: Command
    model: str = ""
    satellite: str | None = None


@dataclass(frozen=True, slots=True)
class SatelliteTopics:
    """The topics of one satellite; `root` is `lunavox/kitchen/satellites/<id>`."""

    root: str

    @property
    def availability(self) -> str:
        """`online` or `offline`; retained."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """The satellite's state; retained."""
        return f"{self.root}/state"

    def command(self, command: Command) -> str:
        """Return the topic of a command for this satellite."""
        return f"{self.root}/{command.value}"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one appliance; `root` is `lunavox/kitchen`."""

    root: str

    @classmethod
    def of(cls, node: str, base: str = DEFAULT_BASE) -> Topics:
        """Return the topics of a node; `base` may have several levels."""
        return cls(f"{base}/{level(node)}")

    @property
    def availability(self) -> str:
        """`online` or `offline`; retained, and the last will."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """The appliance's state; retained."""
        return f"{self.root}/state"

    @property
    def voices(self) -> str:
        """The catalog of voices; retained."""
        return f"{self.root}/voices"

    @property
    def models(self) -> str:
        """The catalog of speech-to-text models; retained."""
        return f"{self.root}/models"

    @property
    def say(self) -> str:
        """Command: speak a text in a room."""
        return f"{self.root}/{Command.SAY.value}"

    @property
    def stop(self) -> str:
        """Command: stop speaking."""
        return f"{self.root}/{Command.STOP.value}"

    @property
    def synthesize(self) -> str:
        """Request: text, answered with audio."""
        return f"{self.root}/{Command.SYNTHESIZE.value}"

    @property
    def transcribe(self) -> str:
        """Request: audio, answered with text."""
        return f"{self.root}/{Command.TRANSCRIBE.value}"

    @property
    def set_voice(self) -> str:
        """Command: set the default voice, by name."""
        return f"{self.root}/{Command.SET_VOICE.value}"

    @property
    def set_language(self) -> str:
        """Command: set the default language."""
        return f"{self.root}/{Command.SET_LANGUAGE.value}"

    def set_model(self, name: str) -> str:
        """Command: `load`, `unload` or `pin` one model or voice."""
        return f"{self.models}/{level(name)}/set"

    def transcript(self, request_id: str) -> str:
        """Return the topic for the transcript of a request without a response topic."""
        return f"{self.root}/transcript/{level(request_id)}"

    @property
    def speech_events(self) -> str:
        """The status changes of every `say`."""
        return f"{self.root}/events/speech"

    @property
    def transcript_events(self) -> str:
        """The published transcripts."""
        return f"{self.root}/events/transcript"

    @property
    def overlap_events(self) -> str:
        """Reports of people who speak while a satellite plays speech."""
        return f"{self.root}/events/overlapping_speech"

    @property
    def error_events(self) -> str:
        """The errors of messages without a response topic."""
        return f"{self.root}/events/error"

    def satellite(self, satellite: str) -> SatelliteTopics:
        """Return the topics of a satellite."""
        return SatelliteTopics(f"{self.root}/satellites/{level(satellite)}")

    @property
    def satellite_states(self) -> str:
        """The filter for the states of all satellites, also of those that no longer exist."""
        return f"{self.root}/satellites/+/state"

    def satellite_of_state(self, topic: str) -> str | None:
        """Return the satellite whose `state` topic this is; None for every other topic."""
        prefix, last = f"{self.root}/satellites/", "/state"
        if not (topic.startswith(prefix) and topic.endswith(last)):
            return None
        satellite = unquote(topic[len(prefix) : -len(last)])
        return satellite if self.satellite(satellite).state == topic else None

    @property
    def commands(self) -> tuple[str, ...]:
        """The filters of all commands; they match no topic that the appliance publishes to."""
        return (
            *(f"{self.root}/{command.value}" for command in _PLAIN_COMMANDS),
            f"{self.models}/+/set",
            *(f"{self.root}/satellites/+/{command.value}" for command in SATELLITE_COMMANDS),
        )

    def parse(self, topic: str) -> CommandAddress | None:
        """Parse the topic of a command; None if it is not one of this appliance's commands."""
        if not topic.startswith(f"{self.root}/"):
            return None
        rest = topic[len(self.root) + 1 :]
        parts = rest.split("/")
        if len(parts) == 3 and (parts[0], parts[2]) == ("models", "set"):  # noqa: PLR2004  # models/NAME/set
            return CommandAddress(Command.SET_MODEL, unquote(parts[1])) if parts[1] else None
        satellite: str | None = None
        allowed: tuple[Command, ...] = _PLAIN_COMMANDS
        if parts[0] == "satellites" and len(parts) > 2 and parts[1]:  # noqa: PLR2004  # satellites/ID/say
            satellite, allowed, rest = unquote(parts[1]), SATELLITE_COMMANDS, "/".join(parts[2:])
        for command in allowed:
            if rest == command.value:
                return CommandAddress(command, satellite=satellite)
        return None


@dataclass(frozen=True, slots=True)
class HomeAssistantTopics:
    """The topics of Home Assistant's discovery; `prefix` is its setting, `homeassistant` by default.

    Ids and keys consist of letters, digits, `_` and `-`: Home Assistant ignores topics with other characters.
    """

    prefix: str

    @property
    def status(self) -> str:
        """Where Home Assistant publishes `online` when it has started."""
        return f"{self.prefix}/status"

    def device(self, device_id: str) -> str:
        """Return the topic of a whole device; retained."""
        return f"{self.prefix}/device/{device_id}/config"

    def entity(self, platform: str, device_id: str, key: str) -> str:
        """Return the topic of one entity, for versions of Home Assistant without devices; retained."""
        return f"{self.prefix}/{platform}/{device_id}/{key}/config"

    def filters(self, device_id: str) -> tuple[str, str]:
        """Return the filters for all retained messages of a device, in both forms."""
        return self.device(device_id), self.entity("+", device_id, "+")


def level(name: str) -> str:
    """Return a name as one level of a topic, with special characters escaped."""
    return _UNSAFE.sub(_escape, name)


def is_publishable(topic: str) -> bool:
    """Whether a topic from a peer may be published to: no wildcards, no `$` topics of the broker."""
    try:
        size_bytes = len(topic.encode())
    except UnicodeEncodeError:
        return False
    unsafe = any(sign in topic for sign in "+#") or not topic.isprintable()
    return 0 < size_bytes <= _MAX_TOPIC_BYTES and not unsafe and not topic.startswith("$")


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode(errors="replace"))
