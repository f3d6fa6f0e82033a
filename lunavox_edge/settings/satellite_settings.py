"""What can be set about satellites: microphones and loudspeakers around the house, and who answers there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lunavox_edge.address import NO_ADDRESS, Address, split
from lunavox_edge.settings.section import Folder, Language, Name, Names, Section, off

ECHO, MQTT = "echo", "mqtt"
"""Answers that need no settings of their own."""

ALL = "all"
"""Stands for every satellite where one is named."""

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
    """One satellite; what is null is as `satellites` says for all."""

    uri: Annotated[str, AfterValidator(_check_address)]
    """Where it listens: `tcp://HOST:PORT`, `unix:///PATH`, or `tls://HOST:PORT?ca=FILE` with the certificate
    that it has to show, or that of the authority behind it."""

    name: Name | None = None
    """What people read. `null`: the name that it tells."""

    area: Name | None = None
    """The room it is in. `null`: what it tells."""

    answer: Name | None = None
    """Who answers here: `echo`, `mqtt` or a name of `satellites.answers`."""

    voice: Name | None = None
    """The voice that answers here. `null`: that of `tts`."""

    language: Language | None = None
    """The language that is spoken here. `null`: that of `stt`."""

    volume: float = Field(1.0, ge=0.0, le=4.0)
    """How loud it plays, times the volume of what is played."""

    wake_words: Names = ()
    """Words to wait for where it does not do so itself. Empty: those of `wake.default`."""

    chime: bool | None = None
    """Whether a chime tells that a wake word was heard."""

    follow_up: FollowUp | None = None
    """Whether to listen on without a wake word."""

    echo_cancelled: bool = False
    """Whether it takes its own sound out of what its microphone hears; `satellites.overlap` needs that."""

    rate_hz: int | None = Field(None, ge=8_000, le=48_000)
    """Samples per second of what it plays, for a satellite that does not tell. `null`: as the voice has."""

    lead_in_silence_ms: int = Field(0, ge=0, le=5000)
    """Milliseconds of silence before everything that it plays, for a loudspeaker that wakes slowly and would
    swallow the first word."""


class Answer(Section):
    """Somebody who answers what was said."""

    kind: Literal["echo", "mqtt", "wyoming", "home-assistant", "openai"]
    """`echo` repeats; `mqtt` waits for a `say`; `wyoming` asks a service for intents; `home-assistant` its
    conversation; `openai` any chat endpoint of that kind, such as a language model in the house."""

    url: Annotated[str, AfterValidator(_check_url)] | None = None
    """Where: `tcp://HOST:PORT` or `tls://HOST:PORT?ca=FILE` for `wyoming`, `http://HOST:8123` for
    `home-assistant`, `http://HOST/v1` for `openai`."""

    token_file: Folder | None = Field(None, strict=False)
    """File whose first line is the access token; others must not be able to read it."""

    model: Name | None = None
    """The language model for `openai`, the agent for `home-assistant`."""

    prompt: str = Field("You are a voice assistant. Answer in one or two short sentences.", max_length=20_000)
    """What a language model is told first."""

    timeout_s: float = Field(15.0, ge=0.1, le=600.0)
    """Seconds to wait for the first word, and for each next one."""

    retries: int = Field(1, ge=0, le=10)
    """How often to try again, as long as nothing was said yet."""

    error_text: str = Field("Sorry, I cannot answer just now.", max_length=1000)
    """What is said when there is no answer; empty says nothing."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Answer:
        if self.kind in _NEEDS_URL and self.url is None:
            raise ValueError(f"needs a url, such as {_NEEDS_URL[self.kind]}")
        if self.url is not None and (self.kind == "wyoming") == self.url.lower().startswith("http"):
            raise ValueError(f"needs another url, such as {_NEEDS_URL.get(self.kind, 'none')}")
        return self


class SatellitesSettings(Section):
    """Satellites that speak the Wyoming protocol. docs/SATELLITES.md shows how to begin."""

    known: dict[SatelliteId, SatelliteSettings] = Field(default_factory=dict)
    """The satellites, such as `{kitchen: {uri: "tcp://192.168.1.20:10700", area: Kitchen}}`."""

    zeroconf: bool = True
    """Whether satellites are looked for by multicast DNS: by `lunavox-edge satellites`, and by the service to
    find those that were approved at their present addresses. Nobody else is connected to."""

    approved_file: Folder | None = Field(None, strict=False)
    """File with the approved satellites. `null`: `approved-satellites.json` in the state folder."""

    answers: dict[Name, Answer] = Field(default_factory=dict)
    """Who can answer, by names of your own; `echo` and `mqtt` need no entry."""

    answer: Name = ECHO
    """Who answers where a satellite says nothing else: `echo`, `mqtt` or a name of `answers`."""

    context_s: float = Field(300.0, ge=0.0, le=86_400.0)
    """Seconds after an answer in which the next question belongs to the same conversation."""

    chime: bool = True
    """Whether a chime tells that a wake word was heard; for satellites that have none of their own."""

    announcement_chime: bool = True
    """Whether a chime comes before an announcement."""

    follow_up: FollowUp = "off"
    """Whether to listen on after an answer without a wake word: `off`, after a `question`, or `always`."""

    vad_sensitivity: Literal["aggressive", "default", "relaxed"] = "aggressive"
    """How soon a pause ends what is said; `stt.pause_*_ms` says how long each is. `aggressive` waits longer
    where the words so far want more."""

    barge_in: bool = True
    """Whether the wake word interrupts what is being said."""

    overlap: Annotated[Literal["off", "report", "interrupt"], BeforeValidator(off)] = "interrupt"
    """What speech over speech does: nothing (`off`), an event (`report`), or an event, silence and listening
    (`interrupt`). Only at satellites that are `echo_cancelled` and stream their microphone all the time."""

    overlap_ms: int = Field(600, ge=100, le=10_000)
    """Milliseconds that somebody has to speak over speech, so that a cough does not count."""

    stop_words: Names = ()
    """Installed wake words that end what is being said, and nothing more."""

    interrupted: Literal["resume", "drop"] = "resume"
    """What becomes of an announcement that an urgent one interrupts."""

    lead_ms: int = Field(100, ge=20, le=2000)
    """Milliseconds of audio that a satellite is sent ahead. More bridges gaps of a weak Wi-Fi, and is what
    still sounds after a stop."""

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
        """The files that hold secrets, by the keys that name them."""
        found = {f"satellites.answers.{name}.token_file": at.token_file for name, at in self.answers.items()}
        return {key: file for key, file in found.items() if file is not None}

    def answer_for(self, satellite: SatelliteSettings) -> tuple[str, Answer]:
        """Return who answers at a satellite, with the name."""
        name = satellite.answer or self.answer
        found = self.answers.get(name)
        return name, found or Answer(kind="mqtt" if name == MQTT else "echo")
