"""Short names of units of time and speed after a number (`20 min`, `2 h`, `15 km/h`) as words."""

from __future__ import annotations

import re
from functools import lru_cache

# Language | minutes | hours | seconds | kilometres per hour. Forms for one, for two to four where
# they differ, and for many, separated by strokes.
_TABLE = """
bg | минута/минути | час/часа | секунда/секунди | километра в час
ca | minut/minuts | hora/hores | segon/segons | quilòmetres per hora
cs | minuta/minuty/minut | hodina/hodiny/hodin | sekunda/sekundy/sekund | kilometrů za hodinu
da | minut/minutter | time/timer | sekund/sekunder | kilometer i timen
de | Minute/Minuten | Stunde/Stunden | Sekunde/Sekunden | Kilometer pro Stunde
el | λεπτό/λεπτά | ώρα/ώρες | δευτερόλεπτο/δευτερόλεπτα | χιλιόμετρα την ώρα
es | minuto/minutos | hora/horas | segundo/segundos | kilómetros por hora
fi | minuutti/minuuttia | tunti/tuntia | sekunti/sekuntia | kilometriä tunnissa
fr | minute/minutes | heure/heures | seconde/secondes | kilomètres par heure
hr | minuta/minute/minuta | sat/sata/sati | sekunda/sekunde/sekundi | kilometara na sat
hu | perc | óra | másodperc | kilométer per óra
id | menit | jam | detik | kilometer per jam
is | mínúta/mínútur | klukkustund/klukkustundir | sekúnda/sekúndur | kílómetrar á klukkustund
it | minuto/minuti | ora/ore | secondo/secondi | chilometri all'ora
lv | minūte/minūtes | stunda/stundas | sekunde/sekundes | kilometri stundā
nl | minuut/minuten | uur | seconde/seconden | kilometer per uur
no | minutt/minutter | time/timer | sekund/sekunder | kilometer i timen
pl | minuta/minuty/minut | godzina/godziny/godzin | sekunda/sekundy/sekund | kilometrów na godzinę
pt | minuto/minutos | hora/horas | segundo/segundos | quilômetros por hora
ro | minut/minute | oră/ore | secundă/secunde | kilometri pe oră
ru | минута/минуты/минут | час/часа/часов | секунда/секунды/секунд | километров в час
sk | minúta/minúty/minút | hodina/hodiny/hodín | sekunda/sekundy/sekúnd | kilometrov za hodinu
sl | minuta/minute/minut | ura/ure/ur | sekunda/sekunde/sekund | kilometrov na uro
sr | minut/minuta/minuta | sat/sata/sati | sekunda/sekunde/sekundi | kilometara na sat
sv | minut/minuter | timme/timmar | sekund/sekunder | kilometer i timmen
sw | dakika | saa | sekunde | kilomita kwa saa
tr | dakika | saat | saniye | kilometre bölü saat
uk | хвилина/хвилини/хвилин | година/години/годин | секунда/секунди/секунд | кілометрів на годину
vi | phút | giờ | giây | ki lô mét trên giờ
"""
_FRENCH_CLOCK = re.compile(r"(?<![\w.,:/-])(?P<h>[01]?[0-9]|2[0-4])(?:h| h )(?P<m>[0-5][0-9])(?![\w:])")
_LENGTH = re.compile(
    r"(?<![\w.,:/-])(?P<h>[0-9]|00(?!:00:00)):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])(?:\.[0-9]{1,9})?(?![\w:]|[.,/-][0-9])"
)
"""A time of day has two digits of hours when it has seconds."""
_OTHER_MEANINGS: dict[str, frozenset[str]] = {
    "s": frozenset("cs sk sl hr sr bs mk hu pl".split()),
    "с": frozenset("ru be bg mk sr uk".split()),
    "год": frozenset("ru be bg mk sr".split()),
}
"""`5 s balkonem`, `2026 год`: a word of its own here."""
_SHARED = {"bs": "hr", "nb": "no"}
_UNIT = re.compile(
    r"(?<![\w.,:/-])(?P<number>[0-9]{1,4}(?:[.,][0-9]{1,3})?) ?"
    r"(?:(?P<km>km/h|км/ч|км/год)|(?P<min>min|mn|мин|хв)(?!\s?[-–]?[0-9]+(?:[.,][0-9]+)?\s?[°%])|(?P<h>h|ч|год)"
    r"|(?P<sec>sec|sek|сек|s|с))(?![\w/²³'’·-]|\.\w)(?P<stop>\.(?=\s[^\W\d_A-ZА-ЯÀ-Þ]))?"
)


def speak_time_units(text: str, language: str) -> str:
    """Write the units of time and speed of a language as words; those of others stay."""
    if language == "fr":
        text = _FRENCH_CLOCK.sub(_french_clock, text)
    words = _words(_SHARED.get(language, language))
    if words:
        text = _LENGTH.sub(lambda found: _length(found, words, language), text)
    return _UNIT.sub(lambda found: _spoken(found, words, language), text) if words else text


def _length(found: re.Match[str], words: tuple[str, str, str, str], language: str) -> str:
    """Say `0:15:00`, as Home Assistant writes what a timer has left."""
    counts = [int(found[part]) for part in ("h", "m", "s")]
    parts = [
        f"{count} {_form(str(count), forms.split('/'), language)}"
        for count, forms in zip(counts, (words[1], words[0], words[2]), strict=True)
        if count
    ]
    return " ".join(parts) or f"0 {_form('0', words[2].split('/'), language)}"


def _french_clock(found: re.Match[str]) -> str:
    hour, minute = int(found["h"]), int(found["m"])
    hours = f"{hour} heure{'s' if hour > 1 else ''}"
    return f"{hours} {minute}" if minute else hours


@lru_cache(maxsize=64)
def _words(language: str) -> tuple[str, str, str, str] | None:
    for line in _TABLE.strip().splitlines():
        code, minutes, hours, seconds, speed = line.split(" | ")
        if code == language:
            return minutes, hours, seconds, speed
    return None


def _spoken(found: re.Match[str], words: tuple[str, str, str, str], language: str) -> str:
    number = found["number"]
    if language in _OTHER_MEANINGS.get((found["h"] or found["sec"] or "").lower(), ()):
        return found.group()
    if found["km"]:
        return f"{number} {words[3]}"
    forms = words[0 if found["min"] else 1 if found["h"] else 2].split("/")
    return f"{number} {_form(number, forms, language)}"


def _form(number: str, forms: list[str], language: str) -> str:
    """Return the form that goes with a number; Slavic languages have one for two to four."""
    slavic = len(forms) == 3  # noqa: PLR2004 - one, few, many
    if not number.isdigit():
        return forms[1] if slavic else forms[-1]
    last, teens = int(number) % 10, int(number) % 100 in range(11, 15)
    counts_last = language in {"ru", "uk", "hr", "sr", "bs"}
    if number == "1" or (counts_last and last == 1 and not teens):
        return forms[0]
    few = last in {2, 3, 4} and not teens and (counts_last or language == "pl" or int(number) < 5)  # noqa: PLR2004
    return forms[1] if slavic and few else forms[-1]
