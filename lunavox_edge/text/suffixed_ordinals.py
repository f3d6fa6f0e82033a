"""Ordinals written as digits and the last letters of the word: `2e`, `3ème`, `21ste`, `2-й`, `3er`."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from lunavox_edge.text.ordinal_words import before_month, before_noun, feminine, ordinal

_NUMBER = r"(?<![\w.,:/-])(?P<number>[1-9][0-9]{0,2})"
_PATTERNS = {
    "fr": re.compile(rf"{_NUMBER}\s?(?P<end>ère|ere|re|er|ième|ème|eme|e|è|ᵉ|nde|nd)(?![\w'’-])"),
    "nl": re.compile(rf"{_NUMBER}(?P<end>ste|de|e)(?![\w'’-])"),
    "es": re.compile(rf"{_NUMBER}\.?(?P<end>er|ro|ra|do|da|to|ta|mo|ma|vo|va|no|na|º(?= de\b))(?!\w)"),
    "it": re.compile(
        rf"{_NUMBER}(?P<end>°)(?= (?:piano|posto|giorno|anno|secolo|livello|canale"
        r"|gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre)\b)"
    ),
    "ru": re.compile(rf"{_NUMBER}-(?P<end>ый|ой|ий|й|ая|я|ое|е|ого|го)(?!\w)"),
    "uk": re.compile(rf"{_NUMBER}-(?P<end>ий|й|а|я|е|ого|го)(?!\w)"),
    "bg": re.compile(rf"{_NUMBER}-(?P<end>ви|ри|ти|ми|ия|ият|ва|ра|та|ма|во|ро|то|мо)(?!\w)"),
}


def speak_suffixed_ordinals(text: str, language: str) -> str:
    """Write such ordinals of a language as words."""
    pattern = _PATTERNS.get(language)
    return pattern.sub(lambda found: _spoken(found, language), text) if pattern else text


def _spoken(found: re.Match[str], language: str) -> str:
    number, end = int(found["number"]), found["end"]
    if language == "fr":
        return _french(number, end) or found.group()
    if language == "nl":
        return _of_library(number, "nl")
    if language == "es":
        return _spanish(number, end) or found.group()
    if language == "it":
        return ordinal(number, "it") or found.group()
    if end.endswith(("го",)):
        words = before_month(number, language, "")
    elif end[-1] in "яа":
        words = feminine(number, language)
        words = re.sub("и$", "а", words) if language == "bg" else words
    elif end[-1] in "ео":
        words = before_noun(number, language, "о")
        words = re.sub("и$", "о", words) if language == "bg" else words
    else:
        words = ordinal(number, language)
    return words or found.group()


def _french(number: int, end: str) -> str:
    if end in {"re", "ère", "ere", "er"}:
        return ("premier" if end == "er" else "première") if number == 1 else ""
    if end in {"nd", "nde"}:
        return f"secon{end[1:]}" if number == 2 else ""  # noqa: PLR2004 - the only number with this word
    return _of_library(number, "fr") if number > 1 else ""


def _spanish(number: int, end: str) -> str:
    if end == "er":
        return {1: "primer", 3: "tercer"}.get(number, "")
    if number > 10 and end != "º":  # noqa: PLR2004 - what follows is said as a cardinal number
        return ""
    return feminine(number, "es") if end[-1] == "a" else ordinal(number, "es")


@lru_cache(maxsize=256)
def _of_library(number: int, language: str) -> str:
    return str(num2words(number, lang=language, to="ordinal"))
