"""Names of months in the forms that follow a day, for languages whose days are written as ordinals."""

from __future__ import annotations

_MONTHS = {
    "de": "januar jänner jan februar feber feb märz mär april apr mai juni jun juli jul august aug september"
    " sept sep oktober okt november nov dezember dez",
    "lb": "januar februar mäerz abrëll mee juni juli august september oktober november dezember",
    "da": "januar jan februar feb marts mar april apr maj juni jun juli jul august aug september sept sep"
    " oktober okt november nov december dec",
    "no": "januar jan februar feb mars mar april apr mai juni jun juli jul august aug september sept sep"
    " oktober okt november nov desember des",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta"
    " lokakuuta marraskuuta joulukuuta tammikuun helmikuun maaliskuun huhtikuun toukokuun kesäkuun heinäkuun"
    " elokuun syyskuun lokakuun marraskuun joulukuun",
    "sv": "januari jan februari feb mars april maj juni juli augusti aug september sept oktober okt november"
    " nov december dec",
    "bg": "януари февруари март април май юни юли август септември октомври ноември декември",
    "is": "janúar febrúar mars apríl maí júní júlí ágúst september október nóvember desember",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "sk": "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada"
    " grudnia",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    "sl": "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
    "hr": "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenog studenoga"
    " prosinca",
    "sr": "januara februara marta aprila maja juna jula avgusta septembra oktobra novembra decembra јануара"
    " фебруара марта априла маја јуна јула августа септембра октобра новембра децембра",
    "hu": "január február március április május június július augusztus szeptember október november december",
    "lv": "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris novembris"
    " decembris janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī"
    " decembrī janvāra februāra marta aprīļa maija jūnija jūlija augusta septembra oktobra novembra decembra",
    "et": "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember"
    " jaanuaril veebruaril märtsil aprillil mail juunil juulil augustil septembril oktoobril novembril"
    " detsembril",
}
_SAME_MONTHS = {"bs": "sr"}


def months(language: str) -> str:
    """Return the months of a language as alternatives of a regular expression, "" if it has no row."""
    return "|".join(_MONTHS.get(_SAME_MONTHS.get(language, language), "").split())
