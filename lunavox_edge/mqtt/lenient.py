"""Values of JSON and of plain payloads as automations write them: numbers as text, texts as numbers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

from pydantic_core import PydanticCustomError

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_NUMBER_CHARS = 50
_SWITCH = {
    **dict.fromkeys(("on", "true", "1", "yes"), True),
    **dict.fromkeys(("off", "false", "0", "no"), False),
}


class _Literal(str):
    """A number of JSON as it was written, so that `0.50` is read aloud as such."""

    __slots__ = ()


def read_json(text: str) -> object:
    """Return what JSON says, numbers as texts of a kind of their own. Raises ValueError, RecursionError."""
    found: object = json.loads(text, parse_float=_Literal, parse_int=_Literal, parse_constant=float)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    return found


def number_of(text: str) -> float | None:
    """Return the finite number that a text is; None if it is none."""
    if len(text) > _MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def switch_of(text: str) -> bool | None:
    """Return what a word such as `on` or `false` says; None if it says neither."""
    return _SWITCH.get(text.strip().lower())


def text_of(payload: str) -> str:
    """Return a plain payload without what surrounds it: blanks, and the quotes of JSON."""
    stripped = payload.strip()
    if stripped[:1] != '"':
        return stripped
    try:
        found = json.loads(stripped)
    except ValueError:
        return stripped
    return found.strip() if isinstance(found, str) else stripped


def as_text(value: object) -> object:
    """Take a number for the text that it was written as; for a field of a model."""
    if isinstance(value, str):
        return str(value)
    raise _wrong("must be a text or a number")


def as_texts(value: object) -> object:
    """Take one text for a list, with commas between several; for a field of a model."""
    if isinstance(value, str):
        return [part for part in map(str.strip, value.split(",")) if part]
    if isinstance(value, (list, tuple)):
        return value
    raise _wrong("must be a list of names, or names with commas between them")


def as_word(value: object) -> object:
    """Take a word of a choice in any case; for a field of a model."""
    return value.strip().lower() if isinstance(value, str) else value


def as_number(low: float, high: float) -> Callable[[object], float]:
    """Return what takes numbers within bounds, also as text; for a field of a model."""

    def read(value: object) -> float:
        number = number_of(value) if isinstance(value, str) else None
        if number is None or not low <= number <= high:
            raise _wrong(f"must be a number from {low:g} to {high:g}")
        return number

    return read


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("lenient", sentence)
