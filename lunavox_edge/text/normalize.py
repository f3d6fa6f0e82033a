"""Text normalisation: from text as people and language models write it to text that a voice can speak."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.abbreviations import without_initial_stops
from lunavox_edge.text.addresses import speak_addresses
from lunavox_edge.text.characters import CLOSERS
from lunavox_edge.text.cleanup import clean_characters, has_words, tidy, without_emoji
from lunavox_edge.text.english import speak_english
from lunavox_edge.text.figures import mark_true_minus
from lunavox_edge.text.languages import language_key, wording
from lunavox_edge.text.markdown import in_one_line, without_emphasis, without_html, without_links
from lunavox_edge.text.numbers_en import digits
from lunavox_edge.text.other_languages import speak_other_language

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

_ELLIPSIS = re.compile(
    r"(?<![.0-9]) ?\.{3} ?(?=[^\W_])|(?<=[0-9]) ?\.{3} ?(?=[^\W\d_])"
    rf"|(?<=[^\W\d_])\.\. ?(?=[^\W\d_])| ?\.{{3}}(?=[{CLOSERS}]+\s?\w)"
)
_SILENT_ELLIPSIS = re.compile(r"^\.{2,}\s?(?=\w)|\.{2,}(?=[,;:]|\s?[?!])")
_RANGE_ELLIPSIS = re.compile(r"(?<=[0-9])\.{3}(?=[0-9])")
_LAST_ELLIPSIS = re.compile(rf"\.{{3}}(?=[{CLOSERS}]*$)")
_DOTS_SPOKEN = frozenset({"hu", "uk", "mk"})
"""Languages in which espeak reads three dots at an end as words."""


def speakable(text: str, language: str, *, name_emoji: bool = True) -> str:
    """Return the text that a voice should speak, "" if there is nothing to speak.

    Markdown, HTML, emoji, addresses and unspeakable characters are handled for every `language` (a BCP-47 tag
    or an espeak voice). In English, numbers, dates, units and signs are written out; in other languages only
    what phonemisers get wrong: signs, decimal points, ordinals, abbreviations. Emoji are replaced by their
    names if the text contains nothing else and `name_emoji` is set, else dropped.
    """
    english = _is_english(language)
    text = mark_true_minus(without_html(text), None if english else wording(language_key(language)))
    text = clean_characters(text)
    text = speak_addresses(without_links(text), english=english)
    text = tidy(without_emoji(without_emphasis(in_one_line(text)), language, named=name_emoji))
    if not has_words(text):
        return ""
    text = _with_pauses(text, language)
    if english:
        return tidy(speak_english(text, language))
    return tidy(without_initial_stops(speak_other_language(text, language)))


def _with_pauses(text: str, language: str) -> str:
    """Replace an ellipsis inside a sentence by a comma; a phonemiser would drop it and the space after it."""
    if ".." not in text:
        return text
    text = _RANGE_ELLIPSIS.sub("–", _SILENT_ELLIPSIS.sub("", text))
    text = _ELLIPSIS.sub(lambda dots: "," if dots.string[dots.end()] in CLOSERS else ", ", text)
    return _LAST_ELLIPSIS.sub(".", text) if language_key(language) in _DOTS_SPOKEN else text


def spell(text: str, language: str) -> str:
    """Return the text in a form that a voice reads letter by letter; "" if there is nothing to read."""
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
    return language_key(language) == "en"
