"""Whether a full stop, exclamation or question mark ends a sentence."""

from __future__ import annotations

import re
from enum import Enum

from lunavox_edge.text.abbreviations import (
    AFTER_CLOCK,
    BEFORE_NAMES,
    BEFORE_NUMBERS,
    GERMAN_BEFORE_ORDINALS,
    GERMAN_MONTHS,
    LABELED,
    LETTER_UNITS,
    MEASURED,
    OFTEN_LAST,
    PARTS,
    STARTERS,
    UNITS,
)
from lunavox_edge.text.characters import CJK, CLOSERS, EMOJI, NEWLINES, OPENERS, is_lower

_SURE = "。！？｡．।॥؟۔։።၊။។"
"""Marks that end a sentence without a space after them."""

STOP = re.compile(rf"(?P<stops>[.!?…‼⁇⁈⁉{_SURE}]+)(?P<closers>[{CLOSERS}]*)")

_BLANK = rf"[^\S{NEWLINES}]"
_TRAIL = re.compile(rf"(?:{_BLANK}*[{EMOJI}])*{_BLANK}*(?P<newline>[{NEWLINES}]?)")
_OPENERS = re.compile(f"[{OPENERS}]*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CJK_CHAR = re.compile(f"[{CJK}]")
_LAST_WORD = re.compile(r"[^\W_](?:[\w.'’&-]*\w)?$")
_LETTERS = re.compile(r"(?:(?<!\w)[^\W\d_]\. ?)*(?<!\w)[^\W\d_]$")
_LIST_NUMBER = re.compile(r"[\s>*_#(+-]*[0-9]{1,3}$")
_NUMBER = re.compile(r"[0-9]{1,3}$")
_ANSWERS = frozenset({"no"})
_NUMERAL = re.compile("[IVXL]{1,7}")
_MEASURE = re.compile(r"[0-9]\s?(?P<unit>[^\W\d_]{1,4})$")
_PER_UNIT = re.compile(r"[0-9]\s?[^\W\d_]{1,4}/[^\W\d_]{1,3}$")
_SMALLER_MEASURE = re.compile(r"[0-9]{1,4}\s?(?P<unit>[^\W\d_]{1,4})\b")
_GROWING_MEASURE = re.compile(r"[0-9]{1,4}(?:\s?(?:[^\W\d_]{1,4})?)?\Z")
_CONTEXT = 60
"""How much of the text before a stop is looked at."""


class Verdict(Enum):
    """What is known about a possible end of a sentence."""

    END = "end"
    WEAK = "weak"
    """Perhaps an end: to be used only if the sentence gets too long."""
    NONE = "none"
    UNSURE = "unsure"
    """More text is needed to know."""


def judge(text: str, stop: re.Match[str], *, whole: bool) -> tuple[Verdict, int]:
    """Say whether the sentence that starts `text` ends at this match of STOP, and where.

    The end includes the white space and the emoji after the stop. `whole` says that nothing
    follows `text`, so the answer is never UNSURE.
    """
    trail = _TRAIL.match(text, stop.end())
    end = trail.end() if trail else stop.end()
    newline = bool(trail and trail["newline"])
    if end == len(text) and not newline:
        return (Verdict.END if whole else Verdict.UNSURE), end
    if end == stop.end() or stop["stops"][-1] in _SURE:
        return _judge_unspaced(stop, text[end : end + 1], spaced=end > stop.end()), end
    before = text[max(0, stop.start() - _CONTEXT) : stop.start()]
    if newline:
        doubtful = stop["stops"] == "." and _is_abbreviation(before, "", "")
        return (Verdict.NONE if doubtful else Verdict.END), end
    opener = _OPENERS.match(text, end)
    first = opener.end() if opener else end
    word = _WORD.match(text, first)
    next_word = word.group() if word else ""
    cut_off = word is not None and word.end() == len(text)
    if not whole and (first == len(text) or (cut_off and stop["stops"] == "." and _needs_next_word(before))):
        return Verdict.UNSURE, end
    if stop["stops"] == "." and _is_measured(before) and text[first : first + 1].isdigit():
        if not whole and _GROWING_MEASURE.match(text, first):
            return Verdict.UNSURE, end
        smaller = _SMALLER_MEASURE.match(text, first)
        goes_on = smaller is not None and smaller["unit"].lower() in UNITS
        return (Verdict.NONE if goes_on else Verdict.END), end
    if len(next_word) == 1 and text[first + 1 : first + 2] == ".":
        next_word = ""
    return _judge_spaced(stop, before, text[first : first + 1], next_word), end


def seems_whole(text: str) -> bool:
    """Whether a sentence seems to end where the text does for now: `One moment.`, not `Ask Dr.` or `1.`."""
    stops = list(STOP.finditer(text))
    trail = _TRAIL.match(text, stops[-1].end()) if stops else None
    if trail is None or text[trail.end() :].strip():
        return False
    before = text[max(0, stops[-1].start() - _CONTEXT) : stops[-1].start()]
    doubtful = _is_abbreviation(before, "", "") or before[-1:].isdigit() or _wants_number(before)
    return stops[-1]["stops"] != "." or not doubtful


def _wants_number(before: str) -> bool:
    """`in approx.` and `at No.`, but not the answer `No.`."""
    word = _last_word(before)
    is_answer = word in _ANSWERS and before[: -len(word)].rstrip()[-1:] in ("", ".", "!", "?")
    return word in BEFORE_NUMBERS and not is_answer


def _judge_unspaced(stop: re.Match[str], follower: str, *, spaced: bool) -> Verdict:
    mark = stop["stops"][-1]
    if mark in _SURE:
        if not spaced and (mark == "．" and follower.isdigit()):
            return Verdict.NONE
        return Verdict.WEAK if not spaced and stop["closers"] and follower.isalpha() else Verdict.END
    if mark in "!?" and not stop["closers"] and _CJK_CHAR.match(follower):
        return Verdict.END
    return Verdict.NONE


def _judge_spaced(stop: re.Match[str], before: str, follower: str, next_word: str) -> Verdict:
    """Judge a stop with white space after it; `follower` is the first letter of the next word."""
    quoted = bool(stop["closers"].strip("*_`"))
    if follower and follower in ".!?…":
        return Verdict.NONE
    if stop["stops"] == "." and not quoted and _is_abbreviation(before, follower, next_word):
        return Verdict.NONE
    if is_lower(follower):
        exclaimed = stop["stops"][-1] in "!?" and not quoted
        return Verdict.END if exclaimed else Verdict.WEAK
    return Verdict.END


def _is_measured(before: str) -> bool:
    """Whether a number and its unit end here: `5 min`, `35 km/h`."""
    if _PER_UNIT.search(before):
        return True
    measure = _MEASURE.search(before)
    return measure is not None and (measure["unit"].lower() in UNITS or measure["unit"] in LETTER_UNITS)


def _needs_next_word(before: str) -> bool:
    """Whether `_is_abbreviation` looks at more of the next word than its first letter."""
    word = _last_word(before)
    if word in OFTEN_LAST or word in LABELED or word in BEFORE_NUMBERS:
        return True
    return bool(_LETTERS.search(before)) or bool(_NUMBER.fullmatch(word))


def _last_word(before: str) -> str:
    last = _LAST_WORD.search(before)
    return last.group().lower().rpartition("-")[2] if last else ""


def _is_abbreviation(before: str, follower: str, next_word: str) -> bool:
    """Whether the full stop after `before` belongs to its last word."""
    word = _last_word(before)
    if not word or _is_measured(before):
        return False
    starts = next_word.lower().replace("’", "'") in STARTERS
    letters = _LETTERS.search(before)
    if letters:
        return _are_initials(letters.group(), next_word, starts=starts)
    if follower.isdigit() or (follower and follower in "$€£¥#~+<>±-–≤≥≈"):
        return (
            word in BEFORE_NUMBERS
            or word in BEFORE_NAMES
            or word.endswith("str")
            or _is_ordinal(before, follower, "")
        )
    if _NUMBER.fullmatch(word):
        return _is_ordinal(before, follower, next_word)
    if word in BEFORE_NUMBERS and _NUMERAL.fullmatch(next_word):
        return len(next_word) > 1 or word in PARTS
    return _is_before_word(word, next_word, starts=starts)


def _is_before_word(word: str, next_word: str, *, starts: bool) -> bool:
    """Whether an abbreviation goes on with this word."""
    if word in LABELED:
        return next_word.lower().startswith(MEASURED)
    if word in OFTEN_LAST:
        return not starts
    return word in BEFORE_NAMES


def _are_initials(letters: str, next_word: str, *, starts: bool) -> bool:
    """`J. R. R.`, `z.B.` and `U.S.`, but neither `at 10 a.m.` nor a word of one letter (Korean)."""
    joined = letters.replace(".", "").replace(" ", "")
    if joined.lower() in {"am", "pm"}:
        return next_word.lower() in AFTER_CLOCK
    if joined[0].islower():
        return True
    return joined[0].isupper() and not starts


def _is_ordinal(before: str, follower: str, next_word: str) -> bool:
    """`1. Milk` in a list, `am 3. Mai`, `der 2. Weltkrieg`, `3. 5. 2026`."""
    number = _NUMBER.search(before)
    if not number:
        return False
    if _LIST_NUMBER.fullmatch(before):
        return True
    if len(number.group()) > 2:  # noqa: PLR2004 - no day has three digits
        return False
    if follower.isdigit() or next_word.lower() in GERMAN_MONTHS:
        return True
    words = before[: number.start()].lower().split()
    of_oneself = words[-2:] == ["i", "am"]
    return bool(words and next_word and words[-1] in GERMAN_BEFORE_ORDINALS and not of_oneself)
