"""Every topic's name; nothing else builds or parses one.

All topics lie below `<base>/<node>`. What a peer must not choose freely (a node, a model, an id) is one
level of a topic and is escaped, so that no name can reach another topic. Satellites have theirs below
`satellites/<id>`, with the same last levels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

DEFAULT_BASE = "lunavox"

# Separators, wildcards, our own escape sign, and what MQTT forbids or advises against.
_UNSAFE = re.compile("[/+#%\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MAX_TOPIC_BYTES = 65_535


class Command(str, Enum):
    """What the appliance can be told, as the last levels of the topic."""

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
"""What can be told to a satellite."""

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
    """What an incoming topic asks for; `model` is the name in `models/<name>/set`."""

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
        """How it does; retained."""
        return f"{self.root}/state"

    def command(self, command: Command) -> str:
        """Takes what a satellite can be told."""
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
        """How the appliance does; retained."""
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
        """Takes text to be spoken in a room."""
        return f"{self.root}/{Command.SAY.value}"

    @property
    def stop(self) -> str:
        """Ends what is being spoken."""
        return f"{self.root}/{Command.STOP.value}"

    @property
    def synthesize(self) -> str:
        """Takes text and answers with audio."""
        return f"{self.root}/{Command.SYNTHESIZE.value}"

    @property
    def transcribe(self) -> str:
        """Takes audio and answers with text."""
        return f"{self.root}/{Command.TRANSCRIBE.value}"

    @property
    def set_voice(self) -> str:
        """Takes the name of the new default voice."""
        return f"{self.root}/{Command.SET_VOICE.value}"

    @property
    def set_language(self) -> str:
        """Takes the new default language."""
        return f"{self.root}/{Command.SET_LANGUAGE.value}"

    def set_model(self, name: str) -> str:
        """Takes `load`, `unload` or `pin` for one model or voice."""
        return f"{self.models}/{level(name)}/set"

    def transcript(self, request_id: str) -> str:
        """Where the transcript of a request without a response topic goes."""
        return f"{self.root}/transcript/{level(request_id)}"

    @property
    def speech_events(self) -> str:
        """What happens to every `say`."""
        return f"{self.root}/events/speech"

    @property
    def transcript_events(self) -> str:
        """What was heard."""
        return f"{self.root}/events/transcript"

    @property
    def overlap_events(self) -> str:
        """Who speaks while a satellite does."""
        return f"{self.root}/events/overlapping_speech"

    @property
    def error_events(self) -> str:
        """What is wrong with a message that named no place for an answer."""
        return f"{self.root}/events/error"

    def satellite(self, satellite: str) -> SatelliteTopics:
        """Return the topics of a satellite."""
        return SatelliteTopics(f"{self.root}/satellites/{level(satellite)}")

    @property
    def satellite_states(self) -> str:
        """The filter that brings what is told of all satellites, also of those that are no more."""
        return f"{self.root}/satellites/+/state"

    def satellite_told_of(self, topic: str) -> str | None:
        """Return the satellite whose state a topic holds; None for every other topic."""
        prefix, last = f"{self.root}/satellites/", "/state"
        if not (topic.startswith(prefix) and topic.endswith(last)):
            return None
        satellite = unquote(topic[len(prefix) : -len(last)])
        return satellite if self.satellite(satellite).state == topic else None

    @property
    def commands(self) -> tuple[str, ...]:
        """The filters to subscribe to; own results are not among them."""
        return (
            *(f"{self.root}/{command.value}" for command in _PLAIN_COMMANDS),
            f"{self.models}/+/set",
            *(f"{self.root}/satellites/+/{command.value}" for command in SATELLITE_COMMANDS),
        )

    def parse(self, topic: str) -> CommandAddress | None:
        """Return what a topic asks for; None if it is not one of our commands."""
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
    """Where Home Assistant looks for devices; `prefix` is what it was told, `homeassistant` by default.

    Ids and keys are letters, digits, `_` and `-`: Home Assistant ignores other topics.
    """

    prefix: str

    @property
    def status(self) -> str:
        """Where Home Assistant says `online` when it has started."""
        return f"{self.prefix}/status"

    def device(self, device_id: str) -> str:
        """Takes the whole device; retained."""
        return f"{self.prefix}/device/{device_id}/config"

    def entity(self, platform: str, device_id: str, key: str) -> str:
        """Takes one entity, for a Home Assistant that does not know devices; retained."""
        return f"{self.prefix}/{platform}/{device_id}/{key}/config"

    def filters(self, device_id: str) -> tuple[str, str]:
        """The filters that bring all that is retained about a device, in both forms."""
        return self.device(device_id), self.entity("+", device_id, "+")


def level(name: str) -> str:
    """Return a name as one level of a topic, with what would be more than a name escaped."""
    return _UNSAFE.sub(_escape, name)


def is_publishable(topic: str) -> bool:
    """Whether a topic that a peer chose may be published to: no wildcards, nothing of the broker's own."""
    try:
        size_bytes = len(topic.encode())
    except UnicodeEncodeError:
        return False
    unsafe = any(sign in topic for sign in "+#") or not topic.isprintable()
    return 0 < size_bytes <= _MAX_TOPIC_BYTES and not unsafe and not topic.startswith("$")


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode(errors="replace"))
