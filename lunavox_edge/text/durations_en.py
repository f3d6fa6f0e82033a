"""English: durations as words, from the forms of Python, Home Assistant and ISO 8601."""

from __future__ import annotations

import re

from lunavox_edge.text.numbers_en import cardinal

_UNITS_S = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_CLOCK = (
    r"(?P<hours>[0-9]{1,5}):(?P<minutes>[0-5][0-9]):(?P<seconds>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,9}))?"
)
_CLOCK_END = r"(?![\w:/]|[.,-][0-9]|\s?[AaPp]\.?[Mm]\b)"
_DIFFERENCE = re.compile(rf"(?<![\w.,:/])(?P<sign>-)?(?P<days>[0-9]{{1,7}}) days?,? \+?{_CLOCK}{_CLOCK_END}")
_LONG_CLOCK = re.compile(
    rf"(?<![\w:.,/$€£+-])(?:(?<![0-9]\s)(?P<sign>-))?{_CLOCK}{_CLOCK_END}(?P<unit>\s?(?:hours|hrs|h)\b)?"
)
_ISO = re.compile(
    r"(?<![\w-])P(?=[0-9T])(?:(?P<days>[0-9]{1,7})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,7})M)?(?:(?P<seconds>[0-9]{1,7})(?:\.[0-9]{1,9})?S)?)?"
    r"(?![\w-])(?<=[DHMS])"
)
_COMPACT = re.compile(
    r"(?<![\w.,:/$€£])(?:(?P<days>[0-9]{1,5})\s?d(?:ays?)?,?(?:\s|(?=[0-9])))?"
    r"(?:(?P<hours>[0-9]{1,4})\s?h(?:rs?|ours?)?,?(?:\s|(?=[0-9])|\b))?"
    r"(?:(?P<minutes>[0-9]{1,4})\s?m(?:ins?)?,?(?:\s|(?=[0-9])"
    r"|\b))?(?:(?P<seconds>[0-9]{1,4})\s?s(?:ecs?)?\b)?(?![\w/])"
)
_MINUTES_LEFT = re.compile(
    r"(?P<before>\b(?:timers?|countdown)\b[^.!?;0-9]{0,30} )(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])"
    r"(?= (?:left|remain(?:ing|s)?|to go)\b)",
    re.IGNORECASE,
)
_PARTS_OF_SECOND = re.compile(
    r"(?<![\w:.,/-])(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])\.(?P<fraction>[0-9]{1,9})(?![\w:]|\.[0-9])"
)
_MIN_PARTS = 2
_DAY_HOURS = 24
_CONTEXT_CHARS = 60

_SURELY_LEFT = re.compile(
    r"\)?\s?(?:hours?\s|h\s)?(?:are\s|is\s|still\s|\()?(?:left|remain(?:ing|s)?|to go|ago|elapsed"
    r"|from now|in total|long|so far)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\s(?:later|more|timer|countdown|delay|interval|of (?:run|play)|(?:until|till) (?![0-9]))", re.IGNORECASE
)
_POINT_BEFORE = re.compile(
    r"(?:\b(?:at|since|until|till|from|by|before|between|and|to|starts?|started|begins?|began|ends?"
    r"|ended|stops?|stopped"
    r"|finish(?:es|ed)?|changed|updated|seen|detected|triggered|opened|closed|clock|today"
    r"|tomorrow|yesterday|sunrise|sunset)|@|\d,?)\s?:?\s?$",
    re.IGNORECASE,
)
_POINT_UNLESS_NAMED = re.compile(
    r"\b(?:(?:alarm|set|scheduled|planned|due|booked|expected) for|now|currently|time is) $", re.IGNORECASE
)
_LENGTH_BEFORE = re.compile(
    r"\b(?:for|in|within|every|takes?|took|needs?|lasts?|lasted|requires?|another|last|next|past|up|ran|runs"
    r"|running|than|wait|waited|after only|a total of)"
    r"(?:\s(?:about|around|only|exactly|approximately|nearly|almost|over|under|another|the (?:last|next"
    r"|past)|at (?:least|most)"
    r"|more than|less than|up to|just))?:?\s$",
    re.IGNORECASE,
)
_LENGTH_NOUN = re.compile(
    r"\b(?:timers?|countdown|duration|uptime|downtime|run[- ]?time|play[- ]?time|remaining|remains"
    r"|elapsed|length|time left"
    r"|time to go|left|interval|delay|timeout|stopwatch|cooldown"
    r"|(?:cook|bak|wash|dry|charg|play|work|driv|runn|print|brew|heat|clean|wait|rest|travell?)ing time"
    r"|(?:cook|wash|dry|run|play|wait|print|travel|race|lap|total) time|sleep time|screen time"
    r"|on[- ]time|off[- ]time)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.!?;]\s")


def speak_durations(text: str) -> str:
    """`2 days, 3:04:05` -> `two days, three hours, four minutes and five seconds`.

    A clock with three parts is a duration if it cannot be a time of day, or if the words around it say so
    (`Timer 1:30:00 left`); otherwise it stays as it is.
    """
    text = _DIFFERENCE.sub(_spoken, text)
    text = _MINUTES_LEFT.sub(lambda match: match["before"] + _spoken(match), text)
    text = _PARTS_OF_SECOND.sub(_spoken, _LONG_CLOCK.sub(_long_clock, text))
    text = _ISO.sub(_spoken, text)
    return _COMPACT.sub(_compact, text)


def spoken_duration(
    *,
    days: int = 0,
    hours: int = 0,
    minutes: int = 0,
    seconds: int = 0,
    negative: bool = False,
    rest: bool = False,
) -> str:
    """Return a duration in words; `negative` applies to the days, `rest` is a fraction of a second more."""
    total_s = hours * 3_600 + minutes * 60 + seconds
    if days:
        total_s += (-days if negative else days) * 86_400
        negative = total_s < 0
    total_s = abs(total_s)
    if not total_s:
        return "less than a second" if rest else "zero seconds"
    # Without days, more than 24 hours stay hours.
    largest = 0 if days else 1
    parts = []
    for unit, size_s in _UNITS_S[largest:]:
        count, total_s = divmod(total_s, size_s)
        if count:
            parts.append(counted(count, unit))
    words = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return f"minus {words}" if negative else words


def counted(number: int, unit: str) -> str:
    """`4` -> `four minutes`."""
    return f"{cardinal(str(number))} {unit}{'' if number == 1 else 's'}"


def _spoken(match: re.Match[str]) -> str:
    """Return the duration of a match's groups in words."""
    groups = match.groupdict()
    days, hours, minutes, seconds = (
        int(groups.get(unit) or 0) for unit in ("days", "hours", "minutes", "seconds")
    )
    return spoken_duration(
        days=days,
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        negative=bool(groups.get("sign")),
        rest=bool((groups.get("fraction") or "").strip("0")),
    )


def _long_clock(match: re.Match[str]) -> str:
    if not match["unit"] and not match["sign"] and not _is_length(match):
        return match.group()
    return _spoken(match)


def _is_length(match: re.Match[str]) -> bool:
    hours = match["hours"]
    if int(hours) > _DAY_HOURS or hours == "0" or (len(hours) == 1 and match["fraction"]):
        return True
    if hours == "00" and match["minutes"] + match["seconds"] != "0000":
        return True
    after = match.string[match.end() : match.end() + _CONTEXT_CHARS]
    if _SURELY_LEFT.match(after):
        return True
    before = _CLAUSE_END.split(match.string[max(0, match.start() - _CONTEXT_CHARS) : match.start()])[-1]
    noun = _LENGTH_NOUN.search(before)
    if _POINT_BEFORE.search(before) or (_POINT_UNLESS_NAMED.search(before) and not noun):
        return False
    return bool(noun or _LENGTH_BEFORE.search(before) or _LATER.match(after))


def _compact(match: re.Match[str]) -> str:
    """`1d 2h 3m` -> `one day two hours three minutes`; a single part is left, as it may be a measure."""
    parts = [(int(match[f"{unit}s"]), unit) for unit, _ in _UNITS_S if match[f"{unit}s"] is not None]
    if len(parts) < _MIN_PARTS:
        return match.group()
    trail = match.group()[len(match.group().rstrip()) :]
    return " ".join(counted(number, unit) for number, unit in parts) + trail
