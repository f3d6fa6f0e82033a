"""SSML's say-as with every value that the standard lists, and markup as real programs write it."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.engine.speech.script import Script, ScriptLine
from lunavox_edge.errors import BadMarkup
from lunavox_edge.text.markup import parse_ssml

pytestmark = pytest.mark.unit


def _lines(ssml: str, language: str = "en-US") -> list[ScriptLine]:
    script = Script(language=language, normalize=True, ssml=True, sentence_silence_ms=0)
    script.add(ssml)
    script.finish()
    lines = []
    while (line := script.next_line()) is not None:
        lines.append(line)
    return lines


def _said(ssml: str, language: str = "en-US") -> str:
    return " | ".join(line.text for line in _lines(ssml, language))


_NOV_26 = "November twenty-sixth"


@pytest.mark.parametrize(
    ("kind", "detail", "text", "spoken"),
    [
        ("cardinal", "", "1984", "one thousand nine hundred and eighty-four"),
        ("cardinal", "", "1,234.5", "one thousand two hundred and thirty-four point five"),
        ("cardinal", "", "-5", "minus five"),
        ("cardinal", "", "XIV", "fourteen"),
        ("CARDINAL", "", "5", "five"),
        ("number", "", "2026", "two thousand and twenty-six"),
        ("number", "ordinal", "5", "fifth"),
        ("number", "digits", "42", "four two"),
        ("number", "telephone", "555-1234", "five five five, one two three four"),
        ("number_digit", "", "42", "four two"),
        ("number:ordinal", "", "3", "third"),
        ("ordinal", "", "21", "twenty-first"),
        ("ordinal", "", "3rd", "third"),
        ("ordinal", "", "V", "fifth"),
        ("digits", "", "4711", "four seven one one"),
        ("digits", "", "-4.7", "minus four point seven"),
        ("fraction", "", "1/2", "one half"),
        ("fraction", "", "2+1/2", "two and a half"),
        ("fraction", "", "3 7/20", "three and seven twentieths"),
        ("fraction", "", "5/3", "five thirds"),
        ("unit", "", "10 foot", "ten foot"),
        ("unit", "", "5kg", "five kilograms"),
        ("date", "mdy", "11/26/2026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "dmy", "26/11/2026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "dmy", "3/4/2026", "April third, twenty twenty-six"),
        ("date", "ymd", "2026-11-26", f"{_NOV_26}, twenty twenty-six"),
        ("date", "yyyymmdd", "20261126", f"{_NOV_26}, twenty twenty-six"),
        ("date", "mdy", "11262026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "dd.mm.yyyy", "26.11.2026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "mdy", "11/26/26", f"{_NOV_26}, twenty twenty-six"),
        ("date", "mdy", "November 26, 2026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "", "2026-11-26", f"{_NOV_26}, twenty twenty-six"),
        ("date", "", "11/26/2026", f"{_NOV_26}, twenty twenty-six"),
        ("date", "", "????1126", _NOV_26),
        ("date", "md", "11/26", _NOV_26),
        ("date", "dm", "26/11", _NOV_26),
        ("date", "my", "11/2026", "November twenty twenty-six"),
        ("date", "ym", "2026-11", "November twenty twenty-six"),
        ("date", "y", "1984", "nineteen eighty-four"),
        ("date", "m", "11", "November"),
        ("date", "d", "26", "twenty-sixth"),
        ("date", "mdy", "some day", "some day"),
        ("time", "hms12", "2:30pm", "two thirty PM"),
        ("time", "hms24", "14:30", "fourteen thirty"),
        ("time", "", "07:05:33", "seven oh five and thirty-three seconds"),
        ("time", "", "1:30:00", "one thirty"),
        ("time", "", "1'21\"", "one minute and twenty-one seconds"),
        ("time", "", "noon", "noon"),
        ("duration", "", "1:30:00", "one hour and thirty minutes"),
        ("duration", "", "2:05", "two minutes and five seconds"),
        ("duration", "", "PT15M", "fifteen minutes"),
        ("duration", "", "5 min", "five minutes"),
        (
            "telephone",
            "1",
            "+1 (555) 123-4567",
            "plus one, five five five, one two three, four five six seven",
        ),
        ("telephone", "", "5551234567", "five five five, one two three, four five six seven"),
        ("telephone", "", "555-1234 x12", "five five five, one two three four, extension one two"),
        ("vxml:phone", "", "555-1234", "five five five, one two three four"),
        ("currency", "", "$45.67", "forty-five dollars and sixty-seven cents"),
        ("currency", "USD", "45.67", "forty-five US dollars and sixty-seven cents"),
        ("currency", "", "USD 5", "five US dollars"),
        (
            "address",
            "",
            "12 Main St, Apt 4, CA 94105",
            "twelve Main Street, Apartment four, CA nine four one zero five",
        ),
        ("interjection", "", "wow", "wow"),
        ("unheard-of", "x", "5 °C", "five degrees Celsius"),
        ("", "", "5", "five"),
    ],
)
def test_it_is_said_as_it_is_to_be(kind: str, detail: str, text: str, spoken: str) -> None:
    form = f" format={quoteattr(detail)}" if detail else ""
    element = f"<say-as interpret-as={quoteattr(kind)}{form}>{escape(text)}</say-as>"
    assert _said(f"<speak>Here is <b>{element}</b> now.</speak>") == f"Here is {spoken} now."


@pytest.mark.parametrize("kind", ["characters", "spell-out", "verbatim", "letters", "SPELL-OUT"])
def test_letters_are_read_one_by_one(kind: str) -> None:
    assert _said(f'<say-as interpret-as="{kind}">AB1</say-as>') == "A, B, one"


def test_an_expletive_is_silence() -> None:
    lines = _lines('It is <say-as interpret-as="expletive">damn</say-as> cold.')
    assert [(line.text, line.pause_ms) for line in lines] == [("It is", 0), ("cold.", 500)]


def test_other_languages_read_the_text_and_the_digits() -> None:
    assert _said('<say-as interpret-as="digits">47-11</say-as> ok', "de-DE") == "4, 7, 1, 1 ok"
    assert _said('<say-as interpret-as="date" format="dmy">Montag</say-as>', "de-DE") == "Montag"
    assert _said('<say-as interpret-as="date" format="dmy">3/4/2026</say-as>', "en-GB") == (
        "the third of April twenty twenty-six"
    )


@pytest.mark.parametrize(
    ("ssml", "spoken"),
    [
        ('<audio src="http://host/x.mp3"><desc>a dog barks</desc>Woof.</audio>', "Woof."),
        ('<audio src="http://host/x.mp3"/>Hello.', "Hello."),
        ("<speak><metadata>unseen</metadata>Hello.</speak>", "Hello."),
        ('<speak><amazon:effect name="whispered">Hello</amazon:effect></speak>', "Hello"),
        ('<speak><mstts:express-as style="x">Hello</mstts:express-as> all</speak>', "Hello all"),
        ('<speak google:x="y">Hello</speak>', "Hello"),
        ('<amazon:domain name="news">Hello</amazon:domain>', "Hello"),
        ('<phoneme alphabet="ipa" ph="x">tomato</phoneme>', "tomato"),
        ('<voice name="x"><lang xml:lang="fr">Paris</lang></voice><mark name="m"/>', "Paris"),
        ('<w role="x">read</w> <emphasis level="strong">it</emphasis>', "read it"),
        ('<sub alias="World Wide Web">WWW</sub>', "World Wide Web"),
        (
            '<say-as interpret-as="cardinal">1<say-as interpret-as="ordinal">2</say-as></say-as>!',
            "one second!",
        ),
        ('<say-as interpret-as="date"/>Hello', "Hello"),
        ("<say-as>5</say-as>", "five"),
    ],
)
def test_markup_of_the_wild_is_spoken(ssml: str, spoken: str) -> None:
    assert _said(ssml) == spoken


@pytest.mark.parametrize(
    ("rate", "speed"),
    [
        ("80", 0.8),
        ("120", 1.2),
        ("1.2", 1.2),
        ("0.8", 0.8),
        ("2", 2.0),
        ("80%", 0.8),
        ("+10%", 1.1),
        ("+10", 1.1),
        ("-20", 0.8),
        ("-20%", 0.8),
        ("+0.5", 1.5),
        ("Slow", 0.8),
        ("X-FAST", 1.6),
    ],
)
def test_a_rate_needs_no_percent_sign(rate: str, speed: float) -> None:
    (span,) = parse_ssml(f'<prosody rate="{rate}" pitch="+2st" contour="(0%,+20Hz)">a</prosody>')
    assert span.speed == pytest.approx(speed)


def test_errors_are_counted_without_what_was_added() -> None:
    with pytest.raises(BadMarkup, match="line 1, column 27"):
        parse_ssml("<speak><x:y>Hi</x:y> Tom & Jerry</speak>")


_kinds = st.sampled_from(
    "cardinal number ordinal digits fraction unit date time duration telephone currency address x".split()
)
_texts = st.one_of(
    st.text(st.sampled_from("0123456789/:.,-+ '\"?XIVNovPT$€x"), max_size=20),
    st.sampled_from(
        ["9" * 5_000, "1/0", "0/0", "00000000", "99/99/9999", "99:99", "????????", "-", "+", "P"]
    ),
)


@given(_kinds, st.sampled_from(["", "mdy", "ymd", "dm", "y", "yyyy", "USD", "mmm", "dmydmy"]), _texts, _kinds)
def test_any_text_can_be_said_as_anything(kind: str, detail: str, text: str, inner: str) -> None:
    said = _said(
        f"<speak>a <say-as interpret-as={quoteattr(kind)} format={quoteattr(detail)}>{escape(text)}"
        f"<say-as interpret-as={quoteattr(inner)}>{escape(text)}</say-as></say-as></speak>"
    )
    assert said.startswith("a")
    assert not any(char.isdecimal() for char in said)
