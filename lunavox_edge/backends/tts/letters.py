"""Text as letters, for voices that were trained on letters instead of phonemes."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Container
from functools import cache

from lunavox_edge.text.cardinals import numbers_in_words

_CLUSTER = re.compile(r"[^\W_][\u0300-\u036f\u0483-\u0487]*|.", re.DOTALL)
_PLAIN_MARKS = {
    **dict.fromkeys("’‘ʼʹ`´", ("'", "’", "ʼ")),
    "'": ("’", "ʼ"),
    **dict.fromkeys("“”„«»‟", ('"',)),
    **dict.fromkeys("–—−‒‑‐", ("-", "—", "–")),
    "…": (".",),
    ";": (",",),
    ":": (",",),
    "\n": (" ",),
    "\t": (" ",),
}
"""Replacements for punctuation marks that a voice does not know, best first."""

_LOGGER = logging.getLogger(__name__)


def letters(text: str, known: Container[str], language: str) -> list[str]:
    """Return a text as symbols of `known`, with numbers as words in `language` (an espeak voice).

    Each letter is looked up as it is, in lower and upper case, composed and decomposed, and finally without
    accents. Characters without any symbol are left out.
    """
    found: list[str] = []
    spoken = unicodedata.normalize("NFC", numbers_in_words(text, language))
    for cluster in _CLUSTER.findall(spoken):
        symbols = _symbols(cluster, known)
        if not symbols and cluster.isdigit():
            _warn_once(language)
        found += symbols
    return found


def _symbols(cluster: str, known: Container[str]) -> list[str]:
    # `lower` and `casefold` differ for a few letters, such as ß and the final ς.
    for cased in (cluster, cluster.lower(), cluster.casefold(), cluster.upper()):
        for form in (cased, unicodedata.normalize("NFD", cased), unicodedata.normalize("NFKD", cased)):
            if all(char in known for char in form):
                return list(form)
    for mark in _PLAIN_MARKS.get(cluster, ()):
        if mark in known:
            return [mark]
    bare = [char for char in unicodedata.normalize("NFKD", cluster) if not unicodedata.combining(char)]
    if bare and bare != list(cluster):
        return [symbol for char in bare for symbol in _symbols(char, known)]
    return []


@cache
def _warn_once(language: str) -> None:
    _LOGGER.warning(
        "A voice for '%s' has letters only, and the words for numbers are not known: digits are left out.",
        language,
    )
