"""Language tags (BCP-47): parsing them, and comparing a wanted language with offered ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lunavox_edge.engine.values.naming import shortened
from lunavox_edge.errors import UnsupportedLanguage

MAX_TAG_CHARS = 64

_LANGUAGE = re.compile(r"[a-z]{2,3}|[a-z]{5,8}")
_SCRIPT = re.compile(r"[a-z]{4}")
_REGION = re.compile(r"[a-z]{2}|[0-9]{3}")
_SUBTAG = re.compile(r"[a-z0-9]{1,8}")

# Codes that were renamed, or that name the same spoken language as a more common code.
_SAME_LANGUAGE = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "nb": "no",
    "cmn": "zh",
    "tl": "fil",
}

# Where a language without a region is most likely spoken, as CLDR's likely subtags have it;
# for a language that is not here its own code is tried as a region (`de` -> `DE`).
_LIKELY_REGION = {
    "ar": "EG",
    "bn": "BD",
    "ca": "ES",
    "cs": "CZ",
    "cy": "GB",
    "da": "DK",
    "el": "GR",
    "en": "US",
    "et": "EE",
    "fa": "IR",
    "hi": "IN",
    "ja": "JP",
    "ko": "KR",
    "ms": "MY",
    "pt": "BR",
    "sr": "RS",
    "sv": "SE",
    "sw": "TZ",
    "uk": "UA",
    "ur": "PK",
    "zh": "CN",
}

_SCRIPT_REGION = {("zh", "Hant"): "TW", ("zh", "Hans"): "CN"}

# Regions whose speech is closer to another region than to the likely one.
_NEAR_REGION: dict[str, dict[str, tuple[str, ...]]] = {
    "en": dict.fromkeys(("AU", "GH", "HK", "IE", "IN", "KE", "MY", "NG", "NZ", "SG", "TZ", "ZA"), ("GB",)),
    "es": dict.fromkeys(
        (
            *("419", "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "GT", "HN", "MX"),
            *("NI", "PA", "PE", "PR", "PY", "SV", "US", "UY", "VE"),
        ),
        ("419", "MX", "AR"),
    ),
    "pt": dict.fromkeys(("AO", "CV", "GW", "MO", "MZ", "ST", "TL"), ("PT",)),
    "zh": dict.fromkeys(("HK", "MO", "TW"), ("TW", "HK")),
}

# Ranks of the offers of one language, after its near regions (0, 1, 2, ...).
_OTHER_SCRIPT = 10
_OTHER_REGION = 50
_ANY_LANGUAGE = 100


@dataclass(frozen=True, slots=True)
class LanguageTag:
    """A language, and perhaps a script and a region, in the usual spelling."""

    language: str
    script: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        """Return the tag: `en`, `en-GB`, `zh-Hans-CN`."""
        return "-".join(part for part in (self.language, self.script, self.region) if part)


def parse(tag: str) -> LanguageTag:
    """Parse a tag, with `-` or `_` between its parts. Raises UnsupportedLanguage."""
    parts = tag.strip().lower().replace("_", "-").split("-") if len(tag) <= MAX_TAG_CHARS else [""]
    if not _LANGUAGE.fullmatch(parts[0]) or not all(_SUBTAG.fullmatch(part) for part in parts):
        raise UnsupportedLanguage(
            f"'{shortened(tag)}' is not a language tag. Write it like 'en', 'en-GB' or 'pt-BR'."
        )
    language, rest = _SAME_LANGUAGE.get(parts[0], parts[0]), parts[1:]
    script = rest.pop(0).capitalize() if rest and _SCRIPT.fullmatch(rest[0]) else None
    region = rest.pop(0).upper() if rest and _REGION.fullmatch(rest[0]) else None
    return LanguageTag(language, script, region)


def misfit(wanted: LanguageTag, offered: Iterable[str]) -> tuple[int, int] | None:
    """Return how badly a list of offered languages fits a wanted one; smaller is better, None is no fit.

    The first number is 0 for the wanted region itself and 1 for another region of the language; the
    second orders those regions. An empty list fits every language, as the last choice. Offers that are
    no valid tags are ignored.
    """
    best: tuple[int, int] | None = None
    empty = True
    for text in offered:
        empty = False
        try:
            tag = parse(text)
        except UnsupportedLanguage:
            continue
        if tag.language == wanted.language:
            here = _misfit(wanted, tag)
            best = here if best is None else min(best, here)
    return (1, _ANY_LANGUAGE) if empty else best


def covers(offered: Iterable[str], language: str) -> bool:
    """Whether a list of languages includes this one, in any region. Raises UnsupportedLanguage."""
    return misfit(parse(language), offered) is not None


def canonical(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the languages as tags in the usual spelling, each once; those that are no tags are left out."""
    return tuple(dict.fromkeys(str(parse(tag)) for tag in languages if _is_tag(tag)))


def spellings(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the languages in every spelling that clients use: `de-DE`, `de_DE`, `de`.

    Home Assistant accepts only a spelling that was announced exactly so, and other speech servers
    announce underscores. The languages as they are given come first.
    """
    given = tuple(languages)
    tags = [tag.replace("_", "-") for tag in given if _is_tag(tag)]
    underscored = (tag.replace("-", "_") for tag in tags)
    bare = (tag.partition("-")[0] for tag in tags)
    return tuple(dict.fromkeys((*given, *tags, *underscored, *bare)))


def _is_tag(text: str) -> bool:
    try:
        parse(text)
    except UnsupportedLanguage:
        return False
    return True


def _misfit(wanted: LanguageTag, offered: LanguageTag) -> tuple[int, int]:
    """Compare two tags of the same language, as `misfit` does."""
    if wanted.region is not None and wanted.region == offered.region:
        return (0, _script_misfit(wanted, offered))
    if offered.region is None:
        return (1, _script_misfit(wanted, offered))
    near = _near_regions(wanted)
    rank = near.index(offered.region) + 1 if offered.region in near else _OTHER_REGION
    return (1, rank + _script_misfit(wanted, offered))


def _script_misfit(wanted: LanguageTag, offered: LanguageTag) -> int:
    differ = None not in (wanted.script, offered.script) and wanted.script != offered.script
    return _OTHER_SCRIPT if differ else 0


def _near_regions(wanted: LanguageTag) -> tuple[str, ...]:
    """Return the regions whose speech is nearest to the wanted one, nearest first."""
    language = wanted.language
    likely = _LIKELY_REGION.get(language, language.upper())
    if wanted.region is not None:
        return (*_NEAR_REGION.get(language, {}).get(wanted.region, ()), likely)
    if wanted.script is not None:
        likely = _SCRIPT_REGION.get((language, wanted.script), likely)
    return (likely,)
