"""Comparing names, and repeating them safely in messages; they come from people and the network."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from lunavox_edge.engine.values.checking import check_type
from lunavox_edge.errors import printable

SAFE_NAME = re.compile(r"\w[\w.+-]{0,99}")
"""Names allowed for a file or folder: no separator, no leading dot; letters like `ã` are allowed."""

_MODEL_SUFFIX = re.compile(r"\.(tflite|onnx)$")
_VERSION = re.compile(r"[ -]v\d+(\.\d+)*$")
_MAX_SHOWN_CHARS = 60
_MAX_SUGGESTIONS = 4


def name_key(name: str) -> str:
    """Return the form in which two spellings of one name are equal: `en-us-joe` = `en_US-joe`.

    Raises TypeError if the name is no text.
    """
    check_type("a name", name, str)
    return unicodedata.normalize("NFC", name.strip().casefold()).replace("_", "-")


def wake_word_key(name: str) -> str:
    """Return the form of a wake word's name without version and file suffix.

    openWakeWord and its clients use such names: `hey_jarvis_v0.1` = `hey_jarvis`.
    """
    return _VERSION.sub("", _MODEL_SUFFIX.sub("", name_key(name)))


def several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple; a single `str` is one name. Raises TypeError."""
    check_type("names", names, str, Iterable)
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        check_type("a name", name, str)
    return given


def shortened(text: str) -> str:
    """Return `text` for use in a message: one short line without unprintable characters."""
    line = printable(text[:_MAX_SHOWN_CHARS])
    return line if len(text) <= _MAX_SHOWN_CHARS else f"{line}..."


def close_matches(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return a few known names that are similar to `name`, the likeliest first."""
    if len(name) > _MAX_SHOWN_CHARS:
        return ()
    wanted = name_key(name)
    names = {name_key(candidate): candidate for candidate in known}
    containing = [key for key in names if wanted and wanted in key]
    similar = difflib.get_close_matches(wanted, names, n=_MAX_SUGGESTIONS, cutoff=0.6)
    keys = dict.fromkeys((*similar, *sorted(containing, key=len)))
    return tuple(names[key] for key in keys)[:_MAX_SUGGESTIONS]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean ...?' with a leading space, or "" if no known name is similar."""
    matches = close_matches(name, known)
    if not matches:
        return ""
    *first, last = (f"'{match}'" for match in matches)
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"
