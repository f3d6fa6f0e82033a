"""Normalisation of languages other than English: abbreviations, ordinals, numbers and signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lunavox_edge.text.abbreviation_words import ABBREVIATIONS, KEPT_WITH_FULL_STOP
from lunavox_edge.text.figures import speak_figures
from lunavox_edge.text.german import speak_german
from lunavox_edge.text.languages import language_key, wording
from lunavox_edge.text.numeric_dates import name_months
from lunavox_edge.text.ordinals import speak_ordinals
from lunavox_edge.text.roman_other import speak_roman_numerals
from lunavox_edge.text.sign_words import speak_ranges, speak_signs
from lunavox_edge.text.suffixed_ordinals import speak_suffixed_ordinals
from lunavox_edge.text.time_units import speak_time_units

_MARKS = "#?@^"
_LAST = frozenset(
    "usw etc ecc enz asw itd itp atd atď apod ipd stb jne ym osv"
    " utt vb vs vd dll dst dsb etj etab κλπ стб руб коп грн mwst т u o μ p m a".split()
)
"""Abbreviations that may end a sentence; their full stop then stays."""
_ENDS_WITHOUT_STOP = re.compile(r"\.[^\W\d_]{2,}$|ª$|-n[aiж]$|-р$")
"""Contractions without a final full stop: `Sig.ra`, `d-na`."""
_SHORT = 2
_LETTER = 1
_NUMBER_AHEAD = re.compile(r"\s?[-–]?[0-9<>~+]")
_NUMBER_BEHIND = re.compile(r"[0-9]\.?\s?$")
_PARTICLE = re.compile(
    r"\s?(?:van|von|vom|zu|zum|de|du|des|del|della|dello|di|da|do|dos|das|dei|le|la|den|ter|ten|af|av)\s"
    r"(?:[^\W\d_]{2,3}\s)?(?:[dl]['’])?(?=[^\W\d_])(?![^\W\d_]*\.)"
)
"""What may come between a title and a name."""
_SHARED = {"bs": "hr", "mk": "sr"}
_ANY_FIGURE = re.compile(r"[\d<>.º°]|\b[IVX]+\b|I(?:er|re|ère)\b|[IVX](?:e|è|ème|ᵉ)\b")


@dataclass(frozen=True, slots=True)
class _Abbreviations:
    pattern: re.Pattern[str]
    words: dict[str, list[tuple[str, str]]]
    """Abbreviation without spaces -> its words, each with the mark that says where they apply."""
    kept: frozenset[str]
    """Abbreviations that are not written out."""


def speak_other_language(text: str, language: str) -> str:
    """Write out what a phonemiser of this language (a BCP-47 tag) would read wrongly."""
    key = language_key(language)
    words = wording(key)
    if words is None or not _ANY_FIGURE.search(text):
        return text
    if key == "de":
        text = speak_german(text)
    text = _expand(name_months(speak_roman_numerals(text, key), key), key)
    text = speak_ordinals(speak_suffixed_ordinals(text, key), key)
    text = speak_ranges(speak_figures(speak_signs(text, key), words), key, words.minus)
    return _CELSIUS.sub("摄氏度", text) if key == "zh" else speak_time_units(text, key)


_CELSIUS = re.compile(r"\s?°C(?![A-Za-z])")
_YEARS = {"ru": ("г", "года"), "uk": ("р", "року"), "pl": ("r", "roku"), "be": ("г", "года")}
"""After a year; after other numbers they may be grams."""


def _expand(text: str, key: str) -> str:
    short, long = _YEARS.get(key, ("", ""))
    if short:
        text = re.sub(
            rf"(?<=\b(?:1[0-9]|20)[0-9]{{2}}) ?{short}\.(?P<more> ?[^\W\d_A-ZА-ЯЁІЇЄ]|[,;:)])?",
            lambda found: f" {long}{found['more'] or '.'}",
            text,
        )
    table = _abbreviations(_SHARED.get(key, key))
    return table.pattern.sub(lambda found: _expanded(found, table), text) if table else text


@lru_cache(maxsize=16)
def _abbreviations(key: str) -> _Abbreviations | None:
    source = ABBREVIATIONS.get(key)
    if source is None:
        return None
    words: dict[str, list[tuple[str, str]]] = {}
    stopped, bare = [], []
    for entry in source.split(";"):
        short, _, long = entry.strip().partition("=")
        mark = long[-1] if long[-1] in _MARKS else ""
        words.setdefault(short.replace(" ", ""), []).append((long.rstrip(_MARKS), mark))
        if short == "max":
            # Capitalised, it may be the name Max.
            words.setdefault("Max", []).append((long, "#"))
        escaped = re.escape(short).replace(r"\ ", r"\s?")
        stopped.append(escaped)
        if mark == "?":
            bare.append(rf"{escaped}(?=\s?[0-9])")
        elif _ENDS_WITHOUT_STOP.search(short):
            bare.append(rf"{escaped}(?=\s)")
    longest_first = sorted(set(stopped), key=len, reverse=True)
    longest_bare = "|".join(sorted(bare, key=len, reverse=True)) or "(?!)"
    pattern = rf"(?<![\w./])(?:(?P<bare>{longest_bare})|(?P<short>{'|'.join(longest_first)})\.)"
    return _Abbreviations(
        re.compile(pattern, re.IGNORECASE), words, KEPT_WITH_FULL_STOP.get(key, frozenset())
    )


def _expanded(found: re.Match[str], table: _Abbreviations) -> str:
    text = found.string
    short = (found["short"] or found["bare"]).replace(" ", "")
    if short.lower() in table.kept:
        return found.group()
    after_number = bool(_NUMBER_BEHIND.search(text, max(0, found.start() - 4), found.start()))
    for long, mark in _entries(short, table):
        if _fits(found, mark, after_number=after_number):
            blank = " " if text[found.end() : found.end() + 1].isalnum() else ""
            ends = found.end() == len(text) and found["short"]
            begins = short[:1].isupper() and long[:1].islower() and _starts(text, found.start())
            return (long[0].upper() + long[1:] if begins else long) + ("." if ends else blank)
    return found.group()


def _entries(short: str, table: _Abbreviations) -> list[tuple[str, str]]:
    """Return the meanings of an abbreviation as it is written, else with its first letter changed in case."""
    exact = table.words.get(short)
    if exact is not None:
        return exact
    folded = short[:1].lower() + short[1:]
    if folded in table.words and len(short) > _LETTER:
        return table.words[folded]
    upper = short[:1].upper() + short[1:]
    return table.words.get(upper, []) if len(short) > _LETTER else []


def _fits(found: re.Match[str], mark: str, *, after_number: bool) -> bool:
    text, end = found.string, found.end()
    if found["bare"] and mark == "?":
        return True
    if mark == "@":
        return after_number
    if mark == "#":
        return not after_number and _NUMBER_AHEAD.match(text, end) is not None
    if mark == "?":
        return _NUMBER_AHEAD.match(text, end) is not None
    rest = text[end : end + 3].lstrip()
    if mark == "^":
        name = bool(rest) and rest[0].isalpha() and not rest[0].islower()
        return name or _PARTICLE.match(text, end) is not None
    short = (found["short"] or found["bare"]).lower().replace(" ", "")
    if after_number and len(short) <= _SHORT:
        return False
    return bool(rest) or short.split(".")[0] in _LAST


def _starts(text: str, at: int) -> bool:
    return not text[:at].strip()
