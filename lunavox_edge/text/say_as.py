"""SSML's say-as element: text read as a number, a date, a telephone number and so on."""

from __future__ import annotations

import re
from collections.abc import Callable

from lunavox_edge.text.calendar_en import MONTH_NAMED, month_of, speak_times, spoken_parts
from lunavox_edge.text.codes_en import spoken_groups
from lunavox_edge.text.durations_en import speak_durations, spoken_duration
from lunavox_edge.text.english import is_month_first
from lunavox_edge.text.measures_en import speak_prices
from lunavox_edge.text.numbers_en import cardinal, digits, fraction, ordinal, plural
from lunavox_edge.text.roman_en import roman_value

SPELLED = frozenset("characters character spell-out spell spellout verbatim letters".split())
"""Values of interpret-as for reading letter by letter."""
SILENCED = frozenset({"expletive", "bleep"})
"""Values of interpret-as whose text is replaced by a pause."""

_NUMBER_FORMATS = frozenset("cardinal ordinal digits telephone fraction".split())
_OTHER_NAMES = {"digit": "digits", "phone": "telephone", "money": "currency"}
_INTEGER = re.compile(r"([0-9]{1,3}(?:[, ][0-9]{3}){1,4}|[0-9]{1,15})(?:st|nd|rd|th|\.)?", re.IGNORECASE)
_CARDINAL = re.compile(r"([-–−+]?)\s?([0-9]{1,3}(?:[, ][0-9]{3}){1,5}|[0-9]+)?((?:\.[0-9]+)?)")
_FRACTION = re.compile(r"([-–−]?)(?:([0-9]{1,9})(?:\s*\+\s*|\s+|-))?([0-9]{1,9})\s?/\s?([0-9]{1,9})")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4])[:.h]?([0-5][0-9])(?:[:.]?([0-5][0-9]))?\s?([AaPp]\.?\s?[Mm]\.?)?")
_PRIMES = re.compile(r"(?:([0-9]{1,4})['′]\s?)?(?:([0-9]{1,4})[\"″])?")
_CLOCK_PARTS = re.compile(r"([0-9]{1,5})(?::([0-9]{1,4}))(?::([0-9]{1,4}))?(?:\.[0-9]{1,9})?")
_EXTENSION = re.compile(r"\s*(?:,|;)?\s*(?:x|ext\.?|extension)\s*([0-9]{1,6})$", re.IGNORECASE)
_AMOUNT = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_STREETS = {
    "st": "Street",
    "ave": "Avenue",
    "rd": "Road",
    "dr": "Drive",
    "blvd": "Boulevard",
    "ln": "Lane",
    "ct": "Court",
    "sq": "Square",
    "pl": "Place",
    "hwy": "Highway",
    "pkwy": "Parkway",
    "apt": "Apartment",
    "ste": "Suite",
}
_STREET = re.compile(rf"(?:(?<=[A-Za-z0-9] )({'|'.join(_STREETS)})|\b(apt|ste))\b\.?", re.IGNORECASE)
_LAST_DAY, _LAST_MONTH = 31, 12
_YEAR_CHARS = 4
_PACKED = re.compile("[0-9?]{8}")
"""A date without separators; a question mark stands for an unknown digit."""
_LONE_NUMBER = re.compile("(1?)([0-9]{3})?([0-9]{3})([0-9]{4})")
_POSTCODE = re.compile(r"(?<![\w-])([0-9]{5})(?:-([0-9]{4}))?$")


def say_as(text: str, kind: str, detail: str, language: str) -> str:
    """Return the words for a text that is to be read as `kind` (interpret-as); `detail` is its format.

    The text is returned unchanged if `kind` is unknown or the text is not of that kind. In languages other
    than English only digits and telephone numbers are supported.
    """
    kind, detail = kind.removeprefix("vxml:"), detail.lower()
    head, _, tail = kind.replace("_", ":").partition(":")
    if head == "number":
        kind = tail or (detail if detail in _NUMBER_FORMATS else "cardinal")
    elif head in {"date", "time", "currency", "duration"} and tail:
        kind, detail = head, tail
    kind = _OTHER_NAMES.get(kind, kind)
    if language.lower().replace("_", "-").partition("-")[0] not in {"en", "eng"}:
        spelled = kind in {"digits", "telephone"}
        return ", ".join(re.findall("[0-9]", text)) if spelled and re.search("[0-9]", text) else text
    if kind == "date":
        return _date(text, _order(detail), month_first=is_month_first(language)) or text
    if kind == "currency" and _AMOUNT.fullmatch(text) and detail:
        return speak_prices(f"{detail.upper()} {text}")
    read = _READERS.get(kind)
    return (read(text) or text) if read else text


def _cardinal(text: str) -> str | None:
    roman = roman_value(text)
    if roman:
        return cardinal(str(roman))
    match = _CARDINAL.fullmatch(text)
    if not match or not (match[2] or match[3]):
        return None
    whole = (match[2] or "").replace(" ", "")
    return _signed(match[1], cardinal(f"{whole}{match[3]}"))


def _signed(sign: str, words: str) -> str:
    return f"{'plus' if sign == '+' else 'minus'} {words}" if sign else words


def _ordinal(text: str) -> str | None:
    roman = roman_value(text)
    if roman:
        return ordinal(roman)
    match = _INTEGER.fullmatch(text)
    return ordinal(int(match[1].replace(",", "").replace(" ", ""))) if match else None


def _digits(text: str) -> str | None:
    if not re.search("[0-9]", text):
        return None
    names = {"-": "minus" if text.startswith("-") else "", ".": "point", "+": "plus"}
    words = [
        digits(char) if char in "0123456789" else char if char.isalpha() else names.get(char, "")
        for char in text
    ]
    return " ".join(filter(None, words))


def _fraction(text: str) -> str | None:
    match = _FRACTION.fullmatch(text)
    if not match or not int(match[4]):
        return None
    over, under = int(match[3]), int(match[4])
    words = fraction(match[2], over, under, named=True)
    if words is None:
        part = "halves" if under == 2 else plural({4: "quarter"}.get(under) or ordinal(under))  # noqa: PLR2004
        words = cardinal(match[3]) if under == 1 else f"{cardinal(match[3])} {part}"
        words = f"{cardinal(match[2])} and {words}" if match[2] else words
    return _signed(match[1] and "-", words)


def _order(detail: str) -> str:
    """`dd.mm.yyyy` -> `dmy`."""
    return re.sub(r"(.)\1+", r"\1", re.sub("[^ymd]", "", detail))


def _date(text: str, order: str, *, month_first: bool) -> str | None:
    """Return a date in words; `order` is that of its parts (`ymd`, `dm`, `my`, `d`), guessed if ""."""
    named = MONTH_NAMED.search(text)
    if named:
        numbers = re.findall("[0-9]{1,4}", text[: named.start()] + " " + text[named.end() :])
        values = {"m": month_of(named[1])}
        for number in numbers:
            is_year = int(number) > _LAST_DAY or "d" in values or ("y" in order and "d" not in order)
            values["y" if is_year else "d"] = int(number)
        return spoken_parts(values, month_first=month_first)
    parts = re.findall(r"[0-9]+|\?+", text)
    if _PACKED.fullmatch(text) and len(order) in {0, 3}:
        order = order or "ymd"
        place = 0
        packed, parts = text, []
        for part in order:
            size = 4 if part == "y" else 2
            parts.append(packed[place : place + size])
            place += size
    if not parts or max(map(len, parts)) > _YEAR_CHARS:
        return None
    order = order or _guessed_order(parts, month_first=month_first)
    if len(parts) == 2 and len(order) == 3:  # noqa: PLR2004 - a date without its year
        order = order.replace("y", "")
    if len(parts) != len(order) or len(set(order)) != len(order):
        return None
    values = {
        part: int(value) for part, value in zip(order, parts, strict=True) if value.isdigit() and int(value)
    }
    if values.get("m", 1) > _LAST_MONTH >= values.get("d", _LAST_DAY):
        values["m"], values["d"] = values["d"], values["m"]
    return spoken_parts(values, month_first=month_first)


def _guessed_order(parts: list[str], *, month_first: bool) -> str:
    day_and_month = "md" if month_first else "dm"
    has_year = [len(part) == _YEAR_CHARS for part in parts]
    if len(parts) == 1:
        return "y" if has_year[0] else "d"
    if has_year[0]:
        return "ymd"[: len(parts)]
    return "my" if has_year[1] else (day_and_month + "y")[: len(parts)]


def _time(text: str) -> str | None:
    length = _primes(text)
    if length:
        return length
    match = _CLOCK.fullmatch(text)
    if not match:
        spoken = speak_times(text)
        return spoken if spoken != text else None
    half = f" {match[4][0]}m" if match[4] else ""
    seconds = f":{match[3]}" if match[3] else ""
    return speak_times(f"{match[1]}:{match[2]}{seconds}{half}")


def _duration(text: str) -> str | None:
    length = _primes(text)
    if length:
        return length
    match = _CLOCK_PARTS.fullmatch(text)
    if not match:
        spoken = speak_durations(text)
        return spoken if spoken != text else None
    first, second, third = int(match[1]), int(match[2]), match[3]
    if third is None:
        return spoken_duration(minutes=first, seconds=second)
    return spoken_duration(hours=first, minutes=second, seconds=int(third))


def _primes(text: str) -> str | None:
    """Return `1'21"` as minutes and seconds in words, None if the text has another form."""
    match = _PRIMES.fullmatch(text)
    if not text or not match:
        return None
    return spoken_duration(minutes=int(match[1] or 0), seconds=int(match[2] or 0))


def _telephone(text: str) -> str | None:
    extension = _EXTENSION.search(text)
    number = text[: extension.start()] if extension else text
    if not re.search("[0-9]", number):
        return None
    lone = _LONE_NUMBER.fullmatch(number.strip())
    if lone:
        number = " ".join(filter(None, lone.groups()))
    groups = [
        group if group.isalpha() else spoken_groups(group)
        for group in re.findall(r"[0-9]+|[A-Za-z]+", number)
    ]
    spoken = ("plus " if number.lstrip().startswith("+") else "") + ", ".join(groups)
    return f"{spoken}, extension {spoken_groups(' '.join(extension[1]))}" if extension else spoken


def _address(text: str) -> str:
    text = _STREET.sub(lambda match: _STREETS[(match[1] or match[2]).lower()], text)
    return _POSTCODE.sub(lambda match: spoken_groups(match.group()), text)


_READERS: dict[str, Callable[[str], str | None]] = {
    "cardinal": _cardinal,
    "roman": _cardinal,
    "ordinal": _ordinal,
    "digits": _digits,
    "fraction": _fraction,
    "time": _time,
    "duration": _duration,
    "telephone": _telephone,
    "currency": speak_prices,
    "address": _address,
}
