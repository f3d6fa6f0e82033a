"""Removal of characters that no voice can speak: control codes, odd spaces, emoji, repeated punctuation."""

from __future__ import annotations

import re
import unicodedata

from lunavox_edge.text.characters import EMOJI

_GROUP_SPACE = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_LINE_END = re.compile("\r\n?|[\u2028\u2029\x85]")
_SPACE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufffd]")
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
_STYLED = re.compile("[\U0001d400-\U0001d7ff\u2460-\u24ff\uff01-\uff5e\u2103\u2109]")
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
_ARROW = re.compile(r"\s?(?:[\u2190-\u21ff\u27f5-\u27ff➔➜➡]\ufe0f?|(?<=\s)[-=]{1,2}>(?=\s))+\s?")
_MAX_NAMED_CHARS = 100
_TWIN_MARKS = str.maketrans(
    {"‼": "!!", "⁇": "??", "⁈": "?!", "⁉": "!?", "‐": "-", "‑": "-", "−": "-", "‒": "–"}
)
_EMOJI_RUN = re.compile(rf"[{EMOJI}]+")
# In some scripts these join letters; elsewhere they are part of an emoji.
_JOINERS_ONLY = re.compile("[\u200d\ufe0e\ufe0f]+")

_REPEATED = re.compile(r"([!?,;:،。！？、。؟।])\1+")
_DOTS = re.compile(r"\.{3,}|…+|\.…")
_DOUBLE_DASH = re.compile(r"(?<=[^\W_])-{2,}(?=[^\W_])|(?<=\s)-{2,}(?=\s)")
_SYMBOL_RUN = re.compile(r"([-=#~+^_|<>])\1{2,}")
_OPTION = re.compile(r"(?<!\S)--(?=[^\W\d_])")
_EMPTY_BRACKETS = re.compile(r"\(\s?\)|\[\s?\]|\{\s?\}")
_SPACE_BEFORE = re.compile(r" ([,.](?!\w|\.))")
_SPACES = re.compile(r"\s+")


def clean_characters(text: str) -> str:
    """Keep lines, letters and punctuation; replace every kind of space by a plain one and drop the rest."""
    text = _LINE_END.sub("\n", _GROUP_SPACE.sub("", text)).translate(_TWIN_MARKS)
    text = _INVISIBLE.sub("", _SPACE.sub(" ", text))
    text = _STYLED.sub(lambda styled: _folded(styled.group()), _KEYCAP.sub(r"\1", text))
    return _ARROW.sub(", ", text)


def _folded(char: str) -> str:
    """Return the plain letter for a styled one (𝗯𝗼𝗹𝗱, Ｗｉｄｅ); keep full-width punctuation."""
    folded = unicodedata.normalize("NFKC", char)
    return folded if folded.isalnum() or not "\uff01" <= char <= "\uff5e" else char


def without_emoji(text: str, language: str, *, named: bool) -> str:
    """Drop emoji; if the text contains nothing else and `named` is set, replace them by their names."""
    if not _EMOJI_RUN.search(text):
        return text
    if named and not has_words(text):
        text = _named(text, language)
    return _EMOJI_RUN.sub(_replace_run, text)


def _replace_run(run: re.Match[str]) -> str:
    return run.group() if _JOINERS_ONLY.fullmatch(run.group()) else " "


def _named(text: str, language: str) -> str:
    # Imported here because it loads a large table that few texts need.
    import emoji  # noqa: PLC0415

    code = language.partition("-")[0].lower()
    named = emoji.demojize(
        text[:_MAX_NAMED_CHARS], delimiters=(",", ","), language=code if code in emoji.LANGUAGES else "en"
    )
    names = [name.strip() for name in named.replace("_", " ").split(",")]
    return ", ".join(dict.fromkeys(name for name in names if has_words(name)))


def has_words(text: str) -> bool:
    """Whether the text contains a letter or a digit."""
    return any(char.isalnum() for char in text)


def tidy(text: str) -> str:
    """Collapse repeated punctuation and white space."""
    text = _DOUBLE_DASH.sub(", ", _DOTS.sub("...", _REPEATED.sub(r"\1", _SPACES.sub(" ", text))))
    text = _EMPTY_BRACKETS.sub("", _SYMBOL_RUN.sub(" ", _OPTION.sub("", text)))
    return _SPACE_BEFORE.sub(r"\1", _SPACES.sub(" ", text)).strip()
