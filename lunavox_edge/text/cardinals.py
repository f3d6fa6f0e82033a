"""Numbers as words in any language that num2words knows, for voices that have no phonemiser."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from lunavox_edge.text.languages import language_key, wording

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_DECIMAL = re.compile("[.,]")
_MAX_DIGITS = 15
"""A longer number is read digit by digit."""
_CODES = {"kk": "kz", "bs": "sr", "hr": "sr"}
_PERCENT = {
    "de": "Prozent",
    "en": "percent",
    "es": "por ciento",
    "fr": "pour cent",
    "it": "per cento",
    "nl": "procent",
    "pl": "procent",
    "pt": "por cento",
    "ru": "процентов",
    "uk": "відсотків",
}


def numbers_in_words(text: str, language: str) -> str:
    """Replace the numbers of a text by words; if num2words does not know the language, they stay digits."""
    key = language_key(language)
    if not any(char.isdigit() for char in text):
        return text
    percent = _PERCENT.get(key)
    if percent:
        text = re.sub(r"(?<=[0-9])\s?%", f" {percent}", text)
    text = "".join(str(int(char)) if char.isdecimal() else char for char in text)
    return _NUMBER.sub(lambda found: _spaced(found, _number(found.group(), key)), text)


def _spaced(found: re.Match[str], words: str) -> str:
    """Add spaces around the words of a number if letters are next to its digits."""
    text = found.string
    before = " " if found.start() and text[found.start() - 1].isalnum() else ""
    after = " " if text[found.end() : found.end() + 1].isalnum() else ""
    return f"{before}{words}{after}"


def _number(digits: str, key: str) -> str:
    parts = _DECIMAL.split(digits)
    grouped = len(parts) == 2 and "," in digits and not _has_decimal_comma(key) and len(parts[1]) == 3  # noqa: PLR2004
    if grouped or len(parts) == 1:
        return _cardinal("".join(parts), key)
    whole, part = parts
    return _cardinal(f"{whole}.{part}", key)


def _has_decimal_comma(key: str) -> bool:
    found = wording(key)
    return found is not None and found.written_mark == ","


@lru_cache(maxsize=512)
def _cardinal(digits: str, key: str) -> str:
    code = _CODES.get(key, key)
    if len(digits) > _MAX_DIGITS or (digits.startswith("0") and digits.isdecimal() and len(digits) > 1):
        return " ".join(_cardinal(digit, key) for digit in digits if digit.isdecimal())
    try:
        words = str(num2words(float(digits) if "." in digits else int(digits), lang=code))
    except (NotImplementedError, ValueError, KeyError, IndexError, TypeError):
        return digits
    return words.replace("-", " ").replace(",", "") if key == "en" else words
