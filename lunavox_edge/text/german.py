"""What only German writes so: times with `Uhr`, streets that end in `-str.`, weekdays, floors."""

from __future__ import annotations

import re

from lunavox_edge.text.month_words import months

_DAYS = {
    "Mo": "Montag",
    "Di": "Dienstag",
    "Mi": "Mittwoch",
    "Do": "Donnerstag",
    "Fr": "Freitag",
    "Sa": "Samstag",
    "So": "Sonntag",
}
WEEKDAYS = frozenset(day.lower() for day in _DAYS.values())

COUNTED_NOUNS = {
    **dict.fromkeys("etage ebene bundesliga halbzeit".split(), ""),
    **dict.fromkeys("stock advent feiertag weihnachtstag fc".split(), "r"),
    **dict.fromkeys("og ug dg obergeschoss untergeschoss stockwerk quartal".split(), "s"),
}
"""Nouns that a number with a full stop before them counts, and the ending it has without an article."""

_DAY = "|".join(_DAYS)
_DAY_RANGE = re.compile(rf"\b({_DAY})\.?\s?[-–]\s?({_DAY})\b\.?(?=[\s,:;)]|$)")
_DAY_OF_DATE = re.compile(rf"\b({_DAY})(?:\.,?|,)(?=\s[0-9]{{1,2}}\.)")
_CLOCK = r"(?:[01]?[0-9]|2[0-4])[.:][0-5][0-9]"
_CLOCKS = re.compile(
    rf"(?<![\w.,:/-])(?P<first>{_CLOCK})"
    rf"(?:(?P<joint>\s?[-–]\s?|\s(?:bis|und|oder)\s)(?P<last>{_CLOCK}))?\s?Uhr\b"
)
_STREET = re.compile(r"(?<=[^\W\d_]{2})(?P<s>[sS])tr\.(?=\s|$|[,;:)])")
_ORDINAL_RANGE = re.compile(
    rf"(?<![\w.,])(?P<first>[0-9]{{1,2}})\.\s?[-–]\s?(?=[0-9]{{1,2}}\.\s?(?:{months('de')})(?!\w))",
    re.IGNORECASE,
)
THROUGH = re.compile(rf"\.\sbis\s[0-9]{{1,2}}\.\s?(?:{months('de')})(?!\w)", re.IGNORECASE)
"""What follows the first day of two in one month."""


def speak_german(text: str) -> str:
    """Write out times of day, streets and weekdays."""
    text = _DAY_RANGE.sub(lambda found: f"{_DAYS[found[1]]} bis {_DAYS[found[2]]}", text)
    text = _DAY_OF_DATE.sub(lambda found: f"{_DAYS[found[1]]},", text)
    text = _STREET.sub(_street, text)
    text = _ORDINAL_RANGE.sub(r"\g<first>. bis ", text)
    return _CLOCKS.sub(_clocks, text)


def _street(found: re.Match[str]) -> str:
    ends = "." if found.end() == len(found.string) else ""
    return f"{found['s']}traße{ends}"


def _clocks(found: re.Match[str]) -> str:
    first = _clock(found["first"])
    if found["last"] is None:
        return first
    joint = found["joint"] if found["joint"].strip() not in {"-", "–"} else " bis "
    return f"{first}{joint}{_clock(found['last'])}"


def _clock(time: str) -> str:
    """`7.05` -> `7 Uhr 5`."""
    hour, minute = (int(part) for part in re.split("[.:]", time))
    return f"{hour} Uhr {minute}" if minute else f"{hour} Uhr"
