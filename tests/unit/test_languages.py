from __future__ import annotations

import pytest

from lunavox_edge.engine.values.language_tags import covers, misfit, parse, spellings
from lunavox_edge.errors import UnsupportedLanguage

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en_us", "en-US"),
        ("en-GB", "en-GB"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        ("zh_hant", "zh-Hant"),
        ("es-419", "es-419"),
        ("haw", "haw"),
        ("de-1996", "de"),
        ("en-US-u-co-phonebk", "en-US"),
        ("nb-NO", "no-NO"),
        ("iw", "he"),
        ("cmn-Hans-CN", "zh-Hans-CN"),
    ],
)
def test_tags_are_read_in_any_spelling(tag: str, expected: str) -> None:
    assert str(parse(tag)) == expected


@pytest.mark.parametrize(
    "tag",
    [
        "",
        " ",
        "e",
        "12",
        "en US",
        "english!",
        "../../etc/passwd",
        "en-",
        "-en",
        "ü",
        "x" * 5000,
        "en\n"[:2] + "\0",
    ],
)
def test_what_is_no_tag_is_refused_with_an_example(tag: str) -> None:
    with pytest.raises(UnsupportedLanguage, match="Write it like 'en'") as caught:
        parse(tag)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("wanted", "best_first"),
    [
        ("en", ["en", "en-US", "en-GB"]),
        ("en-GB", ["en-GB", "en", "en-US"]),
        ("en-AU", ["en-GB", "en-US"]),
        ("pt", ["pt-BR", "pt-PT"]),
        ("pt-PT", ["pt-PT", "pt-BR"]),
        ("pt-AO", ["pt-PT", "pt-BR"]),
        ("es-CO", ["es-MX", "es-ES"]),
        ("es", ["es-ES", "es-MX"]),
        ("nl", ["nl-NL", "nl-BE"]),
        ("sv", ["sv-SE", "sv-FI"]),
        ("zh-Hant", ["zh-TW", "zh-CN"]),
        ("zh-Hans-CN", ["zh-CN", "zh-TW"]),
        ("zh-HK", ["zh-TW", "zh-CN"]),
    ],
)
def test_offers_are_ordered_by_how_near_they_are(wanted: str, best_first: list[str]) -> None:
    misfits = [misfit(parse(wanted), [offer]) for offer in best_first]
    assert None not in misfits
    assert misfits == sorted(set(filter(None, misfits)))


def test_the_best_of_several_offered_languages_counts() -> None:
    assert misfit(parse("en-GB"), ["de-DE", "en-US", "en-GB"]) == misfit(parse("en-GB"), ["en-GB"])


def test_another_language_never_fits_and_no_language_fits_last() -> None:
    assert misfit(parse("de"), ["en", "nl-NL"]) is None
    anything = misfit(parse("de"), [])
    far = misfit(parse("de"), ["de-AT"])
    assert anything is not None
    assert far is not None
    assert far < anything


def test_offers_that_cannot_be_read_are_passed_over() -> None:
    assert misfit(parse("de"), ["???", "de-DE"]) is not None
    assert misfit(parse("de"), ["???"]) is None


def test_covers_ignores_the_region() -> None:
    assert covers(["en-US"], "en_gb")
    assert covers([], "de")
    assert not covers(["en-US"], "de")


@pytest.mark.parametrize(
    ("languages", "announced"),
    [
        (("de-DE",), ("de-DE", "de_DE", "de")),
        (("de_DE",), ("de_DE", "de-DE", "de")),
        (("en", "de"), ("en", "de")),
        (("en-US", "en-GB"), ("en-US", "en-GB", "en_US", "en_GB", "en")),
        (("de", "de-AT"), ("de", "de-AT", "de_AT")),
        (("zh-Hans-CN",), ("zh-Hans-CN", "zh_Hans_CN", "zh")),
        (("es-419",), ("es-419", "es_419", "es")),
        (("???", "nb-NO"), ("???", "nb-NO", "nb_NO", "nb")),
        ((), ()),
    ],
)
def test_languages_are_announced_as_they_are_asked_for(
    languages: tuple[str, ...], announced: tuple[str, ...]
) -> None:
    found = spellings(languages)
    assert found == announced
    assert all(covers(languages, language) for language in found if language != "???")
