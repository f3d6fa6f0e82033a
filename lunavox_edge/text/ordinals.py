"""Ordinals as words, for languages that write them as digits and a full stop (`26. November`)."""

from __future__ import annotations

import re
from functools import lru_cache

from lunavox_edge.text.abbreviations import STARTERS
from lunavox_edge.text.german import COUNTED_NOUNS, THROUGH, WEEKDAYS
from lunavox_edge.text.month_words import months
from lunavox_edge.text.ordinal_words import before_month, before_noun, feminine, ordinal

DOTTED = frozenset("de lb da no fi is cs sk pl sl hr bs sr hu tr lv et eu".split())
"""Languages that write an ordinal as digits and a full stop."""
_WITHOUT_FULL_STOP = frozenset({"bg", "pl", "ru", "sv", "uk"})
"""Languages in which a day before a month is an ordinal also without a full stop."""
_GERMAN_LEADS = frozenset(
    "der die das den dem des am im vom zum zur beim ans ins jeder jede jedes jeden jedem dieser diese"
    " dieses diesen diesem ein eine einen einem einer eines kein keine unser unsere mein meine sein seine"
    " ihr ihre dein deine bis ab seit und oder vor nach für seinem ihrem meinem deinem unserem seinen ihren"
    " meinen deinen unseren".split()
)
"""Words that may precede an ordinal; without one, digits and a full stop may end a sentence."""
_PREPOSITIONS = frozenset(
    "in an auf mit von zu bei nach aus vor seit unter über hinter neben zwischen ab gegenüber trotz"
    " während wegen".split()
)
_WEAK_ENDING = frozenset(
    "die das der diese dieses dieser jede jedes eine keine unsere meine seine ihre deine".split()
)
_STRONG_LEADS = frozenset("ein kein unser mein sein ihr dein".split())
_ENDS_WITH_DAY = frozenset("der am dem den vom zum".split())
_NUMBER_THEN_WORD = re.compile(
    r"(?<![\w.,:/+-])(?P<number>[0-9]{1,3})\.(?:(?=\s(?P<next>[^\W\d_]{1,40}))|(?P<end>$))"
)
_NUMERIC_DATE = re.compile(
    r"(?<![\w.,:/+-])(?P<number>[0-9]{1,2})\.\s?(?P<month>[0-9]{1,2})\.(?!\s?[0-9]{1,2}\.)"
    r"(?:\s?(?P<year>[0-9]{4})(?![\w]|[.,][0-9])|(?![0-9]))"
)
_DAYS, _MONTHS = 31, 12
_WORDS_BEFORE = re.compile(r"(?:(?P<second>[^\W\d_]+)\s+)?(?P<lead>[^\W\d_]+),?\s+$")
_LOOK_BACK = 50
_BEFORE_NOUN = re.compile(r"(?<![\w.,:/+-])(?P<number>[0-9]{1,2})\.\s(?P<noun>[^\W\d_]{2,40})")
# Languages in which a number before a capital may also end a sentence, so that a word must precede it.
_NOUNS_MAY_BE_NAMES = frozenset({"lb", "da", "no"})
_INDICATOR = re.compile(r"(?<![\w.,])(?P<number>[0-9]{1,3})\.?(?P<sign>[ºª])(?![\w\s]?[CF]\b)(?=\s[^\W\d_])")


def speak_ordinals(text: str, language: str) -> str:
    """Replace the ordinals of a language (a key of `language_key`) by words; unknown ones stay."""
    if language == "de":
        return _german(text)
    if language == "hu":
        text = _hungarian_date(text)
    if language in {"es", "pt", "it"}:
        return _INDICATOR.sub(lambda found: _indicated(found, language), text)
    pattern = _dates(language)
    if pattern is not None:
        text = pattern.sub(lambda found: _dated(found, language), text)
    if language in DOTTED:
        text = _BEFORE_NOUN.sub(lambda found: _counted(found, language), text)
    return text


@lru_cache(maxsize=8)
def _dates(language: str) -> re.Pattern[str] | None:
    names = months(language)
    if not names or language == "hu":
        return None
    stop = r"\.?\s" if language in _WITHOUT_FULL_STOP else r"\.\s?"
    return re.compile(
        rf"(?<![\w.,:/–-])(?P<number>[0-9]{{1,2}}){stop}(?P<month>{names})(?![^\W\d_])", re.IGNORECASE
    )


def _dated(found: re.Match[str], language: str) -> str:
    words = before_month(int(found["number"]), language, found["month"].lower())
    return f"{words} {found['month']}" if words else found.group()


def _counted(found: re.Match[str], language: str) -> str:
    noun = found["noun"]
    if noun[0].isupper() and (language not in _NOUNS_MAY_BE_NAMES or not _words_before(found)[0]):
        return found.group()
    is_start = noun in {"do", "až"}
    words = (before_month if is_start else before_noun)(int(found["number"]), language, noun)
    return f"{words} {noun}" if words else found.group()


def _words_before(found: re.Match[str]) -> tuple[str, str]:
    """Return the word before the number and the one before that, in lower case; "" for a missing one."""
    at = found.start("number")
    before = _WORDS_BEFORE.search(found.string[max(0, at - _LOOK_BACK) : at])
    return (before["lead"].lower(), (before["second"] or "").lower()) if before else ("", "")


def _indicated(found: re.Match[str], language: str) -> str:
    number = int(found["number"])
    words = feminine(number, language) if found["sign"] == "ª" else ordinal(number, language)
    if language == "es" and found["sign"] == "º" and number in {1, 3}:
        return found.group()  # "primer" or "primero", which the phonemiser does not know either
    return words or found.group()


@lru_cache(maxsize=1)
def _hungarian_dates() -> re.Pattern[str]:
    return re.compile(
        rf"(?:(?P<year>[0-9]{{4}})\.\s)?(?P<month>{months('hu')})\s(?P<day>[0-9]{{1,2}})\.(?P<more>\s\S)?",
        re.IGNORECASE,
    )


def _hungarian_date(text: str) -> str:
    def spoken(found: re.Match[str]) -> str:
        day = ordinal(int(found["day"]), "hu")
        if not day:
            return found.group()
        # `huszonhatodik` is the twenty-sixth, `huszonhatodika` the twenty-sixth of a month.
        named = (
            "elseje" if int(found["day"]) == 1 else day + ("e" if _is_front(day.removesuffix("ik")) else "a")
        )
        year = f"{found['year']} " if found["year"] else ""
        more = found["more"] or ""
        return f"{year}{found['month']} {named}{more or '.'}"

    return _hungarian_dates().sub(spoken, text)


def _is_front(word: str) -> bool:
    """Whether a Hungarian word takes suffixes with a front vowel, which depends on its last vowel."""
    vowels = [letter for letter in word.lower() if letter in "aáeéoóuúöőüű"]
    return bool(vowels) and vowels[-1] in "eéöőüű"


@lru_cache(maxsize=1)
def _german_months() -> frozenset[str]:
    return frozenset(months("de").split("|"))


def _german(text: str) -> str:
    """Replace German ordinals by words, with the ending that the words before them require."""
    text = _NUMERIC_DATE.sub(_german_date, text)
    pieces = []
    at = 0
    ending = None
    for found in _NUMBER_THEN_WORD.finditer(text):
        spoken, ending = _german_ordinal(found, ending)
        if spoken:
            pieces += [text[at : found.start("number")], spoken]
            at = found.end("number") + 1
            if text[at : at + 1].isalnum():
                pieces.append(" ")
            elif found["end"] is not None:
                pieces.append(".")
    return "".join([*pieces, text[at:]])


def _german_date(found: re.Match[str]) -> str:
    """Replace dates such as `am 26.11.` and `26.11.2026`: day and month both become ordinals."""
    day, month = int(found["number"]), int(found["month"])
    lead, second = _words_before(found)
    dated = found["year"] or lead in _GERMAN_LEADS or lead in WEEKDAYS
    if not (1 <= day <= _DAYS and 1 <= month <= _MONTHS) or not dated:
        return found.group()
    if lead in WEEKDAYS:
        lead = second
    ending = _german_ending(lead, second)
    year = f" {found['year']}" if found["year"] else ""
    ends = "." if not year and found.end() == len(found.string) else ""
    return f"{ordinal(day, 'de')}{ending} {ordinal(month, 'de')}{ending}{year}{ends}"


def _german_ordinal(found: re.Match[str], before: str | None) -> tuple[str, str | None]:
    """Return an ordinal in words ("" if it is not one), and its ending, for ordinals joined to it.

    `before` is the ending of the previous ordinal, None if there is none.
    """
    lead, second = _words_before(found)
    number = int(found["number"])
    following = (found["next"] or "").lower()
    dated = following in _german_months() or following in COUNTED_NOUNS
    dated = dated or THROUGH.match(found.string, found.end("number")) is not None
    starts = (found["next"] or "")[:1].isupper() and following in STARTERS
    if found["end"] is not None or starts:
        known = lead in _ENDS_WITH_DAY
    else:
        known = dated or (lead in _GERMAN_LEADS and (before is not None or lead not in {"und", "oder"}))
    words = ordinal(number, "de") if known else ""
    if not words:
        return "", before
    joined = lead in {"und", "oder", "bis"}
    ending = before if joined and before is not None else _german_ending(lead, second)
    if following in COUNTED_NOUNS and lead not in _GERMAN_LEADS:
        # `2. Etage`, but `in 2. Etage`
        ending = "r" if lead in _PREPOSITIONS and not COUNTED_NOUNS[following] else COUNTED_NOUNS[following]
    return words + ending + ("." if starts else ""), ending


def _german_ending(lead: str, second: str) -> str:
    if lead == "der" and second in _PREPOSITIONS:
        return "n"
    if lead in _WEAK_ENDING:
        return ""
    if lead in _GERMAN_LEADS and lead not in _STRONG_LEADS:
        return "n"
    return "r"
