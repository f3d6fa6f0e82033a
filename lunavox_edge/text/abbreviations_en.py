"""English abbreviations, written out as words."""

from __future__ import annotations

import re

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
    "Adm": "Admiral",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Cpl": "Corporal",
    "Pvt": "Private",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Pres": "President",
    "Amb": "Ambassador",
    "Supt": "Superintendent",
    "Msgr": "Monsignor",
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
    "temp": "temperature",
    "temps": "temperatures",
    "avg": "average",
    "hum": "humidity",
    "precip": "precipitation",
    "batt": "battery",
    "qty": "quantity",
    "jr": "junior",
    "sr": "senior",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
}
_OFTEN_LAST = frozenset("etc blvd dept govt temp temps avg hum precip batt qty inc ltd corp".split())
"""Abbreviations whose full stop may also end the sentence."""
_KEEPS_CAPITAL = frozenset("temp temps avg hum precip batt qty max min".split())
"""Abbreviations that are capitalised as the first word of a label: `Temp. 20 °C`."""
_WORDS_INSIDE = {
    "max": "maximum",
    "min": "minimum",
    "est": "estimated",
    "ca": "circa",
    "apt": "apartment",
    "ave": "avenue",
}
"""Abbreviations that are written out only if the sentence continues: `max. 5`, but `Ask Max.`"""
_LABELS = (
    "Temp|Hum|Speed|Power|Load|Volume|Level|Batt|Rain|Wind|Press|Value|Energy|Volt|Curr|Consum|Bright|Charg"
    "|Output|Input|Flow|Weight|Time|Duration|Outdoor|Indoor|Day|Night"
)
"""Beginnings of the names of measured quantities: `Max. Temperature`."""
_BEFORE_NUMBERS = {
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "ch": "chapter",
    "chap": "chapter",
    "fig": "figure",
    "figs": "figures",
    "sec": "section",
    "sect": "section",
    "art": "article",
    "para": "paragraph",
    "eq": "equation",
    "ep": "episode",
    "eps": "episodes",
    "ver": "version",
    "ref": "reference",
    "apt": "apartment",
    "ext": "extension",
    "rm": "room",
    "ste": "suite",
    "bldg": "building",
    "hwy": "highway",
    "rte": "route",
    "rt": "route",
    "tel": "telephone",
    "acct": "account",
    "lvl": "level",
    "pos": "position",
    "wt": "weight",
    "ht": "height",
    "dist": "distance",
    "alt": "altitude",
    "lat": "latitude",
    "freq": "frequency",
    "vis": "visibility",
    "press": "pressure",
    "amt": "amount",
}
_STREETS = {
    "Ave": "Avenue",
    "Rd": "Road",
    "Ln": "Lane",
    "Ct": "Court",
    "Sq": "Square",
    "Pl": "Place",
    "Pkwy": "Parkway",
    "Cir": "Circle",
    "Ter": "Terrace",
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

_TITLE = re.compile(rf"(?<![0-9]\s)(?<![0-9])\b({'|'.join(_TITLES)})\.(?=\s?[A-Z&]|\sand\s(?:Mrs?|Ms|Dr)\b)")
_TWO_FACED = re.compile(r"(?:\b([A-Z][a-z]{2,20})\s)?\b(Dr|St)\.(\s?[A-Z])?")
_FIXED = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, _WORDS))})\.(?!\w)(?=\s?(.?))", re.IGNORECASE)
_INSIDE = re.compile(
    rf"(?<![\w.])(?<![0-9]\s)(?i:({'|'.join(_WORDS_INSIDE)}))\."
    rf"(?=\s?[:=]|\s[a-z0-9$€£<>~≈≤≥±+–(-]|\s(?:{_LABELS}))"
)
_NUMBERED = re.compile(
    rf"(?<![\w.])(?:({'|'.join(_BEFORE_NUMBERS)})\.(:?)\s?|(ext)(:?)\s)(?:(?<=:)|(?<=:\s)|(?=[+#-]?[0-9]|<))",
    re.IGNORECASE,
)
_LETTERED = re.compile(
    r"(?<![\w.])(apt|rm|ste|bldg|vol|fig|sec|ch|chap|art)\.\s?(?=(?:[A-Z][0-9]{0,4}|[IVX]{2,7})(?![\w.]))",
    re.IGNORECASE,
)
_STREET = re.compile(rf"(?<=[a-z0-9])(\s)({'|'.join(_STREETS)})\.(\s?[A-Z])?")
_WEEKDAY = re.compile(
    r"\b(?:(Mon|Tues?|Wed|Thu(?:rs?)?|Fri)\b(?!['-])|(Sat|Sun)(?=[.:]|,?\s[0-9]))(?:\.(?=,"
    r"|\s[a-z0-9]))?(?=[\s,:;.)]|$)"
)
_WEEKDAY_RANGE = re.compile(rf"\b({'|'.join(_WEEKDAYS)})\s?[-–]\s?({'|'.join(_WEEKDAYS)})\b")
_NOT_NAMES = frozenset(
    [*"The And But For From With See Ask Call Tell Visit Near Was".split(), *_TITLES.values()]
)
_SPACED = re.compile(r"\b([Ii])\. ?e\.|\b([Ee])\. ?g\.")
_MONTHS = {
    "Jan": "January",
    "Feb": "February",
    "Aug": "August",
    "Sep": "September",
    "Oct": "October",
    "Nov": "November",
    "Dec": "December",
}
_MONTH_ALONE = re.compile(r"\b(Jan|Feb|Aug|Sept?|Oct|Nov|Dec)\.(?:(?=\s[a-z])|([,;:]))")
_NUMBER_OF = re.compile(r"\b[Nn]o\. (?=of\b)")


def expand_abbreviations(text: str) -> str:
    """`Dr. Smith` -> `Doctor Smith`, `max. 5` -> `maximum 5`, `Main St.` -> `Main Street.`."""
    text = _SPACED.sub(lambda match: f"{match[1]}.e." if match[1] else f"{match[2]}.g.", text)
    text = _NUMBER_OF.sub("number ", text)
    text = _TITLE.sub(lambda match: f"{_TITLES[match[1]]} ", text).replace("  ", " ")
    text = _TWO_FACED.sub(_two_faced, text)
    text = _STREET.sub(_street, text)
    text = _NUMBERED.sub(
        lambda match: f"{_BEFORE_NUMBERS[(match[1] or match[3]).lower()]}{match[2] or match[4] or ''} ", text
    )
    text = _LETTERED.sub(_lettered, text)
    text = _FIXED.sub(_fixed, text)
    text = _INSIDE.sub(lambda match: _as_written(match[1], _WORDS_INSIDE[match[1].lower()]), text)
    text = _WEEKDAY_RANGE.sub(lambda match: f"{_WEEKDAYS[match[1]]} to {_WEEKDAYS[match[2]]}", text)
    text = _MONTH_ALONE.sub(lambda match: f"{_MONTHS[match[1][:3]]}{match[2] or ''}", text)
    return _WEEKDAY.sub(lambda match: _WEEKDAYS[match[1] or match[2]], text)


def _lettered(match: re.Match[str]) -> str:
    words = _BEFORE_NUMBERS[match[1].lower()]
    return f"{words.capitalize() if match[1][0].isupper() else words} "


def _two_faced(match: re.Match[str]) -> str:
    """Write out `Dr.` and `St.`, which are titles (`Dr. Smith`, `St. Paul`) or streets (`12 Main St.`)."""
    name, word, follower = match[1], match[2], match[3] or ""
    before = f"{name} " if name else ""
    after_name = name and name not in _NOT_NAMES
    if follower and not after_name:
        return f"{before}{'Doctor' if word == 'Dr' else 'Saint'} {follower.strip()}"
    ends = "." if follower or match.end() == len(match.string) else ""
    return f"{before}{'Drive' if word == 'Dr' else 'Street'}{ends}{follower}"


def _street(match: re.Match[str]) -> str:
    follower = match[3] or ""
    ends = "." if follower or match.end() == len(match.string) else ""
    return f"{match[1]}{_STREETS[match[2]]}{ends}{follower}"


def _fixed(match: re.Match[str]) -> str:
    word, follower = match[1].lower(), match[2]
    ends = not follower or (word in _OFTEN_LAST and follower.isupper() and not _begins_label(match))
    return f"{_as_written(match[1], _WORDS[word])}{'.' if ends else ''}"


def _begins_label(match: re.Match[str]) -> bool:
    return re.match(rf"\s?(?:{_LABELS})", match.string[match.end() :]) is not None


def _as_written(abbreviation: str, words: str) -> str:
    """Return the words, capitalised if the abbreviation starts a label with a capital."""
    keeps = abbreviation.lower() in _KEEPS_CAPITAL and abbreviation[0].isupper()
    return words.capitalize() if keeps else words
