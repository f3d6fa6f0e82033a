"""English: dates and times of day as words."""

from __future__ import annotations

import re

from lunavox_edge.text.durations_en import counted
from lunavox_edge.text.numbers_en import cardinal, ordinal, plural, year

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MONTH = (
    r"(January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)(?![a-z])(?:\.(?=,|\s+[a-z0-9]))?)"
)
_DAY = r"([0-3]?[0-9])"
_TH = r"(?:st|nd|rd|th)?"
_DAYS = rf"{_DAY}{_TH}(?:\s?[-–]\s?{_DAY}{_TH})?"
_YEAR = r"([12][0-9]{3})(?![0-9]|[.,:/-][0-9])"
_END = r"(?![\w/:-]|[.,][0-9])"

_OFFSET = r"(?:\s?(Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?(?![\w:])"
_TIMESTAMP = re.compile(
    r"(?<![\w.:/-])([0-9]{4}([-/])[0-9]{2}\2[0-9]{2})(?:T|,?\s)([0-2]?[0-9]:[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    + _OFFSET
)
_PACKED = re.compile(
    r"(?<![\w.:/-])([0-9]{4})([01][0-9])([0-3][0-9])T([0-2][0-9])([0-5][0-9])(?:[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    + _OFFSET
)
_CLOCK_TAIL = re.compile(
    r"(?<=[0-9]:[0-5][0-9]:[0-5][0-9])(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?(?![\w:])"
)
_ISO = re.compile(r"(?<![\w/-])([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|/([0-9]{1,2})/([0-9]{1,2}))(?![\w/-])")
_MONTH_OF_YEAR = re.compile(r"(?<![\w./,-])(0?[1-9]|1[0-2])/((?:19|20)[0-9]{2})(?![\w/-]|[.,][0-9])")
_DAY_OF_MONTH = re.compile(
    r"(?P<before>(?i:\b(?:on|by|until|till|since|from|before|after|due|through|dated|between|starting"
    r"|ending|expires|valid|date|today|tomorrow|yesterday|pickup|pick-up|collection|birthday|holiday|trash|recycling"
    r"|(?:\w+ )?day|(?:mon|tues|wednes"
    r"|thurs|fri|satur|sun)day))[,:]? \(?(?:the )?)(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})"
    r"(?P<more>(?: ?[-–] ?| (?:to|and|until|till|through) )[0-9]{1,2}/[0-9]{1,2})?"
    r"(?![\w/%°-]|[.,:][0-9]| ?(?:of|cups?|inch(?:es)?|miles?|teaspoons?|tablespoons?|tsp|tbsp|full"
    r"|empty|lb|oz|in|ths?|way)\b)"
)
_LATE_DAY = r"(?:1[0-57-9]|2[0-9]|3[01])"
"""No part of a common fraction."""
_DAYS_OF_MONTHS = re.compile(
    rf"(?<![\w.,/-])(?P<before>)[0-9]{{1,2}}/{_LATE_DAY}(?P<more> ?[-–] ?)[0-9]{{1,2}}/{_LATE_DAY}"
    r"(?![\w/%°-]|[.,:][0-9])"
)
_AND_DAY = re.compile(
    rf"\b{_MONTH}\s{_DAY}{_TH}\s(?P<joint>and|or|&)\s(?P<last>[0-3]?[0-9]){_TH}(?=[.,;:!?)]?(?:$|\s(?!\w)|\)))"
)
_NUMERIC = re.compile(
    r"(?<![\w./-])([0-9]{1,2})(?:/([0-9]{1,2})/([0-9]{4}|[0-9]{2})"
    r"|([.-])([0-9]{1,2})\4([0-9]{4}))(?![\w/-]|\.[0-9])"
)
_MONTH_FIRST = re.compile(rf"\b{_MONTH}\s{{1,3}}{_DAYS}(?:(?:,\s?|\s){_YEAR}|{_END})")
_DAY_FIRST = re.compile(
    rf"(?<![\w.,:/$€£-])([Tt]he\s)?{_DAYS}\s{{1,3}}(?:of\s)?{_MONTH}\b\.?(?:,?\s{_YEAR}|(?![\w/:-]))"
)
_MONTH_YEAR = re.compile(rf"\b{_MONTH}\s{{1,3}}{_YEAR}")
MONTH_NAMED = re.compile(rf"\b{_MONTH}\b\.?")
"""Matches the name of a month, short or long, as group 1."""
_DECADE = re.compile(r"(?<![\w.,])(?:((?:1[1-9]|20)[0-9]0)['’]?s|['’]([0-9]0)s)\b")
_AGE = re.compile(r"(?i:\b(the|early|mid|late|her|his|my|their|our|your))([ -])([2-9]0)['’]?s\b")

_HALF = r"(?:([AaPp])(?:\.\s?[Mm]\.|[Mm]\b))"
_CLOCK_RANGE = re.compile(
    r"(?<=[0-9])\s?[–-]\s?(?=[0-9]{1,2}(?:[:.][0-9]{2})?\s?[AaPp]\.?[Mm]\b)"
    r"|(?<=:[0-9]{2})\s?[–-]\s?(?=[0-9]{1,2}:[0-9]{2})|(?:(?<=[0-9\s.][AaPp][Mm])"
    r"|(?<=[0-9\s][AaPp]\.[Mm]\.))\s?[–-]\s?(?=[0-9])"
)
_CLOCK = re.compile(
    rf"(?<![\w:.,/$€£])([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?(?:\s?{_HALF}|\s?h\b)?(?![\w:])"
)
_HALF_CLOCK = re.compile(rf"(?<![\w:.,/$€£])(1[0-2]|0?[0-9])(?:\.([0-5][0-9]))?\s?{_HALF}")
_MIDDAY_H = 12


def part_timestamps(text: str) -> str:
    """Rewrite `2026-11-26 07:05:33.123456+01:00` as `2026-11-26 at 07:05`; drop fractions of a second."""
    text = _PACKED.sub(
        lambda match: f"{match[1]}-{match[2]}-{match[3]} at {match[4]}:{match[5]}{_zone(match[6])}", text
    )
    return _TIMESTAMP.sub(lambda match: f"{match[1].replace('/', '-')} at {match[3]}{_zone(match[4])}", text)


def _zone(offset: str | None) -> str:
    return " UTC" if offset in {"Z", "UTC", "GMT"} else ""


def speak_dates(text: str, *, month_first: bool) -> str:
    """Replace dates by words; with `month_first`, 3/4/2026 is March 4th and is spoken in this order."""
    text = _ISO.sub(
        lambda match: _date(
            match,
            int(match[1]),
            int(match[2] or match[4]),
            int(match[3] or match[5]),
            month_first=month_first,
        ),
        text,
    )
    text = _NUMERIC.sub(lambda match: _numeric_date(match, month_first=month_first), text)
    text = _DAYS_OF_MONTHS.sub(lambda match: _days_of_months(match, month_first=month_first), text)
    text = _AND_DAY.sub(_and_day, text)
    text = _DAY_OF_MONTH.sub(lambda match: _days_of_months(match, month_first=month_first), text)
    text = _MONTH_OF_YEAR.sub(lambda match: f"{_MONTHS[int(match[1]) - 1]} {year(int(match[2]))}", text)
    text = _MONTH_FIRST.sub(_month_first_date, text)
    text = _DAY_FIRST.sub(_day_first_date, text)
    text = _MONTH_YEAR.sub(lambda match: f"{_month_name(match[1])} {year(int(match[2]))}", text)
    text = _DECADE.sub(lambda match: plural(year(int(match[1])) if match[1] else cardinal(match[2])), text)
    return _AGE.sub(lambda match: f"{match[1]}{match[2]}{plural(cardinal(match[3]))}", text)


def spoken_parts(values: dict[str, int], *, month_first: bool) -> str | None:
    """Return a date in words from any of `y`, `m` and `d`; None if it is not a possible date."""
    month, day, year_number = values.get("m"), values.get("d"), values.get("y")
    if (month and month > len(_MONTHS)) or (day and not _is_day(day)):
        return None
    when = year(_whole_year(year_number)) if year_number else ""
    if month and day:
        name = _MONTHS[month - 1]
        if month_first:
            return f"{name} {ordinal(day)}" + (f", {when}" if when else "")
        return f"the {ordinal(day)} of {name}" + (f" {when}" if when else "")
    words = [_MONTHS[month - 1] if month else "", ordinal(day) if day else "", when]
    return " ".join(filter(None, words)) or None


def _whole_year(number: int) -> int:
    """Add the century as strptime does: 69 is 1969."""
    if number >= 100:  # noqa: PLR2004 - a year with its century
        return number
    return number + (2000 if number < 70 else 1900)  # noqa: PLR2004 - as strptime does


def _date(match: re.Match[str], year_number: int, month: int, day: int, *, month_first: bool) -> str:
    if not (1 <= month <= len(_MONTHS) and _is_day(day) and year_number):
        return match.group()
    name, when = _MONTHS[month - 1], year(year_number)
    if month_first:
        return f"{name} {ordinal(day)}, {when}"
    return f"{_the(match)}{ordinal(day)} of {name} {when}"


def _the(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 4) : match.start()]
    return "" if before.lower().endswith("the ") else "the "


def _numeric_date(match: re.Match[str], *, month_first: bool) -> str:
    first, second = int(match[1]), int(match[2] or match[5])
    year_text = match[3] or match[6]
    year_number = _whole_year(int(year_text))
    # With dots the day is first in all regions.
    month, day = (first, second) if month_first and match[4] != "." else (second, first)
    if month > len(_MONTHS):
        month, day = day, month
    return _date(match, year_number, month, day, month_first=month_first)


def _days_of_months(match: re.Match[str], *, month_first: bool) -> str:
    """`on 11/26` -> `on November twenty-sixth`; impossible dates are left, because they are fractions."""
    pairs = re.findall(r"([0-9]{1,2})/([0-9]{1,2})", match.group())
    joint = " to " if (match["more"] or "").strip()[:1] in {"-", "–"} else None
    days = [_day_of_month(int(first), int(second), month_first=month_first) for first, second in pairs]
    if None in days:
        return match.group()
    spoken = [day for day in days if day]
    before = match["before"].removesuffix("the ") if not month_first else match["before"]
    if len(spoken) == 1:
        return before + spoken[0]
    joint = joint or re.sub(r"[0-9/]+", "", match["more"])
    return f"{before}{spoken[0]}{joint}{spoken[1]}"


def _and_day(match: re.Match[str]) -> str:
    """`Dec. 24 and 25` -> both are days."""
    if not (_is_day(int(match[2])) and _is_day(int(match["last"]))):
        return match.group()
    return f"{_month_name(match[1])} {ordinal(int(match[2]))} {match['joint']} {ordinal(int(match['last']))}"


def _day_of_month(first: int, second: int, *, month_first: bool) -> str | None:
    month, day = (first, second) if month_first else (second, first)
    if month > len(_MONTHS):
        month, day = day, month
    if not (1 <= month <= len(_MONTHS) and _is_day(day)):
        return None
    return (
        f"{_MONTHS[month - 1]} {ordinal(day)}"
        if month_first
        else f"the {ordinal(day)} of {_MONTHS[month - 1]}"
    )


def _is_day(day: int) -> bool:
    return 1 <= day <= 31  # noqa: PLR2004 - the longest month


def month_of(name: str) -> int:
    """`Nov` -> 11."""
    return _MONTHS.index(_month_name(name)) + 1


def _month_name(name: str) -> str:
    return next(month for month in _MONTHS if month.startswith(name[:3]))


def _spoken_days(first: str, last: str | None) -> str | None:
    if not (_is_day(int(first)) and (last is None or _is_day(int(last)))):
        return None
    return ordinal(int(first)) + (f" to {ordinal(int(last))}" if last else "")


def _month_first_date(match: re.Match[str]) -> str:
    days = _spoken_days(match[2], match[3])
    if days is None:
        return match.group()
    return f"{_month_name(match[1])} {days}" + (f", {year(int(match[4]))}" if match[4] else "")


def _day_first_date(match: re.Match[str]) -> str:
    days = _spoken_days(match[2], match[3])
    if days is None:
        return match.group()
    spoken = f"{match[1] or 'the '}{days} of {_month_name(match[4])}"
    # The full stop of "21 Nov." ends the sentence too.
    stop = "." if not match[5] and match.group().endswith(".") else ""
    return spoken + (f" {year(int(match[5]))}" if match[5] else stop)


def speak_times(text: str) -> str:
    """`7:30 pm` -> `seven thirty PM`, `19:05` -> `nineteen oh five`."""
    text = _CLOCK_RANGE.sub(" to ", _CLOCK_TAIL.sub("", text))
    text = _CLOCK.sub(lambda match: _time(match, int(match[1]), int(match[2]), match[3], match[4]), text)
    return _HALF_CLOCK.sub(
        lambda match: _time(match, int(match[1]), int(match[2] or 0), None, match[3]), text
    )


def _time(match: re.Match[str], hour: int, minute: int, second: str | None, half: str | None) -> str:
    spoken = _half_day_time(hour, minute, half.upper()) if half else _plain_time(hour, minute)
    if second and int(second):
        spoken += f" and {counted(int(second), 'second')}"
    # The full stop of "p.m." ends the sentence too.
    following = match.string[match.end() : match.end() + 2].strip()
    ends = match.group().endswith(".") and (not match.string[match.end() :].strip() or following.isupper())
    return spoken + ("." if ends else "")


def _half_day_time(hour: int, minute: int, half: str) -> str:
    return " ".join(part for part in (cardinal(str(hour)), _minute(minute), f"{half}M") if part)


def _plain_time(hour: int, minute: int) -> str:
    if hour in {0, 24} and not minute:
        return "midnight"
    if not hour:
        return f"twelve {_minute(minute)} AM"
    if minute:
        return f"{cardinal(str(hour))} {_minute(minute)}"
    return f"{cardinal(str(hour))} o'clock" if hour <= _MIDDAY_H else f"{cardinal(str(hour))} hundred"


def _minute(minute: int) -> str:
    if not minute:
        return ""
    return cardinal(str(minute)) if minute > 9 else f"oh {cardinal(str(minute))}"  # noqa: PLR2004 - one digit
