"""Word errors of a transcript."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from lunavox_edge.text.numbers_en import speak_numbers

_APOSTROPHES = re.compile("[’‘`]")
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_SAME = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st": "saint",
    "ok": "okay",
    "gray": "grey",
    "favor": "favour",
    "favorite": "favourite",
    "meters": "metres",
    "meter": "metre",
    "and": "",
}
"""Spellings that count as the same word; "and" is optional inside numbers, so it is dropped."""


class WordErrors(NamedTuple):
    """Number of wrong, missing and added words, and of words in the reference."""

    errors: int
    said: int


def normalized(text: str) -> list[str]:
    """Return the words of an English text in one spelling: lower case, numbers as words."""
    plain = _APOSTROPHES.sub("'", speak_numbers(text)).lower().replace("-", " ")
    words = [_SAME.get(word, word) for word in _WORD.findall(plain)]
    return [word for word in words if word]


def word_errors(said: str, heard: str) -> WordErrors:
    """Return the word errors of the transcript `heard` against the reference `said`."""
    reference = normalized(said)
    return WordErrors(_distance(reference, normalized(heard)), len(reference))


def _distance(left: Sequence[str], right: Sequence[str]) -> int:
    row = list(range(len(right) + 1))
    for number, word in enumerate(left, start=1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(right, start=1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]
