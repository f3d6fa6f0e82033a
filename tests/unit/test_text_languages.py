"""Numbers, signs, ordinals and abbreviations in languages other than English."""

from __future__ import annotations

import pytest

from lunavox_edge.text.abbreviation_words import ABBREVIATIONS
from lunavox_edge.text.languages import language_key, wording
from lunavox_edge.text.normalize import speakable
from lunavox_edge.text.ordinal_words import before_month, before_noun

pytestmark = pytest.mark.unit

# The languages that a Piper voice exists for.
LANGUAGES = (
    "ar bg ca cs cy da de el es eu fa fi fr hi hu id is it ka kk lb lv ml ne nl no pl pt ro ru sk sl sq"
    " sr sv sw te tr uk ur vi zh"
).split()


def test_every_language_of_a_piper_voice_has_its_words() -> None:
    for language in LANGUAGES:
        words = wording(language)
        assert words is not None
        assert words.minus
        assert words.less
        assert words.more
        assert language in ABBREVIATIONS or language == "zh"


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        ("nb-NO", "no"),
        ("no_NO", "no"),
        ("nn", "no"),
        ("cmn", "zh"),
        ("zh-Hans-CN", "zh"),
        ("yue", "zh"),
        ("es-419", "es"),
        ("pt-br", "pt"),
        ("sr_RS", "sr"),
        ("vi-vn-x-south", "vi"),
        ("roa/es-419", "es"),
        ("EN_US", "en"),
        ("", ""),
    ],
)
def test_languages_by_any_name(tag: str, key: str) -> None:
    assert language_key(tag) == key


@pytest.mark.parametrize("sign", ["-", "−", "–"])
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh"])
def test_a_sign_before_a_number_is_a_word(language: str, sign: str) -> None:
    words = wording(language)
    assert words is not None
    for text, spoken in (
        (f"{sign}5 °C", f"{words.minus} 5 °C"),
        (f"X ({sign}5 °C)", f"X ({words.minus} 5 °C)"),
        (f"X: {sign}5", f"X: {words.minus} 5"),
        (f"X:{sign}5 °C", f"X: {words.minus} 5 °C"),
        (f"xx {sign}10 yy {sign}5", f"xx {words.minus} 10 yy {words.minus} 5"),
    ):
        assert speakable(text, language) == spoken


NO_SIGNS = (
    "5-10",
    "5 – 10",
    "COVID-19",
    "WH-1000",
    "01-23-45",
    "3-2",
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_range_or_a_name_is_no_sign(language: str) -> None:
    for text in NO_SIGNS:
        assert speakable(text, language) == text


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("zh", "气温-5度", "气温零下5度"),
        ("zh-CN", "从-5到-2度", "从零下5到零下2度"),
        ("cmn", "气温−5°C", "气温零下5摄氏度"),
        ("cmn", "利润−5", "利润负5"),
        ("cmn", "-5%", "负5%"),
        ("cmn", "3月-5月", "3月-5月"),
        ("ja", "気温は-5度です", "気温はマイナス5度です"),
        ("de", "-5--2 °C, -5 - -2 °C, 3−2", "minus 5 bis minus 2 °C, minus 5 bis minus 2 °C, 3 minus 2"),
        ("fr", "- 5 °C", "moins 5 °C"),
        ("fr", "- 5 °C\n- 6 °C", "5 °C. 6 °C"),
        ("de", "5/-2 °C, -5°/-2°, T=-5", "5/ minus 2 °C, minus 5°/ minus 2°, T= minus 5"),
        ("fr", "Dehors - 5 °C", "Dehors moins 5 °C"),
        ("fr", "Dehors: – 0,5 °C", "Dehors: moins 0,5 °C"),
        ("de", "Die Heizung läuft – 21 °C", "Die Heizung läuft – 21 °C"),
        ("fa", "دما -۵ درجه", "دما منفی ۵ درجه"),
        ("hi", "तापमान −५", "तापमान माइनस ५"),
    ],
)
def test_signs_of_a_kind_of_their_own(language: str, text: str, spoken: str) -> None:
    assert speakable(text, language) == spoken


COMMA = [language for language in LANGUAGES if wording(language).read_mark == ","]  # type: ignore[union-attr]  # tested above


POINTS = (
    ("0.345 kWh", "0,345 kWh"),
    ("0.125", "0,125"),
    ("+0.5", "+0,5"),
    ("12.345 kWh", "12,345 kWh"),
    ("12.345kWh", "12,345kWh"),
    ("3.141 °C", "3,141 °C"),
    ("1.234 m³", "1,234 m³"),
    ("45.678 %", "45,678 %"),
    ("21.5 °C", "21,5 °C"),
    ("21.5", "21,5"),
    ("7.25 %", "7,25 %"),
    ("1013.25 hPa", "1013,25 hPa"),
    ("1234.567 kWh", "1234,567 kWh"),
    ("0.0012", "0,0012"),
    ("xx 0.5.", "xx 0,5."),
)


@pytest.mark.parametrize("language", [*COMMA, "es-419", "pt-BR", "nb"])
def test_a_sensor_s_point_becomes_the_language_s_comma(language: str) -> None:
    for text, spoken in POINTS:
        assert speakable(text, language) == spoken


NO_DECIMALS = (
    "0,345 kWh",
    "21,5 °C",
    "12.345",
    "12.345 €",
    "1.013 hPa",
    "1.234.567",
    "192.168.1.10",
    "v1.2",
    "2026.11.2",
    "version 2.5",
    "Python 3.11",
    "2.0.1",
)


@pytest.mark.parametrize("language", [*COMMA, "hi", "sw", "ar"])
def test_groups_versions_and_addresses_stay(language: str) -> None:
    for text in NO_DECIMALS:
        assert speakable(text, language) == text


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "12.345 Einwohner", "12.345 Einwohner"),
        ("de", "um 12.30 Uhr", "um 12 Uhr 30"),
        ("de", "von 8.30-9.15 Uhr, 12.50 €", "von 8 Uhr 30 bis 9 Uhr 15, 12,50 €"),
        ("fi", "klo 12.30", "kello 12.30"),
        ("fi", "klo 8.30–9.15", "kello 8.30–9.15"),
        ("nb", "kl. 12.30", "klokka 12.30"),
        ("it", "alle 8.15, 0.5-0.7 °C", "alle 8.15, 0,5 a 0,7 °C"),
        ("da", "kl. 12.30", "klokken 12.30"),
        ("lb", "21,5 °C, 12.345 Awunner", "21.5 °C, 12345 Awunner"),
        ("sr", "12.345 stanovnika, 12.345 stepeni", "12345 stanovnika, 12,345 stepeni"),
        ("fr", "3.456 mètres cubes", "3,456 mètres cubes"),
        ("kk", "0,5", "0.5"),
        ("ka", "0,5 °C", "0.5 °C"),
        ("uk", "0.5 °C", "0 кома 5 °C"),
        ("de-CH", "1'250 W und 1’250’000", "1250 W und 1250000"),
        ("hi", "0.345", "0.345"),
        ("zh", "0.345", "0.345"),
        ("en-US", "0.345 kWh", "zero point three four five kilowatt hours"),
    ],
)
def test_decimals_of_a_kind_of_their_own(language: str, text: str, spoken: str) -> None:
    assert speakable(text, language) == spoken


BESIDE = (
    ("CO2 850 ppm", "CO2, 850 ppm"),
    ("CO₂ 850 ppm", "CO2, 850 ppm"),
    ("CO2\u00a0850 ppm", "CO2, 850 ppm"),
    ("PM2.5 120 µg", "PM2.5, 120 µg"),
    ("Sensor3 450 lx", "Sensor3, 450 lx"),
    ("Sensor 3 450 lx", "Sensor 3, 450 lx"),
    ("Zone 12 345 W", "Zone 12, 345 W"),
    ("Xyz 2 100 %", "Xyz 2, 100 %"),
    ("xx CO2 1 250 ppm", "xx CO2 1250 ppm"),
    ("2026 850", "2026, 850"),
    ("1 250 W", "1250 W"),
    ("xx 1 250 W", "xx 1250 W"),
    ("12 500 €", "12500 €"),
    ("1 000 000", "1000000"),
    ("1\u202f250 W", "1250 W"),
    ("CO2 85 ppm", "CO2 85 ppm"),
    ("030 123 456, 0151 234 567", "030 123 456, 0151 234 567"),
    ("+49 30 123 456", "+49 30 123 456"),
)


@pytest.mark.parametrize("language", ["de", "fi", "uk", "lb"])
def test_numbers_of_any_length_are_no_trouble(language: str) -> None:
    long = "9" * 5000
    assert long in speakable(f"x {long}.5. Y {long}", language)


@pytest.mark.parametrize("language", COMMA)
def test_two_numbers_stay_two_and_one_stays_one(language: str) -> None:
    for text, spoken in BESIDE:
        assert speakable(text, language) == spoken


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Lampe 2, 100 %"),
        ("de", "Deckenlampe 2, 250 W"),
        ("de", "Raum 3, 250 Watt"),
        ("fr", "Chambre 3, 250 W"),
        ("nl", "kamer 3, 250 watt"),
        ("sv", "rum 3, 250 watt"),
        ("pl", "pokój 3, 250 W"),
        ("fi", "huone 3, 250 W"),
        ("hu", "szoba 3, 250 W"),
        ("pt-BR", "sala 3, 250 W"),
        ("fr", "la prise Shelly 2, 250 W"),
    ],
)
def test_a_thing_s_number_is_parted_from_its_value(language: str, text: str) -> None:
    assert speakable(text.replace(",", ""), language) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_less_and_more_are_words(language: str) -> None:
    words = wording(language)
    assert words is not None
    for sign, phrase in (("<", words.less), (">", words.more)):
        said = phrase.format("5 %") if "{}" in phrase else f"{phrase} 5 %"
        assert speakable(f"Xx {sign}5 %", language) == f"Xx {said}"
        assert speakable(f"Xx {sign} 5 %", language) == f"Xx {said}"
        assert speakable(f"Xx ({sign}5 %)", language) == f"Xx ({said})"
        assert speakable(f"Xx: {sign} 5 %", language) == f"Xx: {said}"
        assert speakable(f"Xx: {sign} 5", language) == f"Xx: {said.replace(' %', '')}"


@pytest.mark.parametrize("text", ["x < 5", "a<b", "<3 dich"])
def test_a_formula_or_a_heart_is_no_reading(text: str) -> None:
    assert speakable(text, "de") == text


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "am 26. November", "am sechsundzwanzigsten November"),
        ("de", "der 2. Alarm", "der zweite Alarm"),
        ("de", "im 2. Stock, in der 2. Etage", "im zweiten Stock, in der zweiten Etage"),
        ("de", "ein 2. Versuch, eine 2. Chance", "ein zweiter Versuch, eine zweite Chance"),
        ("de", "vom 3. bis 5. Mai", "vom dritten bis fünften Mai"),
        ("de", "am 24. und 25. Dezember", "am vierundzwanzigsten und fünfundzwanzigsten Dezember"),
        ("de", "der 5. oder 6. Mai", "der fünfte oder sechste Mai"),
        ("de", "Freitag, der 27. November 2026", "Freitag, der siebenundzwanzigste November 2026"),
        ("de", "Freitag, den 27. Nov. 2026", "Freitag, den siebenundzwanzigsten November 2026"),
        ("de", "am 3. 5. 2026", "am dritten fünften 2026"),
        ("de", "am 26.11. um 8", "am sechsundzwanzigsten elften um 8"),
        ("de", "Heute ist der 26.", "Heute ist der sechsundzwanzigste."),
        ("de", "Es sind 26.", "Es sind 26."),
        ("de", "1. Milch", "1. Milch"),
        ("lb", "den 26. November", "den sechsanzwanzegsten November"),
        ("da", "den 26. november", "den seksogtyvende november"),
        ("da", "den 2. alarm", "den anden alarm"),
        ("nb", "17. mai, 2. etasje", "syttende mai, andre etasje"),
        ("fi", "26. marraskuuta, 2. kerros", "kahdeskymmeneskuudes marraskuuta, toinen kerros"),
        ("is", "17. júní, 2. júlí", "sautjánda júní, annan júlí"),
        ("cs", "26. listopadu 2026", "dvacátého šestého listopadu 2026"),
        ("cs", "2. alarm, 2. lampa, 2. patro", "druhý alarm, druhá lampa, druhé patro"),
        ("sk", "26. novembra, 2. poschodie", "dvadsiateho šiesteho novembra, druhé poschodie"),
        ("pl", "26. listopada, 3 maja", "dwudziestego szóstego listopada, trzeciego maja"),
        ("pl", "2. alarm, 2. lampa", "drugi alarm, druga lampa"),
        ("ru", "26 ноября, 3 мая", "двадцать шестого ноября, третьего мая"),
        ("uk", "26 листопада", "двадцять шостого листопада"),
        ("sv", "den 26 november, 5-10 maj", "den tjugosjätte november, 5-10 maj"),
        ("sv", "1 maj och 20 juni", "första maj och tjugonde juni"),
        ("bg", "на 26 ноември", "на двадесет и шести ноември"),
        ("da", "d. 26. november", "den seksogtyvende november"),
        ("sl", "26. novembra, 2. nadstropje", "šestindvajsetega novembra, drugo nadstropje"),
        ("hr", "26. studenog, 2. kat", "dvadeset šestog studenog, drugi kat"),
        ("sr", "26. novembra, 3. maja", "dvadeset šestog novembra, trećeg maja"),
        ("hu", "november 26. van, 2. emelet", "november huszonhatodika van, második emelet"),
        ("hu", "2026. december 4.", "2026 december negyedike."),
        ("tr", "26. gün", "yirmi altıncı gün"),
        ("lv", "26. novembrī, 2. stāvs", "divdesmit sestajā novembrī, otrais stāvs"),
        ("et", "24. veebruar", "kahekümne neljas veebruar"),
        ("eu", "2. alarma", "bigarren alarma"),
        ("es", "el 2.º piso, la 3.ª planta", "el segundo piso, la tercera planta"),
        ("pt", "2.º andar", "segundo andar"),
        ("it", "2ª lampada", "seconda lampada"),
        ("fr", "le 2. Il part", "le 2. Il part"),
    ],
)
def test_ordinals(language: str, text: str, spoken: str) -> None:
    assert speakable(text, language) == spoken


@pytest.mark.parametrize("language", "bg cs da et fi hr is lb lv no pl ru sk sl sv uk".split())
def test_every_day_of_a_month_has_its_own_word(language: str) -> None:
    days = [before_month(day, language, "xs") for day in range(1, 32)]
    assert all(days)
    assert len(set(days)) == 31
    assert not any(char.isdigit() for day in days for char in day)


def test_what_is_no_ordinal_of_a_language_has_no_word() -> None:
    assert before_month(0, "cs", "ledna") == ""
    assert before_noun(99, "cs", "alarm") == ""
    assert before_noun(2, "fr", "alarme") == ""


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("de", "Nr. 5, Dr. Müller, z. B. heute", "Nummer 5, Doktor Müller, zum Beispiel heute"),
        ("de", "z.B. heute, d.h. nie, u. a. hier", "zum Beispiel heute, das heißt nie, unter anderem hier"),
        ("de", "ca. 5 Min. lang, max. 25 °C", "circa 5 Minuten lang, maximal 25 °C"),
        ("de", "Milch usw.", "Milch und so weiter."),
        ("de", "in 10 Min.", "in 10 Minuten."),
        ("de", "Frag Max. Dann Max. 5 Euro", "Frag Max. Dann maximal 5 Euro"),
        ("fr", "M. Dupont et Mme. Curie", "Monsieur Dupont et Madame Curie"),
        ("fr", "n° 5, p. ex. demain, env. 5", "numéro 5, par exemple demain, environ 5"),
        ("es", "el Sr. García, la Dra. Pérez", "el señor García, la doctora Pérez"),
        ("es", "n.º 5, núm. 7, aprox. 9", "número 5, número 7, aproximadamente 9"),
        ("es", "Temp. máx. 25 °C, mín. 3 °C", "Temp. máx. 25 °C, mín. 3 °C"),
        ("pt", "o Sr. Silva, a Dra. Costa", "o senhor Silva, a doutora Costa"),
        ("it", "la Sig.ra Bianchi e la Dott.ssa Neri", "la signora Bianchi e la dottoressa Neri"),
        ("it", "il Sig. Rossi, p. es. oggi, n. 5", "il signor Rossi, per esempio oggi, numero 5"),
        ("ca", "el Sr. Puig, núm. 5", "el senyor Puig, número 5"),
        ("ro", "dl. Popescu, nr. 5", "domnul Popescu, numărul 5"),
        ("nl", "dhr. Jansen, nr. 5, bijv. nu", "de heer Jansen, nummer 5, bijvoorbeeld nu"),
        ("pl", "ul. Długa, nr 5, np. jutro", "ulica Długa, numer 5, na przykład jutro"),
        ("pl", "ok. 5, godz. 8, m.in. tu", "około 5, godzina 8, między innymi tu"),
        ("cs", "např. zítra, č. 5, p. Novák", "například zítra, číslo 5, pan Novák"),
        ("sk", "napr. zajtra, č. 5", "napríklad zajtra, číslo 5"),
        ("sl", "npr. jutri, št. 5", "na primer jutri, številka 5"),
        ("hr", "npr. sutra, br. 5", "na primjer sutra, broj 5"),
        ("sr", "нпр. сутра, бр. 5", "на пример сутра, број 5"),
        ("bg", "напр. утре, ул. Витоша", "например утре, улица Витоша"),
        ("ru", "т. е. завтра, ул. Ленина, д. 5", "то есть завтра, улица Ленина, дом 5"),
        ("uk", "вул. Шевченка, напр. тут", "вулиця Шевченка, наприклад тут"),
        ("el", "π.χ. αύριο, ο κ. Παππάς", "παραδείγματος χάριν αύριο, ο κύριος Παππάς"),
        ("hu", "pl. ma, kb. 5, Dr. Kovács", "például ma, körülbelül 5, doktor Kovács"),
        ("fi", "esim. nyt, n. 5, klo 8", "esimerkiksi nyt, noin 5, kello 8"),
        ("sv", "t.ex. nu, kl. 8, nr 5, bl. a. här", "till exempel nu, klockan 8, nummer 5, bland annat här"),
        ("nb", "f.eks. nå, kl. 8, bl.a. her", "for eksempel nå, klokka 8, blant annet her"),
        ("da", "f.eks. nu, kl. 8, ca. 5", "for eksempel nu, klokken 8, cirka 5"),
        ("is", "t.d. nú, nr. 5", "til dæmis nú, númer 5"),
        ("lv", "piem. rīt, plkst. 8", "piemēram rīt, pulksten 8"),
        ("tr", "örn. yarın, Sn. Yılmaz, No. 5", "örneğin yarın, Sayın Yılmaz, numara 5"),
        ("id", "Jl. Sudirman, No. 5", "Jalan Sudirman, nomor 5"),
        ("hi", "डॉ. राम, नं. 5", "डॉक्टर राम, नंबर 5"),
        ("ar", "د. أحمد", "دكتور أحمد"),
        ("xx", "Nr. 5 -5", "Nr. 5 -5"),
    ],
)
def test_abbreviations(language: str, text: str, spoken: str) -> None:
    assert speakable(text, language) == spoken


def test_every_entry_of_the_table_has_words() -> None:
    for source in ABBREVIATIONS.values():
        for entry in source.split(";"):
            short, equals, words = entry.strip().partition("=")
            assert short
            assert equals
            assert words.strip("#?@^")
            assert "." not in words


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en-US", "Wait... what?", "Wait, what?"),
        ("en-US", "I was thinking...maybe tomorrow.", "I was thinking, maybe tomorrow."),
        ("en-US", "Wait ... what… now....then", "Wait, what, now, then"),
        ("en-US", "...and then", "and then"),
        ("en-US", "Well...", "Well..."),
        ("en-US", "Hmm..what", "Hmm, what"),
        ("de", "Also… ich denke schon.", "Also, ich denke schon."),
        ("fr", "Alors... je pense", "Alors, je pense"),
        ("de", "5...10 °C", "5 bis 10 °C"),
        ("en-US", "5...10 degrees", "five to ten degrees"),
        ("en-US", '"Wait..." he said', '"Wait," he said'),
        ("en-US", "I think (maybe...) yes", "I think (maybe,) yes"),
        ("en-US", "Wait...?", "Wait?"),
        ("fr", "Quoi... ?", "Quoi ?"),
        ("hu", "Hát... jó...", "Hát, jó."),
        ("de", "../config", "../config"),
    ],
)
def test_an_ellipsis_inside_a_sentence_is_a_pause(language: str, text: str, spoken: str) -> None:
    assert speakable(text, language) == spoken
