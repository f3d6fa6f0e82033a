"""Words for the rarer signs beside numbers (`≥ 5`, `~5`, `±5`, `5–10`) in languages other than English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lunavox_edge.text.characters import CJK

# Language | at least | at most | about | plus or minus | what joins the two ends of a range.
# Without a word for a range, its ends are set side by side, as people say them.
_TABLE = """
ar | لا يقل عن | لا يزيد عن | حوالي | زائد أو ناقص | إلى
be | не менш за | не больш за | каля | плюс-мінус | -
bg | поне | най-много | около | плюс-минус | до
bs | najmanje | najviše | otprilike | plus-minus | do
ca | com a mínim | com a màxim | aproximadament | més menys | a
cs | nejméně | nejvýše | asi | plus minus | až
cy | o leiaf | dim mwy na | tua | plws neu finws | i
da | mindst | højst | cirka | plus minus | til
de | mindestens | höchstens | etwa | plus minus | bis
el | τουλάχιστον | το πολύ | περίπου | συν πλην | έως
es | al menos | como máximo | aproximadamente | más menos | a
et | vähemalt | kuni | umbes | pluss miinus | kuni
eu | gutxienez | gehienez | gutxi gorabehera | gehi ken | -
fa | حداقل | حداکثر | حدود | مثبت منفی | تا
fi | vähintään | enintään | noin | plus miinus | -
fr | au moins | au plus | environ | plus ou moins | à
he | לפחות | לכל היותר | בערך | פלוס מינוס | עד
hi | कम से कम | अधिक से अधिक | लगभग | प्लस माइनस | से
hr | najmanje | najviše | otprilike | plus-minus | do
hu | legalább | legfeljebb | körülbelül | plusz-mínusz | -
id | minimal | maksimal | sekitar | plus minus | sampai
is | að minnsta kosti | í mesta lagi | um það bil | plús mínus | til
it | almeno | al massimo | circa | più o meno | a
ka | მინიმუმ | მაქსიმუმ | დაახლოებით | პლუს მინუს | -
kk | кемінде | ең көбі | шамамен | плюс-минус | -
lb | mindestens | héchstens | ongeféier | plus minus | bis
lt | bent | ne daugiau kaip | apie | plius minus | iki
lv | vismaz | ne vairāk kā | aptuveni | plus mīnus | līdz
mk | најмалку | најмногу | околу | плус-минус | до
ml | കുറഞ്ഞത് | പരമാവധി | ഏകദേശം | പ്ലസ് മൈനസ് | മുതൽ
ne | कम्तीमा | बढीमा | करिब | प्लस माइनस | देखि
nl | minstens | hoogstens | ongeveer | plusminus | tot
no | minst | høyst | cirka | pluss minus | til
pl | co najmniej | co najwyżej | około | plus minus | do
pt | pelo menos | no máximo | cerca de | mais ou menos | a
ro | cel puțin | cel mult | aproximativ | plus minus | până la
ru | не менее | не более | около | плюс-минус | -
sk | najmenej | najviac | asi | plus mínus | až
sl | najmanj | največ | približno | plus minus | do
sq | të paktën | më së shumti | rreth | plus minus | deri në
sr | najmanje | najviše | otprilike | plus-minus | do
sv | minst | högst | cirka | plus minus | till
sw | angalau | si zaidi ya | takriban | jumlisha au toa | hadi
te | కనీసం | గరిష్ఠంగా | సుమారు | ప్లస్ మైనస్ | నుండి
tr | en az | en fazla | yaklaşık | artı eksi | -
uk | не менше | не більше | близько | плюс-мінус | -
ur | کم از کم | زیادہ سے زیادہ | تقریباً | پلس مائنس | سے
vi | ít nhất | nhiều nhất | khoảng | cộng trừ | đến
zh | 至少 | 最多 | 约 | 正负 | 到
"""
_UNSPACED = frozenset({"zh"})
_NUMBER = r"[-–−+]?%?\s?[$€£¥]?[0-9]"
_SIGNS = re.compile(
    rf"(?:(?P<least>>=|[≥≧⩾])|(?P<most><=|[≤≦⩽])|(?P<about>(?<![0-9~] )(?<![0-9~/\w])[~∼]|[≈≃≅])"
    rf"|(?P<either>±|\+/-))\s?(?={_NUMBER})"
)
_VALUE = r"[0-9]{1,4}(?:[.,][0-9]{1,3})?"
_TIME = r"[0-2]?[0-9][:.][0-5][0-9]"
_UNITS = (
    r"(?:[°º%€$£¥℃‰]|(?:[kM]?Wh?|km|[cm]?m|kg|g|ml|l|L|[mk]?V|A|mA|h|u|min|sek|sec|s|[kMG]?Hz|hPa|mbar|bar|ppm"
    r"|ppb|lx|dB|ч|мин|хв|км|м|кг|г|Вт|кВт)(?![^\W\d_])"
    r"|(?i:grad|grád|graden|gradus|градус|prozent|procent|pro[sc]ent|pour|por c|per c|stup|stop|fok|aste"
    r"|derece|"
    r"βαθμ|minut|минут|хвилин|perc|dakika|λεπτ|stund|uhr|heure|hor|ore|ora|uur|tim|godz|hod|час|годин|óra|saat|ώρ|"
    r"tag|jour|d[ií]a|giorn|dag|dn[ieí]|дн|gün|nap|dager|week|woche|sema|settiman|uke|veck|uge|wiek|tyg|týd|недел"
    r"|тижн|euro|eur|kilo|meter|mètre|metro|metr|person|fois|vezes|veces|keer|ganger|gånger))"
)
_RANGE = re.compile(
    rf"(?<![^\W{CJK}])(?<![.,:/–-])(?P<first>{_TIME}|{_VALUE})(?P<unit>\s?[°º%](?:[CF]\b)?)?"
    rf"(?P<dash>[–~-])(?P<last>{_TIME}|{_VALUE})(?![0-9–-]|[.,:/][0-9])"
)
_MEASURE = re.compile(rf"\s?{_UNITS}")
_CJK_UNIT = re.compile(
    "(?:度|摄氏|攝氏|分|小时|小時|秒|个|個|天|日|周|月|元|块|米|公里|千克|公斤|人|次|级|級|点|點)"
)
_BEFORE_NEGATIVE = r"(?<=[0-9°%C])\s?[-–~]\s?(?={minus}\s?[0-9])"


@dataclass(frozen=True, slots=True)
class _Words:
    least: str
    most: str
    about: str
    either: str
    joint: str


def _rows() -> dict[str, _Words]:
    rows = (line.split(" | ") for line in _TABLE.strip().splitlines())
    return {row[0]: _Words(*(cell.strip() for cell in row[1:])) for row in rows}


_WORDS = _rows()


def speak_signs(text: str, language: str) -> str:
    """Write `≥`, `≤`, `~`, `≈` and `±` before a number as words."""
    words = _WORDS.get(language)
    if words is None:
        return text

    def said(found: re.Match[str]) -> str:
        before = found.string[max(0, found.start() - 1) : found.start()]
        spaced = language not in _UNSPACED
        blank = " " if spaced and before and not before.isspace() and before not in "([\"'„“«" else ""
        return f"{blank}{getattr(words, found.lastgroup or 'about')}{' ' if spaced else ''}"

    return _SIGNS.sub(said, text)


def speak_ranges(text: str, language: str, minus: str) -> str:
    """Write the dash of a range as a word where its ends are a measure, times, or joined by an en dash."""
    words = _WORDS.get(language)
    if words is None:
        return text
    joint = words.joint if language in _UNSPACED else "–" if words.joint == "-" else f" {words.joint} "
    text = _RANGE.sub(lambda found: _range(found, joint, language), text)
    return text if words.joint == "-" else _before_negative(minus).sub(joint, text)


@lru_cache(maxsize=64)
def _before_negative(minus: str) -> re.Pattern[str]:
    minus = "(?:零下|负)" if minus == "负" else re.escape(minus)
    return re.compile(_BEFORE_NEGATIVE.replace("{minus}", minus))


def _range(found: re.Match[str], joint: str, language: str) -> str:
    first, last, dash = found["first"], found["last"], found["dash"]
    times = ":" in first and ":" in last
    measured = _is_measure(found, language)
    if (":" in first) != (":" in last) or (not times and first[0] == "0" and first[1:2].isdigit()):
        return found.group()
    if not times and (_amount(first) >= _amount(last) or not (measured or dash == "–")):
        return found.group()
    return f"{first}{found['unit'] or ''}{joint}{last}"


def _is_measure(found: re.Match[str], language: str) -> bool:
    text, end = found.string, found.end()
    return bool(_MEASURE.match(text, end) or (language in _UNSPACED and _CJK_UNIT.match(text, end)))


def _amount(number: str) -> float:
    return float(number.replace(",", ".").replace(":", "."))
