"""Error messages for wrong settings: pydantic's errors as sentences, with the most similar known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lunavox_edge.errors import printable
from lunavox_edge.settings.model import Settings, sections
from lunavox_edge.settings.satellite_settings import Answer, SatelliteSettings
from lunavox_edge.settings.section import Section
from lunavox_edge.settings.speech_settings import VoiceAlias, WakeWord

_EXAMPLES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list, such as [one, two]",
    "is_instance_of": "a path as text",
    "path_type": "a path as text",
    "model_type": "keys and values, indented below it",
    "dict_type": "keys and values, indented below it",
}
_SHOWN_CHARS = 60
# Tables whose keys are names chosen by the user, and the model of their values.
_TABLES: dict[tuple[str, ...], type[Section]] = {
    ("voices",): VoiceAlias,
    ("wake", "words"): WakeWord,
    ("satellites", "known"): SatelliteSettings,
    ("satellites", "answers"): Answer,
}


def dotted(loc: Iterable[str | int]) -> str:
    """Return the path of a key in dotted form: `tts.speed`, `catalog.folders[0]`."""
    text = ""
    for part in loc:
        if part != "[key]":
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def sentence(error: ErrorDetails) -> str:
    """Return one error of pydantic as a sentence. Secret values are not shown."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if error["loc"] and _is_secret(str(error["loc"][-1]), value):
        value = "(hidden)"
    if kind == "extra_forbidden":
        return "there is no such key" + suggestion(error["loc"])
    if kind == "missing":
        return "this key is missing"
    if kind == "value_error":
        # The error of a whole section does not belong to one value, so no value is shown.
        return str(context["error"]) if isinstance(value, dict) else f"{_shown(value)} {context['error']}"
    if "[key]" in error["loc"]:
        return f"the name must have {_named(kind)}"
    if value is None:
        return f"has no value; it needs {_expected(kind, error)} (remove the key for the default)"
    if kind == "string_type" and isinstance(value, bool):
        return "must be text, and YAML reads yes, no, on and off as true or false; put it in quotes"
    if kind == "string_type" and isinstance(error["input"], (int, float)):
        return f"must be text, not the number {value}; put it in quotes"
    return f"must be {_expected(kind, error)}, not {_shown(value)}"


def suggestion(loc: Iterable[str | int]) -> str:
    """Return a hint for a key that does not exist: "; did you mean 'KEY'?", or the known keys, or ""."""
    *parents, last = (str(part) for part in loc)
    siblings = _known_below(parents)
    wanted = last.lower()
    elsewhere = [f"{name}.{last}" for name, model in sections().items() if last in model.model_fields]
    if elsewhere and wanted not in siblings:
        return f"; did you mean '{elsewhere[0]}'?"
    close = difflib.get_close_matches(wanted, siblings, n=1, cutoff=0.5)
    if not close:
        return f"; known here: {', '.join(siblings)}" if siblings else ""
    return f"; did you mean '{'.'.join((*parents, close[0]))}'?"


def field_at(loc: Sequence[str | int]) -> FieldInfo | None:
    """Return the field of the setting at `loc`; None for sections and names chosen by the user."""
    for path, kind in _TABLES.items():
        if tuple(loc[: len(path)]) == path and len(loc) > len(path) + 1:
            return kind.model_fields.get(str(loc[len(path) + 1]))
    model = sections().get(str(loc[0])) if len(loc) > 1 else None
    return model.model_fields.get(str(loc[1])) if model is not None else None


def numeric_range(field: FieldInfo) -> str:
    """Return the range of a setting, such as `1 to 64` or `over 0 to 10`; "" if it is not bounded."""
    low = _bound(field, "ge")
    above = _bound(field, "gt")
    high = _bound(field, "le")
    lower = low if low is not None else above
    if lower is None:
        return ""
    if high is None:
        return f"{lower:g} or more"
    return f"{'over ' if low is None else ''}{lower:g} to {high:.15g}"


def _bound(field: FieldInfo, name: str) -> float | None:
    return next((getattr(item, name) for item in field.metadata if hasattr(item, name)), None)


def _is_secret(key: str, value: object) -> bool:
    secret_in_address = key in ("broker", "uri", "url") and "@" in str(value)
    return value is not None and (key in ("password", "token") or secret_in_address)


def _known_below(parents: list[str]) -> list[str]:
    if not parents:
        return list(Settings.model_fields)
    for path, kind in _TABLES.items():
        if tuple(parents[: len(path)]) == path:
            return list(kind.model_fields)
    model = sections().get(parents[0])
    return list(model.model_fields) if model is not None else []


def _named(kind: str) -> str:
    plain = "letters, digits, _ - and . only, and begin with one of the first two"
    return plain if kind == "string_pattern_mismatch" else "1 to 200 characters"


def _expected(kind: str, error: ErrorDetails) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    if kind == "literal_error":
        return f"one of {context['expected']}".replace("'", "")
    if kind == "string_pattern_mismatch":
        patterns = {
            "language": "a language such as en or pt-BR",
            "hub_endpoint": "a web address such as https://huggingface.co",
        }
        return patterns.get(str(error["loc"][-1]), "a name of letters, digits, _ - and .")
    if kind in ("string_type", "string_unicode", "string_too_short", "string_too_long"):
        return "text of 1 to 200 characters"
    if kind == "too_long":
        return f"at most {context['max_length']} items"
    field = field_at(error["loc"])
    limits = numeric_range(field) if field is not None else ""
    if kind.startswith(("greater_than", "less_than")) and limits:
        return limits
    return _EXAMPLES.get(kind, error["msg"]) + (f", {limits}" if limits else "")


def _shown(value: object) -> str:
    text = f"'{value}'" if isinstance(value, str) else "a list" if isinstance(value, list) else str(value)
    text = "keys and values" if isinstance(value, dict) else text
    text = printable(text)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
