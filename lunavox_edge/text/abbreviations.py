"""Abbreviations whose full stop does not end a sentence, in the most common languages."""

from __future__ import annotations

import re

BEFORE_NAMES = frozenset(
    # English
    "dr mr mrs ms messrs prof rev fr hon gen col maj capt cmdr lt sgt gov sen rep pres st mt vs cf viz"
    " adm cpl pvt amb supt msgr ft"
    # German
    " hr hrn frl ing dipl mag fa bzw inkl exkl zzgl ggf evtl vgl sog geb gest mio mrd tsd usf allg bspw insb"
    # French, Spanish, Portuguese, Italian
    " mme mlle mgr sr sra srta dra ud uds vd vds ee av avda sig sigg dott avv geom spett p.ex sig.ra dott.ssa"
    # Dutch, Polish, the Nordic languages, Russian
    " dhr mevr mw bijv ul np tzn godz bl.a t.ex f.eks ул им проф акад пр пл т.е т.к т.п т.н".split()
)
"""Titles and similar words: a name or a noun follows, never a new sentence."""

BEFORE_NUMBERS = frozenset(
    "no nos nr num p pp pg pag pág págs núm vol ch chap fig figs sec sect art approx aprox ca circa est"
    " env jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri mär okt dez jän abs kap"
    " temp temps max min avg hum precip press vis batt qty amt apt ext rm ste bldg hwy rte rt ave tel ref"
    " ver ep eps para eq lvl pos wt ht dist alt lat freq acct máx mín"
    " bd ziff tel str s z v n blz kl стр рис табл гл".split()
)
"""Their full stop does not end a sentence if a number follows: `No. 5`, but `No. I will not.`"""

PARTS = frozenset("vol ch chap fig sec sect art".split())
"""Parts of books; a Roman numeral of one letter may follow: `Vol. I`."""

OFTEN_LAST = frozenset("inc ltd co corp bros jr ph.d b.sc m.sc temp avg hum approx apt".split())
"""Their full stop ends a sentence only if the next word is one of STARTERS."""

UNITS = frozenset(
    "ft min mins sec secs hr hrs h in lb lbs oz yd yds mi yr yrs gal qt pt mt"
    " std sek tim год хв ч мин сек".split()
)
"""Units, if a number is before them: `Wait 5 min. 3 people came` and `It is 6 ft. High walls`."""

LETTER_UNITS = frozenset("hmsglLWVKCF")
"""Units of one letter."""

LABELED = frozenset("max min".split())
"""Their full stop does not end a sentence before the name of a measured quantity: `Max. Temperature`."""

MEASURED = (
    *("temp", "hum", "speed", "power", "load", "volume", "level", "batt", "rain", "wind", "press", "value"),
    *("energy", "volt", "curr", "consum", "bright", "charg", "output", "input", "flow", "weight", "time"),
    *("duration", "outdoor", "indoor", "day", "night"),
)
"""Beginnings of the names of measured quantities."""

STARTERS = frozenset(
    "the a an i it he she we you they this that these those there then here in on at but and so if when"
    " what how why who where my your his her our their is are do does did can could would however for to"
    " from after before now please yes no not also as with let i'm it's der die das ein eine er sie es"
    " wir ihr ich und aber dann wenn".split()
)
"""Words that rarely continue a name: after `U.S. ` they start a sentence."""

AFTER_CLOCK = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december est edt cst cdt mst mdt pst pdt gmt utc cet cest"
    " bst eastern central mountain pacific".split()
)
"""Words that may continue a sentence after `10 a.m.`, although they are capitalised."""

GERMAN_MONTHS = frozenset(
    "januar jänner jan februar feber feb märz april apr mai juni jun juli jul august aug september sept"
    " sep oktober okt november nov dezember dez mäerz abrëll mee"
    " etage ebene bundesliga halbzeit stock advent feiertag weihnachtstag fc og ug dg obergeschoss"
    " untergeschoss stockwerk quartal".split()
)
"""Months, and floors; a number and a full stop before them are an ordinal: `3. Mai`."""

GERMAN_BEFORE_ORDINALS = frozenset(
    "am der die das den dem des im vom zum zur beim bis ab seit jeder jede jedes jeden jedem dieser"
    " diese dieses diesen diesem ein eine einen einem einer unser unsere mein meine sein seine ihr"
    " eines einer kein keine dein deine déi deen".split()
)
"""Words before an ordinal, whose full stop does not end the sentence: `der 2. Weltkrieg`."""

LEADING_NUMERAL = re.compile(
    r"(?:^\s*|[,;:(] ?|\b(?:[iad]m|de[smnr]|zum|vom|beim|die|das|az?|w|ve?|o|na|po|za) )[IVX]{2,5}$"
)
"""`II. Weltkrieg`, `IV. Béla`: the numeral comes before what it counts."""

_CAPITAL = r"[^\W\d_a-zß-öø-ÿа-яё]"
_INITIALS = re.compile(
    rf"(?:(?<![\w.'’-])(?:{_CAPITAL}\.\s){{2,4}}|^{_CAPITAL}\.\s)(?=(?P<next>[A-ZÀ-ÞА-ЯЁ]\w+))"
)


def without_initial_stops(text: str) -> str:
    """Drop the full stops of initials (`J. S. Bach`), at which a phonemiser would end its clause.

    A single one inside a text stays: it may end a sentence (`plan B.`).
    """
    return _INITIALS.sub(
        lambda found: found.group() if found["next"].lower() in STARTERS else found.group().replace(".", ""),
        text,
    )


ORDINAL_PAIR = re.compile(r"(?<![\w.,])[0-9]{1,2}\. (?:und|oder|bis) $")
"""`Die 2. und 3. Lampe`: what is before the second ordinal."""
