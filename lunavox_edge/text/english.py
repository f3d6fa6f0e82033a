"""English prose as it is said: abbreviations, numbers and signs in words."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.calendar_en import speak_dates, speak_phones, speak_times
from lunavox_edge.text.measures_en import speak_measures, speak_prices
from lunavox_edge.text.numbers_en import speak_numbers

_MONTH_FIRST_REGIONS = frozenset({"", "us", "ph", "pr", "um", "gu"})

_TITLES = {
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Messrs": "Messieurs",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Hon": "Honorable",
    "Gen": "General",
    "Col": "Colonel",
    "Maj": "Major",
    "Capt": "Captain",
    "Cmdr": "Commander",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Pres": "President",
    "Mt": "Mount",
    "Ft": "Fort",
}
_WORDS = {
    "vs": "versus",
    "approx": "approximately",
    "etc": "etcetera",
    "e.g": "for example",
    "eg": "for example",
    "i.e": "that is",
    "ie": "that is",
    "cf": "compare",
    "incl": "including",
    "excl": "excluding",
    "dept": "department",
    "blvd": "boulevard",
    "govt": "government",
    "jr": "junior",
    "sr": "senior",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
}
_OFTEN_LAST = frozenset({"etc", "blvd", "dept", "govt", "jr", "sr", "inc", "ltd", "corp"})
"""Their full stop may end the sentence too."""
_WORDS_INSIDE = {
    "max": "maximum",
    "min": "minimum",
    "temp": "temperature",
    "avg": "average",
    "est": "estimated",
    "ca": "circa",
    "apt": "apartment",
    "ave": "avenue",
}
"""Read so only where the sentence goes on: `max. 5`, but `Ask Max.`"""
_BEFORE_NUMBERS = {
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "ch": "chapter",
    "chap": "chapter",
    "fig": "figure",
    "sec": "section",
    "art": "article",
}
_WEEKDAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}

_TITLE = re.compile(rf"\b({'|'.join(_TITLES)})\.(?=\s?[A-Z&])")
_TWO_FACED = re.compile(r"(?:\b([A-Z][a-z]{2,20})\s)?\b(Dr|St)\.(\s?[A-Z])?")
_FIXED = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, _WORDS))})\.(?!\w)(?=\s?(.?))", re.IGNORECASE)
_INSIDE = re.compile(rf"(?<![\w.])(?<![0-9]\s)(?i:({'|'.join(_WORDS_INSIDE)}))\.(?=\s[a-z0-9$€£])")
_NUMBERED = re.compile(rf"(?<![\w.])({'|'.join(_BEFORE_NUMBERS)})\.\s?(?=[0-9])", re.IGNORECASE)
_WEEKDAY = re.compile(
    r"\b(?:(Mon|Tues?|Wed|Thu(?:rs?)?|Fri)\b(?!['-])|(Sat|Sun)(?=[.:]|,?\s[0-9]))(?:\.(?=,|\s[a-z0-9]))?(?=[\s,:;.)]|$)"
)
_WEEKDAY_RANGE = re.compile(rf"\b({'|'.join(_WEEKDAYS)})\s?[-–]\s?({'|'.join(_WEEKDAYS)})\b")
_NOT_NAMES = frozenset(
    {"The", "And", "But", "For", "From", "With", "See", "Ask", "Call", "Tell", "Visit", "Near", "Was"}
)

_DIGIT = re.compile("[0-9]")
_SIGN = re.compile(r"(?<![\w)\]%°.$€£-])-(?=\.?[0-9]|[$€£¥])")
_PLUS_SIGN = re.compile(r"(?<![\w+)])\+(?=[0-9$€£])")
_VULGAR = re.compile("([0-9]?)([¼-¾⅐-⅞↉])")
_RAISED = re.compile("[⁰¹⁴-⁹₀-₉]+")
_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"#\s?(?=[0-9])"), "number "),
    (re.compile(r"[~≈]\s?(?=[0-9$€£])"), "about "),
    (re.compile(r"\^\s?(?=-?[0-9])"), " to the power of "),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?=\s|[a-z])"), "with "),
    (re.compile(r"\b24/7\b"), "24 7"),
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
    (re.compile(r"[#^~|<>\\{}]+"), " "),
)


def speak_english(text: str, language: str) -> str:
    """Write out what a voice would stumble over; no digit is left."""
    parts = language.lower().replace("_", "-").split("-")
    region = parts[-1] if len(parts) > 1 else ""
    text = _plain_digits(text)
    for pattern, words in _SIGNS:
        text = pattern.sub(words, text)
    text = _expand(text)
    if _DIGIT.search(text):
        text = _PLUS_SIGN.sub("plus ", _SIGN.sub("minus ", speak_phones(text)))
        text = speak_dates(text, month_first=region in _MONTH_FIRST_REGIONS)
        text = speak_numbers(speak_measures(speak_prices(speak_times(text))))
    for pattern, words in _LATE_SIGNS:
        text = pattern.sub(words, text)
    return text


def _plain_digits(text: str) -> str:
    """Write every digit, fraction and curly apostrophe in ASCII."""
    if text.isascii():
        return text
    text = text.replace("’", "'")
    text = _VULGAR.sub(
        lambda match: (f"{match[1]} " if match[1] else "") + unicodedata.normalize("NFKC", match[2]), text
    ).replace("⁄", "/")
    text = _RAISED.sub(lambda match: " " + unicodedata.normalize("NFKC", match.group()), text)
    return "".join(
        char if char.isascii() or not char.isdecimal() else str(unicodedata.digit(char)) for char in text
    )


def _expand(text: str) -> str:
    text = _TITLE.sub(lambda match: f"{_TITLES[match[1]]} ", text).replace("  ", " ")
    text = _TWO_FACED.sub(_two_faced, text)
    text = _NUMBERED.sub(lambda match: f"{_BEFORE_NUMBERS[match[1].lower()]} ", text)
    text = _FIXED.sub(_fixed, text)
    text = _INSIDE.sub(lambda match: _WORDS_INSIDE[match[1].lower()], text)
    text = _WEEKDAY_RANGE.sub(lambda match: f"{_WEEKDAYS[match[1]]} to {_WEEKDAYS[match[2]]}", text)
    return _WEEKDAY.sub(lambda match: _WEEKDAYS[match[1] or match[2]], text)


def _two_faced(match: re.Match[str]) -> str:
    """Tell `Dr. Smith` and `St. Paul` from `12 Main St.` and `Ocean Dr.`, which are streets."""
    name, word, follower = match[1], match[2], match[3] or ""
    before = f"{name} " if name else ""
    after_name = name and name not in _NOT_NAMES
    if follower and not after_name:
        return f"{before}{'Doctor' if word == 'Dr' else 'Saint'} {follower.strip()}"
    ends = "." if follower or match.end() == len(match.string) else ""
    return f"{before}{'Drive' if word == 'Dr' else 'Street'}{ends}{follower}"


def _fixed(match: re.Match[str]) -> str:
    word, follower = match[1].lower(), match[2]
    ends = not follower or (word in _OFTEN_LAST and follower.isupper())
    return f"{_WORDS[word]}{'.' if ends else ''}"
