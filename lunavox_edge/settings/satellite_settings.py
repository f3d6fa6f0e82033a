"""Settings of satellites (microphones and loudspeakers in rooms) and of the answerers they ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lunavox_edge.address import NO_ADDRESS, Address, split
from lunavox_edge.settings.section import Folder, Language, Name, Names, Section, off

ECHO, MQTT = "echo", "mqtt"
"""Names of the answerers that need no entry in `satellites.answers`."""

ALL = "all"
"""The name that stands for all satellites."""

_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_NEEDS_URL = {"wyoming": "tcp://HOST:PORT", "home-assistant": "http://HOST:8123", "openai": "http://HOST/v1"}


def _check_address(uri: str) -> str:
    address = Address.read(uri)
    if address.path is None and address.port == 0:
        raise ValueError(NO_ADDRESS)
    return uri


def _check_url(url: str) -> str:
    if url.lower().startswith(("tcp:", "tls:", "unix:")):
        return _check_address(url)
    wrong = "is not an address; write http://HOST:PORT/PATH, or tcp://HOST:PORT for Wyoming"
    try:
        parts = split(url)
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(wrong)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; use token_file")
    return url


FollowUp = Annotated[Literal["off", "question", "always"], BeforeValidator(off)]
SatelliteId = Annotated[str, Field(pattern=_ID, min_length=1, max_length=64)]


class SatelliteSettings(Section):
    """One satellite. Keys that are `null` have the value that `satellites` gives for all."""

    uri: Annotated[str, AfterValidator(_check_address)]
    """Address of the satellite: `tcp://HOST:PORT`, `unix:///PATH`, or `tls://HOST:PORT?ca=FILE`, where FILE
    holds the certificate of the satellite or of the CA that signed it."""

    name: Name | None = None
    """Name that is shown to people. `null`: the name that the satellite reports."""

    area: Name | None = None
    """Room of the satellite. `null`: the room that the satellite reports."""

    answer: Name | None = None
    """What answers at this satellite: `echo`, `mqtt` or a name of `satellites.answers`."""

    voice: Name | None = None
    """Voice of the answers. `null`: the voice of `tts`."""

    language: Language | None = None
    """Language that is spoken to this satellite. `null`: the language of `stt`."""

    volume: float = Field(1.0, ge=0.0, le=4.0)
    """Volume of this satellite, multiplied with the volume of what is played."""

    wake_words: Names = ()
    """Wake words, for a satellite that does not detect them itself. Empty: those of `wake.default`."""

    chime: bool | None = None
    """Whether a chime is played when a wake word was detected."""

    follow_up: FollowUp | None = None
    """Whether the satellite listens again after an answer without a wake word: `off`, after a `question`, or
    `always`."""

    echo_cancelled: bool = False
    """Whether the satellite removes its own sound from the microphone signal (echo cancellation).
    `satellites.overlap` works only then."""

    rate_hz: int | None = Field(None, ge=8_000, le=48_000)
    """Sample rate for playback in Hz, for a satellite that does not report it. `null`: the sample rate of the
    voice."""

    lead_in_silence_ms: int = Field(0, ge=0, le=5000)
    """Milliseconds of silence before everything that it plays, for a loudspeaker that wakes up slowly and
    would cut off the first word."""


class Answer(Section):
    """An answerer: the service or language model that answers what a person says to a satellite."""

    kind: Literal["echo", "mqtt", "wyoming", "home-assistant", "openai"]
    """`echo`: repeats what was said. `mqtt`: waits for a `say` command over MQTT. `wyoming`: a Wyoming
    service that handles intents or text. `home-assistant`: the conversation agent of Home Assistant.
    `openai`: any server with OpenAI's chat interface, such as a local language model."""

    url: Annotated[str, AfterValidator(_check_url)] | None = None
    """Address: `tcp://HOST:PORT` or `tls://HOST:PORT?ca=FILE` for `wyoming`, `http://HOST:8123` for
    `home-assistant`, `http://HOST/v1` for `openai`."""

    token_file: Folder | None = Field(None, strict=False)
    """File whose first line is the access token. Other users must not be able to read it."""

    model: Name | None = None
    """Name of the language model for `openai`, or of the conversation agent for `home-assistant`."""

    prompt: str = Field("You are a voice assistant. Answer in one or two short sentences.", max_length=20_000)
    """System prompt of the language model (`openai`)."""

    timeout_s: float = Field(15.0, ge=0.1, le=600.0)
    """Seconds to wait for the first word of an answer, and for each following piece of it."""

    retries: int = Field(1, ge=0, le=10)
    """How often to try again after a failure. An answer that has begun is not repeated."""

    error_text: str = Field("Sorry, I cannot answer just now.", max_length=1000)
    """What is spoken when there is no answer. Empty: nothing."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Answer:
        if self.kind in _NEEDS_URL and self.url is None:
            raise ValueError(f"needs a url, such as {_NEEDS_URL[self.kind]}")
        if self.url is not None and (self.kind == "wyoming") == self.url.lower().startswith("http"):
            raise ValueError(f"needs another url, such as {_NEEDS_URL.get(self.kind, 'none')}")
        return self


class SatellitesSettings(Section):
    """Satellites that use the Wyoming protocol. docs/SATELLITES.md shows how to begin."""

    known: dict[SatelliteId, SatelliteSettings] = Field(default_factory=dict)
    """The satellites, such as `{kitchen: {uri: "tcp://192.168.1.20:10700", area: Kitchen}}`."""

    zeroconf: bool = True
    """Whether satellites are searched in the network (zeroconf, multicast DNS): by the command `lunavox-edge
    satellites`, and by the service, to find approved satellites whose address has changed. The service
    connects to approved satellites only."""

    approved_file: Folder | None = Field(None, strict=False)
    """File with the approved satellites. `null`: `approved-satellites.json` in the state folder."""

    answers: dict[Name, Answer] = Field(default_factory=dict)
    """The answerers, by names of your own; `echo` and `mqtt` need no entry."""

    answer: Name = ECHO
    """What answers at satellites that do not name an answerer: `echo`, `mqtt` or a name of `answers`."""

    context_s: float = Field(300.0, ge=0.0, le=86_400.0)
    """Seconds after an answer in which the next question belongs to the same conversation."""

    chime: bool = True
    """Whether a chime is played when a wake word was detected, at satellites that have no chime of their
    own."""

    announcement_chime: bool = True
    """Whether a chime is played before an announcement."""

    follow_up: FollowUp = "off"
    """Whether satellites listen again after an answer without a wake word: `off`, after a `question`, or
    `always`."""

    vad_sensitivity: Literal["aggressive", "default", "relaxed"] = "aggressive"
    """How short a pause ends an utterance: `aggressive` is the shortest; the times are `stt.pause_*_ms`.
    `aggressive` waits longer if the words so far sound unfinished."""

    barge_in: bool = True
    """Whether a wake word interrupts what the satellite is speaking."""

    overlap: Annotated[Literal["off", "report", "interrupt"], BeforeValidator(off)] = "interrupt"
    """What happens when a person speaks while the satellite speaks: nothing (`off`), an MQTT event
    (`report`), or an event, and the satellite stops speaking and listens (`interrupt`). Works only at
    satellites that are `echo_cancelled` and always stream their microphone."""

    overlap_ms: int = Field(600, ge=100, le=10_000)
    """Milliseconds that a person must speak before `overlap` takes effect, so that a cough does not count."""

    stop_words: Names = ()
    """Installed wake words that stop what the satellite is speaking and do nothing else."""

    interrupted: Literal["resume", "drop"] = "resume"
    """What happens to an announcement that an urgent one has interrupted: it is continued (`resume`) or
    dropped (`drop`)."""

    lead_ms: int = Field(100, ge=20, le=2000)
    """Milliseconds of audio that are sent to a satellite ahead of playback. A higher value bridges gaps of a
    weak Wi-Fi, but sound also continues for that long after a stop."""

    @model_validator(mode="after")
    def _answers_exist(self) -> SatellitesSettings:
        known = {ECHO, MQTT, *self.answers}
        for where, name in [("answer", self.answer)] + [
            (f"known.{key}.answer", satellite.answer) for key, satellite in self.known.items()
        ]:
            if name is not None and name not in known:
                raise ValueError(f"has no answer '{name}' for {where}; there are: {', '.join(sorted(known))}")
        if ALL in self.known:
            raise ValueError(f"must not have a satellite called '{ALL}', which stands for all of them")
        return self

    @property
    def token_files(self) -> dict[str, Path]:
        """The token files by the full key of the setting that names each."""
        found = {f"satellites.answers.{name}.token_file": at.token_file for name, at in self.answers.items()}
        return {key: file for key, file in found.items() if file is not None}

    def answer_for(self, satellite: SatelliteSettings) -> tuple[str, Answer]:
        """Return the answerer of a satellite: its name and its settings."""
        name = satellite.answer or self.answer
        found = self.answers.get(name)
        return name, found or Answer(kind="mqtt" if name == MQTT else "echo")
