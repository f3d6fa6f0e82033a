"""Parsing JSON from a peer, with limits on nesting depth, number of values and length of numbers."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from lunavox_edge.errors import LunavoxError, ProtocolError

# Real requests are flat. The JSON parser recurses per level and allocates per value, so both are counted
# before it runs.
MAX_JSON_DEPTH = 16
MAX_JSON_VALUES = 10_000
_MAX_DIGITS = 400
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """Parse UTF-8 JSON within the limits. Raises ProtocolError, and nothing else whatever the bytes are."""
    _check_size(raw)
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
        if b"\\u" in raw:
            # A lone surrogate escape is valid JSON, but cannot be encoded as UTF-8 again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise ProtocolError("A message holds text that is not valid UTF-8.") from error
    except LunavoxError:
        raise
    except ValueError as error:
        raise ProtocolError("A message is not valid JSON.") from error
    return value


def _check_size(raw: bytes) -> None:
    """Count brackets and commas outside strings. Raises ProtocolError over the limits."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_JSON_DEPTH and raw.count(b",") <= MAX_JSON_VALUES:
        return
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = b"".join(unescaped.split(b'"')[::2])
    if sum(structure.count(mark) for mark in (b"[", b"{", b",")) > MAX_JSON_VALUES:
        raise ProtocolError(f"A message holds more than {MAX_JSON_VALUES} values.")
    depth = 0
    for bracket in structure.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise ProtocolError(f"A message is nested deeper than {MAX_JSON_DEPTH} levels.")


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError(f"A message holds {name}, which is not valid JSON.")


def _parse_int(digits: str) -> int:
    # Old versions of Python need seconds for a million digits; new ones raise from some thousand on.
    if len(digits) > _MAX_DIGITS:
        raise ProtocolError("A message holds a number that is too long.")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_parse_int)
