"""English numbers, times, dates, measures, prices, abbreviations and signs in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunavox_edge.text.normalize import speakable
from tests.fakes import processor_time

pytestmark = pytest.mark.unit


def _check(text: str, spoken: str, language: str = "en-US") -> None:
    said = speakable(text, language)
    assert said == spoken
    assert speakable(said, language) == said


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("1,250 items", "one thousand two hundred and fifty items"),
        ("1250 items", "one thousand two hundred and fifty items"),
        ("in 1066, since 1492", "in ten sixty-six, since fourteen ninety-two"),
        ("3.5", "three point five"),
        ("0.05", "zero point zero five"),
        (".5", "zero point five"),
        ("-4 and −4", "minus four and minus four"),
        ("between -40 and -30", "between minus forty and minus thirty"),
        ("+5", "plus five"),
        ("1st, 2nd, 3rd, 21st and 112th", "first, second, third, twenty-first and one hundred and twelfth"),
        ("the 1990s, the '80s, 1900s", "the nineteen nineties, the eighties, nineteen hundreds"),
        ("in her 30s", "in her thirties"),
        ("wait 30s", "wait thirty seconds"),
        (
            "in 1984 and 2026, not 2005",
            "in nineteen eighty-four and twenty twenty-six, not two thousand and five",
        ),
        ("3-5 people, 10–15 more", "three to five people, ten to fifteen more"),
        ("2019-2021", "twenty nineteen to twenty twenty-one"),
        ("a 50-50 chance", "a fifty fifty chance"),
        ("1/2 cup, 3/4, 2/3 and 7/8", "one half cup, three quarters, two thirds and seven eighths"),
        ("1 1/2 and 2½ and ¾", "one and a half and two and a half and three quarters"),
        ("5/10, 10/10", "five out of ten, ten out of ten"),
        ("120/80", "one hundred and twenty over eighty"),
        ("24/7", "twenty-four seven"),
        ("16:9", "sixteen to nine"),
        ("1920x1080", "nineteen twenty by ten eighty"),
        ("version 2026.11.0", "version two thousand and twenty-six point eleven point zero"),
        ("192.168.1.5", "one hundred and ninety-two dot one hundred and sixty-eight dot one dot five"),
        ("007", "zero zero seven"),
        ("H2O, MP3, 5G, B12", "H two O, MP three, five G, B twelve"),
        ("ISO27001", "ISO two seven zero zero one"),
        ("COVID-19", "COVID-nineteen"),
        ("1234567890", "one two three four five six seven eight nine zero"),
        ("1500000000", "one billion five hundred million"),
        ("٣ and １２", "three and twelve"),
        ("2 + 2 = 4", "two plus two equals four"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("7-3=4", "seven minus three equals four"),
        ("12 / 4 = 3", "twelve divided by four equals three"),
        ("track 3 / 12", "track three slash twelve"),
        ("rated 4.5/5 by all", "rated four point five out of five by all"),
        ("error 0x80070005", "error zero x eight zero zero seven zero zero zero five"),
        ("3 * 4, 3 × 4, 8 ÷ 2", "three times four, three times four, eight divided by two"),
        ("x² + 10^6", "x squared plus ten to the power of six"),
        ("~5, ±2, #1", "about five, plus or minus two, number one"),
        ("5 > 3, 2 < 4, x ≤ 5", "five greater than three, two less than four, x at most five"),
    ],
)
def test_numbers(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("7:30 pm", "seven thirty PM"),
        ("at 7:30 p.m. sharp", "at seven thirty PM sharp"),
        ("We left at 7:30 p.m. Then we ate.", "We left at seven thirty PM. Then we ate."),
        ("It is 7 p.m.", "It is seven PM."),
        ("7pm, 10.30am, 12 AM", "seven PM, ten thirty AM, twelve AM"),
        ("19:05 and 16:32", "nineteen oh five and sixteen thirty-two"),
        ("00:00 or 24:00", "midnight or midnight"),
        ("00:30", "twelve thirty AM"),
        ("0:04:59 left", "four minutes and fifty-nine seconds left"),
        ("00:30:00 or 0:00:01", "thirty minutes or one second"),
        ("18:00h or 9:15 h", "eighteen hundred or nine fifteen"),
        ("12:00, 07:00, 19:00", "twelve o'clock, seven o'clock, nineteen hundred"),
        ("10:30:15", "ten thirty and fifteen seconds"),
        (
            "9:00-17:00, 9am-5pm, 7-9 pm",
            "nine o'clock to seventeen hundred, nine AM to five PM, seven to nine PM",
        ),
        ("5 o'clock", "five o'clock"),
        (
            "2h 30min, 2h30m, 5m 30s",
            "two hours thirty minutes, two hours thirty minutes, five minutes thirty seconds",
        ),
    ],
)
def test_times(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "american", "british"),
    [
        (
            "2026-11-21",
            "November twenty-first, twenty twenty-six",
            "the twenty-first of November twenty twenty-six",
        ),
        ("3/4/2026", "March fourth, twenty twenty-six", "the third of April twenty twenty-six"),
        ("03/04/2026", "March fourth, twenty twenty-six", "the third of April twenty twenty-six"),
        ("03-04-2026", "March fourth, twenty twenty-six", "the third of April twenty twenty-six"),
        (
            "21/11/2026",
            "November twenty-first, twenty twenty-six",
            "the twenty-first of November twenty twenty-six",
        ),
        (
            "11/21/26",
            "November twenty-first, twenty twenty-six",
            "the twenty-first of November twenty twenty-six",
        ),
        ("1.2.1999", "February first, nineteen ninety-nine", "the first of February nineteen ninety-nine"),
        ("Nov 21, 2026", "November twenty-first, twenty twenty-six", None),
        ("on Sept. 3", "on September third", None),
        ("May 5 to June 6th", "May fifth to June sixth", None),
        ("November 21-23", "November twenty-first to twenty-third", None),
        ("on 21 Nov. Then", "on the twenty-first of November. Then", None),
        ("The 12th of May", "The twelfth of May", None),
        ("3rd March 1985", "the third of March nineteen eighty-five", None),
        ("Jan 2026", "January twenty twenty-six", None),
        ("Mon, 23 Nov 2026", "Monday, the twenty-third of November twenty twenty-six", None),
        ("open Mon-Fri. See you Tue.", "open Monday to Friday. See you Tuesday.", None),
        (
            "2026-11-21T19:05:00Z",
            "November twenty-first, twenty twenty-six at nineteen oh five UTC",
            "the twenty-first of November twenty twenty-six at nineteen oh five UTC",
        ),
    ],
)
def test_dates_follow_the_region(text: str, american: str, british: str | None) -> None:
    _check(text, american, "en-US")
    _check(text, american, "en")
    _check(text, british or american, "en-GB")
    _check(text, british or american, "en_AU")


@pytest.mark.parametrize("text", ["2026-13-45", "32/13/2026", "Jan 45", "0000-00-00", "99 May"])
def test_impossible_dates_are_still_numbers(text: str) -> None:
    assert not any(char.isdigit() for char in speakable(text, "en"))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("21.5°C", "twenty-one point five degrees Celsius"),
        ("-3 °F", "minus three degrees Fahrenheit"),
        ("1°, 21°, 21C", "one degree, twenty-one degrees, twenty-one degrees Celsius"),
        (
            "21.5°C/70.7°F",
            "twenty-one point five degrees Celsius seventy point seven degrees Fahrenheit",
        ),
        ("5-10 °C", "five to ten degrees Celsius"),
        ("40%, 1 %", "forty percent, one percent"),
        (
            "60 km/h, 5 m/s, 35 mph",
            "sixty kilometers per hour, five meters per second, thirty-five miles per hour",
        ),
        ("1 kg, 5 kg, 0.5kg", "one kilogram, five kilograms, zero point five kilograms"),
        ("3 kWh, 2.4 kW, 60W", "three kilowatt hours, two point four kilowatts, sixty watts"),
        ("10 GB, 100 Mbps", "ten gigabytes, one hundred megabits per second"),
        ("1013 hPa", "one thousand and thirteen hectopascals"),
        ("20 m², 15 µg/m³", "twenty square meters, fifteen micrograms per cubic meter"),
        ("a 10-km run, a 5-minute walk", "a ten kilometer run, a five-minute walk"),
        ("25–30 min.", "twenty-five to thirty minutes."),
        ("5 min. walk", "five minutes walk"),
        ("5'11\" tall", "five feet eleven inches tall"),
        ("6 ft 2 in.", "six feet two inches."),
        ("5 in the box", "five in the box"),
        ("2700K light, a 5K run", "two thousand seven hundred kelvin light, a five K run"),
        ("5A fuse, 10.5 A.", "five amps fuse, ten point five amps."),
        ("seat 14C, gate 5A", "seat fourteen C, gate five A"),
        ("Exit 12A.", "Exit twelve A."),
        ("20 mg/kg, 3 l/min", "twenty milligrams per kilogram, three liters per minute"),
    ],
)
def test_measures(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("$5.99", "five dollars and ninety-nine cents"),
        ("$1, $0.99, $5.00", "one dollar, ninety-nine cents, five dollars"),
        ("€20, 20 €, 20 EUR", "twenty euros, twenty euros, twenty euros"),
        ("5,99 €", "five euros and ninety-nine cents"),
        ("£3.50", "three pounds and fifty pence"),
        ("¥500", "five hundred yen"),
        (
            "$3 million, $1.5bn, $20k",
            "three million dollars, one point five billion dollars, twenty thousand dollars",
        ),
        ("$5-10, $100–$200", "five to ten dollars, one hundred to two hundred dollars"),
        ("£500k–£600k", "five hundred thousand pounds to six hundred thousand pounds"),
        ("-$5", "minus five dollars"),
        ("$1,299.99", "one thousand two hundred and ninety-nine dollars and ninety-nine cents"),
        ("$0.30/kWh, $5/month", "thirty cents per kilowatt hour, five dollars per month"),
        ("$1.234", "one point two three four dollars"),
        ("50¢", "fifty cents"),
        ("US$5", "five US dollars"),
    ],
)
def test_prices(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("555-1234", "five five five, one two three four"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+1 555 123 4567", "plus one, five five five, one two three, four five six seven"),
        ("020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
        ("Call 911!", "Call nine one one!"),
        ("Call 100 people", "Call one hundred people"),
        ("the door code is 4512", "the door code is four five one two"),
        ("PIN: 0042, zip code 90210", "PIN: zero zero four two, zip code nine zero two one zero"),
    ],
)
def test_phone_numbers(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Smith and Mr. Jones", "Doctor Smith and Mister Jones"),
        ("Mrs. & Ms. X, Prof. Y", "Missus and Miz X, Professor Y"),
        ("12 Main St. and Ocean Dr.", "twelve Main Street and Ocean Drive."),
        ("in St. Louis", "in Saint Louis"),
        ("See Dr. Smith", "See Doctor Smith"),
        ("Arsenal vs. Chelsea", "Arsenal versus Chelsea"),
        ("milk, eggs, etc.", "milk, eggs, etcetera."),
        ("Milk, etc. The rest", "Milk, etcetera. The rest"),
        ("fruit, e.g. apples, i.e. this", "fruit, for example apples, that is this"),
        ("approx. 5, max. 10, No. 5", "approximately five, maximum ten, number five"),
        ("No. I will not. Ask Max.", "No. I will not. Ask Max."),
        ("p. 42, fig. 7, vol. 2", "page forty-two, figure seven, volume two"),
        ("Tom & Jerry, R&D, C++", "Tom and Jerry, R and D, C plus plus"),
        ("w/o sugar, w/ milk, and/or", "without sugar, with milk, and or"),
        ("the NASA and the BBC", "the NASA and the BBC"),
        ("© 2026 Acme™", "copyright twenty twenty-six Acme"),
    ],
)
def test_abbreviations_and_signs(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Battery: <5%", "Battery: less than five percent"),
        ("Battery level (<5%)", "Battery level (less than five percent)"),
        ("Rain: >10 mm", "Rain: greater than ten millimeters"),
        ("Rain > 10 mm, wind <$5", "Rain greater than ten millimeters, wind less than five dollars"),
        ("Alert: <0 °C expected", "Alert: less than zero degrees Celsius expected"),
        ("Temp < -5 °C", "Temp less than minus five degrees Celsius"),
        ("<5 min", "less than five minutes"),
        ("> 10 mm", "greater than ten millimeters"),
        (">10 mm", "greater than ten millimeters"),
        (">= 5", "at least five"),
        ("> 10 people came in", "ten people came in"),  # a quotation
        ("(≤5%), ≥ 60 %", "(at most five percent), at least sixty percent"),
        ("Outside - 5 °C", "Outside minus five degrees Celsius"),
        ("Outside − 5 °C", "Outside minus five degrees Celsius"),
        ("Low: –5 °C", "Low: minus five degrees Celsius"),
        ("high 3 °C, low –5 °C", "high three degrees Celsius, low minus five degrees Celsius"),
        ("Outside: - 5", "Outside: minus five"),
        ("- 0.5 °C", "minus zero point five degrees Celsius"),
        ("−0.5 °C", "minus zero point five degrees Celsius"),
        ("- 20 °C\n- 21 °C", "twenty degrees Celsius. twenty-one degrees Celsius"),  # a list
        ("Timer - 5 minutes", "Timer - five minutes"),
        ("21 °C - 5 °C", "twenty-one degrees Celsius to five degrees Celsius"),
        ("10–15 °C, 10 –15 °C", "ten to fifteen degrees Celsius, ten to fifteen degrees Celsius"),
        (
            "-5 – -3 °C, –5…–3 °C",
            "minus five to minus three degrees Celsius, minus five to minus three degrees Celsius",
        ),
        ("5%-10%", "five percent to ten percent"),
        ("5 - 3", "five to three"),
        ("- 5", "minus five"),
        ('say "<5%"', 'say "less than five percent"'),
        ("3~5 days, Δ5 °C", "three to five days, delta five degrees Celsius"),
        ("UTC-5, GMT+02:00", "UTC minus five, GMT plus two"),
        ("±2, 20 ±0.5 °C", "plus or minus two, twenty plus or minus zero point five degrees Celsius"),
        ("~5, ~ 5, ≈5 km", "about five, about five, about five kilometers"),
        ("+5 °C (+5%)", "plus five degrees Celsius (plus five percent)"),
        ("-$5, $-5, –$5", "minus five dollars, minus five dollars, minus five dollars"),
        ("a <b> c", "a c"),
    ],
)
def test_signs_are_not_lost(text: str, spoken: str) -> None:
    _check(text, spoken)


_SEVEN_FIVE = "November twenty-sixth, twenty twenty-six at seven oh five"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Motion at 2026-11-26 07:05:33.123456+01:00", f"Motion at {_SEVEN_FIVE}"),
        ("2026-11-26 07:05:33", _SEVEN_FIVE),
        ("2026-11-26 07:05", _SEVEN_FIVE),
        ("2026-11-26T07:05:33", _SEVEN_FIVE),
        ("2026-11-26T07:05:33Z", f"{_SEVEN_FIVE} UTC"),
        ("2026-11-26 07:05:33 UTC.", f"{_SEVEN_FIVE} UTC."),
        ("2026-11-26T07:05:33.123456+00:00", _SEVEN_FIVE),
        ("2026-11-26 07:05:33 -0500", _SEVEN_FIVE),
        ("2026/11/26 07:05, 20261126T070533Z", f"{_SEVEN_FIVE}, {_SEVEN_FIVE} UTC"),
        ("2026/11/26", "November twenty-sixth, twenty twenty-six"),
        ("07:05:33.123456+01:00", "seven oh five and thirty-three seconds"),
        ("0:15:32.123456", "fifteen minutes and thirty-two seconds"),
        ("2 days, 3:04:05", "two days, three hours, four minutes and five seconds"),
        ("Open for 1 day, 0:00:00", "Open for one day"),
        ("1 day 02:03:04", "one day, two hours, three minutes and four seconds"),
        ("-1 days +23:59:58", "minus two seconds"),
        ("-1 day, 23:59:58", "minus two seconds"),
        ("0:00:00, 0:00:00.123456", "zero seconds, less than a second"),
        ("100:05:09", "one hundred hours, five minutes and nine seconds"),
        ("PT1H30M, P1DT2H, PT0S", "one hour and thirty minutes, one day and two hours, zero seconds"),
        ("1d 2h 3m 4s, 3d 4h", "one day two hours three minutes four seconds, three days four hours"),
    ],
)
def test_times_of_python(text: str, spoken: str) -> None:
    _check(text, spoken)


_HOUR_AND_HALF = "one hour and thirty minutes"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Timer 1:30:00 left", f"Timer {_HOUR_AND_HALF} left"),
        ("Timer: 01:30:00", f"Timer: {_HOUR_AND_HALF}"),
        ("Timer has 1:30:00", f"Timer has {_HOUR_AND_HALF}"),
        ("Timer 5:00 left", "Timer five minutes left"),
        ("The dryer has 1:30:00 left", f"The dryer has {_HOUR_AND_HALF} left"),
        ("1:30:00 remaining", f"{_HOUR_AND_HALF} remaining"),
        ("Remaining time is 1:30:00", f"Remaining time is {_HOUR_AND_HALF}"),
        ("Duration: 1:30:00. Timer: 00:00:00", f"Duration: {_HOUR_AND_HALF}. Timer: zero seconds"),
        ("Set a timer for 1:30:00", f"Set a timer for {_HOUR_AND_HALF}"),
        ("The wash takes 1:30:00", f"The wash takes {_HOUR_AND_HALF}"),
        ("in 1:30:00", f"in {_HOUR_AND_HALF}"),
        ("opened 1:30:00 ago", f"opened {_HOUR_AND_HALF} ago"),
        ("1:30:00 h", _HOUR_AND_HALF),
        ("Uptime 12:34:56", "Uptime twelve hours, thirty-four minutes and fifty-six seconds"),
        # These are times of day.
        ("It is 12:34:56", "It is twelve thirty-four and fifty-six seconds"),
        ("at 12:34:56", "at twelve thirty-four and fifty-six seconds"),
        ("since 10:30:00", "since ten thirty"),
        ("Timer ends at 10:30:00", "Timer ends at ten thirty"),
        ("The alarm is set for 10:30:00", "The alarm is set for ten thirty"),
        ("from 10:00:00 to 11:30:00", "from ten o'clock to eleven thirty"),
        ("10:30:00 in London", "ten thirty in London"),
        (
            "The timer was started at 10:30:00 and has 1:30:00 left.",
            f"The timer was started at ten thirty and has {_HOUR_AND_HALF} left.",
        ),
    ],
)
def test_timers_over_an_hour(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "Temp. 20 °C, max. 25 °C, min. 12 °C",
            (
                "Temperature twenty degrees Celsius, maximum twenty-five degrees Celsius, "
                "minimum twelve degrees Celsius"
            ),
        ),
        ("Temp.: 20 °C", "Temperature: twenty degrees Celsius"),
        ("max. -5 °C, max. <5", "maximum minus five degrees Celsius, maximum less than five"),
        ("avg. 20, hum. 40%", "average twenty, humidity forty percent"),
        ("Max. Temperature 25 °C", "Maximum Temperature twenty-five degrees Celsius"),
        ("Check the temp. outside. Check the temp.", "Check the temperature outside. Check the temperature."),
        (
            "123 Main St., Apt. 4B",
            "one hundred and twenty-three Main Street, apartment four B",
        ),
        ("555-1234 ext. 12", "five five five, one two three four extension twelve"),
        ("Ft. Worth, Mt. Everest, Adm. Nelson", "Fort Worth, Mount Everest, Admiral Nelson"),
        ("It is 6 ft. The wall", "It is six feet. The wall"),
        ("5 ft. 2 in. tall", "five feet two inches tall"),
        ("2 hrs. 5 min. left", "two hours five minutes left"),
        ("Ave. 5", "avenue five"),
        ("Prof. Dr. Smith", "Professor Doctor Smith"),
        ("the no. of lights, i. e. five", "the number of lights, that is five"),
        ("123 Park Ave. It is nice", "one hundred and twenty-three Park Avenue. It is nice"),
        ("12 Oak Rd.", "twelve Oak Road."),
        ("Tel.: 555-1234", "telephone: five five five, one two three four"),
        ("Rm. 12, Bldg. 3, Ste. B", "room twelve, building three, Suite B"),
        ("Ready in approx. 5 min. from now", "Ready in approximately five minutes from now"),
    ],
)
def test_abbreviations_beside_measures(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("King Charles III, Queen Elizabeth II", "King Charles the third, Queen Elizabeth the second"),
        ("Pope John Paul II, Tsar Nicholas II", "Pope John Paul the second, Tsar Nicholas the second"),
        ("Louis XIV's palace, Henry VIII", "Louis the fourteenth's palace, Henry the eighth"),
        ("Elizabeth I of England, Charles V.", "Elizabeth the first of England, Charles the fifth."),
        ("King Charles I was beheaded.", "King Charles the first was beheaded."),
        ("John F. Kennedy II", "John F. Kennedy the second"),
        ("Chapter IV, Chapter I: x", "Chapter four, Chapter one: x"),
        ("Chapters II and III, Parts I-III", "Chapters two and three, Parts one to three"),
        ("Vol. II, Fig. IV", "Volume two, Figure four"),
        ("Act V, Scene II", "Act five, Scene two"),
        ("World War II. World War I was.", "World War two. World War one was."),
        ("World Wars I and II", "World Wars one and two"),
        ("Super Bowl LVIII, Final Fantasy VII", "Super Bowl fifty-eight, Final Fantasy seven"),
        ("type II diabetes, Phase III", "type two diabetes, Phase three"),
        ("Henry the VIII, WWII", "Henry the eighth, World War two"),
        ("the XIX century", "the nineteenth century"),
        ("Ⅳ", "four"),
        # No numerals.
        ("I mix a CD and a DVD.", "I mix a CD and a DVD."),
        ("When I saw Charles I was happy.", "When I saw Charles I was happy."),
        ("Chapter I wrote, Part I liked", "Chapter I wrote, Part I liked"),
        ("Robert V. Smith, Malcolm X", "Robert V. Smith, Malcolm X"),
        ("Type C, Class D, Model X, Gen X", "Type C, Class D, Model X, Gen X"),
        ("He got an IV. The IV is in.", "He got an IV. The IV is in."),
        ("size XL, MIX, DC, LCD", "size XL, MIX, DC, LCD"),
    ],
)
def test_roman_numerals(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "american", "british"),
    [
        ("on 11/26", "on November twenty-sixth", "on the twenty-sixth of November"),
        (
            "on Thursday, 11/26",
            "on Thursday, November twenty-sixth",
            "on Thursday, the twenty-sixth of November",
        ),
        ("on 3/4.", "on March fourth.", "on the third of April."),
        (
            "from 11/26 to 12/1",
            "from November twenty-sixth to December first",
            "from the twenty-sixth of November to the twelfth of January",
        ),
        ("11/2026", "November twenty twenty-six", None),
        ("on 3/4 of the cake", "on three quarters of the cake", None),
        ("1/2 cup, 3/4 full", "one half cup, three quarters full", None),
        (
            "1/2 tsp, 3/4 lb, 1 1/2 tbsp",
            "one half teaspoon, three quarters of a pound, one and a half tablespoons",
            None,
        ),
        ("3/16 inch, 1/10 of the way", "three sixteenths inch, one tenth of the way", None),
        ("120/80 mmHg", "one hundred and twenty over eighty millimeters of mercury", None),
        ("50/50, 9/11, rated 4/5", "fifty fifty, nine eleven, rated four out of five", None),
    ],
)
def test_slashes(text: str, american: str, british: str | None) -> None:
    _check(text, american, "en-US")
    _check(text, british or american, "en-GB")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("+1-800-555-0199", "plus one, eight zero zero, five five five, zero one nine nine"),
        ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
        ("code 4-7-1-1", "code four seven one one"),
        ("The code is 4 7 1 1.", "The code is four seven one one."),
        ("code 47-11, 12-34-56", "code four seven, one one, one two, three four, five six"),
        ("AB-1234, SN-00123", "AB-one two three four, SN-zero zero one two three"),
        ("123-45-6789", "one two three, four five, six seven eight nine"),
        ("03-04-2026", "March fourth, twenty twenty-six"),
        ("3-5, mid-1990", "three to five, mid-nineteen ninety"),
        ("Lot 4711-0815", "Lot four seven one one, zero eight one five"),
        ("1-800-FLOWERS", "one, eight zero zero, FLOWERS"),
        ("00:1A:2B:3C:4D:5E", "zero zero, one A, two B, three C, four D, five E"),
        ("SHA-256", "SHA-two hundred and fifty-six"),
        ("F-150, B-52", "F-one hundred and fifty, B-fifty-two"),
    ],
)
def test_codes(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "21,5 °C, -21,5 °C",
            "twenty-one point five degrees Celsius, minus twenty-one point five degrees Celsius",
        ),
        ("Temperature 21,5", "Temperature twenty-one point five"),
        ("12,5%, 21,5kg", "twelve point five percent, twenty-one point five kilograms"),
        ("0,345 kWh", "zero point three four five kilowatt hours"),
        ("1.250,5", "one thousand two hundred and fifty point five"),
        ("€1,50, 1,5 million", "one euro and fifty cents, one point five million"),
        ("12,34 and 56,78", "twelve point three four and fifty-six point seven eight"),
        ("1,250 and 10,000", "one thousand two hundred and fifty and ten thousand"),
        ("1,250.5", "one thousand two hundred and fifty point five"),
        ("pages 3,4, rooms 1,2 and 3, 1,2,3", "pages three, four, rooms one, two and three, one, two, three"),
        ("in 2024,2025 and 2026", "in twenty twenty-four, twenty twenty-five and twenty twenty-six"),
        ("Nov 21,2026", "November twenty-first, twenty twenty-six"),
    ],
)
def test_decimal_commas(text: str, spoken: str) -> None:
    _check(text, spoken)


@pytest.mark.parametrize(
    "number", ["9" * 5_000, "1," + "111," * 1_500 + "111", "0." + "3" * 5_000, "-" + "7" * 5_000]
)
@pytest.mark.parametrize(
    "around", ["{}", "${}", "{} kg", "{}%", "1/{}", "{}th", "{}-{}", "A{}", "+{}", "{}:30", "May {}"]
)
@pytest.mark.timeout(120)
def test_a_huge_number_is_read_as_digits(number: str, around: str) -> None:
    with processor_time.at_most(15):
        said = speakable(around.replace("{}", number), "en")
    assert said
    assert len(said) < 20 * len(number)
    assert not any(char.isdigit() for char in said)


_pieces = st.sampled_from(
    [
        *(
            "1",
            "12",
            "1984",
            "1,250",
            "3.5",
            "007",
            "½",
            "²",
            "٣",
            "Ⅳ",
            "①",
            "-",
            "–",
            "+",
            "/",
            ":",
            ".",
            ",",
            " ",
        ),
        *(
            "$",
            "€",
            "%",
            "°C",
            "km/h",
            "kg",
            "K",
            "in",
            "A",
            "pm",
            " a.m.",
            "Nov",
            "May ",
            "st",
            "th",
            "s",
            "x",
            "×",
        ),
        *(
            "Dr.",
            "St.",
            "No.",
            "etc.",
            "Mon",
            "the ",
            "call ",
            "#",
            "=",
            "^",
            "'",
            '"',
            "(",
            ")",
            "e.g.",
            "T",
            "Z",
            "<",
            ">",
            "~",
            "Timer ",
            " left",
            " days, ",
            "0:00:00",
            "King Charles ",
            "Chapter ",
            "IV",
            "I ",
            "code ",
            "AB-",
            "on ",
            "1/2",
            "P",
            "H",
            "M",
        ),
    ]
)


@settings(max_examples=300)
@given(st.lists(_pieces, max_size=25).map("".join), st.sampled_from(["en", "en-US", "en-GB"]))
def test_no_digit_is_left_to_the_voice(text: str, language: str) -> None:
    assert not any(char.isdecimal() for char in speakable(text, language))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Nov 26 - Nov 28", "November twenty-sixth to November twenty-eighth"),
        ("Valid 11/26-11/28", "Valid November twenty-sixth to November twenty-eighth"),
        ("1/2-3/4 cup", "one half to three quarters cup"),
        ("Bin day: 11/26", "Bin day: November twenty-sixth"),
        ("Tomorrow (11/27)", "Tomorrow (November twenty-seventh)"),
        ("Dec. 24 and 25", "December twenty-fourth and twenty-fifth"),
        ("Dec. 24 and 25 people", "December twenty-fourth and twenty-five people"),
        ("Jan. was cold", "January was cold"),
        ("Elapsed: 12:34.567", "Elapsed: twelve minutes and thirty-four seconds"),
        ("Part II of III", "Part two of three"),
        ("Elizabeth I was queen", "Elizabeth the first was queen"),
        ("Mr. and Mrs. Smith", "Mister and Missus Smith"),
        ("2x faster, 2x AA", "two times faster, two x AA"),
        ("Temperature:-3°C", "Temperature: minus three degrees Celsius"),
    ],
)
def test_what_testers_found(text: str, spoken: str) -> None:
    assert speakable(text, "en-US") == spoken
