"""Dates in figures (`2026-11-26`, `26. 11. 2026`, `26/11/2026`), written with the name of the month."""

from __future__ import annotations

import re
from functools import lru_cache

# Language | how a date is written | the twelve months as they stand in it
_TABLE = """
ar | d m y | يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
be | d m y | студзеня лютага сакавіка красавіка мая чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня
bg | d m y | януари февруари март април май юни юли август септември октомври ноември декември
ca | d de m de y | gener febrer març abril maig juny juliol agost setembre octubre novembre desembre
cs | d. m y | ledna února března dubna května června července srpna září října listopadu prosince
cy | d m y | Ionawr Chwefror Mawrth Ebrill Mai Mehefin Gorffennaf Awst Medi Hydref Tachwedd Rhagfyr
da | d. m y | januar februar marts april maj juni juli august september oktober november december
de | d. m y | Januar Februar März April Mai Juni Juli August September Oktober November Dezember
el | d m y | Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου \
Οκτωβρίου Νοεμβρίου Δεκεμβρίου
es | d de m de y | enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
et | d. m y | jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
fi | d. m y | tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta \
syyskuuta lokakuuta marraskuuta joulukuuta
fr | d m y | janvier février mars avril mai juin juillet août septembre octobre novembre décembre
hi | d m y | जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
hr | d. m y | siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada \
studenoga prosinca
hu | y. m d. | január február március április május június július augusztus szeptember október \
november december
id | d m y | Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember
is | d. m y | janúar febrúar mars apríl maí júní júlí ágúst september október nóvember desember
it | d m y | gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
lb | d. m y | Januar Februar Mäerz Abrëll Mee Juni Juli August September Oktober November Dezember
lv | y. gada d. m | janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris \
oktobris novembris decembris
nl | d m y | januari februari maart april mei juni juli augustus september oktober november december
no | d. m y | januar februar mars april mai juni juli august september oktober november desember
pl | d m y | stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października \
listopada grudnia
pt | d de m de y | janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
ro | d m y | ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
ru | d m y | января февраля марта апреля мая июня июля августа сентября октября ноября декабря
sk | d. m y | januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra
sl | d. m y | januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra
sq | d m y | janar shkurt mars prill maj qershor korrik gusht shtator tetor nëntor dhjetor
sr | d. m y | januara februara marta aprila maja juna jula avgusta septembra oktobra novembra decembra
sv | d m y | januari februari mars april maj juni juli augusti september oktober november december
sw | d m y | Januari Februari Machi Aprili Mei Juni Julai Agosti Septemba Oktoba Novemba Desemba
tr | d m y | Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık
uk | d m y | січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
ur | d m y | جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر
vi | d tháng m năm y | 1 2 3 4 5 6 7 8 9 10 11 12
zh | y年m月d日 | 1 2 3 4 5 6 7 8 9 10 11 12
"""
_SHARED = {"bs": "sr", "mk": "bg"}
_ISO = re.compile(
    r"(?<![\w./:-])(?P<y>(?:19|20)[0-9]{2})-(?P<m>0[1-9]|1[0-2])-(?P<d>0[1-9]|[12][0-9]|3[01])"
    r"(?:(?:T|,?\s)(?P<time>[0-2][0-9]:[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    r"(?:\s?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?(?![\w/:-]|[.,][0-9])"
)
_DAY_FIRST = re.compile(
    r"(?<![\w.,:/-])(?P<d>0?[1-9]|[12][0-9]|3[01])(?P<mark>\.\s?|/|-)(?P<m>0?[1-9]|1[0-2])(?P=mark)"
    r"(?P<y>(?:19|20)[0-9]{2})(?![\w/-]|[.,:][0-9])"
)
_NO_YEAR = re.compile(
    r"(?<![\w.,:/-])(?P<d>0?[1-9]|[12][0-9]|3[01])\.(?P<blank>\s?)(?P<m>0?[1-9]|1[0-2])\."
    r"(?!\s?[0-9])(?=\s?[^\W\d_A-ZÀ-ÞĀŠŽČ]|[,;:)!?]|(?P<end>$))"
)
_YEAR_FIRST = re.compile(
    r"(?<![\w.,:/-])(?P<y>(?:19|20)[0-9]{2})\.\s?(?P<m>0?[1-9]|1[0-2])\.\s?"
    r"(?P<d>0?[1-9]|[12][0-9]|3[01])\.(?![\w-])"
)
_LONG_TIME = re.compile(r"(?<![\w:.,])(?P<time>[0-2]?[0-9]:[0-5][0-9]):[0-5][0-9]\.[0-9]{3,9}(?![\w:])")
"""A time of day with parts of a second."""
_PART = re.compile(r"(?<![^\W\d_])[dmy](?![^\W\d_年月日])|[dmy](?=[年月日])")
_DOTTED = frozenset("cs sk sl hr bs sr fi et lb da no is".split())


def name_months(text: str, language: str) -> str:
    """Write the dates of a language with the name of the month; those of others stay as they are."""
    found = _months(_SHARED.get(language, language))
    if found is None:
        return text
    form, months = found

    def named(date: re.Match[str]) -> str:
        return _named(date, form, months, language)

    text = _ISO.sub(named, text)
    if language == "hu":
        return _YEAR_FIRST.sub(named, text)
    if language != "de":
        text = _DAY_FIRST.sub(named, text)
    if language in _DOTTED:
        text = _NO_YEAR.sub(lambda date: _without_year(date, months), text)
    return _LONG_TIME.sub(r"\g<time>", text)


@lru_cache(maxsize=64)
def _months(language: str) -> tuple[str, tuple[str, ...]] | None:
    for line in _TABLE.strip().splitlines():
        code, form, months = line.split(" | ")
        if code == language:
            return form, tuple(months.split())
    return None


def _named(date: re.Match[str], form: str, months: tuple[str, ...], language: str) -> str:
    parts = date.groupdict()
    day, month = str(int(parts["d"])), months[int(parts["m"]) - 1]
    if language == "fr" and day == "1":
        day = "1er"
    of = "d'" if language == "ca" and month[0] in "ao" else "de "
    names = {"d": day, "m": month, "y": parts["y"]}
    written = _PART.sub(lambda part: names[part.group()], form)
    written = written.replace("de a", f"{of}a").replace("de o", f"{of}o") if language == "ca" else written
    time = parts.get("time")
    return f"{written}, {time.removeprefix('0')}" if time else written


def _without_year(date: re.Match[str], months: tuple[str, ...]) -> str:
    if date["end"] is not None and not date["blank"]:
        return date.group()  # as likely the end of `21.5.`
    return f"{int(date['d'])}. {months[int(date['m']) - 1]}" + ("." if date["end"] is not None else "")
