"""The most common abbreviations of languages other than English, and the words they stand for."""

from __future__ import annotations

# Entries are abbreviation=words, separated by semicolons. A mark after the words says where they apply: `#`
# before a number, `?` before a number (the full stop may be missing), `@` after a number, `^` before a name
# (a capital letter). A space inside an abbreviation is optional.
ABBREVIATIONS: dict[str, str] = {
    "de": "Jan=Januar@; Feb=Februar@; Mär=März@; Apr=April@; Jun=Juni@; Jul=Juli@; Aug=August@;"
    " Sep=September@; Sept=September@; Okt=Oktober@; Nov=November@; Dez=Dezember@; z. B=zum Beispiel; d."
    " h=das heißt; u. a=unter anderem; u. ä=und ähnliches; o. ä=oder ähnliches; i. d. R=in der Regel; z."
    " T=zum Teil; z. Zt=zurzeit; v. a=vor allem; s. o=siehe oben; s. u=siehe unten; Nr=Nummer?; Zi=Zimmer#;"
    " Nrn=Nummern#; Dr=Doktor^; Prof=Professor^; Dipl.-Ing=Diplomingenieur^; Dr.-Ing=Doktoringenieur^;"
    " Ing=Ingenieur^; Hr=Herr^;"
    " Hrn=Herrn^; Fr=Frau^; Frl=Fräulein^; St=Sankt^; bzw=beziehungsweise; ca=circa; usw=und so weiter;"
    " etc=et cetera; evtl=eventuell; ggf=gegebenenfalls; inkl=inklusive; exkl=exklusive; zzgl=zuzüglich;"
    " vgl=vergleiche; sog=sogenannte; bspw=beispielsweise; insb=insbesondere; allg=allgemein; max=maximal;"
    " min=minimal#; Temp=Temperatur; Luftf=Luftfeuchtigkeit; Std=Stunden@; Min=Minuten@; Sek=Sekunden@;"
    " Mio=Millionen; Mrd=Milliarden; Tsd=Tausend; Tel=Telefon; Str=Straße; Abs=Absatz#; Kap=Kapitel#;"
    " S=Seite#; Bd=Band#; Abb=Abbildung#; Jh=Jahrhundert; geb=geboren; abzgl=abzüglich; mind=mindestens;"
    " durchschn=durchschnittlich; MwSt=Mehrwertsteuer; Art=Artikel#; z. Zt=zurzeit; Stk=Stück@; Pkt=Punkt#",
    "lb": "z. B=zum Beispill; d. h=dat heescht; asw=a sou weider; Nr=Nummer?; Dr=Dokter^; Prof=Professer^;"
    " ca=circa; max=maximal; min=minimal#; Temp=Temperatur; Här=Här^; Mme=Madame^; M=Monsieur^; etc=et"
    " cetera",
    "nl": "jan=januari@; feb=februari@; mrt=maart@; apr=april@; jun=juni@; jul=juli@; aug=augustus@;"
    " sep=september@; sept=september@; okt=oktober@; nov=november@; dec=december@; bijv=bijvoorbeeld;"
    " bv=bijvoorbeeld; d. w. z=dat wil zeggen; o. a=onder andere; m. b. t=met betrekking tot; t/m=tot en"
    " met; i. p. v=in plaats van; enz=enzovoort; etc=et cetera; nr=nummer?; dhr=de heer^; mevr=mevrouw^;"
    " mw=mevrouw^; dr=dokter^; prof=professor^; ir=ingenieur^; ing=ingenieur^; drs=doctorandus^;"
    " mr=meester^; ca=circa; max=maximaal; min=minimaal#; temp=temperatuur; blz=bladzijde#; tel=telefoon; m."
    " a. w=met andere woorden; incl=inclusief; excl=exclusief; evt=eventueel; resp=respectievelijk;"
    " gem=gemiddeld; str=straat; St=Sint^",
    "fr": "M=Monsieur^; MM=Messieurs^; Mme=Madame^; Mmes=Mesdames^; Mlle=Mademoiselle^; Dr=docteur^;"
    " Pr=professeur^; St=Saint^; Ste=Sainte^; p. ex=par exemple; c.-à-d=c'est-à-dire; etc=et cetera;"
    " env=environ; n°=numéro?; nº=numéro?; no=numéro#; max=maximum; min=minimum#; temp=température;"
    " av=avenue^; bd=boulevard^; tél=téléphone; p=page#; pp=pages#; vol=volume#; chap=chapitre#;"
    " fig=figure#; art=article#; cf=confer; éd=édition; janv=janvier; févr=février; avr=avril; juil=juillet;"
    " sept=septembre; oct=octobre; nov=novembre; déc=décembre; moy=moyenne; hum=humidité; apr. J.-C=après"
    " Jésus-Christ; av. J.-C=avant Jésus-Christ; app=appartement#; bât=bâtiment; rdc=rez-de-chaussée",
    "es": "ene=enero@; feb=febrero@; mar=marzo@; abr=abril@; may=mayo@; jun=junio@; jul=julio@;"
    " ago=agosto@; sep=septiembre@; sept=septiembre@; oct=octubre@; nov=noviembre@;"
    " dic=diciembre@; p=página#; min=minutos@; Sr=señor^; Sra=señora^; Srta=señorita^;"
    " Sres=señores^; Dr=doctor^; Dra=doctora^; D=don^;"
    " Dña=doña^; Prof=profesor^; Profa=profesora^; Ing=ingeniero^; Lic=licenciado^; Sto=santo^; Sta=santa^;"
    " Ud=usted; Uds=ustedes; Vd=usted; Vds=ustedes; p. ej=por ejemplo; etc=etcétera; EE. UU=Estados Unidos;"
    " aprox=aproximadamente; n.º=número?; nº=número?; n°=número?; núm=número#; No=número#; Av=avenida^;"
    " Avda=avenida^; C/=calle^; pág=página#; págs=páginas#; tel=teléfono; vol=volumen#; cap=capítulo#;"
    " art=artículo#; a. m=a eme; p. m=pe eme; dpto=departamento; hum=humedad; prom=promedio",
    "pt": "jan=janeiro@; fev=fevereiro@; mar=março@; abr=abril@; jun=junho@; jul=julho@; ago=agosto@;"
    " set=setembro@; out=outubro@; nov=novembro@; dez=dezembro@; p=página#; Sr=senhor^;"
    " Sra=senhora^; Srta=senhorita^; Dr=doutor^; Dra=doutora^; D=dona^; Prof=professor^;"
    " Profa=professora^; Prof.ª=professora^; Eng=engenheiro^; Sto=santo^; Sta=santa^; p. ex=por exemplo;"
    " etc=etcétera; aprox=aproximadamente; n.º=número?; nº=número?; n°=número?; núm=número#; Av=avenida^;"
    " R=rua^; pág=página#; tel=telefone; máx=máximo; mín=mínimo#; temp=temperatura; vol=volume#;"
    " cap=capítulo#; art=artigo#; apto=apartamento#; min=minutos@; hum=humidade; umid=umidade",
    "it": "gen=gennaio@; febbr=febbraio@; feb=febbraio@; mar=marzo@; apr=aprile@; mag=maggio@;"
    " giu=giugno@; lug=luglio@; ago=agosto@; sett=settembre@; set=settembre@; ott=ottobre@;"
    " nov=novembre@; dic=dicembre@; p=pagina#; Egr=egregio^; S=San^; Sig=signor^;"
    " Sig.ra=signora^; Sig.na=signorina^; Dott=dottor^; Dott.ssa=dottoressa^; Dr=dottor^;"
    " Prof=professor^; Prof.ssa=professoressa^; Ing=ingegner^; Avv=avvocato^; Arch=architetto^;"
    " Geom=geometra^; Rag=ragionier^; p. es=per esempio; ad es=ad esempio; ecc=eccetera; n=numero#;"
    " n°=numero?; nº=numero?; nr=numero?; ca=circa; circ=circa; max=massimo; min=minimo#; temp=temperatura;"
    " tel=telefono; pag=pagina#; pagg=pagine#; cap=capitolo#; art=articolo#; vol=volume#; fig=figura#; c."
    " m=corrente mese; cfr=confronta; P.zza=piazza^; V.le=viale^; C.so=corso^; um=umidità",
    "ca": "Sr=senyor^; Sra=senyora^; Dr=doctor^; Dra=doctora^; Prof=professor^; p. ex=per exemple;"
    " etc=etcètera; núm=número#; n.º=número?; nº=número?; aprox=aproximadament; màx=màxim; mín=mínim#;"
    " temp=temperatura; av=avinguda^; tel=telèfon; pàg=pàgina#; St=Sant^; Sta=Santa^",
    "ro": "ian=ianuarie@; feb=februarie@; apr=aprilie@; iun=iunie@; iul=iulie@; aug=august@;"
    " sept=septembrie@; oct=octombrie@; nov=noiembrie@; dec=decembrie@; bl=blocul#;"
    " ap=apartamentul#; et=etajul#; dl=domnul^; dna=doamna^; d-na=doamna^; d-l=domnul^;"
    " dr=doctor^; prof=profesor^; ing=inginer^;"
    " str=strada^; bd=bulevardul^; nr=numărul?; etc=et cetera; de ex=de exemplu; ex=exemplu;"
    " aprox=aproximativ; cca=circa?; max=maxim; min=minim#; temp=temperatura; tel=telefon; pag=pagina#;"
    " Sf=Sfântul^",
    "pl": "np=na przykład; tzn=to znaczy; tj=to jest; m. in=między innymi; itd=i tak dalej; itp=i tym"
    " podobne; ok=około; godz=godzina; nr=numer?; ul=ulica; al=aleja^; pl=plac^; os=osiedle^; św=święty^;"
    " dr=doktor^; prof=profesor^; inż=inżynier^; mgr=magister^; ks=ksiądz^; gen=generał^; p=pan^;"
    " str=strona#; pkt=punkt#; tys=tysięcy; mln=milionów; mld=miliardów; max=maksymalnie; maks=maksymalnie;"
    " min=minimalnie#; temp=temperatura; tel=telefon; zob=zobacz; por=porównaj; im=imienia; woj=województwo;"
    " wg=według; sek=sekund@; wilg=wilgotność",
    "cs": "např=například; tzn=to znamená; tj=to jest; atd=a tak dále; apod=a podobně; č=číslo?; čís=číslo#;"
    " ul=ulice; nám=náměstí; sv=svatý^; p=pan^; pí=paní^; dr=doktor^; Dr=doktor^; Mgr=magistr^;"
    " Ing=inženýr^; prof=profesor^; doc=docent^; MUDr=doktor^; JUDr=doktor^; cca=cirka?; max=maximálně;"
    " min=minimálně#; tel=telefon; str=strana#; hod=hodin@; tzv=takzvaný; resp=respektive; mj=mimo jiné;"
    " tis=tisíc; mil=milionů; mld=miliard; tepl=teplota; vlhk=vlhkost; příp=případně; popř=popřípadě;"
    " kap=kapitola#; obr=obrázek#",
    "sk": "napr=napríklad; t. j=to jest; atď=a tak ďalej; apod=a podobne; č=číslo?; ul=ulica; nám=námestie;"
    " sv=svätý^; p=pán^; dr=doktor^; Mgr=magister^; Ing=inžinier^; prof=profesor^; MUDr=doktor^;"
    " JUDr=doktor^; cca=cirka?; max=maximálne; min=minimálne#; tel=telefón; str=strana#; hod=hodín@;"
    " tzv=takzvaný; tzn=to znamená; resp=respektíve; tis=tisíc; mil=miliónov; tepl=teplota; kap=kapitola#;"
    " príp=prípadne",
    "sl": "npr=na primer; itd=in tako dalje; ipd=in podobno; tj=to je; t. i=tako imenovani; oz=oziroma;"
    " št=številka?; ul=ulica; dr=doktor^; g=gospod^; ga=gospa^; prof=profesor^; sv=sveti^; ca=približno;"
    " pribl=približno; maks=maksimalno; max=maksimalno; min=minimalno#; temp=temperatura; tel=telefon;"
    " str=stran#; tis=tisoč; mio=milijonov; mag=magister^; inž=inženir^; angl=angleško",
    "hr": "npr=na primjer; itd=i tako dalje; tj=to jest; br=broj#; ul=ulica; dr=doktor^; gosp=gospodin^;"
    " g=gospodin^; gđa=gospođa^; prof=profesor^; sv=sveti^; cca=cirka?; maks=maksimalno; max=maksimalno;"
    " min=minimalno#; temp=temperatura; tel=telefon; str=stranica#; tzv=takozvani; odn=odnosno; sl=slično;"
    " mil=milijuna; tis=tisuća",
    "sr": "npr=na primer; itd=i tako dalje; tj=to jest; br=broj#; ul=ulica; dr=doktor^; g=gospodin^;"
    " gđa=gospođa^; prof=profesor^; sv=sveti^; maks=maksimalno; max=maksimalno; min=minimalno#;"
    " temp=temperatura; tel=telefon; str=strana#; tzv=takozvani; odn=odnosno; cca=cirka?; mil=miliona; нпр=на"
    " пример; итд=и тако даље; тј=то јест; бр=број#; ул=улица; др=доктор^; г=господин^; проф=професор^;"
    " св=свети^; макс=максимално; мин=минимално#; темп=температура; тел=телефон; стр=страна#; ок=око",
    "bg": "напр=например; т. е=тоест; т. н=така наречен; и т. н=и така нататък; бр=брой#; ул=улица;"
    " бул=булевард; д-р=доктор^; г-н=господин^; г-жа=госпожа^; проф=професор^; инж=инженер^; св=свети^;"
    " ок=около; макс=максимум; мин=минимум#; темп=температура; тел=телефон; стр=страница#; гр=град^;"
    " хил=хиляди; млн=милиона; лв=лева; ст=стотинки; пл=площад^",
    "ru": "т. е=то есть; т. к=так как; т. д=так далее; т. п=тому подобное; т. н=так называемыйе;"
    " напр=например; г=город^; ул=улица; д=дом#; кв=квартира#; пр=проспект^; пл=площадь^; стр=страница#;"
    " рис=рисунок#; табл=таблица#; проф=профессор^; акад=академик^; им=имени; тел=телефон; тыс=тысяч;"
    " млн=миллионов; млрд=миллиардов; руб=рублей; коп=копеек; мин=минут@; ч=часов@; макс=максимум;"
    " мин=минимум#; темп=температура;"
    " ок=около; прибл=приблизительно; св=святой^; см=смотри; гл=глава#; эт=этаж; час=часов@; сек=секунд@",
    "uk": "т. д=так далі; т. п=тому подібне; т. зв=так званий; напр=наприклад; вул=вулиця; просп=проспект^;"
    " пл=площа^; м=місто^; кв=квартира#; буд=будинок#; ст=сторінка#; стор=сторінка#; проф=професор^;"
    " ім=імені; тел=телефон; тис=тисяч; млн=мільйонів; грн=гривень; макс=максимум; мін=мінімум#;"
    " темп=температура; прибл=приблизно; бл=близько; св=святий^; див=дивись; ін=інші; год=годин@;"
    " хв=хвилин@; сек=секунд@",
    "be": "г. зн=гэта значыць; г. д=гэтак далей; вул=вуліца; праф=прафесар^; напр=напрыклад; макс=максімум;"
    " мін=мінімум#; тэмп=тэмпература",
    "el": "π. χ=παραδείγματος χάριν; κ=κύριος^; κα=κυρία^; κ. λπ=και λοιπά; κ.τ.λ=και τα λοιπά; κλπ=και"
    " λοιπά; δηλ=δηλαδή; αρ=αριθμός#; αριθ=αριθμός#; οδ=οδός; Δρ=δόκτωρ^; τηλ=τηλέφωνο; σελ=σελίδα#;"
    " περ=περίπου; μέγ=μέγιστο; ελάχ=ελάχιστο#; θερμ=θερμοκρασία; λ. χ=λόγου χάριν; Αγ=Άγιος^;"
    " εκ=εκατομμύρια; μ. μ=μετά μεσημβρίαν; π. μ=προ μεσημβρίας; max=μέγιστο; min=ελάχιστο#",
    "hu": "jan=január; febr=február; márc=március; ápr=április; jún=június; júl=július; aug=augusztus;"
    " szept=szeptember; okt=október; nov=november; dec=december; pl=például; kb=körülbelül;"
    " stb=és így tovább; ún=úgynevezett; ill=illetve; u=utca#; dr=doktor^;"
    " id=idősebb^; ifj=ifjabb^; prof=professzor^; max=maximum; min=minimum#; hőm=hőmérséklet; tel=telefon;"
    " old=oldal; vö=vesd össze; du=délután; de=délelőtt#; db=darab@; kh=kerület; ker=kerület; em=emelet;"
    " Szt=Szent^; özv=özvegy^",
    "fi": "esim=esimerkiksi; mm=muun muassa; ks=katso; ym=ynnä muuta; jne=ja niin edelleen; n=noin#;"
    " nro=numero?; tri=tohtori^; prof=professori^; hra=herra^; rva=rouva^; nti=neiti^; max=enintään;"
    " maks=enintään; min=vähintään#; lämp=lämpötila; puh=puhelin; s=sivu#; v=vuonna#; klo=kello?;"
    " milj=miljoonaa; mrd=miljardia; ns=niin sanottu; p=puhelin#; kpl=kappaletta@; huom=huomaa; vrt=vertaa;"
    " tod=todennäköisesti; väh=vähintään",
    "et": "nt=näiteks; jne=ja nii edasi; nr=number?; dr=doktor^; hr=härra^; pr=proua^; prof=professor^;"
    " lk=lehekülg#; u=umbes#; ca=umbes; max=maksimaalselt; min=minimaalselt#; temp=temperatuur; tel=telefon;"
    " tn=tänav; kl=kell#; s. t=see tähendab",
    "sv": "jan=januar@; feb=februar@; mar=mars@; apr=april@; jun=juni@; jul=juli@; aug=augusti@;"
    " sep=september@; sept=september@; okt=oktober@; nov=november@; dec=december@; t. ex=till exempel; bl."
    " a=bland annat; d. v. s=det vill säga; dvs=det vill säga; o. s. v=och så vidare; osv=och så vidare; m."
    " m=med mera; m. fl=med flera; f. d=före detta; s. k=så kallad; p. g. a=på grund av; pga=på grund av;"
    " fr. o. m=från och med; t. o. m=till och med; ca=cirka; nr=nummer?; kl=klockan?; dr=doktor^;"
    " prof=professor^; hr=herr^; fr=fru^; S:t=Sankt^; max=max; min=minst#; temp=temperatur; tel=telefon;"
    " s=sida#; st=stycken@; milj=miljoner; mdr=miljarder; inkl=inklusive; exkl=exklusive; resp=respektive;"
    " jfr=jämför; ev=eventuellt; etc=etcetera; tim=timmar@; sek=sekunder@; ung=ungefär; luftf=luftfuktighet",
    "no": "jan=januar@; feb=februar@; mar=mars@; apr=april@; jun=juni@; jul=juli@; aug=august@;"
    " sep=september@; sept=september@; okt=oktober@; nov=november@; des=desember@; f. eks=for eksempel; bl."
    " a=blant annet; d. v. s=det vil si; dvs=det vil si; o. l=og lignende; o. s. v=og så videre; osv=og så"
    " videre; m. m=med mer; mv=med videre; f. o. m=fra og med; t. o. m=til og med; pga=på grunn av;"
    " ca=cirka; nr=nummer?; kl=klokka?; dr=doktor^; prof=professor^; hr=herr^; fr=fru^; St=Sankt^;"
    " maks=maksimum; max=maksimum; min=minimum#; temp=temperatur; tlf=telefon; s=side#; stk=stykk@;"
    " mill=millioner; mrd=milliarder; inkl=inkludert; ekskl=ekskludert; evt=eventuelt; hhv=henholdsvis;"
    " etc=et cetera; jf=jamfør; kap=kapittel#; gj.sn=gjennomsnitt",
    "da": "jan=januar@; feb=februar@; mar=marts@; apr=april@; jun=juni@; jul=juli@; aug=august@;"
    " sep=september@; sept=september@; okt=oktober@; nov=november@; dec=december@; f. eks=for eksempel; bl."
    " a=blandt andet; d. v. s=det vil sige; dvs=det vil sige; o. l=og lignende; osv=og så videre; m. m=med"
    " mere; mv=med videre; t. o. m=til og med; pga=på grund af; pr=per; ca=cirka; nr=nummer?; d=den#;"
    " kl=klokken?; dr=doktor^; prof=professor^; hr=herr^; fr=fru^; Skt=Sankt^; maks=maksimum; max=maksimum;"
    " min=minimum#; temp=temperatur; tlf=telefon; s=side#; stk=styk@; mio=millioner; mia=milliarder;"
    " inkl=inklusive; ekskl=eksklusive; evt=eventuelt; hhv=henholdsvis; etc=et cetera; jf=jævnfør;"
    " kap=kapitel#; gns=gennemsnit; ing=ingeniør^",
    "is": "t. d=til dæmis; þ. e=það er; o. s. frv=og svo framvegis; o. fl=og fleira; m. a=meðal annars;"
    " nr=númer?; kl=klukkan?; dr=doktor^; próf=prófessor^; u. þ. b=um það bil; ca=sirka; hám=hámark;"
    " lágm=lágmark#; hr=herra^; bls=blaðsíða#; millj=milljónir; þús=þúsund; s. s=svo sem; skv=samkvæmt",
    "lv": "piem=piemēram; u. c=un citi; u. tml=un tamlīdzīgi; utt=un tā tālāk; t. i=tas ir; nr=numurs?;"
    " plkst=pulksten?; dr=doktors^; prof=profesors^; apm=apmēram; maks=maksimāli; max=maksimāli;"
    " min=minimāli#; temp=temperatūra; tālr=telefons; lpp=lappuse; st=stundas@; sk=skatīt; tūkst=tūkstoši;"
    " milj=miljoni; t. s=tā saucamais",
    "lt": "pvz=pavyzdžiui; t. y=tai yra; ir t. t=ir taip toliau; nr=numeris?; dr=daktaras^;"
    " prof=profesorius^; val=valanda@; maks=maksimaliai; min=minimaliai#; temp=temperatūra; tel=telefonas;"
    " p=puslapis#; šv=šventasis^; tūkst=tūkstančių; mln=milijonų; vid=vidutiniškai",
    "tr": "örn=örneğin; vb=ve benzeri; vs=vesaire; vd=ve diğerleri; bkz=bakınız; Sn=Sayın^; Dr=Doktor^;"
    " Prof=Profesör^; Doç=Doçent^; Av=Avukat^; Mah=Mahallesi; Cad=Caddesi; Sok=Sokak; No=numara#;"
    " maks=maksimum; max=maksimum; min=minimum#; sıc=sıcaklık; tel=telefon; yakl=yaklaşık; s=sayfa#;"
    " mad=madde#; Hz=Hazreti^; St=Aziz^; ort=ortalama; dk=dakika@; sn=saniye@; sa=saat@; T. C=Türkiye"
    " Cumhuriyeti",
    "id": "pkl=pukul?; dll=dan lain-lain; dsb=dan sebagainya; dst=dan seterusnya; mis=misalnya;"
    " No=nomor#; no=nomor#;"
    " Jl=jalan^; jl=jalan^; Dr=doktor^; dr=dokter^; Prof=profesor^; Bpk=Bapak^; Ny=Nyonya^; Tn=Tuan^;"
    " hlm=halaman#; hal=halaman#; tel=telepon; maks=maksimum; min=minimum#; temp=temperatur; a. n=atas nama;"
    " a. l=antara lain; yth=yang terhormat; ca=sekitar",
    "vi": "TP=thành phố^; v. v=vân vân; GS=giáo sư^; TS=tiến sĩ^; BS=bác sĩ^; ThS=thạc sĩ^; Q=quận;"
    " P=phường; tr=trang#; VD=ví dụ; vd=ví dụ; đ/c=địa chỉ; ĐT=điện thoại",
    "sw": "Bw=Bwana^; Bi=Bibi^; Dkt=Daktari^; Prof=Profesa^; n. k=na kadhalika; uk=ukurasa#; k. m=kwa mfano;"
    " mf=mfano; Na=namba#; na=namba#; Mt=Mtakatifu^; max=kiwango cha juu; min=kiwango cha chini#",
    "cy": "e. e=er enghraifft; h. y=hynny yw; ayyb=ac yn y blaen; Dr=Doctor^; Mr=Mister^; Mrs=Misus^;"
    " tud=tudalen#; Parch=Parchedig^; tt=tudalennau#; St=Sant^",
    "eu": "adib=adibidez; etab=eta abar; zk=zenbakia; Dr=doktore^; or=orrialdea; gehi=gehienez;"
    " max=gehienez; min=gutxienez#; tel=telefonoa; tenp=tenperatura; jn=jauna; and=andrea; K. a=Kristo"
    " aurretik; K. o=Kristo ondoren; h. d=hau da; kap=kapitulua",
    "sq": "p. sh=për shembull; etj=e të tjera; d. m. th=do të thotë; nr=numri?; dr=doktor^; prof=profesor^;"
    " z=zoti^; znj=zonja^; rr=rruga^; maks=maksimumi; min=minimumi#; temp=temperatura; tel=telefoni;"
    " f=faqe#; sh=shën^",
    "ka": "ე. ი=ესე იგი; ა. შ=ასე შემდეგ; მაგ=მაგალითად; ქ=ქალაქი; ბ-ნი=ბატონი; ქ-ნი=ქალბატონი;"
    " დაახლ=დაახლოებით; მაქს=მაქსიმუმ; მინ=მინიმუმ#; გვ=გვერდი#; ტემპ=ტემპერატურა; ტელ=ტელეფონი;"
    " პროფ=პროფესორი; ე. წ=ეგრეთ წოდებული; წ=წელი; ათ=ათასი; მლნ=მილიონი",
    "kk": "т. б=тағы басқа; т. с. с=тағы сол сияқты; мыс=мысалы; көш=көшесі; проф=профессор; д-р=доктор;"
    " шам=шамамен; макс=максимум; мин=минимум#; темп=температура; тел=телефон; б=бет#; қ=қала; ж=жыл;"
    " мың=мың; млн=миллион",
    "hi": "डॉ=डॉक्टर; प्रो=प्रोफ़ेसर; श्री=श्री; कि. मी=किलोमीटर; कि. ग्रा=किलोग्राम; सं=संख्या#; नं=नंबर#;"
    " पृ=पृष्ठ#; रु=रुपये; मि=मिनट; अधि=अधिकतम; न्यून=न्यूनतम#; से. मी=सेंटीमीटर; ई. पू=ईसा पूर्व",
    "ne": "डा=डाक्टर; प्रा=प्राध्यापक; नं=नम्बर#; पृ=पृष्ठ#; रु=रुपैयाँ; कि. मी=किलोमिटर; वि. सं=विक्रम"
    " सम्वत; अधि=अधिकतम; ई. पू=ईसा पूर्व",
    "te": "డా=డాక్టర్; ప్రొ=ప్రొఫెసర్; నం=నంబర్#; రూ=రూపాయలు; కి. మీ=కిలోమీటర్లు; పే=పేజీ#; గరి=గరిష్ఠ",
    "ml": "ഡോ=ഡോക്ടർ; പ്രൊഫ=പ്രൊഫസർ; നം=നമ്പർ#; രൂ=രൂപ; കി. മീ=കിലോമീറ്റർ; പേ=പേജ്#",
    "ar": "د=دكتور^; أ=أستاذ^; م=مهندس^; ص=صفحة#; ت=هاتف#; إلخ=إلى آخره; ق. م=قبل الميلاد; كم=كيلومتر",
    "fa": "د=دکتر^; ق. م=قبل از میلاد; ص=صفحه#; ه. ش=هجری شمسی; م=میلادی; آ=آقای^",
    "ur": "ڈ=ڈاکٹر^; ص=صفحہ#; ق. م=قبل مسیح",
}

KEPT_WITH_FULL_STOP: dict[str, frozenset[str]] = {"es": frozenset({"temp", "máx", "mín"})}
"""Abbreviations that stay as they are: their gender depends on the quantity, and voices read them
correctly."""

OTHER_BEFORE_NAMES = frozenset(
    # Titles, and abbreviations before names of places and saints
    "str bd sres dña profa stª ilmo exmo dott arq geom p.zza v.le c.so sig.na prof.ssa d.ª prof.ª"
    " mmes mm pr drs św inż mgr ks mudr judr mvdr phdr rndr pí sn doç skt gđa gosp rva nti szt özv"
    " ifj dkt parch znj dl bpk tn jl próf šv nám вул просп бул г-н г-жа д-р sv sf inž tp gs ts ths bw"
    " праф гр д-р проф د أ م ڈ آ डॉ प्रो डा प्रा డా ప్రొ ഡോ പ്രൊഫ esim ks np tzn tj itp m.in např npr"
    " napr t.ex örn bkz pvz piem напр нпр прим др св ім буд αγ δρ κα οδ адм инж".split()
)
"""In one of the languages a name follows these, never a new sentence."""

OTHER_BEFORE_NUMBERS = frozenset(
    "max maks máx màx maxim min mín mini temp tenp temper tepl avg hum umid prom moy gem ø aprox"
    " approx cca kb env durchschn ok godz kl klo plkst nro núm č čís št br zk sz стр бр ул д кв макс"
    " мин мін темп темпер тэмп прибл приб бл ок μέγ ελάχ θερμ αρ αριθ σελ hám lágm lämp hőm sıc yakl"
    " tel tlf tél tálr puh hlm blz bls lk lpp apm мыс шам მაქს მინ ტემპ დაახლ गरि सं नं पृ नं నం നം"
    " vlhk wilg luftf väh pribl priem nrn mind bl ap pkl z.zt zt abb"
    " pkt pagg pàg obr ст стор გვ ص न्यून పే പേ रु రూ രൂ zi".split()
)
"""Their full stop does not end a sentence if a number follows."""
