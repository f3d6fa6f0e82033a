"""Normalised text has the same phonemes in a Piper voice as the same text written out in words."""

from __future__ import annotations

import pytest

from lunavox_edge.engine.speech.script import Script

pytestmark = pytest.mark.model

# espeak voice | text | wording that must sound the same, and itself needs nothing written out
_TABLE = """
ar | درجة الحرارة -5 درجات | درجة الحرارة ناقص 5 درجات
ar | البطارية <5% | البطارية أقل من 5%
ar | د. أحمد هنا | دكتور أحمد هنا
bg | Навън е -5 °C | Навън е минус 5 °C
bg | Навън е −5,5 °C | Навън е минус 5,5 °C
bg | Днес 0.345 kWh | Днес 0,345 kWh
bg | CO2 850 ppm | CO2, 850 ppm
bg | Батерия <5 % | Батерия по-малко от 5 %
bg | ул. Витоша 5 | улица Витоша 5
ca | Fa -5 °C | Fa menys 5 °C
ca | Avui 0.345 kWh | Avui 0,345 kWh
ca | CO2 850 ppm | CO2, 850 ppm
ca | El Sr. Puig truca | El senyor Puig truca
ca | núm. 5 | número 5
cmn | 气温-5度 | 气温零下5度
cmn | 气温−5°C | 气温零下5°C
cmn | 电量<5% | 电量小于5%
cs | Je -5 °C | Je minus 5 °C
cs | Je –5 °C | Je minus 5 °C
cs | Dnes 0.345 kWh | Dnes 0,345 kWh
cs | 26. listopadu | dvacátého šestého listopadu
cs | Zazvonil 2. alarm | Zazvonil druhý alarm
cs | Zítra, tj. 26. listopadu | Zítra, to jest dvacátého šestého listopadu
cs | např. zítra | například zítra
cs | č. 5 | číslo 5
cs | Dr. Novák volá | Doktor Novák volá
cs | Baterie <5 % | Baterie méně než 5 %
cs | CO2 850 ppm | CO2, 850 ppm
cy | Mae'n -5 °C | Mae'n minws 5 °C
da | Det er -5 grader | Det er minus 5 grader
da | I dag 0.345 kWh | I dag 0,345 kWh
da | den 26. november | den seksogtyvende november
da | den 2. alarm | den anden alarm
da | f.eks. i morgen | for eksempel i morgen
da | kl. 5 | klokken 5
da | nr. 5 | nummer 5
da | ca. 5 minutter | cirka 5 minutter
da | Batteri <5 % | Batteri mindre end 5 %
de | Es sind -5 °C. | Es sind minus 5 °C.
de | Tiefstwert: –5 °C | Tiefstwert: minus 5 °C
de | Heute 12.345 kWh | Heute 12,345 kWh
de | Es sind 3.141 °C | Es sind 3,141 °C
de | 14.000 Einwohner | 14000 Einwohner
de | der 2. Alarm | der zweite Alarm
de | Nr. 5 | Nummer 5
de | z. B. morgen | zum Beispiel morgen
de | Lampe 2 100 % | Lampe 2, 100 %
de | Raum 3 250 Watt | Raum 3, 250 Watt
de | 1 250 W | 1250 W
de | Akku <5 % | Akku weniger als 5 %
de | max. 25 °C | maximal 25 °C
de | Licht aus.Türen zu. | Licht aus. Türen zu.
de | Also… ich denke schon. | Also, ich denke schon.
de | Wir treffen uns am 26. November. | Wir treffen uns am sechsundzwanzigsten November.
de | Dr. Müller ruft an. | Doktor Müller ruft an.
de | CO2 850 ppm | CO2, 850 ppm
de | Heute 0.345 kWh | Heute 0,345 kWh
el | Έχει -5 °C | Έχει μείον 5 °C
el | Σήμερα 0.345 kWh | Σήμερα 0,345 kWh
el | π.χ. αύριο | παραδείγματος χάριν αύριο
el | ο κ. Παπαδόπουλος | ο κύριος Παπαδόπουλος
en-us | Really?Yes. | Really? Yes.
en-us | Wait... what? | Wait, what?
en-us | I was thinking...maybe tomorrow. | I was thinking, maybe tomorrow.
en-us | Lights off.Doors locked. | Lights off. Doors locked.
es | Hace -5 °C | Hace menos 5 °C
es | Hoy 12.345 kWh | Hoy 12,345 kWh
es | El Sr. García llama | El señor García llama
es | n.º 5 | número 5
es | CO2 850 ppm | CO2, 850 ppm
es | Batería <5 % | Batería menos de 5 %
es | Luz apagada.Puertas cerradas. | Luz apagada. Puertas cerradas.
es | Hace −5,5 °C. | Hace menos 5,5 °C.
es | Hoy 0.345 kWh | Hoy 0,345 kWh
es-419 | Hace −5 °C | Hace menos 5 °C
es-419 | Hoy 0.345 kWh | Hoy 0,345 kWh
eu | -5 gradu | minus 5 gradu
eu | Gaur 0.345 kWh | Gaur 0,345 kWh
fa | دما -5 درجه | دما منفی 5 درجه
fi | Ulkona on -5 astetta | Ulkona on miinus 5 astetta
fi | Ulkona on −5,5 °C | Ulkona on miinus 5,5 °C
fi | Tänään 0.345 kWh | Tänään 0,345 kWh
fi | 26. marraskuuta | kahdeskymmeneskuudes marraskuuta
fi | Tämä on 2. hälytys | Tämä on toinen hälytys
fi | esim. huomenna | esimerkiksi huomenna
fi | Akku <5 % | Akku alle 5 %
fi | CO2 850 ppm | CO2, 850 ppm
fr | de -5 à -2 °C | de moins 5 à moins 2 °C
fr | Aujourd'hui 0.345 kWh | Aujourd'hui 0,345 kWh
fr | Lampe 2 100 % | Lampe 2, 100 %
fr | n° 5 | numéro 5
fr | p. ex. demain | par exemple demain
fr | Batterie <5 % | Batterie moins de 5 %
fr | Lumière éteinte.Portes fermées. | Lumière éteinte. Portes fermées.
fr | Il fait -5 °C. | Il fait moins 5 °C.
fr | M. Dupont appelle. | Monsieur Dupont appelle.
hi | तापमान -5 डिग्री | तापमान माइनस 5 डिग्री
hi | डॉ. राम | डॉक्टर राम
hu | -5 fok van | mínusz 5 fok van
hu | Ma 0.345 kWh | Ma 0,345 kWh
hu | 2. riasztás | második riasztás
hu | pl. holnap | például holnap
hu | kb. 5 perc | körülbelül 5 perc
hu | CO2 850 ppm | CO2, 850 ppm
hu | november 26. napja | november huszonhatodika napja
id | Suhu -5 derajat | Suhu minus 5 derajat
id | Hari ini 0.345 kWh | Hari ini 0,345 kWh
id | Jl. Sudirman | Jalan Sudirman
is | Það er -5 °C | Það er mínus 5 °C
is | 26. nóvember | tuttugasta og sjötta nóvember
is | t.d. á morgun | til dæmis á morgun
is | Í dag 0.345 kWh | Í dag 0,345 kWh
it | Ci sono -5 °C | Ci sono meno 5 °C
it | Oggi 0.345 kWh | Oggi 0,345 kWh
it | Il dott. Rossi chiama | Il dottor Rossi chiama
it | n. 5 | numero 5
it | p. es. domani | per esempio domani
ka | ახლა -5 გრადუსია | ახლა მინუს 5 გრადუსია
ka | დღეს 0,5 | დღეს 0.5
kk | Қазір -5 °C | Қазір минус 5 °C
kk | Бүгін 0,5 | Бүгін 0.5
lb | Et sinn -5 °C | Et sinn minus 5 °C
lb | den 26. November | den sechsanzwanzegsten November
lb | Haut 0,5 | Haut 0.5
lv | Ārā ir -5 grādi | Ārā ir mīnus 5 grādi
lv | Šodien 0.345 kWh | Šodien 0,345 kWh
lv | 26. novembrī | divdesmit sestajā novembrī
lv | 26. novembris | divdesmit sestais novembris
lv | piem. rīt | piemēram rīt
ml | താപനില -5 ഡിഗ്രി | താപനില മൈനസ് 5 ഡിഗ്രി
nb | Det er -5 grader | Det er minus 5 grader
nb | I dag 0.345 kWh | I dag 0,345 kWh
nb | 26. november | tjuesjette november
nb | Dette er 2. alarm | Dette er andre alarm
nb | f.eks. i morgen | for eksempel i morgen
nb | CO2 850 ppm | CO2, 850 ppm
ne | तापक्रम -5 डिग्री | तापक्रम माइनस 5 डिग्री
nl | Het is -5 graden | Het is min 5 graden
nl | Vandaag 12.345 kWh | Vandaag 12,345 kWh
nl | bijv. morgen | bijvoorbeeld morgen
nl | nr. 5 | nummer 5
nl | dhr. Jansen belt | de heer Jansen belt
nl | Het is 0.5 °C | Het is 0,5 °C
nl | CO2 850 ppm | CO2, 850 ppm
nl | Vandaag 0.345 kWh | Vandaag 0,345 kWh
pl | Jest -5 °C | Jest minus 5 °C
pl | Dziś 0.345 kWh | Dziś 0,345 kWh
pl | 26. listopada | dwudziestego szóstego listopada
pl | 26 listopada | dwudziestego szóstego listopada
pl | To jest 2. alarm | To jest drugi alarm
pl | np. jutro | na przykład jutro
pl | ul. Długa 5 | ulica Długa 5
pl | nr 5 | numer 5
pl | godz. 5 | godzina 5
pl | Bateria <5 % | Bateria mniej niż 5 %
pl | CO2 850 ppm | CO2, 850 ppm
pt | Estão -5 °C | Estão menos 5 °C
pt | Hoje 0.345 kWh | Hoje 0,345 kWh
pt | O Sr. Silva liga | O senhor Silva liga
pt | CO2 850 ppm | CO2, 850 ppm
pt-br | Faz -5 °C | Faz menos 5 °C
pt-br | Hoje 0.345 kWh | Hoje 0,345 kWh
pt-br | n.º 5 | número 5
ro | Sunt -5 °C | Sunt minus 5 °C
ro | Azi 0.345 kWh | Azi 0,345 kWh
ro | nr. 5 | numărul 5
ro | str. Lungă | strada Lungă
ru | Сейчас −5 °C | Сейчас минус 5 °C
ru | Сегодня 0.345 кВт·ч | Сегодня 0,345 кВт·ч
ru | ул. Ленина | улица Ленина
ru | т. е. завтра | то есть завтра
ru | 26 ноября | двадцать шестого ноября
ru | Батарея <5 % | Батарея меньше 5 %
ru | Свет выключен.Двери закрыты. | Свет выключен. Двери закрыты.
ru | Сейчас -5 °C | Сейчас минус 5 °C
sk | Je -5 °C | Je mínus 5 °C
sk | Dnes 0.345 kWh | Dnes 0,345 kWh
sk | 26. novembra | dvadsiateho šiesteho novembra
sk | Toto je 2. alarm | Toto je druhý alarm
sk | napr. zajtra | napríklad zajtra
sl | Zunaj je -5 °C | Zunaj je minus 5 °C
sl | Danes 0.345 kWh | Danes 0,345 kWh
sl | 26. novembra | šestindvajsetega novembra
sl | npr. jutri | na primer jutri
sl | To je 2. alarm | To je drugi alarm
sq | Jashtë është -5 °C | Jashtë është minus 5 °C
sq | Sot 0.345 kWh | Sot 0,345 kWh
sr | Napolju je -5 °C | Napolju je minus 5 °C
sr | Danas 0.345 kWh | Danas 0,345 kWh
sr | 26. novembra | dvadeset šestog novembra
sr | 26. новембра | двадесет шестог новембра
sr | 2. аларм | други аларм
sr | npr. sutra | na primer sutra
sv | Det är -5 grader | Det är minus 5 grader
sv | Idag 12.345 kWh | Idag 12,345 kWh
sv | t.ex. i morgon | till exempel i morgon
sv | kl. 5 | klockan 5
sv | Batteri <5 % | Batteri mindre än 5 %
sv | CO2 850 ppm | CO2, 850 ppm
sv | Idag 0.345 kWh | Idag 0,345 kWh
sw | Nje ni -5 °C | Nje ni hasi 5 °C
te | ఉష్ణోగ్రత -5 డిగ్రీలు | ఉష్ణోగ్రత మైనస్ 5 డిగ్రీలు
tr | Hava -5 derece | Hava eksi 5 derece
tr | Bugün 0.345 kWh | Bugün 0,345 kWh
tr | 2. alarm çalıyor | ikinci alarm çalıyor
tr | 26. gün | yirmi altıncı gün
tr | örn. yarın | örneğin yarın
tr | No. 5 | numara 5
uk | Надворі -5 °C | Надворі мінус 5 °C
uk | вул. Шевченка | вулиця Шевченка
uk | 26 листопада | двадцять шостого листопада
ur | درجہ حرارت -5 ڈگری | درجہ حرارت منفی 5 ڈگری
vi | Trời -5 độ | Trời âm 5 độ
vi | Hôm nay 0.345 kWh | Hôm nay 0,345 kWh
"""


def _cases() -> dict[str, list[tuple[str, str]]]:
    cases: dict[str, list[tuple[str, str]]] = {}
    for row in _TABLE.strip().splitlines():
        voice, text, wording = row.split(" | ")
        cases.setdefault(voice, []).append((text, wording))
    return cases


CASES = _cases()


def _sounds(lines: list[str], voice: str) -> list[str]:
    from piper.phonemize_espeak import EspeakPhonemizer

    phonemizer = EspeakPhonemizer()
    return ["".join(sentence) for line in lines for sentence in phonemizer.phonemize(voice, line)]


def _spoken(text: str, voice: str) -> list[str]:
    script = Script(language=voice, normalize=True, ssml=False, sentence_silence_ms=150)
    script.add(text)
    script.finish()
    lines = []
    while (line := script.next_line()) is not None:
        lines.append(line.text)
    return lines


@pytest.mark.parametrize("voice", CASES)
def test_written_text_sounds_as_its_wording(voice: str) -> None:
    for text, wording in CASES[voice]:
        assert _sounds(_spoken(text, voice), voice) == _sounds(_spoken(wording, voice), voice), text


@pytest.mark.parametrize("voice", CASES)
def test_wording_in_full_is_left_as_it_is(voice: str) -> None:
    for _text, wording in CASES[voice]:
        assert " ".join(_spoken(wording, voice)) == wording
