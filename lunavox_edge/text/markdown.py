"""Conversion of Markdown and HTML to plain text, as a person would read the rendered page aloud."""

from __future__ import annotations

import html
import re

from lunavox_edge.text.characters import CJK, CLOSERS, is_lower

_LONG_TAGS = (
    ""
    "abbr|answer|article|aside|audio|big|blockquote|body|br|break|button|center|cite|code|dd|del|details|dfn|div|dl|dt|em"
    ""
    "|emphasis|figcaption|figure|final|font|footer|form|h[1-6]|head|header|hr|html|iframe|img|input|ins|kbd|label|li|link"
    ""
    "|main|mark|meta|nav|ol|option|output|phoneme|pre|prosody|samp|say-as|script|section|select|small|source|span"
    ""
    "|speak|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|think|title|tr|tt|ul|var"
    "|video|voice|wbr|response|reply|assistant|final_answer|result"
)
_TAG = re.compile(
    rf"</?(?:(?:{_LONG_TAGS})(?:\s[^<>]*)?/?|[abipqsu](?:\s[^<>=]*=[^<>]*)?\s?/?)>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(
    r"</?(?:br|p|div|li|tr|h[1-6]|ul|ol|table|blockquote|section|details|summary)\b", re.IGNORECASE
)
_HIDDEN = (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>"))
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,1000})\]\("
    r"(?:[^()\s]|\([^()\s]*\))*(?:\s{1,9}(?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'))?[^\S\n]{0,9}\)"
)
_REFERENCE = re.compile(r"!?\[([^\[\]\n]{1,1000})\]\[[^\[\]\n]{0,200}\]")
_CITATION = re.compile(r"\[\^?[0-9]{1,3}\]")
_DEFINITION = re.compile(
    r"^[^\S\n]{0,9}\[[^\[\]\n]{1,200}\]:[^\S\n]{0,9}<?(?:https?:|mailto:|www\.|[/#])[^\n]*", re.MULTILINE
)

_FENCE = re.compile(r"(?:`{3,}|~{3,})[^`]*$")
_RULE = re.compile(r"([-*_=])(?:\s?\1){2,}$")
_TABLE_RULE = re.compile(r"[\s|:-]+$")
_WRAPPED_CHARS = 40
_QUANTITY = r"[-–+~]?[$€£¥]?[0-9][0-9.,]*(?:\s?[^\s\w]{0,2}[^\W\d_]{0,5}[²³]?(?:/[^\W\d_]{1,4})?)?[.!]?$"
_QUOTE = re.compile(rf"(?!>[=<0-9$€£¥]|>[-–+~][0-9]|>\s{_QUANTITY})(?:>\s?)+")
"""The mark of a quotation; not a sign before a quantity: `> 10 mm`."""
_NEGATIVE = re.compile(r"^[-–]\s(?=[0-9]{1,3}(?:[.,][0-9]{1,3})?(?:\s?[°º]\s?[CFK]?|\s?%)?[.!]?$)")
"""A minus sign, not a list marker, because the line is the whole text: `- 0.5 °C`."""
_HEADING = re.compile(r"#{1,6}\s+")
_BULLET = re.compile(r"(?:[-*•‣◦▪●·–—]\s+|\+\s+(?![0-9]))(?:\[[ xX]\]\s+)?")
_LIST_NUMBER = re.compile(r"([0-9]{1,3})[.)]\s+")
_SENTENCE_END = re.compile(rf"[.!?…:;,。！？、，।॥؟،۔][{CLOSERS}\s]*$")
_LAST_CJK = re.compile(f"[{CJK}]$")

_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PRODUCT = re.compile(r"(?<=[0-9])\s?\*\s?(?=[0-9])")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_HASHTAG = re.compile(r"#(?=[^\W\d_])")
_EQUALS = re.compile(r"(?<=\s)={2,3}(?=\s)")
_MARKS = re.compile(r"[*`]+|~~+|={2,}")


def without_html(text: str) -> str:
    """Remove tags, comments and scripts; resolve entities."""
    if "<" in text:
        for opening, closing in _HIDDEN:
            text = _without_hidden(text, opening, closing)
        text = _TAG.sub(lambda tag: "\n" if _BLOCK_TAG.match(tag.group()) else "", text)
    return _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)


def _without_hidden(text: str, opening: str, closing: str) -> str:
    lowered = text.lower()
    if opening not in lowered or len(lowered) != len(text):
        return text
    kept = []
    place = 0
    while (start := lowered.find(opening, place)) >= 0:
        end = lowered.find(closing, start)
        if end < 0:
            break
        kept.append(text[place:start])
        place = end + len(closing)
    return "".join([*kept, text[place:]])


def without_links(text: str) -> str:
    """Replace links and images by their text; remove footnote marks."""
    if "[" not in text:
        return text
    for _ in range(2):  # an image inside a link
        text = _LINK.sub(r"\1", text)
    return _REFERENCE.sub(r"\1", _CITATION.sub("", _DEFINITION.sub("", text)))


def in_one_line(text: str) -> str:
    """Remove the marks at line starts and join the lines, with a full stop after headings, items and rows."""
    joined: list[str] = []
    pause = wraps = False
    lines = text.split("\n") if "\n" in text else [_NEGATIVE.sub("-", text.strip(), count=1)]
    for line in lines:
        words, is_block = _line_words(line.strip())
        if not words:
            pause, wraps = True, False
            continue
        if wraps and not is_block and is_lower(words[0]):
            pause = False
        if joined and (pause or is_block) and not _SENTENCE_END.search(joined[-1][-40:]):
            joined.append("。" if _LAST_CJK.search(joined[-1]) else ".")
        if joined:
            joined.append(" ")
        joined.append(words)
        pause = is_block
        # An item that was wrapped by hand may continue in the next line.
        wraps = len(words) >= _WRAPPED_CHARS and "|" not in line and not _HEADING.match(line.strip())
    return "".join(joined)


def _line_words(line: str) -> tuple[str, bool]:
    """Return a line without its marks, and whether it is a block of its own (heading, item, table row)."""
    quote = _QUOTE.match(line)
    if quote:
        line = line[quote.end() :]
    if _FENCE.match(line) or _RULE.match(line):
        return "", True
    if "|" in line:
        if _TABLE_RULE.match(line):
            return "", True
        cells = [cell.strip() for cell in line.split("|")]
        return ", ".join(cell for cell in cells if cell), True
    if heading := _HEADING.match(line):
        return line[heading.end() :].rstrip("# "), True
    if bullet := _BULLET.match(line):
        return line[bullet.end() :], True
    if number := _LIST_NUMBER.match(line):
        return f"{number[1]}. {line[number.end() :]}", True
    return line, False


def without_emphasis(text: str) -> str:
    """Remove the marks inside lines: stars, underscores, backticks, strike-through, escapes."""
    text = _ESCAPE.sub(r"\1", text).replace("\\", " ")
    text = _EDGE_UNDERSCORE.sub("", _PRODUCT.sub(" × ", text)).replace("_", " ")
    return _HASHTAG.sub("", _MARKS.sub("", _EQUALS.sub("=", text)))
