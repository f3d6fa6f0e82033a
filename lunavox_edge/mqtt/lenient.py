"""Lenient parsing of payloads: automations often send numbers as text and texts as numbers."""

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
    """A JSON number as its source text, so that a `text` of `0.50` is spoken as it was written."""

    __slots__ = ()


def read_json(text: str) -> object:
    """Parse JSON; numbers become a subclass of str that holds their source text.

    Raises ValueError, RecursionError.
    """
    found: object = json.loads(text, parse_float=_Literal, parse_int=_Literal, parse_constant=float)
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # raises for a lone surrogate
    return found


def number_of(text: str) -> float | None:
    """Parse a finite number; None if the text is none."""
    if len(text) > _MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text.strip()):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def switch_of(text: str) -> bool | None:
    """Parse a word such as `on` or `false`; None for any other word."""
    return _SWITCH.get(text.strip().lower())


def text_of(payload: str) -> str:
    """Return a plain payload without surrounding whitespace and JSON quotes."""
    stripped = payload.strip()
    if stripped[:1] != '"':
        return stripped
    try:
        found = json.loads(stripped)
    except ValueError:
        return stripped
    return found.strip() if isinstance(found, str) else stripped


def as_text(value: object) -> object:
    """Validate a text, or a number as its source text; for a pydantic field."""
    if isinstance(value, str):
        return str(value)
    raise _wrong("must be a text or a number")


def as_texts(value: object) -> object:
    """Validate a list, or one text with commas between the items; for a pydantic field."""
    if isinstance(value, str):
        return [part for part in map(str.strip, value.split(",")) if part]
    if isinstance(value, (list, tuple)):
        return value
    raise _wrong("must be a list of names, or names with commas between them")


def as_word(value: object) -> object:
    """Lower the case of a text, for a pydantic field with fixed choices."""
    return value.strip().lower() if isinstance(value, str) else value


def as_number(low: float, high: float) -> Callable[[object], float]:
    """Return a validator for a number from `low` to `high`, also as text; for a pydantic field."""

    def read(value: object) -> float:
        number = number_of(value) if isinstance(value, str) else None
        if number is None or not low <= number <= high:
            raise _wrong(f"must be a number from {low:g} to {high:g}")
        return number

    return read


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("lenient", sentence)
