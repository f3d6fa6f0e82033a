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
ar | في الخارج −3 درجات | في الخارج ناقص 3 درجات
bg | Навън е -5 °C | Навън е минус 5 °C
bg | Навън е −5,5 °C | Навън е минус 5,5 °C
bg | Днес 0.345 kWh | Днес 0,345 kWh
bg | CO2 850 ppm | CO2, 850 ppm
bg | Батерия <5 % | Батерия по-малко от 5 %
bg | ул. Витоша 5 | улица Витоша 5
bg | Навън е −3.5 °C. | Навън е минус 3,5 °C.
bg | 1-ви етаж | първи етаж
bg | −2 °C през нощта | минус 2 °C през нощта
bg | Лампа 2 100 % | Лампа 2, 100 %
ca | Fa -5 °C | Fa menys 5 °C
ca | Avui 0.345 kWh | Avui 0,345 kWh
ca | CO2 850 ppm | CO2, 850 ppm
ca | El Sr. Puig truca | El senyor Puig truca
ca | núm. 5 | número 5
ca | Fora fa −3,5 °C. | Fora fa menys 3,5 °C.
ca | −2 °C aquesta nit | menys 2 °C aquesta nit
cmn | 气温-5度 | 气温零下5度
cmn | 气温−5°C | 气温零下5摄氏度
cmn | 电量<5% | 电量小于5%
cmn | 从-5到-2度 | 从零下5到零下2度
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
cs | Venku je −3,5 °C. | Venku je minus 3,5 °C.
cs | od -5 do -10 stupňů | od minus 5 do minus 10 stupňů
cs | Karel IV. byl král | Karel čtvrtý byl král
cs | 3. patro | třetí patro
cs | 1. ledna | prvního ledna
cs | cca 20 min. | cirka 20 minut.
cs | 1 234,5 kWh | 1234,5 kWh
cs | −2 °C v noci | minus 2 °C v noci
cs | Lampa 2 100 % | Lampa 2, 100 %
cs | od 5. do 10. května | od pátého do desátého května
cy | Mae'n -5 °C | Mae'n minws 5 °C
cy | Mae hi'n −3 °C. | Mae hi'n minws 3 °C.
da | Det er -5 grader | Det er minus 5 grader
da | I dag 0.345 kWh | I dag 0,345 kWh
da | den 26. november | den seksogtyvende november
da | den 2. alarm | den anden alarm
da | f.eks. i morgen | for eksempel i morgen
da | kl. 5 | klokken 5
da | nr. 5 | nummer 5
da | ca. 5 minutter | cirka 5 minutter
da | Batteri <5 % | Batteri mindre end 5 %
da | Ude er det −3,5 °C. | Ude er det minus 3,5 °C.
da | den 2. lampe | den anden lampe
da | 1. sal | første sal
da | ca. 20 min. | cirka 20 minutter.
da | 1.234,5 kWh | 1234,5 kWh
da | −2 °C i nat | minus 2 °C i nat
da | Lampe 2 100 % | Lampe 2, 100 %
da | 3.456 kWh | 3,456 kWh
da | d. 5. maj | den femte maj
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
de | Draußen sind es −3,5 °C. | Draußen sind es minus 3,5 °C.
de | Außentemperatur: -0.4 °C | Außentemperatur: minus 0,4 °C
de | Zwischen -5 und -10 Grad | Zwischen minus 5 und minus 10 Grad
de | -5 bis -2 °C | minus 5 bis minus 2 °C
de | Die Nacht wird kalt: −12°C! | Die Nacht wird kalt: minus 12°C!
de | (−3 °C) | (minus 3 °C)
de | 20-25 °C | 20 bis 25 °C
de | 20–25 °C | 20 bis 25 °C
de | 5–10 Minuten | 5 bis 10 Minuten
de | Mo.–Fr. 8–18 Uhr | Montag bis Freitag 8 bis 18 Uhr
de | Mo-Fr 8-18 Uhr | Montag bis Freitag 8 bis 18 Uhr
de | Am Mo., 26.11.2026 | Am Montag, sechsundzwanzigsten elften 2026
de | Saldo: -45,20 € | Saldo: minus 45,20 €
de | Der Verbrauch beträgt 1.234,5 kWh. | Der Verbrauch beträgt 1234,5 kWh.
de | 1.500 W | 1500 W
de | Batterie bei < 20 % | Batterie bei weniger als 20 %
de | Feuchte >60% | Feuchte mehr als 60%
de | Regen ≥ 5 mm | Regen mindestens 5 mm
de | Regen ≤ 5 mm | Regen höchstens 5 mm
de | Kosten ~5 € | Kosten etwa 5 €
de | Kosten ≈ 5 € | Kosten etwa 5 €
de | ±0,5 °C | plus minus 0,5 °C
de | Der 1. FC Köln | Der erste FC Köln
de | Kaiser Wilhelm II. war da. | Kaiser Wilhelm der Zweite war da.
de | Papst Benedikt XVI. | Papst Benedikt der Sechzehnte.
de | Ludwig XIV. von Frankreich | Ludwig der Vierzehnte von Frankreich
de | im 3. OG | im dritten OG
de | im 19. Jahrhundert | im neunzehnten Jahrhundert
de | am 1.1.2027 | am ersten ersten 2027
de | am 24.12. | am vierundzwanzigsten zwölften.
de | vom 24.12. bis 26.12. | vom vierundzwanzigsten zwölften bis sechsundzwanzigsten zwölften.
de | Heute ist Donnerstag, 26. November 2026 | Heute ist Donnerstag, sechsundzwanzigster November 2026
de | seit dem 3. Quartal | seit dem dritten Quartal
de | zum 50. Geburtstag | zum fünfzigsten Geburtstag
de | Die 2. Waschmaschine ist fertig | Die zweite Waschmaschine ist fertig
de | mind. 5 Min. | mindestens 5 Minuten.
de | Ca. 20 Min. noch | Circa 20 Minuten noch
de | Müllabfuhr in 2 Std. und 5 Min. | Müllabfuhr in 2 Stunden und 5 Minuten.
de | z.Zt. 21 °C | zurzeit 21 °C
de | inkl. MwSt. | inklusive Mehrwertsteuer.
de | ggf. später | gegebenenfalls später
de | usw. und so fort | und so weiter und so fort
de | Prof. Dr. Schmidt | Professor Doktor Schmidt
de | Fr. Meier und Hr. Müller | Frau Meier und Herr Müller
de | St. Pauli | Sankt Pauli
de | Tel. 0151 234567 | Telefon 0151 234567
de | Hauptstr. 5 | Hauptstraße 5
de | in der Bahnhofstr. 12 | in der Bahnhofstraße 12
de | Temp. 21 °C, max. 25 °C | Temperatur 21 °C, maximal 25 °C
de | Timer: 0:15:00 verbleibend | Timer: 15 Minuten verbleibend
de | Noch 1:30:00 | Noch 1 Stunde 30 Minuten
de | um 7:05 Uhr | um 7 Uhr 5
de | um 12:30 Uhr | um 12 Uhr 30
de | Zone 3 180 W | Zone 3, 180 W
de | Sensor 2 345 ppm | Sensor 2, 345 ppm
de | Steckdose 4 120 W | Steckdose 4, 120 W
de | 12 345 Schritte | 12345 Schritte
de | 1 000 000 Euro | 1000000 Euro
de | PM10 120 µg/m³ | PM10, 120 µg/m³
de | Strompreis 0.325 €/kWh | Strompreis 0,325 €/kWh
de | Wasser: 12.345 m³ | Wasser: 12,345 m³
de | Zähler 12345.678 kWh | Zähler 12345,678 kWh
de | 0.001 mm | 0,001 mm
de | Fertig… 5 Minuten | Fertig, 5 Minuten
de | Hm... mal sehen... | Hm, mal sehen...
de | Tür offen!Bitte schließen. | Tür offen! Bitte schließen.
de | Es sind 21 °C.Das Fenster ist offen. | Es sind 21 °C. Das Fenster ist offen.
de | Die 2. und 3. Lampe | Die zweite und dritte Lampe
de | vom 1. bis zum 3. Mai | vom ersten bis zum dritten Mai
de | ab 5. Mai | ab fünften Mai
de | Temperatur: −5,0°C bis −2,5°C | Temperatur: minus 5,0°C bis minus 2,5°C
de | minus -5 | minus minus 5
de | Füllstand <= 20 % | Füllstand höchstens 20 %
de | Ja!Nein! | Ja! Nein!
el | Έχει -5 °C | Έχει μείον 5 °C
el | Σήμερα 0.345 kWh | Σήμερα 0,345 kWh
el | π.χ. αύριο | παραδείγματος χάριν αύριο
el | ο κ. Παπαδόπουλος | ο κύριος Παπαδόπουλος
el | Έξω έχει −3,5 °C. | Έξω έχει μείον 3,5 °C.
el | 1.234,5 kWh | 1234,5 kWh
el | ο 2ος όροφος | ο δεύτερος όροφος
el | −2 °C το βράδυ | μείον 2 °C το βράδυ
el | Λάμπα 2 100 % | Λάμπα 2, 100 %
el | Ναι.Όχι. | Ναι. Όχι.
el | Λοιπόν... ναι | Λοιπόν, ναι
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
es | Fuera hace −3,5 °C. | Fuera hace menos 3,5 °C.
es | Temperatura: -0.4 °C | Temperatura: menos 0,4 °C
es | entre -5 y -10 grados | entre menos 5 y menos 10 grados
es | 20-25 °C | 20 a 25 °C
es | Batería: <20 % | Batería: menos de 20 %
es | Humedad > 60 % | Humedad más de 60 %
es | Felipe VI es rey | Felipe sexto es rey
es | Juan Carlos I | Juan Carlos primero
es | Alfonso XIII | Alfonso trece
es | la 1.ª planta | la primera planta
es | el 3er piso | el tercer piso
es | el 1.º de mayo | el primero de mayo
es | 1 500 W | 1500 W
es | 0.325 €/kWh | 0,325 €/kWh
es | Sra. López y Dr. Ruiz | señora López y doctor Ruiz
es | Av. de América | avenida de América
es | aprox. 20 min | aproximadamente 20 minutos
es | Zona 3 180 W | Zona 3, 180 W
es | Pues… 5 minutos | Pues, 5 minutos
es | ¿Seguro?¡Sí! | ¿Seguro? ¡Sí!
es | p. ej. mañana | por ejemplo mañana
es | EE. UU. gana | Estados Unidos gana
es | −2°C esta noche | menos 2°C esta noche
es | Lámpara 2 100 % | Lámpara 2, 100 %
es | Sensor 3 250 W | Sensor 3, 250 W
es | 3.456 °C | 3,456 °C
es | la temperatura es de -10,5 grados | la temperatura es de menos 10,5 grados
es | D. Pedro vive en la Avda. de la Paz | don Pedro vive en la avenida de la Paz
es-419 | Hace −5 °C | Hace menos 5 °C
es-419 | Hoy 0.345 kWh | Hoy 0,345 kWh
eu | -5 gradu | minus 5 gradu
eu | Gaur 0.345 kWh | Gaur 0,345 kWh
eu | −2 °C | minus 2 °C
fa | دما -5 درجه | دما منفی 5 درجه
fa | بیرون −3 درجه | بیرون منفی 3 درجه
fa | −2 درجه | منفی 2 درجه
fi | Ulkona on -5 astetta | Ulkona on miinus 5 astetta
fi | Ulkona on −5,5 °C | Ulkona on miinus 5,5 °C
fi | Tänään 0.345 kWh | Tänään 0,345 kWh
fi | 26. marraskuuta | kahdeskymmeneskuudes marraskuuta
fi | Tämä on 2. hälytys | Tämä on toinen hälytys
fi | esim. huomenna | esimerkiksi huomenna
fi | Akku <5 % | Akku alle 5 %
fi | CO2 850 ppm | CO2, 850 ppm
fi | Ulkona on −3,5 °C. | Ulkona on miinus 3,5 °C.
fi | Sisällä 21.5 °C | Sisällä 21,5 °C
fi | 3. kerros | kolmas kerros
fi | noin 20 min. | noin 20 minuuttia.
fi | 1 234,5 kWh | 1234,5 kWh
fi | −2 °C ensi yönä | miinus 2 °C ensi yönä
fi | Lamppu 2 100 % | Lamppu 2, 100 %
fi | 5. toukokuuta | viides toukokuuta
fr | de -5 à -2 °C | de moins 5 à moins 2 °C
fr | Aujourd'hui 0.345 kWh | Aujourd'hui 0,345 kWh
fr | Lampe 2 100 % | Lampe 2, 100 %
fr | n° 5 | numéro 5
fr | p. ex. demain | par exemple demain
fr | Batterie <5 % | Batterie moins de 5 %
fr | Lumière éteinte.Portes fermées. | Lumière éteinte. Portes fermées.
fr | Il fait -5 °C. | Il fait moins 5 °C.
fr | M. Dupont appelle. | Monsieur Dupont appelle.
fr | Dehors il fait −3,5 °C. | Dehors il fait moins 3,5 °C.
fr | Température : -0.4 °C | Température : moins 0,4 °C
fr | entre -5 et -10 degrés | entre moins 5 et moins 10 degrés
fr | Il fait –12°C ! | Il fait moins 12°C !
fr | 20-25 °C | 20 à 25 °C
fr | Batterie : <20 % | Batterie : moins de 20 %
fr | Humidité > 60 % | Humidité plus de 60 %
fr | Pluie ≥ 5 mm | Pluie au moins 5 mm
fr | Louis XIV était roi | Louis quatorze était roi
fr | François Ier | François premier
fr | au XIXe siècle | au dix-neuvième siècle
fr | le 1er janvier | le premier janvier
fr | la 2e lampe | la deuxième lampe
fr | le 3ème étage | le troisième étage
fr | la 1re fois | la première fois
fr | 1 234,5 kWh | 1234,5 kWh
fr | 1 500 W | 1500 W
fr | 0.325 €/kWh | 0,325 €/kWh
fr | 12.345 m³ | 12,345 m³
fr | Mme Martin et M. Durand | Madame Martin et Monsieur Durand
fr | St-Denis | Saint-Denis
fr | env. 20 min | environ 20 minutes
fr | à 7h05 | à 7 heures 5
fr | à 12h30 | à 12 heures 30
fr | Tél. : 01 23 45 67 89 | Téléphone : 01 23 45 67 89
fr | av. de la République | avenue de la République
fr | Zone 3 180 W | Zone 3, 180 W
fr | Capteur 2 345 ppm | Capteur 2, 345 ppm
fr | Fini… 5 minutes | Fini, 5 minutes
fr | Euh... voyons... | Euh, voyons...
fr | La porte est ouverte.Fermez-la. | La porte est ouverte. Fermez-la.
fr | Temp. max. 25 °C | température maximum 25 °C
fr | ≈ 5 € | environ 5 €
fr | ~5 km | environ 5 km
fr | Le Dr. Martin et Mme Durand, p. ex. | Le docteur Martin et Madame Durand, par exemple.
fr | -5°C ce matin, 12°C cet après-midi | moins 5°C ce matin, 12°C cet après-midi
fr | de 8 h à 18 h | de 8 heures à 18 heures
fr | 0.5 kWh | 0,5 kWh
fr | 3.456 °C | 3,456 °C
fr | 12 500 € | 12500 €
fr | Rez-de-chaussée, 2e étage | Rez-de-chaussée, deuxième étage
fr | Oui!Non! | Oui! Non!
hi | तापमान -5 डिग्री | तापमान माइनस 5 डिग्री
hi | डॉ. राम | डॉक्टर राम
hi | बाहर −3 डिग्री | बाहर माइनस 3 डिग्री
hr | 5. svibnja | petog svibnja
hu | -5 fok van | mínusz 5 fok van
hu | Ma 0.345 kWh | Ma 0,345 kWh
hu | 2. riasztás | második riasztás
hu | pl. holnap | például holnap
hu | kb. 5 perc | körülbelül 5 perc
hu | CO2 850 ppm | CO2, 850 ppm
hu | november 26. napja | november huszonhatodika napja
hu | Kint −3,5 °C van. | Kint mínusz 3,5 °C van.
hu | 3. emelet | harmadik emelet
hu | IV. Béla király | negyedik Béla király
hu | 1 234,5 kWh | 1234,5 kWh
hu | 2026. november 26. | 2026 november huszonhatodika.
hu | −2 °C éjjel | mínusz 2 °C éjjel
hu | Lámpa 2 100 % | Lámpa 2, 100 %
hu | május 5. | május ötödike.
hu | 5-10 perc | 5–10 perc
hu | Nos... jól van | Nos, jól van
id | Suhu -5 derajat | Suhu minus 5 derajat
id | Hari ini 0.345 kWh | Hari ini 0,345 kWh
id | Jl. Sudirman | Jalan Sudirman
id | Di luar −3,5 °C. | Di luar minus 3,5 °C.
id | Suhu −2 °C | Suhu minus 2 °C
id | Jl. Merdeka No. 5 | Jalan Merdeka nomor 5
is | Það er -5 °C | Það er mínus 5 °C
is | 26. nóvember | tuttugasta og sjötta nóvember
is | t.d. á morgun | til dæmis á morgun
is | Í dag 0.345 kWh | Í dag 0,345 kWh
is | Úti er −3,5 °C. | Úti er mínus 3,5 °C.
is | 5. maí | fimmta maí
is | −2 °C í nótt | mínus 2 °C í nótt
it | Ci sono -5 °C | Ci sono meno 5 °C
it | Oggi 0.345 kWh | Oggi 0,345 kWh
it | Il dott. Rossi chiama | Il dottor Rossi chiama
it | n. 5 | numero 5
it | p. es. domani | per esempio domani
it | Fuori ci sono −3,5 °C. | Fuori ci sono meno 3,5 °C.
it | Temperatura: -0.4 °C | Temperatura: meno 0,4 °C
it | tra -5 e -10 gradi | tra meno 5 e meno 10 gradi
it | Batteria: <20 % | Batteria: meno di 20 %
it | Vittorio Emanuele II | Vittorio Emanuele secondo
it | il 1º maggio | il primo maggio
it | il 3° piano | il terzo piano
it | la 2ª porta | la seconda porta
it | 1.234,5 kWh | 1234,5 kWh
it | Sig.ra Rossi e Dott. Bianchi | signora Rossi e dottor Bianchi
it | Zona 3 180 W | Zona 3, 180 W
it | Allora... vediamo | Allora, vediamo
it | ca. 20 min | circa 20 minuti
it | -2 °C stanotte | meno 2 °C stanotte
it | 3.456 kWh | 3,456 kWh
it | Luce 2 100 % | Luce 2, 100 %
it | Stanza 3 250 W | Stanza 3, 250 W
it | Il Sig. Di Marco | Il signor Di Marco
ka | ახლა -5 გრადუსია | ახლა მინუს 5 გრადუსია
ka | დღეს 0,5 | დღეს 0.5
ka | გარეთ −3 გრადუსია | გარეთ მინუს 3 გრადუსია
ka | −2 °C | მინუს 2 °C
kk | Қазір -5 °C | Қазір минус 5 °C
kk | Бүгін 0,5 | Бүгін 0.5
kk | Далада −3 градус | Далада минус 3 градус
kk | −2 °C | минус 2 °C
lb | Et sinn -5 °C | Et sinn minus 5 °C
lb | den 26. November | den sechsanzwanzegsten November
lb | Haut 0,5 | Haut 0.5
lb | −2 °C | minus 2 °C
lv | Ārā ir -5 grādi | Ārā ir mīnus 5 grādi
lv | Šodien 0.345 kWh | Šodien 0,345 kWh
lv | 26. novembrī | divdesmit sestajā novembrī
lv | 26. novembris | divdesmit sestais novembris
lv | piem. rīt | piemēram rīt
lv | Ārā ir −3,5 °C. | Ārā ir mīnus 3,5 °C.
lv | 3. stāvs | trešais stāvs
lv | 5. maijā | piektajā maijā
ml | താപനില -5 ഡിഗ്രി | താപനില മൈനസ് 5 ഡിഗ്രി
ml | പുറത്ത് −3 ഡിഗ്രി | പുറത്ത് മൈനസ് 3 ഡിഗ്രി
nb | Det er -5 grader | Det er minus 5 grader
nb | I dag 0.345 kWh | I dag 0,345 kWh
nb | 26. november | tjuesjette november
nb | Dette er 2. alarm | Dette er andre alarm
nb | f.eks. i morgen | for eksempel i morgen
nb | CO2 850 ppm | CO2, 850 ppm
nb | Ute er det −3,5 °C. | Ute er det minus 3,5 °C.
nb | Kong Harald V | Kong Harald den femte
nb | 2. etasje | andre etasje
nb | ca. 20 min. | cirka 20 minutter.
nb | 1 234,5 kWh | 1234,5 kWh
nb | −2 °C i natt | minus 2 °C i natt
nb | Lampe 2 100 % | Lampe 2, 100 %
nb | den 5. mai | den femte mai
ne | तापक्रम -5 डिग्री | तापक्रम माइनस 5 डिग्री
ne | बाहिर −3 डिग्री | बाहिर माइनस 3 डिग्री
nl | Het is -5 graden | Het is min 5 graden
nl | Vandaag 12.345 kWh | Vandaag 12,345 kWh
nl | bijv. morgen | bijvoorbeeld morgen
nl | nr. 5 | nummer 5
nl | dhr. Jansen belt | de heer Jansen belt
nl | Het is 0.5 °C | Het is 0,5 °C
nl | CO2 850 ppm | CO2, 850 ppm
nl | Vandaag 0.345 kWh | Vandaag 0,345 kWh
nl | Buiten is het −3,5 °C. | Buiten is het min 3,5 °C.
nl | Temperatuur: -0.4 °C | Temperatuur: min 0,4 °C
nl | tussen -5 en -10 graden | tussen min 5 en min 10 graden
nl | Batterij: <20 % | Batterij: kleiner dan 20 %
nl | Koning Willem II | Koning Willem de tweede
nl | de 1e verdieping | de eerste verdieping
nl | de 21ste eeuw | de eenentwintigste eeuw
nl | de 2de lamp | de tweede lamp
nl | ca. 20 min. | circa 20 minuten.
nl | Dr. Jansen en mevr. de Vries | dokter Jansen en mevrouw de Vries
nl | Zone 3 180 W | Zone 3, 180 W
nl | 26-11-2026 | 26 november 2026
nl | -2 °C vannacht | min 2 °C vannacht
nl | Lamp 2 100 % | Lamp 2, 100 %
nl | 3.456 kWh | 3,456 kWh
nl | dhr. De Boer | de heer De Boer
nl | max. 25 °C, min. 3 °C | maximaal 25 °C, minimaal 3 °C
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
pl | Na zewnątrz jest −3,5 °C. | Na zewnątrz jest minus 3,5 °C.
pl | od -5 do -10 stopni | od minus 5 do minus 10 stopni
pl | Jan Paweł II | Jan Paweł drugi
pl | XXI wiek | dwudziesty pierwszy wiek
pl | 3. piętro | trzecie piętro
pl | 1 maja | pierwszego maja
pl | 1 234,5 kWh | 1234,5 kWh
pl | o godz. 7.05 | o godzina 7.05
pl | Bateria: <20 % | Bateria: mniej niż 20 %
pl | −2 °C w nocy | minus 2 °C w nocy
pl | Lampa 2 100 % | Lampa 2, 100 %
pl | 5 maja 2026 r. | piątego maja 2026 roku.
pl | No... dobrze | No, dobrze
pt | Estão -5 °C | Estão menos 5 °C
pt | Hoje 0.345 kWh | Hoje 0,345 kWh
pt | O Sr. Silva liga | O senhor Silva liga
pt | CO2 850 ppm | CO2, 850 ppm
pt | Lá fora estão −3,5 °C. | Lá fora estão menos 3,5 °C.
pt | -2 °C esta noite | menos 2 °C esta noite
pt-br | Faz -5 °C | Faz menos 5 °C
pt-br | Hoje 0.345 kWh | Hoje 0,345 kWh
pt-br | n.º 5 | número 5
pt-br | Temperatura: -0.4 °C | Temperatura: menos 0,4 °C
pt-br | entre -5 e -10 graus | entre menos 5 e menos 10 graus
pt-br | Dom Pedro II | Dom Pedro segundo
pt-br | o 1º andar | o primeiro andar
pt-br | a 2ª porta | a segunda porta
pt-br | Sra. Souza e Dr. Lima | senhora Souza e doutor Lima
pt-br | Zona 3 180 W | Zona 3, 180 W
pt-br | Bateria <20% | Bateria menos de 20%
pt-br | Sala 2 100 % | Sala 2, 100 %
pt-br | 3.456 kWh | 3,456 kWh
ro | Sunt -5 °C | Sunt minus 5 °C
ro | Azi 0.345 kWh | Azi 0,345 kWh
ro | nr. 5 | numărul 5
ro | str. Lungă | strada Lungă
ro | Afară sunt −3,5 °C. | Afară sunt minus 3,5 °C.
ro | 1.234,5 kWh | 1234,5 kWh
ro | −2 °C la noapte | minus 2 °C la noapte
ro | Lampa 2 100 % | Lampa 2, 100 %
ro | dl. Ionescu | domnul Ionescu
ru | Сейчас −5 °C | Сейчас минус 5 °C
ru | Сегодня 0.345 кВт·ч | Сегодня 0,345 кВт·ч
ru | ул. Ленина | улица Ленина
ru | т. е. завтра | то есть завтра
ru | 26 ноября | двадцать шестого ноября
ru | Батарея <5 % | Батарея меньше 5 %
ru | Свет выключен.Двери закрыты. | Свет выключен. Двери закрыты.
ru | Сейчас -5 °C | Сейчас минус 5 °C
ru | На улице −3,5 °C. | На улице минус 3,5 °C.
ru | от -5 до -10 градусов | от минус 5 до минус 10 градусов
ru | Пётр I был царём | Пётр первый был царём
ru | Екатерина II | Екатерина вторая
ru | XXI век | двадцать первый век
ru | 2-й этаж | второй этаж
ru | 3-я лампа | третья лампа
ru | 1 января | первого января
ru | 1 234,5 кВт·ч | 1234,5 кВт·ч
ru | ок. 20 мин. | около 20 минут.
ru | Влажность > 60 % | Влажность больше 60 %
ru | −2 °C ночью | минус 2 °C ночью
ru | Лампа 2 100 % | Лампа 2, 100 %
ru | 3.456 кВт·ч | 3,456 кВт·ч
ru | 5 мая 2026 г. | пятого мая 2026 года.
ru | Да!Нет! | Да! Нет!
ru | Ну... хорошо | Ну, хорошо
ru | Ну…хорошо | Ну, хорошо
sk | Je -5 °C | Je mínus 5 °C
sk | Dnes 0.345 kWh | Dnes 0,345 kWh
sk | 26. novembra | dvadsiateho šiesteho novembra
sk | Toto je 2. alarm | Toto je druhý alarm
sk | napr. zajtra | napríklad zajtra
sk | Vonku je −3,5 °C. | Vonku je mínus 3,5 °C.
sk | 3. poschodie | tretie poschodie
sk | 1. mája | prvého mája
sk | −2 °C v noci | mínus 2 °C v noci
sk | Lampa 2 100 % | Lampa 2, 100 %
sk | od 5. do 10. mája | od piateho do desiateho mája
sl | Zunaj je -5 °C | Zunaj je minus 5 °C
sl | Danes 0.345 kWh | Danes 0,345 kWh
sl | 26. novembra | šestindvajsetega novembra
sl | npr. jutri | na primer jutri
sl | To je 2. alarm | To je drugi alarm
sl | Zunaj je −3,5 °C. | Zunaj je minus 3,5 °C.
sl | 3. nadstropje | tretje nadstropje
sl | −2 °C ponoči | minus 2 °C ponoči
sl | 5. maja | petega maja
sl | dne 5. 5. 2026 | dne petega maja 2026
sq | Jashtë është -5 °C | Jashtë është minus 5 °C
sq | Sot 0.345 kWh | Sot 0,345 kWh
sq | −2 °C | minus 2 °C
sr | Napolju je -5 °C | Napolju je minus 5 °C
sr | Danas 0.345 kWh | Danas 0,345 kWh
sr | 26. novembra | dvadeset šestog novembra
sr | 26. новембра | двадесет шестог новембра
sr | 2. аларм | други аларм
sr | npr. sutra | na primer sutra
sr | Napolju je −3,5 °C. | Napolju je minus 3,5 °C.
sr | 5. maja | petog maja
sr | −2 °C ноћу | minus 2 °C ноћу
sv | Det är -5 grader | Det är minus 5 grader
sv | Idag 12.345 kWh | Idag 12,345 kWh
sv | t.ex. i morgon | till exempel i morgon
sv | kl. 5 | klockan 5
sv | Batteri <5 % | Batteri mindre än 5 %
sv | CO2 850 ppm | CO2, 850 ppm
sv | Idag 0.345 kWh | Idag 0,345 kWh
sv | Ute är det −3,5 °C. | Ute är det minus 3,5 °C.
sv | mellan -5 och -10 grader | mellan minus 5 och minus 10 grader
sv | Kung Karl XVI Gustaf | Kung Karl den sextonde Gustaf
sv | den 1:a maj | den första maj
sv | 2:a våningen | andra våningen
sv | kl. 7.05 | klockan 7.05
sv | ca 20 min | cirka 20 minuter
sv | 1 234,5 kWh | 1234,5 kWh
sv | Zon 3 180 W | Zon 3, 180 W
sv | Batteri: <20 % | Batteri: mindre än 20 %
sv | −2 °C i natt | minus 2 °C i natt
sv | Lampa 2 100 % | Lampa 2, 100 %
sv | 3.456 kWh | 3,456 kWh
sv | den 5 maj | den femte maj
sw | Nje ni -5 °C | Nje ni hasi 5 °C
sw | Nje ni −3 °C. | Nje ni hasi 3 °C.
te | ఉష్ణోగ్రత -5 డిగ్రీలు | ఉష్ణోగ్రత మైనస్ 5 డిగ్రీలు
te | బయట −3 డిగ్రీలు | బయట మైనస్ 3 డిగ్రీలు
tr | Hava -5 derece | Hava eksi 5 derece
tr | Bugün 0.345 kWh | Bugün 0,345 kWh
tr | 2. alarm çalıyor | ikinci alarm çalıyor
tr | 26. gün | yirmi altıncı gün
tr | örn. yarın | örneğin yarın
tr | No. 5 | numara 5
tr | Dışarısı −3,5 °C. | Dışarısı eksi 3,5 °C.
tr | 3. kat | üçüncü kat
tr | II. Abdülhamid | ikinci Abdülhamid
tr | 1.234,5 kWh | 1234,5 kWh
tr | %20 | yüzde 20
tr | Pil %15 | Pil yüzde 15
tr | Pil <%20 | Pil yüzde 20 altında
tr | Gece −2 °C | Gece eksi 2 °C
tr | Lamba 2 100 W | Lamba 2, 100 W
tr | 5. kat, 2. oda | beşinci kat, ikinci oda
tr | Evet.Hayır. | Evet. Hayır.
uk | Надворі -5 °C | Надворі мінус 5 °C
uk | вул. Шевченка | вулиця Шевченка
uk | 26 листопада | двадцять шостого листопада
uk | 2-й поверх | другий поверх
uk | 1 січня | першого січня
uk | −2 °C вночі | мінус 2 °C вночі
uk | Лампа 2 100 % | Лампа 2, 100 %
uk | 5 травня | п'ятого травня
uk | Так... а ні | Так, а ні
ur | درجہ حرارت -5 ڈگری | درجہ حرارت منفی 5 ڈگری
ur | باہر −3 ڈگری | باہر منفی 3 ڈگری
vi | Trời -5 độ | Trời âm 5 độ
vi | Hôm nay 0.345 kWh | Hôm nay 0,345 kWh
vi | Ngoài trời −3,5 °C. | Ngoài trời âm 3,5 °C.
vi | Nhiệt độ −2 °C | Nhiệt độ âm 2 °C
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
