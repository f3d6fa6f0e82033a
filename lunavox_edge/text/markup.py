"""The part of SSML that a voice can follow, read into spans of text with a manner of speaking."""

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
"""A few characters of markup may not ask for hours of silence."""
_PARAGRAPH_PAUSE_MS = 400
_SILENCED_PAUSE_MS = 500
_LARGEST_RATE = 10.0
"""A rate over this is meant as a percentage though its sign is missing: `80`."""
_LARGEST_CHANGE = 3.0
"""So is a change over this: `+10`."""
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
"""Elements that describe; what they hold is not spoken."""
_PREFIX = re.compile(r"<[^<>]*")
_PREFIXED = re.compile(r"(?:^</?|\s)([A-Za-z_][\w.-]*):[\w.-]+(?=[\s=/>]|$)")
_ROOT_NAME = re.compile(r"<(?![?!])(?:[\w.-]+:)?[\w.-]+")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ROOT = "<speak>"


@dataclass(frozen=True, slots=True)
class Span:
    """Text spoken in one manner, and the silence after it; `text` may be empty."""

    text: str
    speed: float = 1.0
    volume: float = 1.0
    pause_ms: int = 0
    spell: bool = False
    """Read letter by letter."""


def parse_ssml(text: str, language: str = "") -> list[Span]:
    """Read SSML; a text without the `<speak>` element is taken as the inside of one.

    Followed are speak, p, s, break, prosody rate and volume, sub and say-as, in words of the
    `language` (a BCP-47 tag); descriptions are left out, other elements are read as their text.
    Nothing is ever fetched: of audio the text inside is read. Raises BadMarkup.
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
        raise BadMarkup("SSML with a DOCTYPE or entity declarations is not read; remove them.") from error
    return reader.spans


def _with_prefixes(document: str) -> tuple[str, int]:
    """Declare prefixes that are used without (`amazon:effect`); return also how many characters that took."""
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
class _Manner:
    speed: float = 1.0
    volume: float = 1.0
    spell: bool = False
    silent: bool = False
    """The text is replaced by the alias of a sub element, or is not to be spoken."""
    kind: str = field(default="", compare=False)
    """What a say-as element asks for; the text is gathered until it ends."""


class _Reader:
    """The target of the parser: no tree is built, so no depth of nesting can hurt."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._said_as: list[tuple[str, list[str]]] = []
        self.spans: list[Span] = []
        self._manners = [_Manner()]
        self._words: list[str] = []
        self._words_manner = _Manner()
        self._pauses_ms = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Enter an element."""
        if len(self._manners) > _MAX_DEPTH:
            raise BadMarkup(f"The SSML is nested deeper than {_MAX_DEPTH} elements; make it flatter.")
        name = _local(tag)
        values = {_local(key): value.strip() for key, value in attributes.items()}
        manner = self._manners[-1]
        if name in {"p", "s"}:
            self._end_span()
        elif name == "break":
            self._pause(_pause_ms(values))
        elif name == "sub" and "alias" in values:
            self.data(values["alias"])
            manner = replace(manner, silent=True)
        elif name == "say-as":
            manner = self._start_say_as(manner, values)
        elif name in _SILENT:
            manner = replace(manner, silent=True)
        elif name == "prosody":
            manner = replace(
                manner,
                speed=manner.speed * _factor(values, "rate", _rate),
                volume=manner.volume * _factor(values, "volume", _volume),
            )
        self._manners.append(manner)

    def end(self, tag: str) -> None:
        """Leave an element."""
        manner = self._manners.pop()
        name = _local(tag)
        if name == "say-as" and manner.kind != self._manners[-1].kind:
            detail, words = self._said_as.pop()
            text = " ".join("".join(words).split())
            self.data(say_as(text, manner.kind.partition(" ")[2], detail, self._language))
        if name in {"p", "s"}:
            said = self._end_span()
            if said and name == "p":
                self._pause(_PARAGRAPH_PAUSE_MS)

    def _start_say_as(self, manner: _Manner, values: dict[str, str]) -> _Manner:
        kind = values.get("interpret-as", values.get("type", "")).lower()
        if kind in SPELLED:
            return replace(manner, spell=True)
        if kind in SILENCED:
            self._pause(_SILENCED_PAUSE_MS)
            return replace(manner, silent=True)
        if not kind:
            return manner
        self._said_as.append((values.get("format", values.get("currency", values.get("detail", ""))), []))
        # Its depth tells it from one of the same kind around it.
        return replace(manner, kind=f"{len(self._said_as)} {kind}")

    def data(self, text: str) -> None:
        """Take in text between two tags."""
        manner = self._manners[-1]
        if manner.silent:
            return
        if manner.kind:
            self._said_as[-1][1].append(text)
            return
        if manner != self._words_manner:
            self._end_span()
            self._words_manner = manner
        self._words.append(text)

    def close(self) -> None:
        """Take in the end of the document."""
        self._end_span()

    def _end_span(self) -> bool:
        """Close the span of the text since the last one; return whether there was any."""
        text = " ".join("".join(self._words).split())
        self._words = []
        if not text:
            return False
        manner = self._words_manner
        speed = min(_MAX_SPEED, max(_MIN_SPEED, manner.speed))
        self.spans.append(Span(text, speed, min(_MAX_VOLUME, manner.volume), 0, manner.spell))
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
    """`slow`, `80%`, `80` and `0.8` mean the same, and so do `-20%` and `-20`."""
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
    """`soft`, `50%`, `50`, `-50%` and `-6dB` mean about the same."""
    if value.lower() in _VOLUMES:
        return _VOLUMES[value.lower()]
    amount = _AMOUNT.fullmatch(value)
    if not amount:
        return None
    number = float(f"{amount[1]}{amount[2]}")
    if (amount[3] or "").lower() == "db":
        return float(10 ** (max(-100.0, min(_MAX_DECIBEL, number)) / 20))
    return max(0.0, number / 100 + (1 if amount[1] else 0))
