"""Where incomplete text may be cut between words, so that both parts sound as they would uncut."""

from __future__ import annotations

import re

from lunavox_edge.text.characters import CLOSERS, OPENERS

_WORD = re.compile(r"\S+")
_PLAIN = re.compile(rf"[{OPENERS}]*(?P<letters>[^\W\d_]+(?:['’-][^\W\d_]+)*)[,;:!?]*[{CLOSERS}]*[,;:!?]*")
_NUMERAL = re.compile("[IVXLCDM]{2,}")
_ONE_LETTER_NUMERALS = frozenset("IVX")
_SHORT_DATES = frozenset(
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun".split()
)
_NEIGHBOURS = 2
"""The reading of a number may depend on so many words after it: `26 of November`, `1 day, 0:00:00`."""


def last_cut(text: str, *, grows: bool, limit: int | None = None) -> int:
    """Return the last position where the text may be cut: a start of a word, or its end; 0 if there is none.

    A cut never separates a number, a sign, an abbreviation or the short name of a month from what follows,
    nor two capitalised words (`President Lincoln`). `grows` says that the last word may be incomplete. The
    position is at most `limit`.
    """
    words = list(_WORD.finditer(text))
    for count in range(len(words) - grows, 0, -1):
        following = words[count] if count < len(words) else None
        place = following.start() if following else len(text)
        if limit is not None and place > limit:
            continue
        before = [word.group() for word in words[max(0, count - _NEIGHBOURS) : count]]
        if _may_part(before, following.group() if following else ""):
            return place
    return 0


def _may_part(before: list[str], following: str) -> bool:
    """Whether the text may be cut between these words; `following` is "" if it is not known yet."""
    last = before[-1]
    is_name = len(last) > 1 and _starts_high(last) and last[-1] not in ",;:!?"
    if last in _ONE_LETTER_NUMERALS and len(before) > 1 and _starts_high(before[0]):
        return False
    goes_on = not following or _starts_high(following) or _starts_with_digit(following)
    return all(map(_is_plain, before)) and not (is_name and goes_on)


def _is_plain(word: str) -> bool:
    """Whether the pronunciation of a word does not depend on what follows."""
    plain = _PLAIN.fullmatch(word)
    if plain is None or _NUMERAL.fullmatch(plain["letters"]):
        return False
    return plain["letters"].lower() not in _SHORT_DATES


def _starts_high(word: str) -> bool:
    return word.lstrip(OPENERS)[:1].isupper()


def _starts_with_digit(word: str) -> bool:
    return word.lstrip(OPENERS)[:1].isdigit()
