"""SSML: supported elements, elements read as text, and rejected markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.errors import BadMarkup
from lunavox_edge.text.markup import Span, parse_ssml

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("ssml", "spans"),
    [
        ("<speak>Hello there.</speak>", [Span("Hello there.")]),
        ("Hello there.", [Span("Hello there.")]),
        ("  Tea &amp; milk &lt; 5 ", [Span("Tea & milk < 5")]),
        ('<?xml version="1.0" encoding="UTF-8"?>\n<speak>Grüße</speak>', [Span("Grüße")]),
        (
            '<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">Hi</speak>',
            [Span("Hi")],
        ),
        ('<s:speak xmlns:s="http://www.w3.org/2001/10/synthesis"><s:s>Hi</s:s></s:speak>', [Span("Hi")]),
        ("<speak>One.<!-- unseen --> Two.<?unseen?></speak>", [Span("One. Two.")]),
        ("<speak><![CDATA[1 < 2 & 3]]></speak>", [Span("1 < 2 & 3")]),
        ("<speak>un<emphasis>believ</emphasis>able</speak>", [Span("unbelievable")]),
        ("<speak>A\n   <voice name='x'>wide\n</voice> gap</speak>", [Span("A wide gap")]),
        ("", []),
        ("<speak/>", []),
        ("<speak>  <p> </p>  </speak>", []),
        # Pauses.
        ('One<break time="500ms"/>two', [Span("One", pause_ms=500), Span("two")]),
        ('One <break time="1.5s"/>', [Span("One", pause_ms=1500)]),
        ('One<break time=".5S" /> two', [Span("One", pause_ms=500), Span("two")]),
        ("One<break/>two", [Span("One", pause_ms=400), Span("two")]),
        ('One<break strength="x-strong"/>two', [Span("One", pause_ms=1000), Span("two")]),
        ('One<break strength="none"/>two', [Span("One"), Span("two")]),
        ('<break time="1s"/>one', [Span("", pause_ms=1000), Span("one")]),
        ('One<break time="3600s"/>two', [Span("One", pause_ms=10_000), Span("two")]),
        ('One<break time="9s"/><break time="9s"/>two', [Span("One", pause_ms=10_000), Span("two")]),
        # Paragraphs and sentences.
        (
            "<p><s>One.</s><s>Two.</s></p><p>Three.</p>",
            [Span("One."), Span("Two."), Span("Three.", pause_ms=400)],
        ),
        ("<p>One.</p>Two.", [Span("One.", pause_ms=400), Span("Two.")]),
        ("One<s>two</s>three", [Span("One"), Span("two"), Span("three")]),
        # Manner.
        ('<prosody rate="slow">a</prosody> b', [Span("a", speed=0.8), Span("b")]),
        ('<prosody rate="150%">a</prosody>', [Span("a", speed=1.5)]),
        ('<prosody rate="+50%">a</prosody>', [Span("a", speed=1.5)]),
        ('<prosody rate="-50%">a</prosody>', [Span("a", speed=0.5)]),
        ('<prosody rate="1.5">a</prosody>', [Span("a", speed=1.5)]),
        ('<prosody rate="900%">a</prosody>', [Span("a", speed=4.0)]),
        ('<prosody rate="0%">a</prosody>', [Span("a", speed=0.25)]),
        ('<prosody rate="-500%">a</prosody>', [Span("a", speed=0.25)]),
        (
            '<prosody rate="50%">a<prosody rate="50%">b</prosody></prosody>',
            [Span("a", speed=0.5), Span("b", 0.25)],
        ),
        ('<prosody rate="25%"><prosody rate="400%">b</prosody></prosody>', [Span("b")]),
        ('<prosody volume="soft">a</prosody>', [Span("a", volume=0.5)]),
        ('<prosody volume="silent">a</prosody>', [Span("a", volume=0.0)]),
        ('<prosody volume="150%">a</prosody>', [Span("a", volume=1.5)]),
        ('<prosody volume="-25%">a</prosody>', [Span("a", volume=0.75)]),
        ('<prosody volume="50">a</prosody>', [Span("a", volume=0.5)]),
        ('<prosody volume="+20dB">a</prosody>', [Span("a", volume=4.0)]),
        ('<prosody volume="-20dB" rate="fast">a</prosody>', [Span("a", speed=1.25, volume=0.1)]),
        ('<prosody volume="+999999dB">a</prosody>', [Span("a", volume=4.0)]),
        ('<prosody pitch="high">a</prosody>', [Span("a")]),
        # Replaced and spelled text.
        (
            '<sub alias="World Wide Web Consortium">W<b>3</b>C</sub> rules',
            [Span("World Wide Web Consortium rules")],
        ),
        ("<sub>W3C</sub>", [Span("W3C")]),
        (
            'Code <say-as interpret-as="characters">AB1</say-as> ok',
            [Span("Code"), Span("AB1", spell=True), Span("ok")],
        ),
        ('<say-as interpret-as="spell-out">xyz</say-as>', [Span("xyz", spell=True)]),
        ('<say-as interpret-as="date" format="mdy">1/2/2026</say-as>', [Span("1/2/2026")]),
        ("<say-as>5</say-as>", [Span("5")]),
        ('<audio src="x.mp3">fallback</audio><mark name="here"/>', [Span("fallback")]),
    ],
)
def test_markup_is_read(ssml: str, spans: list[Span]) -> None:
    assert parse_ssml(ssml) == spans


def test_decibels() -> None:
    assert parse_ssml('<prosody volume="+6dB">a</prosody>')[0].volume == pytest.approx(1.995, abs=0.001)


@pytest.mark.parametrize(
    ("ssml", "says"),
    [
        ("<speak>Hello", "line 1, column 13"),
        ("Tom & Jerry", "line 1, column 6"),
        ("one\n<b>two</i>", "line 2, column 9"),
        ("<speak>a</speak>b", "not well-formed"),
        ("<speak>a</speak><speak>b</speak>", "not well-formed"),
        ("5 < 6", "&lt;"),
        ("<speak>&nbsp;</speak>", "undefined entity"),
        ('<!DOCTYPE speak [<!ENTITY a "b">]><speak>&a;</speak>', "DOCTYPE"),
        ('<!DOCTYPE speak SYSTEM "http://example.com/x.dtd"><speak>a</speak>', "DOCTYPE"),
        ("<b>" * 50_000 + "x" + "</b>" * 50_000, "deeper than 64"),
        ("<b>" * 50_000, "deeper than 64"),
        ('<break time="soon"/>', "500ms"),
        ('<break time="-1s"/>', "500ms"),
        ('<break time="1e9s"/>', "500ms"),
        ('<break strength="loud"/>', "x-strong"),
        ('<prosody rate="brisk">a</prosody>', "percentage"),
        ('<prosody rate="nan">a</prosody>', "percentage"),
        ('<prosody rate="+6dB">a</prosody>', "percentage"),
        ('<prosody volume="">a</prosody>', "percentage"),
    ],
)
def test_bad_markup_is_refused_in_a_sentence(ssml: str, says: str) -> None:
    with pytest.raises(BadMarkup) as caught:
        parse_ssml(ssml)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 200


def test_entities_cannot_blow_up() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    with pytest.raises(BadMarkup, match="DOCTYPE"):
        parse_ssml(f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><speak>&e8;</speak>')


def test_all_pauses_together_are_bounded() -> None:
    spans = parse_ssml('a<break time="10s"/>' * 1_000)
    assert len(spans) == 1_000
    assert sum(span.pause_ms for span in spans) == 300_000


def test_deep_markup_within_the_bound_works() -> None:
    assert parse_ssml("<speak>" + "<b>" * 60 + "x" + "</b>" * 60 + "</speak>") == [Span("x")]


_pieces = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<s>",
            "</s>",
            "<break/>",
            '<break time="1s"/>',
            '<prosody rate="50%">',
            "</prosody>",
        ),
        *(
            '<sub alias="x">',
            "</sub>",
            "<speak>",
            "</speak>",
            "word ",
            "&amp;",
            "&",
            "<",
            ">",
            "\x00",
            "\ud800",
        ),
        *("<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE x>", '<x:y z="1">', "é"),
    ]
)


@given(st.one_of(st.text(st.characters(exclude_categories=())), st.lists(_pieces, max_size=30).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        spans = parse_ssml(text)
    except BadMarkup:
        return
    assert all(0.25 <= span.speed <= 4 and 0 <= span.volume <= 4 for span in spans)
    assert all(0 <= span.pause_ms <= 10_000 for span in spans)
