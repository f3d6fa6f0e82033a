"""Sentence ends: whether a full stop, exclamation mark or question mark ends a sentence."""

from __future__ import annotations

import re
from enum import Enum

from lunavox_edge.text.abbreviation_words import OTHER_BEFORE_NAMES, OTHER_BEFORE_NUMBERS
from lunavox_edge.text.abbreviations import (
    AFTER_CLOCK,
    BEFORE_NAMES,
    BEFORE_NUMBERS,
    GERMAN_BEFORE_ORDINALS,
    GERMAN_MONTHS,
    LABELED,
    LEADING_NUMERAL,
    LETTER_UNITS,
    MEASURED,
    OFTEN_LAST,
    ORDINAL_PAIR,
    PARTS,
    STARTERS,
    UNITS,
    without_initial_stops,
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
_AFTER_NUMBER = re.compile(r"(?i:[0-9] ?(?!(?:klo?|nr|plkst|pkl|godz|tel|str|ul|тел|ул)$)[^\W\d_]+$)")
"""`10 min` is a measure, which may end a sentence before another number."""
_AMOUNT = re.compile(r"(?:[0-9] ?|°)[^\W\d_]$")
"""`21 °C. The` and `10 W. The` are not initials."""
_ANSWER = re.compile(r"OK$|^\s*[OО][kк]$|^\s*ok$|\b(?i:never|my|your|you|his|her|their|not|n't) mind$")
"""`OK. 5 minutes.`, but Polish `ok. 5 minut`"""
_LETTERS = re.compile(r"(?:(?<![\w'’])[^\W\d_]\. ?)*(?<![\w'’])[^\W\d_]$")
_LIST_NUMBER = re.compile(r"[\s>*_#(+-]*[0-9]{1,3}$")
_NUMBER = re.compile(r"[0-9]{1,3}$")
_ANSWERS = frozenset({"no"})
_NUMERAL = re.compile("[IVXL]{1,7}")
_MEASURE = re.compile(r"[0-9]\s?(?P<unit>[^\W\d_]{1,4})$")
_PER_UNIT = re.compile(r"[0-9]\s?[^\W\d_]{1,4}/[^\W\d_]{1,3}$")
_SMALLER_MEASURE = re.compile(r"[0-9]{1,4}\s?(?P<unit>[^\W\d_]{1,4})\b")
_GROWING_MEASURE = re.compile(r"[0-9]{1,4}(?:\s?(?:[^\W\d_]{1,4})?)?\Z")
_BEFORE_NUMBER = re.compile(r"(?<![\w.])(?P<word>[^\W\d_]{2,7})\.(?=\s[-–<>+~]?[0-9])")
_ENDING_LETTERS = re.compile(r"[^\W\d_]+$")
_PART_OF_NAME = ("(", "_", "=", "/", "@", ".")
_ENDS_OF_NAMES = frozenset(
    "com org net io js ts json yaml yml txt pdf html htm csv log jpg jpeg png gif svg mp3 mp4 wav zip exe"
    " ini conf onnx xml css php md py sh doc docx xls xlsx info edu gov".split()
)
_CONTEXT = 60
"""Number of characters before a stop that are taken into account."""


class StopVerdict(Enum):
    """Result of judging a possible end of a sentence."""

    END = "end"
    WEAK = "weak"
    """Possibly an end: used only if the sentence gets too long."""
    NONE = "none"
    UNSURE = "unsure"
    """More text is needed to decide."""


def judge(text: str, stop: re.Match[str], *, whole: bool) -> tuple[StopVerdict, int]:
    """Return whether the sentence at the start of `text` ends at this match of STOP, and its end position.

    The end includes white space and emoji after the stop. With `whole`, nothing follows `text`, and the
    verdict is never UNSURE.
    """
    trail = _TRAIL.match(text, stop.end())
    end = trail.end() if trail else stop.end()
    newline = bool(trail and trail["newline"])
    if end == len(text) and not newline:
        return (StopVerdict.END if whole else StopVerdict.UNSURE), end
    if stop["stops"][-1] in _SURE:
        return _judge_sure(stop, text[end : end + 1], spaced=end > stop.end()), end
    if end == stop.end() or _only_emoji(text[stop.end() : end]):
        return _judge_unspaced(text, stop, end, whole=whole), end
    before = text[max(0, stop.start() - _CONTEXT) : stop.start()]
    if newline:
        doubtful = stop["stops"] == "." and _is_abbreviation(before, "", "")
        return (StopVerdict.NONE if doubtful else StopVerdict.END), end
    opener = _OPENERS.match(text, end)
    first = opener.end() if opener else end
    word = _WORD.match(text, first)
    next_word = word.group() if word else ""
    cut_off = word is not None and word.end() == len(text)
    if not whole and (first == len(text) or (cut_off and stop["stops"] == "." and _needs_next_word(before))):
        return StopVerdict.UNSURE, end
    if stop["stops"] == "." and _is_measured(before) and text[first : first + 1].isdigit():
        if not whole and _GROWING_MEASURE.match(text, first):
            return StopVerdict.UNSURE, end
        smaller = _SMALLER_MEASURE.match(text, first)
        goes_on = smaller is not None and smaller["unit"].lower() in UNITS
        return (StopVerdict.NONE if goes_on else StopVerdict.END), end
    if len(next_word) == 1 and text[first + 1 : first + 2] == ".":
        next_word = ""
    return _judge_spaced(stop, before, text[first : first + 1], next_word), end


def seems_whole(text: str) -> bool:
    """Whether the text so far seems to end with a complete sentence: `One moment.`, not `Ask Dr.` or `1.`."""
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


def without_inner_stops(text: str) -> str:
    """Drop full stops of initials, and before a number, at which a phonemiser would end its clause."""
    return without_initial_stops(_BEFORE_NUMBER.sub(_without_stop, text))


def _without_stop(found: re.Match[str]) -> str:
    word, end = found["word"], found.end("word")
    known = word.lower() in OTHER_BEFORE_NUMBERS or word.lower() in BEFORE_NUMBERS
    measure = _AFTER_NUMBER.search(found.string[max(0, end - _CONTEXT) : end])
    return word if known and not measure else found.group()


def _judge_sure(stop: re.Match[str], follower: str, *, spaced: bool) -> StopVerdict:
    """Judge a mark that needs no space after it."""
    if not spaced and (stop["stops"][-1] == "．" and follower.isdigit()):
        return StopVerdict.NONE
    return StopVerdict.WEAK if not spaced and stop["closers"] and follower.isalpha() else StopVerdict.END


def _judge_unspaced(text: str, stop: re.Match[str], end: int, *, whole: bool) -> StopVerdict:
    """Judge a stop without white space after it: an end in `off.Doors`, none in `Node.js` and `3.5`."""
    mark, follower = stop["stops"][-1], text[end]
    if mark in "!?" and not stop["closers"] and _CJK_CHAR.match(follower):
        return StopVerdict.END
    before = text[max(0, stop.start() - _CONTEXT) : stop.start()]
    if follower in "¿¡" and before[-1:].isalnum():
        return StopVerdict.END
    word = _WORD.match(text, end)
    if word is None or not _may_end(before, mark) or not _may_start(word.group(), before[-1:]):
        return StopVerdict.NONE
    after = text[word.end() : word.end() + 2]
    if not whole and (not after or after in _PART_OF_NAME or after in "'’"):
        return StopVerdict.UNSURE
    names = after[:1] in _PART_OF_NAME and not (after[:1] == "." and not after[1:2].isalnum())
    if names or (len(word.group()) == 1 and after[:1] != " "):
        return StopVerdict.NONE
    if mark == ".":
        if word.group().lower() in _ENDS_OF_NAMES or _is_abbreviation(before, follower, word.group()):
            return StopVerdict.NONE
        if before[-1:].isdigit() and _is_ordinal(before, follower, word.group()):
            return StopVerdict.NONE
    return StopVerdict.END


def _may_end(before: str, mark: str) -> bool:
    """Whether a sentence may end here without a space: not inside an address, a path or a dotted name."""
    token = before.rsplit(None, 1)[-1] if before.strip() else ""
    if not token or any(char in token for char in "/@=\\_"):
        return False
    if mark != ".":
        return token[-1].isalnum() or token[-1] in "%°" + CLOSERS
    if token[-1] in "%)]$€£" or token.endswith(("°C", "°F", "a.m", "p.m")):
        return True
    letters = _ENDING_LETTERS.search(token)
    if token[-1].isdigit():
        return not any(char.isalpha() or char == "." for char in token)
    return letters is not None and len(letters.group()) > 1 and "." not in token


def _may_start(word: str, last: str) -> bool:
    """Whether a word may begin a sentence right after the stop of another one."""
    if word[0].isupper():
        return True
    caseless = not (word[0].islower() or last.islower() or last.isupper())
    return caseless and last.isalpha() and len(word) > 1


def _only_emoji(between: str) -> bool:
    return bool(between) and not any(char.isspace() for char in between)


def _judge_spaced(stop: re.Match[str], before: str, follower: str, next_word: str) -> StopVerdict:
    """Judge a stop with white space after it; `follower` is the first letter of the next word."""
    quoted = bool(stop["closers"].strip("*_`"))
    pauses = not stop["stops"].strip(".…") and stop["stops"] != "." and follower in "-–−0123456789"
    if follower and (follower in ".!?…:;," or pauses):
        return StopVerdict.NONE
    if stop["stops"] == "." and not quoted and _is_abbreviation(before, follower, next_word):
        return StopVerdict.NONE
    if is_lower(follower):
        exclaimed = stop["stops"][-1] in "!?" and not quoted
        return StopVerdict.END if exclaimed else StopVerdict.WEAK
    return StopVerdict.END


def _is_measured(before: str) -> bool:
    """Whether a number and its unit end here: `5 min`, `35 km/h`."""
    if _PER_UNIT.search(before):
        return True
    measure = _MEASURE.search(before)
    return measure is not None and (measure["unit"].lower() in UNITS or measure["unit"] in LETTER_UNITS)


def _needs_next_word(before: str) -> bool:
    """Whether `_is_abbreviation` needs the whole next word and not only its first letter."""
    word = _last_word(before)
    known = word in OFTEN_LAST or word in LABELED or word in BEFORE_NUMBERS
    return known or bool(_LETTERS.search(before)) or bool(_NUMBER.fullmatch(word))


def _last_word(before: str) -> str:
    last = _LAST_WORD.search(before)
    return last.group().lower().rpartition("-")[2] if last else ""


def _is_abbreviation(before: str, follower: str, next_word: str) -> bool:
    """Whether the full stop after `before` belongs to its last word."""
    word = _last_word(before)
    # In regular expressions, vowel signs of Indian scripts do not count as letters.
    token = before.rsplit(None, 1)[-1].lower() if before.strip() else ""
    if token in OTHER_BEFORE_NAMES or (follower.isdigit() and token in OTHER_BEFORE_NUMBERS):
        return not _AFTER_NUMBER.search(before) and not _ANSWER.search(before)
    leads = LEADING_NUMERAL.search(before)
    if not word or _is_measured(before) or leads:
        return bool(leads and next_word)
    starts = next_word.lower().replace("’", "'") in STARTERS
    letters = _LETTERS.search(before)
    if letters:
        measure = len(letters.group()) == 1 and follower.isupper() and _AMOUNT.search(before)
        return not measure and _are_initials(letters.group(), next_word, starts=starts)
    if follower.isdigit() or (follower and follower in "$€£¥#~+<>±-–−≤≥≈"):
        if word in OTHER_BEFORE_NUMBERS:
            return not _AFTER_NUMBER.search(before) and not _ANSWER.search(before)
        return (
            (word in BEFORE_NUMBERS or before.endswith(("Sat", "Sun")))
            or word in BEFORE_NAMES
            or word in OTHER_BEFORE_NAMES
            or word.endswith("str")
            or _is_ordinal(before, follower, "")
        )
    if _NUMBER.fullmatch(word):
        return _is_ordinal(before, follower, next_word)
    if word in BEFORE_NUMBERS and _NUMERAL.fullmatch(next_word):
        return len(next_word) > 1 or word in PARTS
    return _is_before_word(word, next_word, starts=starts)


def _is_before_word(word: str, next_word: str, *, starts: bool) -> bool:
    """Whether the sentence continues with this word after an abbreviation."""
    if word in LABELED:
        return next_word.lower().startswith(MEASURED)
    if word in OFTEN_LAST:
        return not starts
    return word in BEFORE_NAMES or word in OTHER_BEFORE_NAMES


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
    if not number or _LIST_NUMBER.fullmatch(before):
        return number is not None
    is_day = len(number.group()) <= 2  # noqa: PLR2004 - no day has three digits
    dated = next_word.lower() in GERMAN_MONTHS or ORDINAL_PAIR.search(before[: number.start()])
    if is_day and (dated or (follower and follower in "0123456789-–")):
        return True
    words = before[: number.start()].lower().split()
    of_oneself = words[-2:] == ["i", "am"]
    starts = of_oneself or (next_word[:1].isupper() and next_word.lower() in STARTERS)
    return bool(words and next_word and words[-1] in GERMAN_BEFORE_ORDINALS and not starts)
