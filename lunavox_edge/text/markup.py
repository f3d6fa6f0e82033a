"""Parser for the supported part of SSML; its result are spans of text with speed, volume and pauses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from lunavox_edge.errors import BadMarkup
from lunavox_edge.text.say_as import SILENCED, SPELLED, say_as

_MAX_DEPTH = 64
_MAX_PREFIXES = 20
_MAX_PAUSE_MS = 10_000
_MAX_PAUSES_MS = 300_000
"""Limit for all pauses together, so that a few characters of markup cannot ask for hours of silence."""
_PARAGRAPH_PAUSE_MS = 400
_SILENCED_PAUSE_MS = 500
_LARGEST_RATE = 10.0
"""A higher rate is a percentage without its sign: `80`."""
_LARGEST_CHANGE = 3.0
"""A larger change of the rate is a percentage without its sign: `+10`."""
_MIN_SPEED, _MAX_SPEED = 0.25, 4.0
_MAX_VOLUME = 4.0
_MAX_FACTOR = 100.0
_MAX_DECIBEL = 40.0

_STRENGTH_MS = {"none": 0, "x-weak": 100, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1000}
_RATES = {"x-slow": 0.5, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_VOLUMES = {
    "silent": 0.0,
    "x-soft": 0.25,
    "soft": 0.5,
    "medium": 1.0,
    "default": 1.0,
    "loud": 1.5,
    "x-loud": 2.0,
}

_TIME = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ms|s)", re.IGNORECASE)
_AMOUNT = re.compile(r"([+-]?)([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})\s?(%|dB)?", re.IGNORECASE)
_HAS_ROOT = re.compile(r"<(?:[\w.-]+:)?speak[\s/>]|<[?!]")
_SILENT = frozenset({"desc", "metadata", "meta", "lexicon", "lookup", "title"})
"""Elements with descriptions, which are not spoken."""
_PREFIX = re.compile(r"<[^<>]*")
_PREFIXED = re.compile(r"(?:^</?|\s)([A-Za-z_][\w.-]*):[\w.-]+(?=[\s=/>]|$)")
_ROOT_NAME = re.compile(r"<(?![?!])(?:[\w.-]+:)?[\w.-]+")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = "<speak>"


@dataclass(frozen=True, slots=True)
class Span:
    """Text with the same speed and volume (as factors), and the pause after it; `text` may be empty."""

    text: str
    speed: float = 1.0
    volume: float = 1.0
    pause_ms: int = 0
    spell: bool = False
    """Whether the text is read letter by letter."""


def parse_ssml(text: str, language: str = "") -> list[Span]:
    """Parse SSML; a text without a `<speak>` element is treated as the content of one.

    Supported are speak, p, s, break, prosody (rate and volume), sub and say-as; `language` (a BCP-47 tag) is
    the language of the words for say-as. Descriptions are left out; of all other elements, including audio,
    the text inside is spoken. Nothing is ever downloaded. Raises BadMarkup.
    """
    text = _ILLEGAL.sub(" ", text).strip()
    bare = not _HAS_ROOT.match(text)
    document, added = _with_prefixes(f"{_ROOT}{text}</speak>" if bare else text)
    reader = _Reader(language)
    parser = XMLParser(target=reader, forbid_dtd=True)
    try:
        parser.feed(document)
        parser.close()
    except ParseError as error:
        raise BadMarkup(_where(error, added=added + (len(_ROOT) if bare else 0))) from error
    except DefusedXmlException as error:
        raise BadMarkup("SSML must not have a DOCTYPE or entity declarations; remove them.") from error
    return reader.spans


def _with_prefixes(document: str) -> tuple[str, int]:
    """Declare undeclared prefixes (`amazon:effect`); return also how many characters that added."""
    root = _ROOT_NAME.search(document)
    if not root or ":" not in document:
        return document, 0
    used = {prefix for tag in _PREFIX.finditer(document) for prefix in _PREFIXED.findall(tag.group())}
    missing = sorted(prefix for prefix in used - {"xml", "xmlns"} if f"xmlns:{prefix}" not in document)
    declared = "".join(f' xmlns:{prefix}="{prefix}"' for prefix in missing[:_MAX_PREFIXES])
    return document[: root.end()] + declared + document[root.end() :], len(declared)


def _where(error: ParseError, *, added: int) -> str:
    line, column = error.position
    if line == 1:
        column = max(0, column - added)
    reason = str(error).partition(":")[0]
    return (
        f"The SSML is not well-formed at line {line}, column {column + 1} ({reason}). "
        "Close every tag and write & as &amp; and < as &lt;."
    )


@dataclass(frozen=True, slots=True)
class _Style:
    speed: float = 1.0
    volume: float = 1.0
    spell: bool = False
    silent: bool = False
    """The text is not spoken: it is a description, or replaced by the alias of a sub element."""
    kind: str = field(default="", compare=False)
    """Depth and interpret-as of the say-as element around; its text is collected until it ends."""


class _Reader:
    """Target of the XML parser. It builds no tree, so deep nesting costs nothing."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._said_as: list[tuple[str, list[str]]] = []
        self.spans: list[Span] = []
        self._styles = [_Style()]
        self._words: list[str] = []
        self._words_style = _Style()
        self._pauses_ms = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Enter an element."""
        if len(self._styles) > _MAX_DEPTH:
            raise BadMarkup(f"The SSML is nested deeper than {_MAX_DEPTH} elements; make it flatter.")
        name = _local(tag)
        values = {_local(key): value.strip() for key, value in attributes.items()}
        style = self._styles[-1]
        if name in {"p", "s"}:
            self._end_span()
        elif name == "break":
            self._pause(_pause_ms(values))
        elif name == "sub" and "alias" in values:
            self.data(values["alias"])
            style = replace(style, silent=True)
        elif name == "say-as":
            style = self._start_say_as(style, values)
        elif name in _SILENT:
            style = replace(style, silent=True)
        elif name == "prosody":
            style = replace(
                style,
                speed=style.speed * _factor(values, "rate", _rate),
                volume=style.volume * _factor(values, "volume", _volume),
            )
        self._styles.append(style)

    def end(self, tag: str) -> None:
        """Leave an element."""
        style = self._styles.pop()
        name = _local(tag)
        if name == "say-as" and style.kind != self._styles[-1].kind:
            detail, words = self._said_as.pop()
            text = " ".join("".join(words).split())
            self.data(say_as(text, style.kind.partition(" ")[2], detail, self._language))
        if name in {"p", "s"}:
            said = self._end_span()
            if said and name == "p":
                self._pause(_PARAGRAPH_PAUSE_MS)

    def _start_say_as(self, style: _Style, values: dict[str, str]) -> _Style:
        kind = values.get("interpret-as", values.get("type", "")).lower()
        if kind in SPELLED:
            return replace(style, spell=True)
        if kind in SILENCED:
            self._pause(_SILENCED_PAUSE_MS)
            return replace(style, silent=True)
        if not kind:
            return style
        self._said_as.append((values.get("format", values.get("currency", values.get("detail", ""))), []))
        # With the depth it differs from an outer element of the same kind.
        return replace(style, kind=f"{len(self._said_as)} {kind}")

    def data(self, text: str) -> None:
        """Process the text between two tags."""
        style = self._styles[-1]
        if style.silent:
            return
        if style.kind:
            self._said_as[-1][1].append(text)
            return
        if style != self._words_style:
            self._end_span()
            self._words_style = style
        self._words.append(text)

    def close(self) -> None:
        """End the document."""
        self._end_span()

    def _end_span(self) -> bool:
        """Make a span of the text since the last one; return whether there was any text."""
        text = " ".join("".join(self._words).split())
        self._words = []
        if not text:
            return False
        style = self._words_style
        speed = min(_MAX_SPEED, max(_MIN_SPEED, style.speed))
        self.spans.append(Span(text, speed, min(_MAX_VOLUME, style.volume), 0, style.spell))
        return True

    def _pause(self, pause_ms: int) -> None:
        self._end_span()
        last = self.spans.pop() if self.spans else Span("")
        wanted_ms = min(_MAX_PAUSE_MS, last.pause_ms + pause_ms)
        added_ms = min(wanted_ms - last.pause_ms, _MAX_PAUSES_MS - self._pauses_ms)
        self._pauses_ms += added_ms
        self.spans.append(replace(last, pause_ms=last.pause_ms + added_ms))


def _local(name: str) -> str:
    """Drop the namespace."""
    return name.rpartition("}")[2]


def _pause_ms(values: dict[str, str]) -> int:
    if "time" in values:
        time = _TIME.fullmatch(values["time"])
        if not time:
            raise BadMarkup(f'<break time="{values["time"][:20]}"> is not a time; write 500ms or 1.5s.')
        return round(min(_MAX_PAUSE_MS, float(time[1]) * (1 if time[2].lower() == "ms" else 1000)))
    strength = values.get("strength", "medium")
    if strength not in _STRENGTH_MS:
        raise BadMarkup(
            f'<break strength="{strength[:20]}"> is unknown; use one of {", ".join(_STRENGTH_MS)}.'
        )
    return _STRENGTH_MS[strength]


def _factor(values: dict[str, str], key: str, read: Callable[[str], float | None]) -> float:
    if key not in values:
        return 1.0
    factor = read(values[key])
    if factor is None:
        raise BadMarkup(f'<prosody {key}="{values[key][:20]}"> is unknown; write a percentage such as 80%.')
    return min(_MAX_FACTOR, factor)


def _rate(value: str) -> float | None:
    """Return the factor of a rate, None if it is invalid.

    `slow`, `80%`, `80`, `0.8`, `-20%` and `-20` all mean 0.8.
    """
    if value.lower() in _RATES:
        return _RATES[value.lower()]
    amount = _AMOUNT.fullmatch(value)
    if not amount or (amount[3] or "%") != "%":
        return None
    number = float(amount[2])
    if amount[3] or number > (_LARGEST_CHANGE if amount[1] else _LARGEST_RATE):
        number /= 100
    if amount[1]:
        number = 1 + float(f"{amount[1]}1") * number
    return max(_MIN_SPEED, number)


def _volume(value: str) -> float | None:
    """Return the factor of a volume, None if it is invalid.

    `soft`, `50%`, `50`, `-50%` and `-6dB` mean about 0.5.
    """
    if value.lower() in _VOLUMES:
        return _VOLUMES[value.lower()]
    amount = _AMOUNT.fullmatch(value)
    if not amount:
        return None
    number = float(f"{amount[1]}{amount[2]}")
    if (amount[3] or "").lower() == "db":
        return float(10 ** (max(-100.0, min(_MAX_DECIBEL, number)) / 20))
    return max(0.0, number / 100 + (1 if amount[1] else 0))
