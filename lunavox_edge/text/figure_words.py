"""Words beside a number that show what it is, in all languages: a version, a time, a thing's number."""

from __future__ import annotations

VERSIONS = frozenset(
    "version versión versão versione versie verzia verze verzija verzió versjon versiunea versio"
    " sürüm wersja версия версії версія верзија έκδοση έκδοσης bertsioa v ver vers firmware core"
    " release update build os android ios windows linux python debian ubuntu esphome zigbee2mqtt"
    " bluetooth usb hdmi wlan mqtt kapitel chapitre capítulo capitolo hoofdstuk abschnitt section"
    " sección punkt rozdział kapitola глава pc".split()
)
"""Words before a version or a chapter, whose point is not a decimal point."""

CLOCK_BEFORE = frozenset(
    "um gegen le ve στις klokka klukkan pulksten kl klo kello klokken klockan ore om vers las às até"
    " alle dalle ora pukul jam"
    " heures godz godzina godzinie ob ora saat óra v о в а u kell plkst à las".split()
)
"""Words before a time of day: `um 12.30`, `kl. 12.30`."""

CLOCK_AFTER = frozenset("uhr auer uur u h hod hodin ur godz horas heures óra часов год".split())
"""Words after a time of day: `12.30 Uhr`."""

NUMBERED_THINGS = frozenset(
    # Things in a home that have a number, or the beginnings of their names.
    "sensor sonde zone zona zon phase fase faza fáze fázis port server relais relay relé relee shelly"
    " tasmota string wallbox router switch gruppe groupe grupo gruppo groep grupp grupa skupina"
    " csoport lampe lampă lampa lámpa lampada lámpara lâmpada lampu lamppu lamba llum luz luce"
    " lumière licht lys ljus valo luz žárovka żarówka svetlo světlo svjetlo svetilka fény lumină"
    " lumina raum zimmer kanal kanał kanál canal canale kanaal kanava csatorna etage étage stock"
    " stockwerk piso piano piętro patro verdieping våning kerros emelet kat nadstropje kamer kamera"
    " camera càmera cámara câmera caméra rum rom værelse huone pièce pieza stanza habitació"
    " habitación quarto sala pokój pokoj izba soba szoba oda cameră camera chambre steckdose prise"
    " enchufe presa tomada stopcontact uttag stikkontakt pistorasia gniazdo zásuvka zásuvka vtičnica"
    " konnektor aljzat priz gerät device dispositif dispositivo apparaat enhet laite urządzenie"
    " zařízení zariadenie naprava eszköz cihaz dispozitiv fenster fenêtre ventana finestra janela"
    " raam fönster vindu vindue ikkuna okno ablak fereastr pencere tür porte puerta porta deur dörr"
    " dør ovi drzwi dveře dvere vrata ajtó uşă kapı heizung heizkörper radiator radiador radiatore"
    " radiateur grzejnik thermostat termostat termosztát pumpe pompe bomba pompa pomp pump pumppu"
    " ventil valve válvula valvola venttiili batterie batería bateria batteria batterij batteri akku"
    " akkumulátor nummer nr numéro número numero numer číslo szám numara program programm programme"
    " programa programma scène szene scena escena stufe niveau nivel platz linie ligne línea linea"
    " linha lijn linje linja linia linka bus tram tank réservoir motor лампа лампы свет комната канал"
    " зона датчик сенсор розетка фаза группа этаж дверь окно камера кімната поверх двері вікно група"
    " кран насос батарея номер лампата стая врата прозорец soba λάμπα δωμάτιο κανάλι ζώνη αισθητήρας"
    " πρίζα φάση πόρτα παράθυρο κάμερα ruang kamar lampu pintu jendela saluran đèn phòng kênh cửa"
    " küche bad wohnzimmer schlafzimmer flur büro kreis heizkreis strang zähler fühler messstelle"
    " ladepunkt cuisine salon bureau cocina baño despacho cucina bagno ufficio keuken badkamer kök"
    " badrum kjøkken køkken keittiö kuchnia łazienka kuchyně kuchyňa kuhinja konyha bucătărie mutfak"
    " cozinha gela argia lanpara atea"
    " capteur détecteur radiateur ampoule prise volet bombilla enchufe termostato calefacción persiana"
    " sensore rubinetto tapparella tomada luminária thermostaat verwarming stopcontact givare element"
    " termostat føler anturi sensori termostaatti patteri czujnik strefa kaloryfer gniazdko roleta čidlo"
    " snímač senzor topení zóna vykurovanie žiarovka érzékelő szenzor fűtés priză senzorul cona luč"
    " vtičnica utičnica grijanje sensör algılayıcı bölge термостат радиатор светильник люстра штора датчик"
    " світильник сензор контакт endoll bombeta telpa sensors skynjari ljós herbergi ثيرموستات مصباح غرفة"
    " لامپ اتاق trv heizkörperthermostat bewegungsmelder rauchmelder dimmer".split()
)
"""`Lampe 2 100 %` is lamp 2 at 100 percent; `Verbrauch 1 250 W` is one number."""
