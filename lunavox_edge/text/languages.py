"""Words for signs, and the decimal mark, of each language."""

from __future__ import annotations

from dataclasses import dataclass

_ALIASES = {
    "cmn": "zh",
    "yue": "zh",
    "hak": "zh",
    "nb": "no",
    "nn": "no",
    "mo": "ro",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "hbs": "sr",
    "fil": "tl",
    "eng": "en",
}
"""Other codes for languages of the table, as used by espeak, Whisper or old systems."""

# Language | minus | less than | more than | `written_mark` | `read_mark` (both are explained in `Wording`).
# `{}` stands for the number and its unit, if the words come after it.
_TABLE = """
af | minus | minder as | meer as | , | .
ar | ناقص | أقل من | أكثر من
az | mənfi | {} dan az | {} dan çox | , | ,
be | мінус | менш за | больш за | , | коска
bg | минус | по-малко от | повече от | , | ,
bn | মাইনাস | {} এর কম | {} এর বেশি
bs | minus | manje od | više od | , | ,
ca | menys | menys de | més de | , | ,
cs | minus | méně než | více než | , | ,
cy | minws | llai na | mwy na
da | minus | mindre end | mere end | , | ,
de | minus | weniger als | mehr als | , | ,
el | μείον | λιγότερο από | περισσότερο από | , | ,
es | menos | menos de | más de | , | ,
et | miinus | vähem kui | rohkem kui | , | ,
eu | minus | {} baino gutxiago | {} baino gehiago | , | ,
fa | منفی | کمتر از | بیشتر از
fi | miinus | alle | yli | , | ,
fo | minus | minni enn | meiri enn | , | ,
fr | moins | moins de | plus de | , | ,
ga | míneas | níos lú ná | níos mó ná
he | מינוס | פחות מ | יותר מ
hi | माइनस | {} से कम | {} से अधिक
hr | minus | manje od | više od | , | ,
hu | mínusz | kevesebb mint | több mint | , | ,
hy | մինուս | պակաս քան | ավելի քան | , | ,
id | minus | kurang dari | lebih dari | , | ,
is | mínus | minna en | meira en | , | ,
it | meno | meno di | più di | , | ,
ja | マイナス | {}未満 | {}超
ka | მინუს | ნაკლები ვიდრე | მეტი ვიდრე | , | .
kk | минус | {} дан аз | {} дан көп | , | .
ko | 마이너스 | {} 미만 | {} 초과
ku | kêm | kêmtir ji | zêdetir ji | , | ,
ky | минус | {} дан аз | {} дан көп | , | ,
lb | minus | manner wéi | méi wéi | , | .
lt | minus | mažiau nei | daugiau nei | , | ,
lv | mīnus | mazāk par | vairāk par | , | ,
mk | минус | помалку од | повеќе од | , | ,
ml | മൈനസ് | {} ൽ താഴെ | {} ൽ കൂടുതൽ
mr | उणे | {} पेक्षा कमी | {} पेक्षा जास्त
ms | negatif | kurang daripada | lebih daripada
mt | minus | inqas minn | aktar minn
ne | माइनस | {} भन्दा कम | {} भन्दा बढी
nl | min | kleiner dan | groter dan | , | ,
no | minus | mindre enn | mer enn | , | ,
pl | minus | mniej niż | więcej niż | , | ,
pt | menos | menos de | mais de | , | ,
ro | minus | mai puțin de | mai mult de | , | ,
ru | минус | меньше | больше | , | ,
sk | mínus | menej ako | viac ako | , | ,
sl | minus | manj kot | več kot | , | ,
sq | minus | më pak se | më shumë se | , | ,
sr | minus | manje od | više od | , | ,
sv | minus | mindre än | mer än | , | ,
sw | hasi | chini ya | zaidi ya
ta | மைனஸ் | {} க்கும் குறைவு | {} க்கும் அதிகம்
te | మైనస్ | {} కంటే తక్కువ | {} కంటే ఎక్కువ
th | ลบ | น้อยกว่า | มากกว่า
tr | eksi | {} altında | {} üstünde | , | ,
uk | мінус | менше | більше | , | кома
ur | منفی | {} سے کم | {} سے زیادہ
uz | minus | {} dan kam | {} dan koʻp | , | ,
vi | âm | dưới | trên | , | ,
zh | 负 | 小于 | 大于
"""


@dataclass(frozen=True, slots=True)
class Wording:
    """Words of one language for the signs before a number, and its decimal marks."""

    language: str
    minus: str
    less: str
    """`{}` is the place of the number; without it, the number follows the words."""
    more: str
    written_mark: str = "."
    """Decimal mark in texts of this language; sensors always write a point."""
    read_mark: str = "."
    """Decimal mark, or word for it, that the phonemiser reads correctly."""


def _rows() -> dict[str, Wording]:
    rows = (line.split(" | ") for line in _TABLE.strip().splitlines())
    return {row[0]: Wording(*(cell.strip() for cell in row)) for row in rows}


_WORDINGS = _rows()


def language_key(language: str) -> str:
    """Return the tables' key for a BCP-47 tag or an espeak voice: `no` for `nb-NO`, `zh` for `cmn`."""
    primary = language.lower().replace("_", "-").partition("-")[0]
    # The name of an espeak voice may include its folder: `gmw/en-US`.
    primary = primary.rpartition("/")[2]
    return _ALIASES.get(primary, primary)


def wording(language: str) -> Wording | None:
    """Return the words of a language (a key of `language_key`), None if it is not in the table."""
    return _WORDINGS.get(language)
