"""English: numbers as words."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

NUMBER = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,15})?|[0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15})(?![0-9])"
)
"""Pattern of a number as people write it: `1,250`, `3.5`, `.5`. A longer one is an identifier."""

_MAX_CARDINAL_DIGITS = 15
_MAX_BARE_DIGITS = 9
"""A longer number without commas is an identifier, which is read digit by digit."""
_MAX_DIGITS_AFTER_LETTERS = 2
_MAX_DIGITS_BEFORE_LETTERS = 4
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LARGEST_NAMED_PART = 9
_INCH_PARTS = frozenset({16, 32, 64})

_VERSION = re.compile(r"(?<![\w.])v?([0-9]{1,15}(?:\.[0-9]{1,15}){2,20})(?![\w]|\.[0-9])")
_ORDINAL = re.compile(
    r"(?<![\w.,])([0-9]{1,3}(?:,[0-9]{3}){1,3}|[0-9]{1,12})(?:st|nd|rd|th)\b", re.IGNORECASE
)
_FRACTION = re.compile(r"(?<![\w./,])(?:([0-9]{1,6})[ -])?([0-9]{1,6})/([0-9]{1,6})(?![\w/]|[.,][0-9])")
_SHARE = re.compile(
    r"(?<![\w./,-])(?<![0-9] )([0-9]{1,2})/([0-9]{1,4})(?= of (?:an?|the|its|my|your|all|our|their)\b)"
)
_SCORE = re.compile(
    r"(?P<before>(?i:\b(?:rat(?:ed|ing)|scor(?:ed?|es|ing)|battery|level))(?: of| is| was| it| at|:)? )"
    r"(?P<over>[0-9]{1,3})/(?P<under>[0-9]{1,3})(?![\w/]|[.,][0-9])"
)
_PRODUCT = re.compile(rf"(?<![\w.,])(?!0x)({NUMBER})(?:\s?x\s?|×)({NUMBER})(?! to the)")
_RATIO = re.compile(r"(?<![\w.,:/])([0-9]{1,4}):([0-9]{1,4})(?![\w:/]|[.,][0-9])")
_SUM = re.compile(r"(?<=[0-9]) ?- ?(?=[0-9.]{1,20} ?=)")
_QUOTIENT = re.compile(r"(?<=[0-9]) / (?=[0-9.]{1,20} ?=)")
_SLASH = re.compile(r"(?<=[0-9]) / (?=[0-9])")
_RATING = re.compile(r"(?<![\w./,])([0-9]{1,3}\.[0-9]{1,2})/([0-9]{1,3})(?![\w/]|[.,][0-9])")
_RANGE = re.compile(rf"(?<![\w.,-])({NUMBER})(?:-|–| - | – )({NUMBER})(?![\w-]|\.[0-9])")
_YEAR = re.compile(r"1080|(?:1[5-9]|20)[0-9]{2}")
_OLD_YEAR = re.compile(
    r"(?i:\b(in|since|until|by|year|before|after|around|circa)) (1[0-4][0-9]{2})(?![\w,.:/-]*[0-9])"
)
_ANY_NUMBER = re.compile(
    r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+(?:\.[0-9]+)?|(?<![\w.])\.[0-9]+"
)


def digits(text: str) -> str:
    """`907` -> `nine zero seven`."""
    return " ".join(_DIGITS[int(char)] for char in text if char in "0123456789")


def cardinal(number: str) -> str:
    """`1,250.5` -> `one thousand two hundred and fifty point five`."""
    whole, point, fraction = number.replace(",", "").partition(".")
    if not whole:
        words = "zero"
    elif len(whole) > _MAX_CARDINAL_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole)
    else:
        words = _in_words(int(whole), "cardinal")
    return f"{words} point {digits(fraction)}" if point and fraction else words


def ordinal(number: int) -> str:
    """`21` -> `twenty-first`."""
    return _in_words(number, "ordinal")


def year(number: int) -> str:
    """`1984` -> `nineteen eighty-four`."""
    return _in_words(number, "year")


def number_or_year(number: str) -> str:
    """Return a number without context in words; 1500 to 2099, and 1080 (lines), are read like years."""
    return year(int(number)) if _YEAR.fullmatch(number) else cardinal(number)


def plural(words: str) -> str:
    """`twenty` -> `twenties`."""
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


@lru_cache(maxsize=1024)
def _in_words(number: int, form: str) -> str:
    # The library writes a comma after the thousands, at which a voice would pause.
    return str(num2words(number, to=form)).replace(",", "")


def speak_numbers(text: str) -> str:
    """Replace every ASCII digit of the text by words."""
    text = _VERSION.sub(_spoken_version, text)
    text = _SLASH.sub(" slash ", _QUOTIENT.sub(" divided by ", _RATING.sub(r"\1 out of \2", text)))
    text = _ORDINAL.sub(lambda match: ordinal(int(match[1].replace(",", ""))), text)
    text = _SCORE.sub(r"\g<before>\g<over> out of \g<under>", text)
    text = _SHARE.sub(_spoken_share, text)
    text = _FRACTION.sub(_spoken_fraction, text)
    text = _OLD_YEAR.sub(lambda match: f"{match[1]} {year(int(match[2]))}", text)
    text = _PRODUCT.sub(lambda match: _pair(match, "by"), text)
    text = _RATIO.sub(lambda match: _pair(match, "to"), text)
    text = _RANGE.sub(lambda match: _pair(match, "to"), _SUM.sub(" minus ", text))
    return _ANY_NUMBER.sub(_spoken_number, text)


def _pair(match: re.Match[str], joint: str) -> str:
    if joint == "to" and match[1] == match[2]:
        joint = ""
    return " ".join(filter(None, (number_or_year(match[1]), joint, number_or_year(match[2]))))


def _spoken_version(match: re.Match[str]) -> str:
    parts = match[1].split(".")
    point = " dot " if len(parts) == 4 else " point "  # noqa: PLR2004 - an IP address
    return point.join(cardinal(part) for part in parts)


def fraction(whole: str | None, over: int, under: int, *, named: bool = False) -> str | None:
    """`1`, `1`, `2` -> `one and a half`; None for unusual denominators (unless `named`) or if not below 1."""
    if not 0 < over < under or not (named or under <= _LARGEST_NAMED_PART or under in _INCH_PARTS):
        return None
    part = {2: "half", 4: "quarter"}.get(under) or ordinal(under)
    if whole and over == 1:
        part = f"{'an' if part[0] in 'aeiou' else 'a'} {part}"
    else:
        part = f"{cardinal(str(over))} {part if over == 1 else plural(part)}"
    return f"{cardinal(whole)} and {part}" if whole else part


def _spoken_share(match: re.Match[str]) -> str:
    return fraction(None, int(match[1]), int(match[2]), named=True) or match.group()


def _spoken_fraction(match: re.Match[str]) -> str:
    whole, over, under = match[1], int(match[2]), int(match[3])
    named = fraction(whole, over, under)
    if named:
        return named
    joint = " over " if over > under else " slash "
    if over == under or under in {10, 100}:
        joint = " out of "
    spoken = f"{cardinal(match[2])}{joint}{cardinal(match[3])}"
    return f"{cardinal(whole)} {spoken}" if whole else spoken


def _spoken_number(match: re.Match[str]) -> str:
    number = match.group()
    before = match.string[max(0, match.start() - 1) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    attached = before.isalpha()
    limit = _MAX_DIGITS_BEFORE_LETTERS if after.isalpha() else _MAX_BARE_DIGITS
    if attached:
        limit = _MAX_DIGITS_AFTER_LETTERS
    whole = number.partition(".")[0]
    if "," not in number and len(whole) > limit and not whole.endswith("000"):
        words = " point ".join(digits(part) for part in number.split("."))
    else:
        words = number_or_year(number)
    return f"{' ' if attached else ''}{words}{' ' if after.isalpha() else ''}"
