"""Parsing and validating the payloads of incoming messages.

Automations often send a number instead of a text, or a text instead of a number. A value is accepted if it is
unambiguous; every other value is an error that says what is allowed.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from lunavox_edge.engine.values import language_tags
from lunavox_edge.errors import ProtocolError, UnsupportedLanguage
from lunavox_edge.mqtt.lenient import (
    as_number,
    as_text,
    as_texts,
    as_word,
    number_of,
    read_json,
    switch_of,
    text_of,
)
from lunavox_edge.mqtt.payload_problems import sentences
from lunavox_edge.settings.satellite_settings import ALL
from lunavox_edge.types import Priority

MAX_COMMAND_BYTES = 1_048_576
"""More than any command except audio needs; a longer payload is refused without parsing."""

MAX_VOLUME = 4.0

# Payloads of `stop` that stop everything; Home Assistant's buttons send PRESS.
_STOP_EVERYTHING = ("", "all", "stop", "press")

Name = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(as_text)]
Id = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$"), BeforeValidator(as_text)
]
# Names may be empty here: they are left out.
_NAMES = TypeAdapter(
    Annotated[
        tuple[Annotated[str, Field(max_length=200), BeforeValidator(as_text)], ...],
        Field(strict=False, max_length=100),
    ]
)
Topic = Annotated[str, Field(min_length=1, max_length=1000), BeforeValidator(as_text)]
Speed = Annotated[float, BeforeValidator(as_number(0.25, 4.0))]
Volume = Annotated[float, BeforeValidator(as_number(0.0, MAX_VOLUME))]


class ModelAction(str, Enum):
    """The commands of `models/<name>/set`."""

    LOAD = "load"
    UNLOAD = "unload"
    PIN = "pin"


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    id: Id | None = None


class _TextRequest(_Request):
    text: Annotated[str, BeforeValidator(as_text)]
    text_format: Annotated[Literal["text", "ssml"], BeforeValidator(as_word)] = "text"
    voice: Name | None = None
    language: Name | None = None
    speed: Speed | None = None
    volume: Volume | None = None


def _place(name: str) -> str:
    """Return the name of a satellite; `ALL` in any case stands for all of them."""
    return ALL if name.strip().lower() == ALL else name


Satellite = Annotated[Name, AfterValidator(_place)]
Satellites = Annotated[
    tuple[Satellite, ...], Field(strict=False, min_length=1, max_length=100), BeforeValidator(as_texts)
]
"""Names, as a list or as one text with commas."""


class SayRequest(_TextRequest):
    """Text to be spoken; without satellite or area it is spoken by the appliance's own sound card."""

    satellite: Satellite | None = None
    area: Name | None = None
    satellites: Satellites | None = None
    priority: Annotated[Priority, Field(strict=False), BeforeValidator(as_word)] = Priority.NORMAL


class SynthesizeRequest(_TextRequest):
    """Text whose audio is to be sent back."""

    format: Annotated[Literal["wav", "pcm", "flac"], BeforeValidator(as_word)] = "wav"
    reply_to: Topic | None = None


class StopRequest(_Request):
    """What to stop: everything, the speech of some satellites, or the `say` with this `id`."""

    satellite: Satellite | None = None
    satellites: Satellites | None = None


RequestT = TypeVar("RequestT", bound=BaseModel)


def parse_say(payload: bytes) -> SayRequest:
    """Parse plain text, or JSON if it starts with a brace. Raises ProtocolError."""
    text = decode(payload)
    if not text.lstrip().startswith("{"):
        return SayRequest(text=text)
    request = _parse(SayRequest, text)
    if sum(place is not None for place in (request.satellite, request.area, request.satellites)) > 1:
        raise ProtocolError("Give one of 'satellite', 'area' and 'satellites', not several.")
    return request


def parse_synthesize(payload: bytes) -> SynthesizeRequest:
    """Parse plain text, or JSON if it starts with a brace. Raises ProtocolError."""
    text = decode(payload)
    return _parse(SynthesizeRequest, text) if text.lstrip().startswith("{") else SynthesizeRequest(text=text)


def parse_stop(payload: bytes) -> StopRequest:
    """Parse JSON; an empty payload, `all`, or that of a button or switch means everything.

    Raises ProtocolError.
    """
    text = decode(payload)
    if not text.lstrip().startswith(("{", "[")):
        word = text_of(text)
        if word.lower() in _STOP_EVERYTHING or switch_of(word):
            return StopRequest()
        raise ProtocolError("The payload must be empty, or JSON with 'id', 'satellite' or 'satellites'.")
    request = _parse(StopRequest, text)
    if request.satellite is not None and request.satellites is not None:
        raise ProtocolError("Give one of 'satellite' and 'satellites', not both.")
    return request


def parse_action(payload: bytes) -> ModelAction:
    """Parse a command for a model. Raises ProtocolError."""
    try:
        return ModelAction(text_of(decode(payload)).lower())
    except ValueError:
        raise ProtocolError(
            f"The payload must be one of: {', '.join(action.value for action in ModelAction)}."
        ) from None


def parse_name(payload: bytes) -> str:
    """Parse a name; empty means the default. Raises ProtocolError."""
    name = text_of(decode(payload))
    if len(name) > 200:  # noqa: PLR2004  # as Name
        raise ProtocolError("A name has at most 200 characters.")
    return name


def parse_volume(payload: bytes) -> float:
    """Parse a volume as a factor; 1 leaves the audio unchanged. Raises ProtocolError."""
    volume = number_of(text_of(decode(payload)))
    if volume is None or not 0.0 <= volume <= MAX_VOLUME:
        raise ProtocolError(f"The payload must be a number from 0 to {MAX_VOLUME:g}.")
    return volume


def parse_switch(payload: bytes) -> bool:
    """Parse `on` or `off`, or another word that means the same. Raises ProtocolError."""
    found = switch_of(text_of(decode(payload)))
    if found is None:
        raise ProtocolError("The payload must be 'on' or 'off'.")
    return found


def parse_names(payload: bytes) -> tuple[str, ...]:
    """Parse names separated by commas, or a JSON list; empty means the default. Raises ProtocolError."""
    text = decode(payload)
    found = _json(text) if text.lstrip().startswith("[") else as_texts(text_of(text))
    try:
        names = _NAMES.validate_python(found)
    except ValidationError as error:
        raise ProtocolError(sentences(error)) from None
    stripped = (name.strip() for name in names)
    return tuple(dict.fromkeys(name for name in stripped if name))


def parse_language(payload: bytes) -> str | None:
    """Parse a language; return its tag, such as `en-GB`, or None if it is empty or `auto`.

    Raises ProtocolError.
    """
    language = parse_name(payload)
    if language.lower() in ("", "auto"):
        return None
    try:
        return str(language_tags.parse(language))
    except UnsupportedLanguage:
        raise ProtocolError("The payload must be a language such as en or pt-BR.") from None


def decode(payload: bytes) -> str:
    """Return a payload as text, without a byte-order mark. Raises ProtocolError."""
    if len(payload) > MAX_COMMAND_BYTES:
        raise ProtocolError(f"The message is over the limit of {MAX_COMMAND_BYTES} bytes; send less.")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProtocolError("The payload must be text in UTF-8.") from None


def id_of(payload: bytes) -> str | None:
    """Return the id of a request, also of an invalid one, so that its sender can assign the error to it."""
    try:
        text = decode(payload)
        found = read_json(text) if text.lstrip().startswith("{") else None
        return _IdOnly.model_validate(found).id
    except (ProtocolError, ValueError, RecursionError):
        return None


def instance_of(payload: bytes) -> str | None:
    """Return the `instance` of the appliance that published a state; None if there is none."""
    try:
        return _Instance.model_validate_json(payload[:MAX_COMMAND_BYTES]).instance
    except ValidationError:
        return None


class _Instance(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    instance: str


class _IdOnly(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    id: Id | None = None


def _json(text: str) -> object:
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        raise ProtocolError("This is not JSON.") from None


def _parse(kind: type[RequestT], text: str) -> RequestT:
    found = _json(text)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise ProtocolError(sentences(error, tuple(kind.model_fields))) from None
