"""Normalisation of English text: numbers and signs as words, in a fixed order of steps."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.abbreviations_en import expand_abbreviations
from lunavox_edge.text.calendar_en import part_timestamps, speak_dates, speak_times
from lunavox_edge.text.codes_en import speak_codes
from lunavox_edge.text.durations_en import speak_durations
from lunavox_edge.text.measures_en import speak_measures, speak_prices
from lunavox_edge.text.numbers_en import speak_numbers
from lunavox_edge.text.roman_en import speak_roman

_MONTH_FIRST_REGIONS = frozenset({"", "us", "ph", "pr", "um", "gu"})

_DIGIT = re.compile("[0-9]")
_SIGN = re.compile(r"(?<![\w)\]%°.$€£-])-(?=\.?[0-9]|[$€£¥])")
_DASH_SIGN = re.compile(r"(?<![\w)\]%°.$€£–-])–(?=\.?[0-9]|[$€£¥])")
_SPACED_SIGN = re.compile(
    r"(?P<colon>[:=(]|\bthan|\babout|\b(?:at|of|is|to|from|below|above|under|over|around|almost|nearly"
    r"|only)\b|,)\s?[-–]\s(?=\.?[0-9])"
    r"|(?<=[^\W\d_])\s-\s(?=[0-9]{1,3}(?:[.,][0-9]{1,3})?\s?(?:[°º]|degrees\b|[CF]\b))"
)
_BEFORE_RANGE = re.compile(r"[0-9]\s?(?:[%°ºCFK]|[°º]\s?[CFK])?\s?$")
_RANGE_TO_NEGATIVE = re.compile(r"(?<=[0-9%°ºCF])(?:\s?–\s?|\s?\.\.\.?\s?|\s-\s)(?=[-–]\.?[0-9])")
_EUROPEAN = re.compile(r"(?<![\w.,])([0-9]{1,3}(?:\.[0-9]{3}){1,4}),([0-9]{1,2})(?![\w,]|\.[0-9])")
_COMMA = re.compile(
    r"(?<![\w.,/])([0-9]{1,9}),([0-9]{1,2}|[0-9]{4,9}|(?<=\b0,)[0-9]{3})(?![0-9]|[.,/:-][0-9])"
)
_LISTED = re.compile(
    r"\b(?:pages?|rooms|channels|zones|steps|lines|items|chapters|sections|floors|days|questions|verses"
    r"|ports|numbers"
    r"|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|august"
    r"|september|october"
    r"|november|december)\.?\s$",
    re.IGNORECASE,
)
_LIST_GOES_ON = re.compile(r"\s?(?:and|or|&)\s?[0-9]{1,9}(?![0-9]|[.,][0-9])")
_LIST_COMMA = re.compile(r"(?<=[0-9]),(?=(?:[0-9]{1,2}|(?:19|20)[0-9]{2})(?![0-9]))")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_PLUS_SIGN = re.compile(r"(?<![\w+)])\+(?=[0-9$€£])")
_VULGAR = re.compile("([0-9]?)([¼-¾⅐-⅞↉])")
_ROMAN_SIGN = re.compile("[Ⅰ-ⅿ]")
_RAISED = re.compile("[⁰¹⁴-⁹₀-₉]+")
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"#\s?(?=[0-9])"), "number "),
    (re.compile(r"\b(I|[Ww]e) <3\b"), r"\1 love"),
    (re.compile(r"\b(about|around|approximately) [~≈]\s?(?=[0-9])"), r"\1 "),
    (re.compile(r"(?<=\w)[-=]>(?=\w)"), " to "),
    (re.compile(r"([$€£¥])[-–](?=[0-9])"), r"-\1"),
    (re.compile(r"(?<=[0-9])\s?(?:\.\.\.|…)\s?(?=[0-9])"), " to "),
    (re.compile(r"(?:(?<=[0-9][%°])|(?<=°[CF]))\s?[-–]\s?(?=[0-9])"), " to "),
    (re.compile(r"(?<=[0-9])\s?[~∼]\s?(?=[0-9])"), " to "),
    (re.compile(r"(?<=[0-9]/[0-9])\s?[-–]\s?(?=[0-9]{1,2}/[0-9])"), " to "),
    (re.compile(r"Δ\s?(?=[0-9A-Za-z])"), "delta "),
    (re.compile(r"\b(UTC|GMT)\s?\+\s?(?=[0-9])"), r"\1 plus "),
    (re.compile(r"\b(UTC|GMT)\s?[-–]\s?(?=[0-9])"), r"\1 minus "),
    (re.compile(r"(?<=UTC plus |GMT plus )0?([0-9]{1,2}):00\b"), r"\1"),
    (re.compile(r"(?<=UTC minus |GMT minus )0?([0-9]{1,2}):00\b"), r"\1"),
    (re.compile(r"№\s?(?=[0-9])"), "number "),
    (re.compile(r"[~≈∼≃≅]\s?(?=[-–+]?\.?[0-9$€£])"), "about "),
    (re.compile(r"[≦⩽]"), "≤"),
    (re.compile(r"[≧⩾]"), "≥"),
    (re.compile(r"(?<![<>=-])\s?<\s?(?!\.?[0-9.,]+>)(?=[-–+~]?\s?[$€£¥]?\.?[0-9])"), " less than "),
    (re.compile(r"(?<![<>=-])\s?>\s?(?=[-–+~]?\s?[$€£¥]?\.?[0-9])"), " greater than "),
    (re.compile(r"\s?(?:<=|≤)\s?(?=[-–+~]?\s?[$€£¥]?\.?[0-9])"), " at most "),
    (re.compile(r"\s?(?:>=|≥)\s?(?=[-–+~]?\s?[$€£¥]?\.?[0-9])"), " at least "),
    (re.compile(r"\s?(?:±|\+/-)\s?(?=[$€£¥]?\.?[0-9])"), " plus or minus "),
    (re.compile(r"(^|[(\[“‘]|(?:^|(?<=[\s(:]))[\"'](?= (?:less|greater|at|plus) )) +"), r"\1"),
    (re.compile(r"\^\s?(?=-?[0-9])"), " to the power of "),
    (
        re.compile(rf"(?<=[0-9])(?:st|nd|rd|th)?\s?[-–]\s?(?={_MONTHS}[a-z]{{0,6}}\.?\s[0-9]{{1,2}}\b)"),
        " to ",
    ),
    (
        re.compile(
            r"(?<=[0-9])x(?= (?:faster|slower|more|less|larger|bigger|smaller|higher|lower|better|worse"
            r"|longer|cheaper|stronger|brighter|as|the|speed|zoom)\b)"
        ),
        " times",
    ),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?=\s|[a-z])"), "with "),
    (re.compile(r"\b(24|50|9)/(7|50|11)\b(?![/.,]?[0-9])"), r"\1 \2"),
)
_LATE_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s?&\s?"), " and "),
    (re.compile(r"\s?±\s?"), " plus or minus "),
    (re.compile(r"\s?\+(?:/-)?\s?"), " plus "),
    (re.compile(r"\s?(?:<=|≤)\s?"), " at most "),
    (re.compile(r"\s?(?:>=|≥)\s?"), " at least "),
    (re.compile(r"\s?(?:!=|≠)\s?"), " does not equal "),
    (re.compile(r"\s?=\s?"), " equals "),
    (re.compile(r"(?<=\w)\s?<\s?(?=\w)"), " less than "),
    (re.compile(r"(?<=\w)\s?>\s?(?=\w)"), " greater than "),
    (re.compile(r"\s?×\s?"), " times "),
    (re.compile(r"\s?÷\s?"), " divided by "),
    (re.compile(r"(?<=[A-Za-z]):(?=minus )"), ": "),
    (re.compile(r"\s?@\s?"), " at "),
    (re.compile(r"\s?%"), " percent"),
    (re.compile(r"\s?[°º]"), " degrees"),
    (re.compile(r"²"), " squared"),
    (re.compile(r"³"), " cubed"),
    (re.compile(r"\s?√\s?"), " square root of "),
    (re.compile(r"§§?\s?"), "section "),
    (re.compile(r"©\s?"), "copyright "),
    (re.compile(r"[®™]"), ""),
    (re.compile(r"(?<=\w)\s?/\s?(?=\w)"), " "),
    (re.compile(r"∞"), " infinity "),
    (re.compile(r"[#^~|<>\\{}]+"), " "),
    (re.compile(r"([(\[“‘]|^) +"), r"\1"),
)


def speak_english(text: str, language: str) -> str:
    """Return the text with numbers, abbreviations and signs as words; no digit is left."""
    text = _plain_digits(text)
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    text = speak_roman(expand_abbreviations(text))
    if _DIGIT.search(text):
        text = speak_codes(speak_durations(_decimal_points(part_timestamps(text))))
        text = speak_dates(_PLUS_SIGN.sub("plus ", _minus_signs(text)), month_first=is_month_first(language))
        text = speak_numbers(speak_measures(speak_prices(speak_times(text))))
    for pattern, words in _LATE_SIGNS:
        text = pattern.sub(words, text)
    return text


def is_month_first(language: str) -> bool:
    """Whether 3/4/2026 is the fourth of March in the region of this BCP-47 tag."""
    parts = language.lower().replace("_", "-").split("-")
    return (parts[-1] if len(parts) > 1 else "") in _MONTH_FIRST_REGIONS


def _plain_digits(text: str) -> str:
    """Replace digits, fractions and curly apostrophes by ASCII characters."""
    if text.isascii():
        return text
    text = text.replace("’", "'")
    text = _VULGAR.sub(
        lambda match: (f"{match[1]} " if match[1] else "") + unicodedata.normalize("NFKC", match[2]), text
    ).replace("⁄", "/")
    text = _ROMAN_SIGN.sub(lambda match: str(int(unicodedata.numeric(match.group()))), text)
    text = _RAISED.sub(lambda match: " " + unicodedata.normalize("NFKC", match.group()), text)
    return "".join(
        char if char.isascii() or not char.isdecimal() else str(unicodedata.digit(char)) for char in text
    )


def _decimal_points(text: str) -> str:
    """`21,5` -> `21.5`, `1.250,5` -> `1250.5`; but `1,250` has no decimals, and `pages 3,4` is a list."""
    text = _EUROPEAN.sub(lambda match: f"{match[1].replace('.', '')}.{match[2]}", text)
    return _LIST_COMMA.sub(", ", _COMMA.sub(_decimal_point, text))


def _decimal_point(match: re.Match[str]) -> str:
    text = match.string
    are_years = _YEAR.fullmatch(match[1]) and _YEAR.fullmatch(match[2])
    if (
        are_years
        or _LIST_GOES_ON.match(text, match.end())
        or _LISTED.search(text[max(0, match.start() - 12) : match.start()])
    ):
        return match.group()
    return f"{match[1]}.{match[2]}"


def _minus_signs(text: str) -> str:
    """Replace minus signs by `minus`; a hyphen between two numbers is not a minus sign."""
    text = _RANGE_TO_NEGATIVE.sub(" to ", text)
    text = _SPACED_SIGN.sub(_spaced_minus, text)
    return _SIGN.sub("minus ", _DASH_SIGN.sub(_dash_minus, text))


def _spaced_minus(match: re.Match[str]) -> str:
    if match["colon"]:
        return f"{match['colon']}{'' if match['colon'] == '(' else ' '}minus "
    before = match.string[max(0, match.start() - 8) : match.start()]
    return match.group() if _BEFORE_RANGE.search(before) else " minus "


def _dash_minus(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 8) : match.start()]
    return match.group() if before.endswith(" ") and _BEFORE_RANGE.search(before) else "minus "
