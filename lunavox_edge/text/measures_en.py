"""English: prices and measures as words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lunavox_edge.text.numbers_en import NUMBER, cardinal, fraction
from lunavox_edge.text.units_en import PER, TOUCHING_UNITS, UNITS

_CURRENCIES: dict[str, tuple[str, str, str, str]] = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "US$": ("US dollar", "US dollars", "cent", "cents"),
    "CA$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AU$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "NZ$": ("New Zealand dollar", "New Zealand dollars", "cent", "cents"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "¢": ("cent", "cents", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""),
    "₽": ("ruble", "rubles", "kopek", "kopeks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₴": ("hryvnia", "hryvnias", "", ""),
    "₪": ("shekel", "shekels", "", ""),
    "USD": ("US dollar", "US dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "", ""),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "CNY": ("yuan", "yuan", "", ""),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "SEK": ("Swedish krona", "Swedish kronor", "", ""),
    "NOK": ("Norwegian krone", "Norwegian kroner", "", ""),
    "DKK": ("Danish krone", "Danish kroner", "", ""),
    "PLN": ("zloty", "zloty", "", ""),
    "BTC": ("bitcoin", "bitcoins", "", ""),
}
"""Sign or code -> singular and plural of the currency and of its hundredth ("": decimals are read)."""

_SCALES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion", "t": "trillion"}
_SCALE = r"(?:\s?(thousand|million|billion|trillion|mn|bn)\b|([kKmMbBT])(?![\w/]))?"


def _alternatives(symbols: Iterable[str]) -> str:
    return "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))


_CURRENCY = _alternatives(_CURRENCIES)
_PER = rf"(?:\s?/\s?({_alternatives(PER)})(?![\w²³/]))?"
_UNTIL = r"(?:\s?[-–]\s?"
_PRICE = re.compile(
    rf"(?<![\w.,])({_CURRENCY})\s?({NUMBER}){_UNTIL}(?:{_CURRENCY})?({NUMBER}))?{_SCALE}(?!\w){_PER}"
)
_PRICE_AFTER = re.compile(
    rf"(?<![\w.,])(?<![0-9]/)({NUMBER}){_UNTIL}({NUMBER}))?{_SCALE}\s?({_CURRENCY})(?!\w){_PER}"
)
_PRICE_RANGE = re.compile(r"(?<=[0-9][kKmMbBn])\s?[-–]\s?(?=[$€£][0-9])")
_DECIMAL_COMMA = re.compile(rf"(?<=[0-9]),(?=[0-9]{{2}}\s?(?:{_CURRENCY})(?!\w))")
_HUNDREDTHS = 2

_UNIT = _alternatives(UNITS)
_TOUCHING = _alternatives(TOUCHING_UNITS)
_HOURS_MINUTES = re.compile(r"(?<![\w.,])([0-9]{1,3})h\s?([0-9]{1,2})m\b")
_MINUTES_SECONDS = re.compile(r"(?<![\w.,])([0-9]{1,3})m\s?([0-9]{1,2})s\b")
_MEASURE = re.compile(
    rf"(?<![\w.,])(?<![0-9]/)({NUMBER}){_UNTIL}({NUMBER}))?"
    rf"(?:(\s?|-)({_UNIT})|({_TOUCHING})|\s(in|A)(?=[.,;:)]|$))(?![\w²³°]){_PER}"
    r"(?:(?<=[a-z])\.(?=\s(?:[a-z]|[0-9]{1,4}\s?(?:min|mins|sec|secs|s|m|in|oz)\b)))?"
)
_PART = re.compile(
    rf"(?<![\w.,/])(?:([0-9]{{1,4}})[ -])?([0-9]{{1,3}})/([0-9]{{1,3}})(?:\s?|-)({_UNIT}|in(?=[.,;:)]"
    rf"|$))(?![\w²³°/])"
)
_COLOR_K = 1000
_PLACE = re.compile(
    r"\b(?:seat|gate|row|room|flat|unit|apartment|platform|hall|class|grade|bus|line"
    r"|exit|terminal|suite) $",
    re.IGNORECASE,
)
"""Words before a place: `seat 14C` is not a temperature."""
_PLACE_CHARS = 12
_FEET = re.compile(r"(?<![\w.,])([0-9]{1,2})['′]\s?([0-9]{1,2})(?:[\"″]|'')")


def speak_prices(text: str) -> str:
    """`$5.99` -> `five dollars and ninety-nine cents`, `€3 million` -> `three million euros`."""
    text = _PRICE_RANGE.sub(" to ", _DECIMAL_COMMA.sub(".", text))
    text = _PRICE.sub(
        lambda match: _price(match[2], match[3], match[4] or match[5], match[1]) + _per(match[6]), text
    )
    return _PRICE_AFTER.sub(
        lambda match: _price(match[1], match[2], match[3] or match[4], match[5]) + _per(match[6]), text
    )


def _per(symbol: str | None) -> str:
    return f" per {PER[symbol]}" if symbol else ""


def _price(number: str, until: str | None, scale: str | None, currency: str) -> str:
    one, many, hundredth, hundredths = _CURRENCIES[currency]
    if scale:
        words = _SCALES.get(scale.lower(), scale)
        amount = f"{cardinal(number)} to {cardinal(until)}" if until else cardinal(number)
        return f"{amount} {words} {many}"
    if until:
        return f"{cardinal(number)} to {_price(until, None, None, currency)}"
    whole, _, fraction = number.partition(".")
    if not fraction.strip("0"):
        return f"{cardinal(whole)} {one if whole == '1' else many}"
    if len(fraction) != _HUNDREDTHS or not hundredth:
        return f"{cardinal(number)} {many}"
    small = f"{cardinal(str(int(fraction)))} {hundredth if fraction == '01' else hundredths}"
    if not whole.strip("0"):
        return small
    return f"{cardinal(whole)} {one if whole == '1' else many} and {small}"


def speak_measures(text: str) -> str:
    """`21.5°C` -> `twenty-one point five degrees Celsius`, `60 km/h` -> `sixty kilometers per hour`."""
    text = _MINUTES_SECONDS.sub(r"\1 min \2 s", _HOURS_MINUTES.sub(r"\1 h \2 min", text))
    return _MEASURE.sub(_measure, _PART.sub(_part, _FEET.sub(_feet, text)))


def _part(match: re.Match[str]) -> str:
    """`1/2 tsp` -> `one half teaspoon`, `120/80 mmHg` -> `one hundred and twenty over eighty ...`."""
    whole, over, under = match[1], int(match[2]), int(match[3])
    one, many = UNITS.get(match[4]) or TOUCHING_UNITS[match[4]]
    part = fraction(whole, over, under)
    if not part:
        return f"{match.group()[: match.start(4) - match.start()].strip()} {many}"
    if whole:
        return f"{part} {many}"
    if over == 1:
        return f"{part} {one}"
    article = "an" if one[0] in "aio" or one == "hour" else "a"
    return f"{part} of {article} {one}"


def _feet(match: re.Match[str]) -> str:
    feet, inches = int(match[1]), int(match[2])
    return (
        f"{cardinal(str(feet))} {'foot' if feet == 1 else 'feet'} "
        f"{cardinal(str(inches))} {'inch' if inches == 1 else 'inches'}"
    )


def _measure(match: re.Match[str]) -> str:
    number, until, joint = match[1], match[2], match[3]
    symbol = match[4] or match[5] or match[6]
    before = match.string[max(0, match.start() - _PLACE_CHARS) : match.start()]
    is_place = len(symbol) == 1 and symbol.isupper() and _PLACE.search(before)
    if is_place or (symbol == "K" and float(number.replace(",", "")) < _COLOR_K):
        return match.group()
    one, many = UNITS.get(symbol) or TOUCHING_UNITS[symbol]
    amount = f"{cardinal(number)} to {cardinal(until)}" if until else cardinal(number)
    return f"{amount} {one if joint == '-' or (number == '1' and not until) else many}{_per(match[7])}"
