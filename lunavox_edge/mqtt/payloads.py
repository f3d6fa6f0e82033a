"""What comes in, as frozen values; it is checked here and nowhere else."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from lunavox_edge.errors import ProtocolError
from lunavox_edge.types import Priority

MAX_COMMAND_BYTES = 1_048_576
"""More than any command but audio needs; a longer one is not even read."""

MAX_VOLUME = 4.0

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_MAX_SHOWN_PROBLEMS = 3
_MAX_SHOWN_KEY_CHARS = 40

Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
Topic = Annotated[str, Field(min_length=1, max_length=1000)]


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
