"""Ordinal numbers as words, in the grammatical form for a month or another noun after them."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words

_LARGEST = 999

# The masculine ordinals from 1 to 20 and 30, and the joints of tens and units, for languages in which
# num2words has none or wrong ones.
_WORDS: dict[str, tuple[str, str]] = {
    "cs": (
        (
            "první druhý třetí čtvrtý pátý šestý sedmý osmý devátý desátý jedenáctý dvanáctý třináctý"
            " čtrnáctý patnáctý šestnáctý sedmnáctý osmnáctý devatenáctý dvacátý třicátý"
        ),
        "dvacátý třicátý",
    ),
    "sk": (
        (
            "prvý druhý tretí štvrtý piaty šiesty siedmy ôsmy deviaty desiaty jedenásty dvanásty trinásty"
            " štrnásty pätnásty šestnásty sedemnásty osemnásty devätnásty dvadsiaty tridsiaty"
        ),
        "dvadsiaty tridsiaty",
    ),
    "hr": (
        (
            "prvi drugi treći četvrti peti šesti sedmi osmi deveti deseti jedanaesti dvanaesti trinaesti"
            " četrnaesti petnaesti šesnaesti sedamnaesti osamnaesti devetnaesti dvadeseti trideseti"
        ),
        "dvadeset trideset",
    ),
    "no": (
        (
            "første andre tredje fjerde femte sjette syvende åttende niende tiende ellevte tolvte trettende"
            " fjortende femtende sekstende syttende attende nittende tjuende trettiende"
        ),
        "tjue+ tretti+",
    ),
    "da": (
        (
            "første anden tredje fjerde femte sjette syvende ottende niende tiende ellevte tolvte trettende"
            " fjortende femtende sekstende syttende attende nittende tyvende tredivte"
        ),
        "-ogtyvende -ogtredivte",
    ),
    "bg": (
        (
            "първи втори трети четвърти пети шести седми осми девети десети единадесети дванадесети"
            " тринадесети четиринадесети петнадесети шестнадесети седемнадесети осемнадесети деветнадесети"
            " двадесети тридесети"
        ),
        "двадесет_и тридесет_и",
    ),
    "lv": (
        (
            "pirmais otrais trešais ceturtais piektais sestais septītais astotais devītais desmitais"
            " vienpadsmitais divpadsmitais trīspadsmitais četrpadsmitais piecpadsmitais sešpadsmitais"
            " septiņpadsmitais astoņpadsmitais deviņpadsmitais divdesmitais trīsdesmitais"
        ),
        "divdesmit trīsdesmit",
    ),
    "is": (
        (
            "fyrsta önnur þriðja fjórða fimmta sjötta sjöunda áttunda níunda tíunda ellefta tólfta þrettánda"
            " fjórtánda fimmtánda sextánda sautjánda átjánda nítjánda tuttugasta þrítugasta"
        ),
        "tuttugasta_og þrítugasta_og",
    ),
    "tr": (
        (
            "birinci ikinci üçüncü dördüncü beşinci altıncı yedinci sekizinci dokuzuncu onuncu on_birinci"
            " on_ikinci on_üçüncü on_dördüncü on_beşinci on_altıncı on_yedinci on_sekizinci on_dokuzuncu"
            " yirminci otuzuncu"
        ),
        "yirmi otuz",
    ),
    "eu": (
        (
            "lehen bigarren hirugarren laugarren bosgarren seigarren zazpigarren zortzigarren bederatzigarren"
            " hamargarren hamaikagarren hamabigarren hamahirugarren hamalaugarren hamabosgarren hamaseigarren"
            " hamazazpigarren hemezortzigarren hemeretzigarren hogeigarren hogeita_hamargarren"
        ),
        "hogeita hogeita_hamaika",
    ),
    "et": (
        (
            "esimene teine kolmas neljas viies kuues seitsmes kaheksas üheksas kümnes üheteistkümnes"
            " kaheteistkümnes kolmeteistkümnes neljateistkümnes viieteistkümnes kuueteistkümnes"
            " seitsmeteistkümnes kaheksateistkümnes üheksateistkümnes kahekümnes kolmekümnes"
        ),
        "kahekümne kolmekümne",
    ),
}
_LUXEMBOURGISH = (
    "éischten zweeten drëtten véierten fënneften sechsten siwenten aachten néngten zéngten eleften zwieleften"
    " dräizéngten véierzéngten fofzéngten siechzéngten siwwenzéngten uechtzéngten nonzéngten zwanzegsten"
).split()
_LUXEMBOURGISH_UNITS = "een zwee dräi véier fënnef sechs siwen aacht néng".split()

_DANISH_UNITS = "en to tre fire fem seks syv otte ni".split()

_NUM2WORDS = {"de", "fi", "hu", "sl", "pl", "ru", "sv", "uk", "es", "pt", "it", "ca"}
_SHARED = {"sr": "hr", "bs": "hr"}

_GENITIVE: dict[str, tuple[tuple[str, str], ...]] = {
    "cs": (("ý", "ého"), ("í", "ího")),
    "sk": (("ý", "ého"), ("y", "eho"), ("í", "ieho")),
    "pl": (("y", "ego"), ("ci", "ciego"), ("gi", "giego")),
    "ru": (("ий", "ьего"), ("ый", "ого"), ("ой", "ого")),
    "uk": (("ій", "ього"), ("ий", "ого")),
    "sl": (("i", "ega"),),
    "hr": (("ći", "ćeg"), ("i", "og")),
}
"""Endings of the masculine nominative, and of the genitive that is used before a month."""

_FEMININE: dict[str, tuple[tuple[str, str], ...]] = {
    "cs": (("ý", "á"),),
    "sk": (("ý", "á"), ("y", "a"), ("í", "ia")),
    "pl": (("y", "a"), ("ci", "cia"), ("gi", "ga")),
    "ru": (("ий", "ья"), ("ый", "ая"), ("ой", "ая")),
    "uk": (("ій", "я"), ("ий", "а")),
    "sl": (("i", "a"),),
    "hr": (("i", "a"),),
    "lv": (("ais", "ā"),),
    "es": (("o", "a"),),
    "pt": (("o", "a"),),
    "it": (("o", "a"),),
}
_NEUTER: dict[str, tuple[tuple[str, str], ...]] = {
    "cs": (("ý", "é"),),
    "sk": (("ý", "é"), ("y", "e"), ("í", "ie")),
    "pl": (("y", "e"), ("ci", "cie"), ("gi", "gie")),
    "ru": (("ий", "ье"), ("ый", "ое"), ("ой", "ое")),
    "uk": (("ій", "є"), ("ий", "е")),
    "sl": (("tji", "tje"), ("i", "o")),
    "hr": (("ći", "će"), ("i", "o")),
}
_NEUTER_ENDINGS = {"cs": "oí", "sk": "oeí", "pl": "oe", "sl": "oe", "hr": "oe"}
_DECLINES_ALL = {"cs", "sk", "pl", "es", "pt"}
"""Languages in which every word of a compound takes the ending, not only the last."""


def ordinal(number: int, language: str) -> str:
    """Return the ordinal in its basic form, masculine nominative; "" if it is not known.

    German forms end in -te, Luxembourgish ones in -ten.
    """
    language = _SHARED.get(language, language)
    return _plain(number, language) if 0 < number <= _LARGEST else ""


def before_month(number: int, language: str, month: str) -> str:
    """Return the ordinal in the form before a month, "" if it is not known."""
    language = _SHARED.get(language, language)
    words = ordinal(number, language)
    if language == "is" and words:
        return re.sub(r"önnur$", "annan", words)
    if language == "lv" and month.endswith(("ī", "jā", "tā")):
        return words.removesuffix("ais") + "ajā" if words else ""
    if language == "lv" and not month.endswith("s"):
        return words.removesuffix("ais") + "ā" if words else ""
    return _with_endings(words, language, _GENITIVE.get(language, ()))


def before_noun(number: int, language: str, noun: str) -> str:
    """Return the ordinal for a noun, whose gender is guessed from its ending; "" if it is not known."""
    language = _SHARED.get(language, language)
    words = ordinal(number, language)
    last = noun[-1:]
    if language in {"ru", "uk"}:
        feminine, neuter = last in "ая", last in "ое"
    elif language == "lv":
        feminine, neuter = last in "ae", False
    else:
        feminine, neuter = last == "a", last in _NEUTER_ENDINGS.get(language, "o")
    if feminine:
        return _with_endings(words, language, _FEMININE.get(language, ()))
    return _with_endings(words, language, _NEUTER.get(language, ())) if neuter else words


def feminine(number: int, language: str) -> str:
    """Return the feminine ordinal, "" if it is not known."""
    return _with_endings(ordinal(number, language), language, _FEMININE.get(language, ()))


@lru_cache(maxsize=512)
def _plain(number: int, language: str) -> str:
    if language == "lb":
        return _luxembourgish(number)
    if language in _WORDS:
        return _from_table(number, language)
    if language not in _NUM2WORDS:
        return ""
    try:
        # The Swedish "tjugode" of num2words 0.5 is wrong.
        return str(num2words(number, lang=language, to="ordinal")).replace("tjugode", "tjugonde")
    except (NotImplementedError, ValueError, KeyError, IndexError):
        return ""


def _from_table(number: int, language: str) -> str:
    words, joints = (part.split() for part in _WORDS[language])
    tens, unit = divmod(number, 10)
    if number <= 20:  # noqa: PLR2004  # the table goes so far, then come 30 and the compounds
        found = words[number - 1]
    elif number == 30:  # noqa: PLR2004
        found = words[20]
    elif number < 40:  # noqa: PLR2004
        if language == "da":
            return f"{_DANISH_UNITS[unit - 1]}{joints[tens - 2].lstrip('-')}"
        first = "batgarren" if language == "eu" and unit == 1 else words[unit - 1]
        found = f"{joints[tens - 2]} {first}"
        if language == "eu" and tens == 3:  # noqa: PLR2004
            found = f"hogeita {words[9 + unit]}"
    else:
        return ""
    return found.replace("+ ", "").replace("_", " ")


def _luxembourgish(number: int) -> str:
    tens, unit = divmod(number, 10)
    if number <= len(_LUXEMBOURGISH):
        return _LUXEMBOURGISH[number - 1]
    if tens not in {2, 3}:
        return ""
    ten = "zwanzegsten" if tens == 2 else "drëssegsten"  # noqa: PLR2004
    # The n of "an" is dropped except before a few letters.
    return f"{_LUXEMBOURGISH_UNITS[unit - 1]}an{ten}" if unit else ten


def _with_endings(words: str, language: str, endings: tuple[tuple[str, str], ...]) -> str:
    if not words or not endings:
        return words
    parts = words.split(" ")
    for place, part in enumerate(parts):
        if place < len(parts) - 1 and language not in _DECLINES_ALL:
            continue
        for old, new in endings:
            if part.endswith(old):
                parts[place] = part.removesuffix(old) + new
                break
    return " ".join(parts)
