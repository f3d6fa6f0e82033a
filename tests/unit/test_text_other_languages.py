"""Ranges, rarer signs, dates, clocks, Roman numerals and units of languages other than English."""

from __future__ import annotations

import pytest

from lunavox_edge.text.normalize import speakable
from lunavox_edge.text.stops import without_inner_stops

pytestmark = pytest.mark.unit

# language | text | what is said
_TABLE = """
de | 20-25 °C, 20–25 °C | 20 bis 25 °C, 20 bis 25 °C
de | 20,5–21,5 °C | 20,5 bis 21,5 °C
de | Mo.–Fr. 8–18 Uhr | Montag bis Freitag 8 bis 18 Uhr
de | 8:00-18:00 Uhr | 8 Uhr bis 18 Uhr
de | 2020–2025 | 2020 bis 2025
de | 3-2 | 3-2
pt-BR | 5-10 minutos | 5 a 10 minutos
el | 5-10 λεπτά | 5 έως 10 λεπτά
uk | 5-10 хвилин | 5–10 хвилин
hu | 5-10 perc | 5–10 perc
zh | 气温5~10度 | 气温5到10度
zh | -5~-2℃ | 零下5到零下2摄氏度
de | ≥ 5 mm, ≤ 5 mm, ~5 km, ≈ 5 €, ±0,5 | mindestens 5 mm, höchstens 5 mm, etwa 5 km, etwa 5 €, plus minus 0,5
fr | ≥ 5, ±0,5 °C | au moins 5, plus ou moins 0,5 °C
de | Akku >=20% | Akku mindestens 20%
ru | ~5 км | около 5 км
tr | Pil <%20 | Pil %20 altında
de | um 7:05 Uhr, um 12.00 Uhr | um 7 Uhr 5, um 12 Uhr
de | Hauptstr. 5 | Hauptstraße 5
de | Am Mo., 26.11.2026 | Am Montag, sechsundzwanzigsten elften 2026
de | am Donnerstag, 26.11., hier | am Donnerstag, sechsundzwanzigsten elften, hier
de | am 24.12. | am vierundzwanzigsten zwölften.
de | 24.–26. Dezember | vierundzwanzigster bis sechsundzwanzigster Dezember
de | 1. Etage, 2. Stock, 3. OG | erste Etage, zweiter Stock, drittes OG
de | In der 5. Und ich | In der fünften. Und ich
de | in /etc. | in /etc.
de | seit 2026-11-26 07:05:33.123456+01:00 | seit sechsundzwanzigsten November 2026, 7:05
fr | 2026-11-01, 26/11/2026 | premier novembre 2026, 26 novembre 2026
es | 26/11/2026 | 26 de noviembre de 2026
ca | 2026-10-05 | 5 d'octubre de 2026
nl | 26-11-2026 | 26 november 2026
cs | 1. 12. 2026, 5. 5. přijde | prvního prosince 2026, pátého května přijde
cs | Je 21.5. Zítra | Je 21.5. Zítra
pl | 26.11.2026 | dwudziestego szóstego listopada 2026
hu | 2026-11-26 | 2026 november huszonhatodika.
vi | 26/11/2026 | 26 tháng 11 năm 2026
zh | 2026-11-26 | 2026年11月26日
ru | 26 ноября 2026 г. в Москве | двадцать шестого ноября 2026 года в Москве
ru | 5 г. соли | 5 г. соли
pl | w 2026 r. w Polsce | w 2026 roku w Polsce
de | Kaiser Wilhelm II. war da | Kaiser Wilhelm der zweite war da
de | Elisabeth II. | Elisabeth die zweite.
de | Windows XI und DVD II | Windows XI und DVD II
de | im II. Weltkrieg | im zweiten Weltkrieg
fr | Louis XIV, François Ier, XIXe siècle | Louis 14, François premier, dix-neuvième siècle
es | Felipe VI, Isabel II, siglo XXI | Felipe sexto, Isabel segunda, siglo 21
nl | Koning Willem II | Koning Willem de tweede
sv | Carl XVI Gustaf | Carl den sextonde Gustaf
pl | w XIX wieku, XXI wiek | w dziewiętnastym wieku, dwudziesty pierwszy wiek
ru | Екатерина II, в XIX веке | Екатерина вторая, в девятнадцатом веке
uk | XXI століття | двадцять перше століття
cs | Karel IV. byl | Karel čtvrtý byl
hu | IV. Béla | negyedik Béla
tr | II. Abdülhamid | ikinci Abdülhamid
fr | 2e étage, 3ème, 1re, 2nde | deuxième étage, troisième, première, seconde
nl | 1e, 2de, 21ste | eerste, tweede, eenentwintigste
es | el 3er piso, la 2da, el 1.º de mayo | el tercer piso, la segunda, el primero de mayo
it | il 3° piano, 3° C | il terzo piano, 3° C
ru | 2-й этаж, 3-я лампа, 5-го | второй этаж, третья лампа, пятого
bg | 1-ви, 2-ра, 3-то | първи, втора, трето
nl | dhr. van Dijk | de heer van Dijk
fr | M. de Gaulle | Monsieur de Gaulle
es | Sr. de la Cruz | Señor de la Cruz
fr | 20 min, 1 min, à 7h05, 8 h | 20 minutes, 1 minute, à 7 heures 5, 8 heures
pl | 1 min, 2 min, 5 min, 22 min | 1 minuta, 2 minuty, 5 minut, 22 minuty
ru | 21 мин, 15 км/ч | 21 минута, 15 километров в час
de | noch 0:15:00, 1:30:05 | noch 15 Minuten, 1 Stunde 30 Minuten 5 Sekunden
de | 00:00:00, 07:05:33 | 00:00:00, 07:05:33
cs | pokoj 5 s balkonem | pokoj 5 s balkonem
ru | комната 5 с балконом, 2026 год | комната 5 с балконом, 2026 год
uk | 5 год | 5 годин
fr | 0:00:00 | 0 secondes
de | Temp 20 min 5 °C | Temp 20 min 5 °C
de | J. S. Bach 5 | J S Bach 5
it | Capteur 2 345 ppm | Capteur 2, 345 ppm
"""


@pytest.mark.parametrize("row", _TABLE.strip().splitlines())
def test_written_forms(row: str) -> None:
    language, text, spoken = row.split(" | ")
    assert speakable(text, language) == spoken


def test_what_a_language_has_no_words_for_stays() -> None:
    for text in ("≥ 5", "5–10 °C", "2026-11-26", "20 min", "Karl XX", "0:15:00"):
        assert speakable(text, "xx") == text
    assert speakable("5 min 20 h", "zh") == "5 min 20 h"


def test_an_initial_ends_no_clause() -> None:
    assert without_inner_stops("J. K. Rowling, at 5 W. Then C. It") == "J K Rowling, at 5 W. Then C. It"
