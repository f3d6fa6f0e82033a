"""Reading and validating single fields of an event's data: types and limits."""

from __future__ import annotations

import sys
from typing import Any

from lunavox_edge.errors import BadAudio, ProtocolError
from lunavox_edge.types import AudioFormat

Data = dict[str, Any]

MAX_NAME_CHARS = 256
# Whisper's prompt holds about 200 words, but a client may send the names of all devices of a large home.
MAX_TERMS = 1000
MAX_TERM_CHARS = 100
_FORMAT_KEYS = ("rate", "width", "channels")
FORMAT_FIELDS = len(_FORMAT_KEYS)


def whole_number(value: object) -> int | None:
    """Return a whole number, which may be written as `16000.0`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def number(data: Data, key: str, default: float) -> float:
    """Return a finite number; `default` for anything else."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        return default
    return float(value)


def text(data: Data, key: str) -> str:
    """Return a required text of any length. Raises ProtocolError if it is missing or no text."""
    value = data.get(key)
    if not isinstance(value, str):
        raise ProtocolError(f"'{key}' must be a text.")
    return value


def optional_text(data: Data, key: str) -> str | None:
    """Return a text of any length, or None if missing or null. Raises ProtocolError for another type."""
    return None if data.get(key) is None else text(data, key)


def name(data: Data, key: str) -> str | None:
    """Return a short text, or None if it is missing, null or blank. Raises ProtocolError."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARS:
        raise ProtocolError(f"'{key}' must be a text of at most {MAX_NAME_CHARS} characters.")
    return value.strip() or None


def speaker(data: Data) -> str | None:
    """Return the `speaker` field: a name, or a number as text. None and errors as for `name`."""
    number = whole_number(data.get("speaker"))
    return name(data, "speaker") if number is None else str(number)


def voice(data: Data) -> Data:
    """Return the `voice` field as an object; a plain text is the voice's name. Raises ProtocolError."""
    if isinstance(data.get("voice"), str):
        return {"name": data["voice"]}
    return table(data, "voice") or {}


def table(data: Data, key: str) -> Data | None:
    """Return a JSON object, or None if it is missing or null. Raises ProtocolError."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ProtocolError(f"'{key}' must be an object.")
    return value


def terms(data: Data, key: str) -> tuple[str, ...]:
    """Return a list of short texts without duplicates; blank, overlong and surplus ones are dropped.

    Raises ProtocolError if the value is no list of texts.
    """
    values = data.get(key)
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ProtocolError(f"'{key}' must be a list of texts.")
    usable = (value.strip() for value in values if len(value) <= MAX_TERM_CHARS)
    return tuple(dict.fromkeys(value for value in usable if value))[:MAX_TERMS]


def choice(data: Data, key: str, allowed: tuple[str, ...]) -> str | None:
    """Return one of `allowed`, or None if it is missing or null. Raises ProtocolError."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or value not in allowed:
        raise ProtocolError(f"'{key}' must be one of: {', '.join(allowed)}.")
    return value


def names(data: Data, key: str) -> tuple[str, ...]:
    """Return a list of names, empty if missing or null; a text is one name. Raises ProtocolError."""
    values = data.get(key)
    if values is None:
        return ()
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list) or not all(
        isinstance(value, str) and 0 < len(value.strip()) <= MAX_NAME_CHARS for value in values
    ):
        raise ProtocolError(f"'{key}' must be a list of names of 1 to {MAX_NAME_CHARS} characters.")
    return tuple(dict.fromkeys(value.strip() for value in values))


def timestamp_ms(data: Data) -> int | None:
    """Return the timestamp of audio in milliseconds, or None if missing or no number."""
    value = data.get("timestamp")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return int(value)
    except (OverflowError, ValueError):
        return None


def partial_format(data: Data) -> Data:
    """Return those of 'rate', 'width' and 'channels' that are present and not null, as integers.

    A whole number may be written as a float. Raises BadAudio for anything else.
    """
    given = {key: data[key] for key in _FORMAT_KEYS if data.get(key) is not None}
    numbers = {key: whole_number(value) for key, value in given.items()}
    if None in numbers.values():
        raise BadAudio("The 'rate' (in Hz), 'width' (in bytes) and 'channels' of audio are whole numbers.")
    return numbers


def same_format(data: Data, expected: AudioFormat) -> bool:
    """Whether those format fields that a chunk has are equal to the expected format."""
    try:
        given = partial_format(data)
    except BadAudio:
        return False
    numbers = (expected.rate_hz, expected.width_bytes, expected.channels)
    return given.items() <= dict(zip(_FORMAT_KEYS, numbers, strict=True)).items()


def audio_format(data: Data, more: Data | None = None) -> AudioFormat:
    """Return the audio format; only the types are checked, not the values. Raises BadAudio.

    `more` is the data of a later message, which may complete the format but not change it.
    """
    given = {**partial_format(more or {}), **partial_format(data)}
    if len(given) < FORMAT_FIELDS:
        raise BadAudio("Audio needs 'rate' (in Hz), 'width' (in bytes) and 'channels' as whole numbers.")
    found = AudioFormat(*(given[key] for key in _FORMAT_KEYS))
    if not same_format(more or {}, found):
        raise BadAudio("The audio format changed in the middle of the audio.")
    return found
