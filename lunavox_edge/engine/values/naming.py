"""How names are compared and repeated: names come from people and from the network."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from lunavox_edge.errors import printable

SAFE_NAME = re.compile(r"\w[\w.+-]{0,99}")
"""What may become the name of a file or folder: no separator, no leading dot; `tugão` is fine."""

_MODEL_SUFFIX = re.compile(r"\.(tflite|onnx)$")
_VERSION = re.compile(r"[ -]v\d+(\.\d+)*$")
_MAX_SHOWN_CHARS = 60
_MAX_SUGGESTIONS = 4


def name_key(name: str) -> str:
    """Return the form in which two spellings of one name are equal: `en-us-joe` = `en_US-joe`."""
    return unicodedata.normalize("NFC", name.strip().casefold()).replace("_", "-")


def wake_word_key(name: str) -> str:
    """Return the form of a wake word's name without a version or a file's ending.

    openWakeWord and its clients name their words so: `hey_jarvis_v0.1` = `hey_jarvis`.
    """
    return _VERSION.sub("", _MODEL_SUFFIX.sub("", name_key(name)))


def several(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names; a text by itself is one name, not that of its letters. Raises TypeError."""
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"a name must be str, not {type(name).__name__}")
    return given


def shortened(text: str) -> str:
    """Return `text` fit to be repeated in a message: one short line, nothing unprintable."""
    line = printable(text[:_MAX_SHOWN_CHARS])
    return line if len(text) <= _MAX_SHOWN_CHARS else f"{line}..."


def close_matches(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the few known names that `name` may have meant, the likeliest first."""
    if len(name) > _MAX_SHOWN_CHARS:
        return ()
    wanted = name_key(name)
    names = {name_key(candidate): candidate for candidate in known}
    containing = [key for key in names if wanted and wanted in key]
    similar = difflib.get_close_matches(wanted, names, n=_MAX_SUGGESTIONS, cutoff=0.6)
    keys = dict.fromkeys((*similar, *sorted(containing, key=len)))
    return tuple(names[key] for key in keys)[:_MAX_SUGGESTIONS]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean ...?' with its leading space, or nothing if nothing is close."""
    matches = close_matches(name, known)
    if not matches:
        return ""
    *first, last = (f"'{match}'" for match in matches)
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"
