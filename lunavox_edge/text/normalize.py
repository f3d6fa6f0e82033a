"""Text as people and language models write it to text as a voice can say it."""

from __future__ import annotations

import unicodedata

from lunavox_edge.text.addresses import speak_addresses
from lunavox_edge.text.cleanup import clean_characters, has_words, tidy, without_emoji
from lunavox_edge.text.english import speak_english
from lunavox_edge.text.markdown import in_one_line, without_emphasis, without_html, without_links
from lunavox_edge.text.numbers_en import digits

_ENGLISH_MARKS = {
    ".": "dot",
    ",": "comma",
    "-": "dash",
    "_": "underscore",
    "/": "slash",
    "\\": "backslash",
    "@": "at",
    "+": "plus",
    "&": "and",
    "#": "hash",
    "*": "star",
    ":": "colon",
    "=": "equals",
    "%": "percent",
    "$": "dollar",
    "!": "exclamation mark",
    "?": "question mark",
}


def speakable(text: str, language: str, *, name_emoji: bool = True) -> str:
    """Return what a voice should say for this text, or "" if there is nothing to say.

    Markdown, HTML, emoji, addresses and stray characters are handled for every language (a
    BCP-47 tag); numbers, dates, units and signs are written out for English only. Emoji are named
    if the text holds nothing else and `name_emoji` is set, else dropped.
    """
    english = _is_english(language)
    text = clean_characters(without_html(text))
    text = speak_addresses(without_links(text), english=english)
    text = tidy(without_emoji(without_emphasis(in_one_line(text)), language, named=name_emoji))
    if not has_words(text):
        return ""
    return tidy(speak_english(text, language)) if english else text


def spell(text: str, language: str) -> str:
    """Return the text so that a voice reads it letter by letter; "" if there is nothing to read."""
    english = _is_english(language)
    marks = _ENGLISH_MARKS if english else {}
    names = []
    for char in unicodedata.normalize("NFC", clean_characters(text)):
        if english and char.isascii() and char.isdigit():
            names.append(digits(char))
        elif char.isalnum():
            names.append(char.upper() if len(char.upper()) == 1 else char)
        elif char in marks:
            names.append(marks[char])
        elif names and unicodedata.category(char).startswith("M"):
            names[-1] += char
    return ", ".join(names)


def _is_english(language: str) -> bool:
    return language.lower().replace("_", "-").partition("-")[0] in {"en", "eng"}
