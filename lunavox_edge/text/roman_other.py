"""Roman numerals of rulers and centuries in languages other than English: `Ludwig XIV.`, `XXI век`."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

from lunavox_edge.text.ordinal_words import before_noun, feminine, ordinal
from lunavox_edge.text.roman_en import roman_value

_NUMERAL = r"(?=[IVX])X{0,2}(?:IX|IV|V?I{0,3})"
_NAME = r"(?P<name>[A-ZÀ-ÞĀČĎĘŁŘŚŠŤŽŻŐŰİΑ-ΩА-ЯЁІЇЄҐ][^\W\d_]{2,}|Jan)"
_RULERS = (
    "Wilhelm|Friedrich|Heinrich|Ludwig|Karl|Otto|Rudolf|Leopold|Franz|Joseph|Benedikt|Johannes|Paul|Pius|Leo"
    "|Franziskus|Philipp|Georg|Elisabeth|Katharina|Peter|Alexander|Nikolaus|Napoleon|Napoléon|Harald|Olav|Haakon"
    "|Gustav|Adolf|Christian|Frederik|Charles|Louis|Henri|François|Philippe|Felipe|Carlos|Alfonso|Juan|Isabel"
    "|Fernando|Pedro|João|Manuel|Willem|Albert|Filip|Karel|Rudolf|Zygmunt|Kazimierz|Jan|Paweł|Václav|Пётр|Петр"
    "|Екатерина|Николай|Александр|Павел|Carl|Margrethe|Elżbieta|Alžběta|Élisabeth|Pablo|Paulo|Hassan|Abdülhamid|Mehmed|Jiří|Ferdinand|Matyáš|Élisabeth|Jean-Paul|Elizabeth|Wilhelmina|Juliana"
)
_TITLES = (
    "König|Königin|Kaiser|Kaiserin|Papst|Zar|Prinz|Sultan|Koning|Koningin|Keizer|Paus|Kung|Drottning|Påve|Påven"
    "|Konge|Kong|Dronning|Pave|Król|Królowa|Cesarz|Papież|Król|Král|Královna|Císař|Papež|Kráľ|Pápež|Цар|Царь|Король"
    "|Королева|Император|Императрица|Папа|Імператор"
)
_TITLED = re.compile(rf"\b(?i:{_TITLES}) (?:{_NAME.replace('?P<name>', '?:')} )?$")
_RULER_NAME = re.compile(rf"(?:{_RULERS})(?![^\W\d_])")
_SURE = re.compile(rf"\b{_NAME} (?P<numeral>(?=[IVX]{{2,}}){_NUMERAL})(?P<stop>\.?)(?![\w/-])")
_ONE_LETTER = re.compile(
    rf"\b(?P<name>{_RULERS}) (?P<numeral>[IVX])(?P<stop>\.(?=\s?(?:[^\W\d_]|$))|(?![\w.'’/-]))(?!\s?[0-9])"
)
_CENTURIES = {
    "fr": re.compile(
        r"(?<![\w.])(?P<numeral>[IVX]+)\s?(?:e|è|ème|er|ᵉ)(?= (?:siècle|arrondissement|République|dynastie))"
    ),
    "es": re.compile(r"(?<=\b[Ss]iglo )(?P<numeral>[IVX]+)\b"),
    "pt": re.compile(r"(?<=\b[Ss]éculo )(?P<numeral>[IVX]+)\b"),
    "ru": re.compile(r"(?<![\w.])(?P<numeral>[IVX]+)(?=[ -]?(?:век|вв?\.|столети))"),
    "uk": re.compile(r"(?<![\w.])(?P<numeral>[IVX]+)(?=[ -]?(?:столітт|ст\.))"),
    "pl": re.compile(r"(?<![\w.])(?P<numeral>[IVX]+)(?= (?:wieku?|w\.))"),
}
_BEFORE = {
    language: re.compile(rf"(?<![\w.])(?P<numeral>{_NUMERAL})\. ?(?=[^\W\d_])")
    for language in ("hu", "tr", "de", "cs", "sk")
}
"""The numeral comes before the name or the noun, with a full stop: `IV. Béla`, `II. Weltkrieg`."""
_WOMEN = re.compile(
    r"(?:Elisabeth|Katharina|Maria|Margarethe?|Margrethe|Isabella?|Anna|Christina|Beatrix|Wilhelmina|Juliana|Elżbieta"
    r"|Katarzyna|Alžběta|Kateřina|Екатерина|Елизавета|Анна|Єлизавета|Катерина|Viktoria|Kristina|Isabel)$"
)
_ARTICLE = {"de": ("der", "die"), "sv": ("den", "den"), "da": ("den", "den"), "no": ("den", "den")}
_LANGUAGES = frozenset("de nl sv da no fr es pt pl cs sk ru uk".split())
_CASES: dict[tuple[str, str], tuple[tuple[str, str, str], ...]] = {
    ("ru", "века"): (("", "[ыо]й", "ого"), ("", "ий", "ьего")),
    ("ru", "веке"): (("", "[ыо]й", "ом"), ("", "ий", "ьем")),
    ("uk", "столітті"): (("", "є", "ьому"), ("", "е", "ому")),
    ("pl", "wieku"): (("located", "y", "ym"), ("located", "i", "im"), ("", "y", "ego"), ("", "i", "iego")),
}
"""The ending of an ordinal before a form of the word for century."""
_FRENCH_FIRST = re.compile(r"(?<=[^\W\d_] )I(?P<sex>er|re|ère)\b")
_LONG_ENDINGS = str.maketrans("áé", "ao")
_SPANISH_ORDINALS = 10
_GERMAN_LEADS = re.compile(r"(?:\b(?:im|am|des|dem|den|zum|vom|beim)\s)$")


def speak_roman_numerals(text: str, language: str) -> str:
    """Replace the Roman numerals of rulers, popes and centuries by words, where the voice reads letters."""
    if not re.search(r"[IVX]", text):
        return text
    if language == "fr":
        text = _FRENCH_FIRST.sub(lambda found: "premier" if found["sex"] == "er" else "première", text)
    century = _CENTURIES.get(language)
    if century is not None:
        text = century.sub(lambda found: _century(found, language), text)
    before = _BEFORE.get(language)
    if before is not None:
        text = before.sub(lambda found: _leading(found, language), text)
    if language in _LANGUAGES:
        for pattern in (_SURE, _ONE_LETTER):
            text = pattern.sub(lambda found: _ruler(found, language), text)
    return text


def _century(found: re.Match[str], language: str) -> str:
    number = roman_value(found["numeral"])
    if not number:
        return found.group()
    if language == "fr":
        return _french(number)
    if language in {"es", "pt"}:
        return str(number)
    noun = re.match(r"\W*(\w*)", found.string[found.end() :])
    words = before_noun(number, language, "столітте" if language == "uk" else "wiek")
    located = re.search(r"(?<!\w)[Ww]e? $", found.string[: found.start()])
    for case, old, new in _CASES.get((language, noun[1] if noun else ""), ()):
        if case != "located" or located:
            words = re.sub(rf"{old}\b", new, words)
    return words or found.group()


@lru_cache(maxsize=64)
def _french(number: int) -> str:
    return "premier" if number == 1 else str(num2words(number, lang="fr", to="ordinal"))


def _leading(found: re.Match[str], language: str) -> str:
    number = roman_value(found["numeral"])
    if not number or (number == 1 and language != "hu") or _is_ruler_before(found):
        return found.group()
    words = ordinal(number, language)
    if language == "de":
        weak = _GERMAN_LEADS.search(found.string[: found.start()])
        if not weak:
            return found.group()
        words += "n"
    elif language in {"cs", "sk"}:
        following = re.match(r"[^\W\d_]+", found.string[found.end() :])
        noun = following.group().translate(_LONG_ENDINGS) if following else ""
        words = before_noun(number, language, noun) if noun else ""
        if found.start() and found.string[: found.start()].rstrip()[-1:].islower():
            return found.group()
    return f"{words} " if words else found.group()


def _is_ruler_before(found: re.Match[str]) -> bool:
    last = found.string[: found.start()].rstrip().rpartition(" ")[2]
    return last[:1].isupper()


def _ruler(found: re.Match[str], language: str) -> str:
    number = roman_value(found["numeral"])
    name = found["name"]
    if not number:
        return found.group()
    woman = _WOMEN.search(name) is not None
    known = _RULER_NAME.match(name) or _TITLED.search(found.string[: found.start()])
    if not known and language in {"fr", "es", "pt"}:
        said = str(number)
    elif not known:
        said = ""
    elif language == "nl":
        said = f"de {num2words(number, lang='nl', to='ordinal')}"
    elif language == "fr":
        said = "premier" if number == 1 else str(number)
    elif language in {"es", "pt"}:
        said = _iberian(number, language, woman=woman)
    else:
        said = feminine(number, language) if woman and language not in _ARTICLE else ordinal(number, language)
        if language in _ARTICLE and said:
            said = f"{_ARTICLE[language][woman]} {said}"
    if not said:
        return found.group()
    rest = found.string[found.end() :].lstrip()
    ends = found["stop"] and (language not in {"de", "cs", "sk", "da", "no"} or not rest or rest[0].isupper())
    return f"{name} {said}{'.' if ends else ''}"


def _iberian(number: int, language: str, *, woman: bool) -> str:
    if number > _SPANISH_ORDINALS:
        return str(number)
    return feminine(number, language) if woman else ordinal(number, language)
