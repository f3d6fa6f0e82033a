"""Error messages for payloads that have wrong keys or values: pydantic's errors as sentences of our own."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lunavox_edge.errors import printable

_MAX_SHOWN_PROBLEMS = 3
_MAX_SHOWN_KEY_CHARS = 40
_SIMILAR = 0.6


def sentences(error: ValidationError, known: Sequence[str] = ()) -> str:
    """Return what is wrong with a payload; `known` are the keys of its object.

    Of the payload it repeats keys only, because values may be private.
    """
    details = error.errors(include_url=False, include_input=False)
    shown = [_sentence(detail, known) for detail in details[:_MAX_SHOWN_PROBLEMS]]
    more = len(details) - len(shown)
    if more:
        shown.append(f"There {'are' if more > 1 else 'is'} {more} more problem{'s' if more > 1 else ''}.")
    if any(detail["type"] == "extra_forbidden" and not _similar(detail, known) for detail in details):
        shown.append(f"Known keys: {', '.join(known)}.")
    return " ".join(shown)


def _sentence(detail: ErrorDetails, known: Sequence[str]) -> str:
    kind, loc = detail["type"], detail["loc"]
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "The payload must be a JSON object."
    if kind == "extra_forbidden":
        similar = _similar(detail, known)
        return f"There is no key '{_key(loc)}'" + (f"; did you mean '{similar}'?" if similar else ".")
    if kind == "missing":
        return f"'{_key(loc)}' is missing."
    return f"{_subject(loc)} {_must(kind, detail.get('ctx', {}), detail['msg'])}."


def _similar(detail: ErrorDetails, known: Sequence[str]) -> str:
    """Return the known key that is meant by an unknown one, or ""."""
    key = str(detail["loc"][-1])[:_MAX_SHOWN_KEY_CHARS].strip().lower()
    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=_SIMILAR)), "")


def _subject(loc: Sequence[str | int]) -> str:
    if not loc:
        return "The list"
    if isinstance(loc[0], int):
        return f"Item {loc[0] + 1} of the list"
    return f"'{_key(loc)}':"


def _key(loc: Sequence[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else part for part in loc)
    return printable(text[:_MAX_SHOWN_KEY_CHARS])


def _must(kind: str, context: dict[str, Any], message: str) -> str:
    """Return what a value must be; every kind of error has a wording of our own."""
    if kind == "lenient":
        return message
    if kind in ("literal_error", "enum"):
        return f"must be one of {context['expected']}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind == "string_pattern_mismatch":
        return "must not have control characters"
    if kind == "too_short":
        return "must have at least one name"
    if kind == "too_long":
        return f"must have at most {context['max_length']} names"
    return "must have another value"
