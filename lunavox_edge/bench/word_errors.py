"""Word errors between what was said and what was heard."""

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
"""Spellings of one word, and the "and" that some say inside numbers and some do not."""


class WordErrors(NamedTuple):
    """Words that are wrong, missing or too many, of how many said."""

    errors: int
    said: int


def normalized(text: str) -> list[str]:
    """Return the words of an English text in one spelling: lower case, numbers as words."""
    plain = _APOSTROPHES.sub("'", speak_numbers(text)).lower().replace("-", " ")
    words = [_SAME.get(word, word) for word in _WORD.findall(plain)]
    return [word for word in words if word]


def word_errors(said: str, heard: str) -> WordErrors:
    """Count the smallest number of words to change, add or drop."""
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
