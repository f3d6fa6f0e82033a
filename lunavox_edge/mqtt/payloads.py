"""What comes in and what goes out, as frozen values; what comes in is checked here and nowhere else."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from lunavox_edge.errors import Busy, InternalError, LunavoxError, ProtocolError
from lunavox_edge.speaking.announcer import SpeechStatus
from lunavox_edge.speaking.house import SatellitePhase, SatelliteView
from lunavox_edge.types import Priority, Transcript

ONLINE = "online"
OFFLINE = "offline"

MAX_COMMAND_BYTES = 1_048_576
"""More than any command but audio needs; a longer one is not even read."""

MAX_VOLUME = 4.0

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_MAX_SHOWN_PROBLEMS = 3
_MAX_SHOWN_KEY_CHARS = 40

Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
Topic = Annotated[str, Field(min_length=1, max_length=1000)]


class Phase(str, Enum):
    """What the appliance does; speaking goes before listening."""

    STARTING = "starting"
    IDLE = "idle"
    LISTENING = "listening"
    SPEAKING = "speaking"
    STOPPING = "stopping"


class ModelAction(str, Enum):
    """What `models/<name>/set` takes."""

    LOAD = "load"
    UNLOAD = "unload"
    PIN = "pin"


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    id: Id | None = None


class _TextRequest(_Request):
    text: str
    text_format: Literal["text", "ssml"] = "text"
    voice: Name | None = None
    language: Name | None = None
    speed: float | None = Field(None, ge=0.25, le=4.0)
    volume: float | None = Field(None, ge=0.0, le=4.0)


class SayRequest(_TextRequest):
    """Text to be spoken; without a place it is spoken where the appliance is."""

    satellite: Name | None = None
    area: Name | None = None
    satellites: Annotated[tuple[Name, ...], Field(strict=False, min_length=1, max_length=100)] | None = None
    priority: Priority = Field(Priority.NORMAL, strict=False)


class SynthesizeRequest(_TextRequest):
    """Text to be turned into audio."""

    format: Literal["wav", "pcm", "flac"] = "wav"
    reply_to: Topic | None = None


class StopRequest(_Request):
    """What to stop: all of it, what one satellite says, or one `say`."""

    satellite: Name | None = None


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def encoded(self) -> bytes:
        """Return the JSON, without the keys that have no value."""
        return self.model_dump_json(exclude_none=True).encode()


class Problem(_Out):
    """An error as the peer is told of it."""

    code: str
    message: str
    retryable: bool
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: Exception) -> Problem:
        """Return the error's own words, or nothing but `internal`."""
        if not isinstance(error, LunavoxError):
            error = InternalError("Something went wrong inside the appliance; its log says more.")
        retry_after_s = error.retry_after_s if isinstance(error, Busy) else None
        return cls(
            code=error.code, message=str(error), retryable=error.retryable, retry_after_s=retry_after_s
        )


class ErrorPayload(_Out):
    """Goes where the result would have gone; `topic` is told in `events/error` only."""

    id: str | None = None
    topic: str | None = None
    error: Problem


class SpeechEvent(_Out):
    """What became of a `say`."""

    id: str
    status: SpeechStatus
    voice: str | None = None
    satellite: str | None = None
    satellites: tuple[str, ...] | None = None
    missed: tuple[str, ...] | None = None
    """Satellites that did not speak it to the end, most likely because they are offline."""
    first_audio_ms: float | None = None
    audio_s: float | None = None
    error: Problem | None = None


class TranscriptEvent(_Out):
    """What was heard, as the answer to `transcribe` and as an event.

    `event_type` is what Home Assistant's event entities read.
    """

    event_type: Literal["transcript"] = "transcript"
    id: str
    text: str
    language: str
    confidence: float
    source: str
    satellite: str | None = None
    wake_word: str | None = None
    duration_s: float
    latency_ms: float

    @classmethod
    def of(
        cls,
        transcript: Transcript,
        *,
        request_id: str,
        source: str,
        latency_ms: float,
        satellite: str | None = None,
        wake_word: str | None = None,
    ) -> TranscriptEvent:
        """Return what is told of a transcript."""
        return cls(
            id=request_id,
            text=transcript.text,
            language=transcript.language,
            confidence=round(transcript.confidence, 3),
            source=source,
            satellite=satellite,
            wake_word=wake_word,
            duration_s=round(transcript.duration_s, 2),
            latency_ms=round(latency_ms, 1),
        )


class StatePayload(_Out):
    """How the appliance does; what the machine does not tell is null.

    `loaded` and `pinned` are names of models and voices. `first_audio_ms` and `rtf` are those of the
    last speech. `instance` tells two appliances of one name apart.
    """

    version: str
    instance: str
    phase: Phase
    uptime_s: int
    queue: int
    voice: str | None
    language: str | None
    loaded: tuple[str, ...]
    pinned: tuple[str, ...]
    first_audio_ms: float | None
    rtf: float | None
    rss_bytes: int
    mem_available_bytes: int
    temperatures: dict[str, float]
    gpu_load: float | None

    def encoded(self) -> bytes:
        """Return the JSON with every key, so that templates find them."""
        return self.model_dump_json().encode()


class SatellitePayload(_Out):
    """How a satellite does; what it does not tell is null."""

    name: str
    area: str | None
    phase: SatellitePhase
    muted: bool
    volume: float
    wake_words: tuple[str, ...]
    problem: str | None

    @classmethod
    def of(cls, view: SatelliteView) -> SatellitePayload:
        """Return what is told of a satellite."""
        return cls(
            name=view.name,
            area=view.area,
            phase=view.phase,
            muted=view.muted,
            volume=view.volume,
            wake_words=view.wake_words,
            problem=view.problem,
        )

    def encoded(self) -> bytes:
        """Return the JSON with every key, so that templates find them."""
        return self.model_dump_json().encode()


class CatalogItem(_Out):
    """One voice or model of the retained catalogs."""

    name: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    backend: str
    licence: str
    description: str
    size_bytes: int


class CatalogPayload(_Out):
    """The voices or the models that are installed, the default one first."""

    default: str | None
    items: tuple[CatalogItem, ...]


RequestT = TypeVar("RequestT", bound=_Request)


def parse_say(payload: bytes) -> SayRequest:
    """Read plain text, or JSON if it starts with a brace. Raises ProtocolError."""
    text = decode(payload)
    if not text.lstrip().startswith("{"):
        return SayRequest(text=text)
    request = _parse(SayRequest, text)
    if sum(place is not None for place in (request.satellite, request.area, request.satellites)) > 1:
        raise ProtocolError("Give one of 'satellite', 'area' and 'satellites', not several.")
    return request


def parse_synthesize(payload: bytes) -> SynthesizeRequest:
    """Read plain text, or JSON if it starts with a brace. Raises ProtocolError."""
    text = decode(payload)
    return _parse(SynthesizeRequest, text) if text.lstrip().startswith("{") else SynthesizeRequest(text=text)


def parse_stop(payload: bytes) -> StopRequest:
    """Read JSON; empty stops everything. Raises ProtocolError."""
    text = decode(payload)
    return _parse(StopRequest, text) if text.strip() else StopRequest()


def parse_action(payload: bytes) -> ModelAction:
    """Read what to do with a model. Raises ProtocolError."""
    try:
        return ModelAction(decode(payload).strip())
    except ValueError:
        raise ProtocolError(
            f"The payload must be one of: {', '.join(action.value for action in ModelAction)}."
        ) from None


def parse_name(payload: bytes) -> str:
    """Read a name; empty means the default. Raises ProtocolError."""
    name = decode(payload).strip()
    if len(name) > 200:  # noqa: PLR2004  # as Name
        raise ProtocolError("A name has at most 200 characters.")
    return name


def parse_volume(payload: bytes) -> float:
    """Read a factor, 1 as it comes. Raises ProtocolError."""
    try:
        volume = float(decode(payload))
    except ValueError:
        volume = math.nan
    if not 0.0 <= volume <= MAX_VOLUME:
        raise ProtocolError(f"The payload must be a number from 0 to {MAX_VOLUME:g}.")
    return volume


def parse_switch(payload: bytes) -> bool:
    """Read `on` or `off`. Raises ProtocolError."""
    word = decode(payload).strip().lower()
    if word not in ("on", "off"):
        raise ProtocolError("The payload must be 'on' or 'off'.")
    return word == "on"


def parse_names(payload: bytes) -> tuple[str, ...]:
    """Read names separated by commas; empty means the default. Raises ProtocolError."""
    names = (name.strip() for name in parse_name(payload).split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def parse_language(payload: bytes) -> str | None:
    """Read a language such as `en-GB`; empty or `auto` means none. Raises ProtocolError."""
    language = parse_name(payload)
    if language in ("", "auto"):
        return None
    if not _LANGUAGE.fullmatch(language):
        raise ProtocolError("The payload must be a language such as en or pt-BR.")
    return language


def decode(payload: bytes) -> str:
    """Return the text of a payload. Raises ProtocolError."""
    if len(payload) > MAX_COMMAND_BYTES:
        raise ProtocolError(f"The message is over the limit of {MAX_COMMAND_BYTES} bytes; send less.")
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise ProtocolError("The payload must be text in UTF-8.") from None


def id_of(payload: bytes) -> str | None:
    """Return the id of a request that is wrong in other places, so that its sender knows the answer."""
    if len(payload) > MAX_COMMAND_BYTES or payload.lstrip()[:1] != b"{":
        return None
    try:
        return _Only.model_validate_json(payload).id
    except ValidationError:
        return None


def instance_of(payload: bytes) -> str | None:
    """Return which appliance published a state."""
    try:
        return _Instance.model_validate_json(payload[:MAX_COMMAND_BYTES]).instance
    except ValidationError:
        return None


class _Instance(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    instance: str


class _Only(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    id: Id | None = None


def _parse(kind: type[RequestT], text: str) -> RequestT:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        found = [_sentence(detail) for detail in error.errors(include_url=False, include_input=False)]
        more = f"; and {len(found) - _MAX_SHOWN_PROBLEMS} more" if len(found) > _MAX_SHOWN_PROBLEMS else ""
        raise ProtocolError(f"{'; '.join(found[:_MAX_SHOWN_PROBLEMS])}{more}.") from None


def _sentence(detail: ErrorDetails) -> str:
    """Say what is wrong without repeating what was sent, but for the key."""
    kind, context = detail["type"], detail.get("ctx", {})
    key = ".".join(str(part) for part in detail["loc"])[:_MAX_SHOWN_KEY_CHARS]
    if kind == "json_invalid":
        return "This is not JSON"
    if kind == "extra_forbidden":
        return f"There is no key '{key}'"
    if kind == "missing":
        return f"'{key}' is missing"
    return f"'{key}': {_expected(kind, context, detail['msg'])}"


def _expected(kind: str, context: dict[str, Any], message: str) -> str:
    if kind in ("literal_error", "enum"):
        return f"must be one of {context['expected']}"
    return message[:1].lower() + message[1:]
