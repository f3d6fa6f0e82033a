"""English: Roman numerals as words, in `King Charles III`, `Chapter IV`, `World War II`."""

from __future__ import annotations

import re

from lunavox_edge.text.abbreviations import STARTERS
from lunavox_edge.text.numbers_en import cardinal, ordinal

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_NUMERAL = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_END = r"(?![\w]|[.&/][A-Z0-9]|['’](?!s\b))"

_NOUNS = (
    "chapter|part|act|scene|volume|vol|book|section|article|appendix|phase|type|level|stage|grade|class|title"
    "|mark|mk|episode|season|round|unit|lesson|table|figure|fig|schedule|annex|step|category|cat|tier"
    "|group|division"
    "|canto|psalm|sonnet|symphony|sonata|opus|variation|paragraph|clause|exhibit|module|block|version"
    "|protocol"
    "|world war|super bowl|war|quadrant|generation|gen|model|schedule|amendment|title|form|vatican"
    "|apollo|saturn"
)
_TITLES = (
    "King|Queen|Pope|Emperor|Empress|Tsar|Tsarina|Czar|Kaiser|Prince|Princess|Sultan|Duke|Archduke|Count|Earl"
    "|Pharaoh|Patriarch|Caliph|Shah|Saint|St"
)
_RULERS = (
    "Charles|Elizabeth|Henry|Louis|George|William|Edward|Richard|James|Benedict|Pius|Leo|Gregory|Innocent"
    "|Clement|Urban|Boniface|Napoleon|Napoléon|Catherine|Peter|Nicholas|Alexander|Frederick|Friedrich|Wilhelm"
    "|Philip|Philippe|Ferdinand|Carl|Karl|Gustav|Christian|Haakon|Harald|Olav|Margrethe|Felipe|Alfonso|Ramses"
    "|Ramesses|Xerxes|Darius|Ptolemy|Cleopatra|Otto|Ivan|Leopold|Albert|Umberto|Emmanuel|Joseph|Maximilian"
    "|Rudolf|Thutmose|Amenhotep|Mehmed|Murad|Selim|Suleiman|Baldwin|Robert|Edmund|Stephen|Mary|Paul|Carlos"
    "|Constantine|Justinian|Theodosius|Antiochus|Bonaparte|Rama"
)
_FIRST_NAMES = (
    "John|James|William|Robert|George|Charles|Henry|Thomas|David|Richard|Joseph|Michael|Edward|Frank"
    "|Martin|Samuel"
    "|Walter|Harry|Alexander|Daniel|Paul|Peter|Albert|Arthur|Louis|Frederick|Harold|Theodore|Philip|Stephen"
    "|Benjamin|Andrew|Thurston|Cornelius|Sammy|Christopher|Matthew|Anthony|Mark|Steven|Kenneth|Kevin|Brian"
)
_NAME = r"[A-Z][^\W\d_]+"
_SMALL = r"(?:[IVX]{2,})"

_AFTER_NOUN = re.compile(rf"\b(?P<noun>(?i:{_NOUNS})s?)(?P<gap>\.?\s)(?P<numeral>{_NUMERAL}){_END}")
_CHAIN = re.compile(rf"(?P<joint>,? (?:and|or|to|through|of) |, |\s?[-–]\s?)(?P<numeral>{_NUMERAL}){_END}")
_TITLED = re.compile(
    rf"\b(?P<name>(?:{_TITLES})\.? {_NAME}(?:[ -]{_NAME}){{0,2}}) (?P<numeral>(?=[IVX]+\b){_NUMERAL}){_END}"
)
_RULER = re.compile(rf"\b(?P<name>(?:{_RULERS}))(?: the)? (?P<numeral>(?=[IVX]+\b){_NUMERAL}){_END}")
_CENTURY = re.compile(
    rf"(?<![\w.])(?P<numeral>(?=[IVX]+\b){_NUMERAL})(?:th|st|nd|rd)?(?=[ -](?i:century|centuries|dynasty"
    rf"|edition|olympiad|legion)\b)"
)
_AFTER_PERSON = re.compile(
    rf"\b(?P<name>(?:{_FIRST_NAMES})(?: [A-Z]\.)? {_NAME}) (?P<numeral>II|III|IV){_END}"
)
_AFTER_NAME = re.compile(rf"(?<=[A-Za-z\d][a-z\d]) (?P<numeral>(?={_SMALL}){_NUMERAL}){_END}")
_NOT_A_NUMERAL = frozenset({"XX", "XXX"})
_DOUBTFUL = frozenset({"IV", "VI", "XI"})
"""Numerals that are often other words (IV: a drip, VI: an editor), depending on the word before."""
_NO_NAMES = frozenset(
    "The A An His Her Your My Our Their Its Use Start Open Insert Remove Change Check This That"
    " Each Every No And"
    " Or But In On At With For From".split()
)
_PRONOUN_GOES_ON = re.compile(
    r" (?:am|have|had|was|will|would|can|could|do|did|think|thought|like|love|want|need|read|wrote|saw"
    r"|see|know"
    r"|knew|hope|guess|believe|mean|say|said|should|may|might|must|shall|just|really|never|always|also"
    r"|don|didn"
    r"|got|get|find|found|made|make|use|used|remember|mentioned|told|tell|went|go|never|already|still|bought"
    r"|prefer|recommend|suggest|understand|liked|loved|wanted|enjoyed|watched|played|hated|needed)\b|['’]"
)
_PAST = re.compile(r" (?:was|had|did|would|could)\b")
_RULER_GOES_ON = re.compile(
    r"(?:\s?[,.;:!?)]|\s?$|['’]s\b| of\b| (?:the|and|or|to|in|from|who|reigned|ruled|died|became)\b)"
)
_SHORT_WAR = re.compile(r"\bWW ?(II?)\b")
_INITIAL = re.compile(r"\.\s?([A-Z][^\W\d_]*)")
_LETTERS = frozenset("C D L M CC CD DC DI MC MD MI MM".split())
"""Numerals that are far more often letters or abbreviations."""
_COUNTED = frozenset(
    "chapter part act scene volume vol book section article phase level stage episode season round"
    " unit lesson"
    " psalm canto title amendment apollo war mark sonnet".split()
)
"""Nouns before a numeral of one letter; after others it is a name: `Model X`, `Gen X`."""


def speak_roman(text: str) -> str:
    """Replace Roman numerals by words if the words around show that they are numerals; `I` and `CD` stay."""
    if not re.search("[IVXLCDM]", text):
        return text
    text = _CENTURY.sub(lambda match: ordinal(_value(match["numeral"])), text)
    text = _speak_after_nouns(_SHORT_WAR.sub(r"World War \1", text))
    text = _TITLED.sub(_reigning, text)
    text = _RULER.sub(_named_ruler, text)
    text = _AFTER_PERSON.sub(_reigning, text)
    return _AFTER_NAME.sub(_named_thing, text)


def roman_value(text: str) -> int | None:
    """Return the value of a Roman numeral, None if the text is not one."""
    return _value(text) if text and re.fullmatch(_NUMERAL, text) else None


def _value(numeral: str) -> int:
    values = [_VALUES[letter] for letter in numeral]
    return sum(
        -value if value < max(values[place:], default=0) else value for place, value in enumerate(values)
    )


def _speak_after_nouns(text: str) -> str:
    kept: list[str] = []
    place = 0
    while match := _AFTER_NOUN.search(text, place):
        kept.append(text[place : match.start("numeral")])
        numeral = match["numeral"]
        place = match.end()
        if not _counts(match):
            kept.append(numeral)
            continue
        kept.append(cardinal(str(_value(numeral))))
        while (following := _CHAIN.match(text, place)) and _continues(following):
            joint = following["joint"]
            kept.append(" to " if joint.strip() in {"-", "–"} else joint)
            kept.append(cardinal(str(_value(following["numeral"]))))
            place = following.end()
    return "".join([*kept, text[place:]])


def _counts(match: re.Match[str]) -> bool:
    """Whether a numeral after a noun is a number: `Part I`, but not `the part I like` or `type C`."""
    numeral, noun = match["numeral"], match["noun"].lower()
    if noun in {"world war", "super bowl"}:
        return True
    if numeral in _LETTERS:
        return False
    if len(numeral) > 1:
        return True
    if not match["noun"][0].isupper() or (numeral != "I" and noun.removesuffix("s") not in _COUNTED):
        return False
    return numeral != "I" or not _PRONOUN_GOES_ON.match(match.string, match.end())


def _continues(match: re.Match[str]) -> bool:
    return match["numeral"] != "I" and match["numeral"] not in _LETTERS


def _reigning(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip()
    is_subject = not before or before[-1] in ".!?:"
    if (
        match["numeral"] == "I"
        and _PRONOUN_GOES_ON.match(match.string, match.end())
        and not (is_subject and _PAST.match(match.string, match.end()))
    ):
        return match.group()
    return f"{match['name']} the {ordinal(_value(match['numeral']))}"


def _named_ruler(match: re.Match[str]) -> str:
    subject = not match.string[: match.start()].strip() and _PAST.match(match.string, match.end())
    if match["numeral"] == "I" and not (subject or _RULER_GOES_ON.match(match.string, match.end())):
        return match.group()
    initial = _INITIAL.match(match.string, match.end()) if len(match["numeral"]) == 1 else None
    if initial and initial[1].lower() not in STARTERS:
        return match.group()
    return f"{match['name']} the {ordinal(_value(match['numeral']))}"


def _named_thing(match: re.Match[str]) -> str:
    """Replace a numeral after a capitalised word: `Final Fantasy VII`."""
    before = match.string[: match.start()].rpartition(" ")[2]
    doubtful = match["numeral"] in _DOUBTFUL and before in _NO_NAMES
    if not before[:1].isupper() or doubtful or match["numeral"] in _NOT_A_NUMERAL:
        return match.group()
    return f" {cardinal(str(_value(match['numeral'])))}"
