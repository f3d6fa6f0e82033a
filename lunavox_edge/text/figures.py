"""Rewriting of numbers and signs in languages other than English, so that a phonemiser reads them correctly.

Digits stay digits, because the phonemiser knows the numbers of its language. What it gets wrong are the sign
before a number, a decimal point where its language uses a comma, and the end of a number before another.
"""

from __future__ import annotations

import re

from lunavox_edge.text.characters import CJK
from lunavox_edge.text.figure_words import CLOCK_AFTER, CLOCK_BEFORE, NUMBERED_THINGS, VERSIONS
from lunavox_edge.text.languages import Wording

_READING_UNIT = (
    r"(?:[kMG]Wh|[кМ]Вт|kVAh|kWp|[kM]W|°|º|℃|℉|%|‰|m³|m3|м³|m²/s|m/s|м/с|l/min|bar\b|бар\b|"
    r"[kMGT]i?B\b|[µu]g/m|mg/m|µS|[mk]?V\b|[mk]?A\b|Ω|pH|dBm?\b|"
    r"(?i:grad|prozent|degr|pour ?cent|por ?c[ie]nto|per ?cento|procent|prosent|grader|graden|градус|"
    r"процент|stup|stopn|stopi|gradi\b|grados|graus|grade\b|fok|astet|derece|derajat|persen|stepen|степен|grād|kraad|laipsn|βαθμ|độ\b|darjah|kubi|kuuti|кубич|кубіч|"
    r"m[eè]tres? cubes|metri cubi|metros c[uú]bicos|"
    r"kilowatt|kilovat|киловатт|кіловат))"
)
"""Units whose values have three decimals rather than thousands."""

_NUMBER = r"[0-9]+(?:[.,][0-9]+)*"
_UNIT = r"(?:\s?(?:[%€$£¥]|‰|[°º]\s?[CFcf]?\b|[^\W\d_]{1,4}(?:/[^\W\d_]{1,3})?[²³]?(?![\w²³])))?"

_NAME_THEN_GROUP = re.compile(r"([^\W\d_][0-9]{1,3})[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_TRUE_MINUS = re.compile(r"(?<![\u2212\uff0d])[ \u00a0]?[\u2212\uff0d\ufe63]\s?(?=[.,٫]?\d)")
_SIGN = re.compile(
    rf"(?:(?<![\w)\]%°º².,$€£'’–-])-(?=[.,٫]?\d)"
    rf"|(?<![\w)\]%°º².,$€£'’–-])(?<![0-9] )–(?=[.,٫]?\d)"
    rf"|(?<=[0-9°%C])(?P<range>\s?[-–]\s?|\s?/\s?)-(?=[.,٫]?\d)"
    rf"|(?:(?:^|(?<=:)|(?<=: ))[-–]|(?<=[^\W\d_]{{3}} )-) (?={_NUMBER}\s?[°º])"
    rf"|(?<=[{CJK}])[-–](?={_NUMBER}\s?(?:[°º%％度]|摄氏|攝氏|パーセント))"
    rf"|(?<=[从從到至是为為达達约約近低高])[-–](?={_NUMBER}))"
)
_BELOW_ZERO = re.compile(r"[0-9.]+(?:\s?[°º度]|\s?摄氏|\s?攝氏|(?=[^。，]{0,8}(?:[°º度]|摄氏|攝氏)))")
_COMPARED = re.compile(
    rf"(?:(?P<tight>[<>])(?=-?[0-9])|(?<=: )(?P<colon>[<>]) (?=-?[0-9])"
    rf"|(?<=[^\W\d_]{{2}}) ?(?P<loose>[<>]) (?=-?[0-9])"
    rf"|(?<=[^\W\d_][0-9]) (?P<named>[<>]) (?=-?[0-9])"
    rf"|(?P<apart>[<>]) (?=-?{_NUMBER}\s?[%°]))(?P<value>-?{_NUMBER}{_UNIT})"
    rf"|(?P<ahead>[<>]) ?(?P<percent>%{_NUMBER})"
)
_HEART = re.compile(r"<3(?![\w.,]|\s?[%°])")

_POINT = re.compile(
    rf"(?<![\w.,:/'’])(?P<whole>[0-9]+)\.(?P<part>[0-9]+)(?![0-9]|[.,:/][0-9])"
    rf"(?=(?P<reading>\s?{_READING_UNIT})?)(?=(?P<unit>{_UNIT}))(?P<date>\.(?=\s[^\W_]))?"
)
_COMMA = re.compile(r"(?<![\w.,])(?P<whole>[0-9]+),(?P<part>[0-9]+)(?![0-9]|[.,][0-9])")
_LAST_WORD = re.compile(r"([^\W\d_][\w.]*)[\s:]*$")
_NEXT_WORD = re.compile(r"(?:\s?[-–]\s?[0-9]{1,2}\.[0-9]{2})?\s?([^\W\d_]+)")
_TIME_BEFORE = re.compile(r"(?<![0-9.])[0-9]{1,2}\.[0-9]{2}\s?[-–]\s?$")

_APOSTROPHES = re.compile(r"(?<![\w.,'’])[0-9]{1,3}(?:['’][0-9]{3})+(?![\w'’])")
_BESIDE = re.compile(
    r"(?P<first>(?<![0-9])[0-9]{1,9}) (?=[0-9]{3}(?![0-9]))"
    r"(?P<rest>(?:[0-9]{3}(?: (?=[0-9]{3}(?![0-9])))?)+)"
)
_COUNTED = re.compile(r"\s[^\W\d_]{4}")
_POINT_ALWAYS_SPOKEN = frozenset({"bs", "hr", "lb", "sr"})
"""Languages that group thousands by points, although espeak reads such a point as a decimal point."""
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_LOOK_BACK = 60
_TELEPHONE = re.compile(r"\+[0-9 ()]{0,20}$")
_HUNGARIAN_AT = ("-kor", "-tól", "-ig")
_LARGEST_DAY, _LARGEST_MONTH, _HOURS, _MINUTES = 31, 12, 24, 60
_GROUP_DIGITS = 3
_LONE_SIGN = re.compile(rf"^\s*[-–] (?={_NUMBER}\s?[°º℃])")
"""A minus sign that Markdown would take for a list marker."""
_DOUBLE = re.compile(r"(?<=[0-9°%C]) ?--(?=[.,]?[0-9])")
_OPENING = "([{\"'„“«‘"
_UNSPACED = frozenset({"zh", "ja", "th"})
_MIN_LAST_PART = 4
_YEAR = re.compile("(?:19|20)[0-9]{2}")


def mark_true_minus(text: str, words: Wording | None) -> str:
    """Replace U+2212 before a number by the word for minus, before the text's minus signs become hyphens.

    A no-break space after a name that ends with a digit (`CO2`) becomes a plain one, so that it does not
    count as a separator of thousands. `words` is None for English.
    """
    text = _NAME_THEN_GROUP.sub(r"\1 ", text)
    if words is None:
        return text
    if words.language in _UNSPACED:
        return _TRUE_MINUS.sub(lambda found: _unspaced_minus(found, words), text)
    if "\n" not in text.strip():
        text = _LONE_SIGN.sub(f"{words.minus} ", text)
    text = _DOUBLE.sub(f" - {words.minus} ", text)
    return _TRUE_MINUS.sub(lambda found: _spaced_minus(found, words), text)


def speak_figures(text: str, words: Wording) -> str:
    """Rewrite signs and numbers as the module's docstring says."""
    text = text.translate(_SUBSCRIPTS)
    text = _COMPARED.sub(lambda found: _compare(found, words), text)
    text = _SIGN.sub(lambda found: _sign(found, words), text)
    if words.written_mark == ",":
        text = _APOSTROPHES.sub(lambda found: re.sub("['’]", "", found.group()), text)
        text = _POINT.sub(lambda found: _decimal(found, words), text)
        if words.read_mark != ",":
            text = _COMMA.sub(lambda found: _join(found["whole"], found["part"], words), text)
        text = _BESIDE.sub(lambda found: _beside(found, words), text)
    return text


def _compare(found: re.Match[str], words: Wording) -> str:
    sign = found["tight"] or found["colon"] or found["loose"] or found["named"] or found["apart"]
    sign, value = sign or found["ahead"], found["value"] or found["percent"]
    if _HEART.match(found.string, found.start()):
        return found.group()
    phrase = words.less if sign == "<" else words.more
    before = "" if found.start() == 0 or found.string[found.start() - 1] in " " + _OPENING else " "
    return before + (phrase.format(value) if "{}" in phrase else f"{phrase} {value}")


def _sign(found: re.Match[str], words: Wording) -> str:
    if words.language in _UNSPACED:
        return (found["range"] or "") + _unspaced_minus(found, words)
    between = found["range"]
    if between is not None:
        return f"{between.rstrip()} {words.minus} "
    return _spaced_minus(found, words)


def _spaced_minus(found: re.Match[str], words: Wording) -> str:
    before = found.string[max(0, found.start() - 1) : found.start()]
    blank = "" if not before or before.isspace() or before in _OPENING else " "
    return f"{blank}{words.minus} "


def _unspaced_minus(found: re.Match[str], words: Wording) -> str:
    """Return the word for minus in a language without spaces; Chinese has another one for temperatures."""
    below = words.language == "zh" and _BELOW_ZERO.match(found.string, found.end())
    return "零下" if below else words.minus


def _decimal(found: re.Match[str], words: Wording) -> str:
    """Replace a decimal point by the mark of the language, but not in a date, time, version or thousands."""
    whole, part = found["whole"], found["part"]
    after = found["date"] or ""
    as_it_was = found.group()
    if len(part) == _GROUP_DIGITS and len(whole) <= _GROUP_DIGITS and not whole.startswith("0"):
        if found["reading"]:
            return _join(whole, part, words) + after
        counted = words.language in _POINT_ALWAYS_SPOKEN and _COUNTED.match(found.string, found.end())
        return f"{whole}{part}{after}" if counted else as_it_was
    last = _LAST_WORD.search(_TIME_BEFORE.sub("", found.string[max(0, found.start() - 40) : found.start()]))
    before = last[1].lower().rstrip(".") if last else ""
    if found["reading"] is None and before in VERSIONS:
        return as_it_was
    short = len(whole) < _GROUP_DIGITS and len(part) < _GROUP_DIGITS
    if after and short and int(whole) <= _LARGEST_DAY and 0 < int(part) <= _LARGEST_MONTH:
        return as_it_was
    if found["reading"] is None and _YEAR.fullmatch(whole) and len(part) < _GROUP_DIGITS:
        return as_it_was
    follows = _NEXT_WORD.match(found.string, found.end())
    clock_before = before in CLOCK_BEFORE and not found["unit"]
    clock_after = follows is not None and follows[1].lower() in CLOCK_AFTER
    clock_after = clock_after or found.string.startswith(_HUNGARIAN_AT, found.end())
    of_day = short and len(part) == 2 and int(whole) <= _HOURS and int(part) < _MINUTES  # noqa: PLR2004
    if of_day and (clock_before or clock_after):
        return as_it_was
    return _join(whole, part, words) + after


def _join(whole: str, part: str, words: Wording) -> str:
    mark = words.read_mark
    return f"{whole}{mark}{part}" if len(mark) == 1 else f"{whole} {mark} {part}"


def _beside(found: re.Match[str], words: Wording) -> str:
    """Join a number with spaces between its thousands, or separate a name from a value after it."""
    first, rest = found["first"], found["rest"]
    before = found.string[max(0, found.start() - _LOOK_BACK) : found.start()]
    if first.startswith("0") or _TELEPHONE.search(before):
        return found.group()
    if _is_name(before, first, found, words):
        return f"{first}, {rest}"
    return first + rest.replace(" ", "")


def _is_name(before: str, first: str, found: re.Match[str], words: Wording) -> bool:
    """Whether the number before the space ends a name (`CO2`, `Lampe 2`) and does not count thousands."""
    touching = before[-1:]
    if touching and not touching.isspace() and (touching.isalpha() or touching in ".,:/_-"):
        # Not so a minus sign or an opening bracket.
        return touching.isalpha() or before[-2:-1].isalnum()
    if len(first) > _GROUP_DIGITS:
        return True
    last = _LAST_WORD.search(before)
    if last is None or not before.endswith(" "):
        return False
    word = last[1]
    if word[-1].isdigit():
        return False
    if found.string[found.end() :].lstrip()[:1] == "%":
        return True
    lower = word.lower().rstrip(".")
    if _is_numbered_thing(lower):
        return True
    inside = bool(re.search(r"[^\W\d_],? $", before[: -len(word) - 1]))
    return len(first) == 1 and inside and word[0].isupper() and words.language not in {"de", "lb"}


def _is_numbered_thing(word: str) -> bool:
    """Whether a word, or the last part of a compound such as `Deckenlampe`, is in the list of things."""
    return word in NUMBERED_THINGS or any(
        word.endswith(thing) for thing in NUMBERED_THINGS if len(thing) >= _MIN_LAST_PART
    )
