"""The segmenter: where it cuts, where it does not, and that it loses no character."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lunavox_edge.text.segments import Segmenter, split
from tests.fakes import processor_time

pytestmark = pytest.mark.unit

# Text that is likely to meet the rules: stops, abbreviations, quotes, line ends, several scripts.
_pieces = st.sampled_from(
    [
        *(
            "Dr",
            "e.g",
            "z.B",
            "U.S",
            "3",
            "42",
            "am",
            "Mai",
            "The",
            "the",
            "a",
            "Wort",
            "5 ft. 2 in",
            "Vol. I",
            "max",
            "etc",
            "A",
            "https://x.y/z?q",
            "off.Doors",
            "on!I",
            "a.Com",
            "max",
            "5 min",
            "_x",
        ),
        *(
            ".",
            ". ",
            "...",
            "… ",
            "! ",
            "? ",
            "?!",
            ", ",
            "; ",
            " - ",
            "—",
            ": ",
            "。",
            "、",
            "？",
            "। ",
            "؟ ",
        ),
        *(
            " ",
            "  ",
            "\n",
            "\n\n",
            "\r\n",
            "\t",
            '"',
            "”",
            "(",
            ")",
            "**",
            "👍🏽",
            "e\u0301",
            "今日は",
            "\u2028",
        ),
        *("word " * 12, "x" * 60, "y" * 300, " " * 300, "." * 300, ", " * 150),
    ]
)
_likely_text = st.lists(_pieces, max_size=40).map("".join)
_any_text = st.one_of(_likely_text, st.text(st.characters(exclude_categories=()), max_size=300))


def _pushed(text: str, cuts: list[int], max_chars: int, first_max_chars: int | None) -> list[str]:
    segmenter = Segmenter(max_chars, first_max_chars=first_max_chars)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    segments = []
    for number, start in enumerate(places[:-1]):
        segments += segmenter.push(text[start : places[number + 1]])
    return segments + segmenter.flush()


@example(text="0" * 21 + " 00", max_chars=1, first=23)
@given(_any_text, st.integers(1, 300), st.one_of(st.none(), st.integers(1, 100)))
def test_joined_segments_equal_the_text_and_are_bounded(text: str, max_chars: int, first: int | None) -> None:
    segments = split(text, max_chars, first_max_chars=first)
    assert "".join(segments) == text
    assert all(0 < len(segment) <= max_chars for segment in segments)


@given(
    _any_text,
    st.lists(st.integers(0, 10_000), max_size=30),
    st.integers(1, 300),
    st.one_of(st.none(), st.integers(1, 100)),
)
def test_the_size_of_the_pushes_makes_no_difference(
    text: str, cuts: list[int], max_chars: int, first: int | None
) -> None:
    assert _pushed(text, cuts, max_chars, first) == split(text, max_chars, first_max_chars=first)


@settings(max_examples=50, deadline=None)
@given(_likely_text)
def test_character_by_character_equals_the_whole(text: str) -> None:
    assert _pushed(text, list(range(len(text))), 250, 60) == split(text, first_max_chars=60)


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith is here.",
        "Ask Mr. and Mrs. Jones, Prof. Miller or St. Nicholas.",
        "It is 3.5 degrees and 10.30 a.m. today.",
        "Take fruit, e.g. this one, i.e. the apple.",
        "The U.S. Army and J. R. R. Tolkien met at No. 5.",
        "See Fig. 3, vol. 2 and approx. $5.",
        "Wait... what did he say?",
        "Version 2026.11.0 runs on Node.js at https://www.example.com/a.b?c=d.e!f now.",
        "Arsenal vs. Chelsea starts at 8 p.m. Monday.",
        "He works at Apple Inc. Chief of staff is Martin Luther King Jr. Senior.",
        '"Really?" he asked.',
        "The file config.yaml and the entity light.kitchen are fine.",
        "Ph.D. Miller lives in Washington D.C. Heights.",
        "Das ist z.B. Wasser, d.h. nass, z. B. Regen.",
        "Nr. 5 lebt in der Hauptstr. 7, bzw. Nr. 9.",
        "Am 3. Mai und am 24. Dezember ist der 2. Weltkrieg kein Thema.",
        "Er kommt am 3. Jan. 2026 oder am 3. 5. 2026.",
        "Das kostet 3 Mio. Euro inkl. Steuern.",
        "M. Dupont et Mme. Curie habitent ici.",
        "El Sr. López y la Sra. García viven en la Av. Reforma.",
        "De heer dhr. Jansen woont op nr. 5, bijv. Amsterdam.",
        "А. С. Пушкин жил на ул. Мойка.",
        "1. Preheat the oven to 200 degrees.",
        "- 12. Stir well.",
        "Temp. 20 °C, max. 25 °C, min. 12 °C, avg. 20, hum. 40%.",
        "Temp. Outside: 5, Max. Temperature 25 °C, Min. Battery 5%, max. -5 and max. <5.",
        "It is at 123 Main St., Apt. 4B, ext. 12 in Ft. Worth on Ave. 5.",
        "Vol. II and Chap. IV and Vol. I and No. II.",
        "It is 5 ft. 2 in. and 2 hrs. 5 min. and 3 lbs. 4 oz. from here.",
        "Temp. 20 °C, max. 25 °C, min. -3 °C.",
        "Temp. máx. 25 °C, mín. 3 °C, aprox. 5 y núm. 7.",
        "Sv. Jan a MUDr. Novák bydlí v č. 5.",
        "Święta są ok. 5 dni, np. Jan i inż. Kowalski.",
        "डॉ. राम नं. 5 पर है।",
        "Сейчас макс. 5 и мин. 3, ул. Длинная.",
        "Visit example.Com, Node.JS, README.MD and System.Out.println now.",
        "Write foo.Bar(), light.Kitchen_lamp or a@b.Com to Ph.D.Miller.",
        "J.R.R.Tolkien and Dr.Smith met in St.Louis, U.S.A today.",
        "It is z.B.Heute or e.g.This.",
        "See https://x.y/Z.Html?A=b!C and watch?V=A.",
    ],
)
def test_one_sentence_stays_whole(sentence: str) -> None:
    assert split(sentence) == [sentence]
    assert split(f"{sentence} The next one.")[0].startswith(sentence)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("No. I will not.", ["No. ", "I will not."]),
        ("Ask Max. He knows.", ["Ask Max. ", "He knows."]),
        ("It is 6 ft. The wall is high.", ["It is 6 ft. ", "The wall is high."]),
        ("Wait 5 min. 3 people came.", ["Wait 5 min. ", "3 people came."]),
        ("Gusts of 35 km/h. Rain later.", ["Gusts of 35 km/h. ", "Rain later."]),
        ("It is 5 m. The wall", ["It is 5 m. ", "The wall"]),
        ("Check the temp. The rest is fine.", ["Check the temp. ", "The rest is fine."]),
        ("Ja. Nein.", ["Ja. ", "Nein."]),
        ("It is 42. Thanks.", ["It is 42. ", "Thanks."]),
        ("I am 42. You are not.", ["I am 42. ", "You are not."]),
        ("In 2020. Then in 2021.", ["In 2020. ", "Then in 2021."]),
        ("I live in the U.S. It is big.", ["I live in the U.S. ", "It is big."]),
        ("We left at 10 a.m. Then we ate.", ["We left at 10 a.m. ", "Then we ate."]),
        ("Milk, eggs, etc. The rest later.", ["Milk, eggs, etc. ", "The rest later."]),
        ("Well... Maybe… Yes!", ["Well... ", "Maybe… ", "Yes!"]),
        ("What?! No!! ok", ["What?! ", "No!! ", "ok"]),
        ("hi! how are you? fine", ["hi! ", "how are you? ", "fine"]),
        ('He said "Go." Then (quietly.) Left.', ['He said "Go." ', "Then (quietly.) ", "Left."]),
        ("**Done.** The *end.* Now.", ["**Done.** ", "The *end.* ", "Now."]),
        ("Great job! 👍 Next. 😀", ["Great job! 👍 ", "Next. 😀"]),
        ("Great!👍🏽 Next.", ["Great!👍🏽 ", "Next."]),
        ("¿Qué? ¡Sí! Vale.", ["¿Qué? ", "¡Sí! ", "Vale."]),
        ("Bonjour ! Ça va ?", ["Bonjour ! ", "Ça va ?"]),
        ("今日は。元気ですか？はい！終わり", ["今日は。", "元気ですか？", "はい！", "終わり"]),
        ("他说：“好。”然后走了。完", ["他说：“好。”然后走了。", "完"]),
        ("「はい。」「いいえ。」", ["「はい。」", "「いいえ。」"]),
        ("天气很好!出门吧", ["天气很好!", "出门吧"]),
        ("네. 안녕하세요. 좋아요", ["네. ", "안녕하세요. ", "좋아요"]),
        ("هل أنت بخير؟ نعم. شكرا", ["هل أنت بخير؟ ", "نعم. ", "شكرا"]),
        ("जी हाँ। ठीक है। शुक्रिया", ["जी हाँ। ", "ठीक है। ", "शुक्रिया"]),
        ("გამარჯობა. როგორ ხარ?", ["გამარჯობა. ", "როგორ ხარ?"]),
        ("Es sind 20. Dann mehr.", ["Es sind 20. ", "Dann mehr."]),
        ("Lights off.Doors locked.", ["Lights off.", "Doors locked."]),
        ("Dinner is ready!Please come.", ["Dinner is ready!", "Please come."]),
        ("Really?Yes. It is 21 °C.The end.", ["Really?", "Yes. ", "It is 21 °C.", "The end."]),
        ("The TV is on.I know. In 2020.Then", ["The TV is on.", "I know. ", "In 2020.", "Then"]),
        ("(Done.)Next one. At 5%.Charge it.", ["(Done.)", "Next one. ", "At 5%.", "Charge it."]),
        (
            "Fertig.Los geht's. Türen zu.Äpfel da.",
            ["Fertig.", "Los geht's. ", "Türen zu.", "Äpfel da."],
        ),
        ("¡Listo!¡Vamos! Hola.¿Qué tal?", ["¡Listo!", "¡Vamos! ", "Hola.", "¿Qué tal?"]),
        ("Свет выключен.Двери закрыты.", ["Свет выключен.", "Двери закрыты."]),
        ("تمام.الآن انتهى", ["تمام.", "الآن انتهى"]),
        ("안녕하세요.반갑습니다", ["안녕하세요.", "반갑습니다"]),
        ("OK. 5 minutes. It's OK. 10 more.", ["OK. ", "5 minutes. ", "It's OK. ", "10 more."]),
        ("It takes 10 min. 5 are over.", ["It takes 10 min. ", "5 are over."]),
        ("Il fait 21 °C. Rendez-vous ici.", ["Il fait 21 °C. ", "Rendez-vous ici."]),
        ("Es sind 10 W. Danach 5 m. Ende.", ["Es sind 10 W. ", "Danach 5 m. ", "Ende."]),
        ("It is 5 mm. The end.", ["It is 5 mm. ", "The end."]),
        ("Title\nFirst line\n\nSecond part", ["Title\n", "First line\n", "\nSecond part"]),
        ("- milk\n- eggs\n", ["- milk\n", "- eggs\n"]),
        ("Done.\r\nNext.", ["Done.\r\n", "Next."]),
        (
            "The light in the kitchen is on and the light\nin the hall is off. Good.",
            ["The light in the kitchen is on and the light\nin the hall is off. ", "Good."],
        ),
        ("", []),
        ("  \n ", ["  \n "]),
    ],
)
def test_sentences(text: str, segments: list[str]) -> None:
    assert split(text) == segments


@pytest.mark.parametrize(
    ("pushes", "after_each"),
    [
        (["Hello there", ".", " ", "How"], [[], [], [], ["Hello there. "]]),
        (["Hello there.\n"], [["Hello there.\n"]]),
        (["Kitchen: on\n"], [["Kitchen: on\n"]]),
        (["こんにちは。", "元"], [[], ["こんにちは。"]]),
        (["Ask Dr. ", "Smith. ", "N", "ow"], [[], [], ["Ask Dr. Smith. "], []]),
        (["word " * 10, "\n", " ", "goes on"], [[], [], [], []]),
        (["word " * 10, "\n", " ", "Ends"], [[], [], [], ["word " * 10 + "\n"]]),
        (["Lights off.", "D", "oors", " locked"], [[], [], [], ["Lights off."]]),
        (["See a.", "Co", "m", " now. ", "Ok"], [[], [], [], [], ["See a.Com now. "]]),
        (["In the U.S. ", "Arm", "y. ", "The"], [[], [], [], ["In the U.S. Army. "]]),
    ],
)
def test_a_sentence_comes_as_soon_as_its_end_is_certain(
    pushes: list[str], after_each: list[list[str]]
) -> None:
    segmenter = Segmenter()
    assert [segmenter.push(push) for push in pushes] == after_each


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("x" * 5_000, "x" * 250),
        ("word " * 100, "word " * 50),
        (f"{'word ' * 20}end, {'word ' * 60}", f"{'word ' * 20}end, "),
        (f"{'word ' * 20}end of it. then {'word ' * 60}", f"{'word ' * 20}end of it. "),
        ("あ" * 100 + "、" + "い" * 400, "あ" * 100 + "、"),
        ("it is " + "x" * 400, "it is "),
        (" " * 600, " " * 250),
        ("." * 600, "." * 250),
        ("x" * 249 + "e\u0301" * 9, "x" * 249),
        ("x" * 249 + "👍🏽" * 9, "x" * 249),
        ("x" * 248 + "👨\u200d👩\u200d👧" * 9, "x" * 248),
        ("x" * 249 + "\ud83d\udc4d" * 9, "x" * 249),
        ("e" + "\u0301" * 400, "e" + "\u0301" * 249),
    ],
)
def test_a_sentence_that_is_too_long_is_cut_where_it_hurts_least(text: str, first: str) -> None:
    assert split(text)[0] == first


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        (
            "The weather today is mostly sunny, with a light breeze, and it stays dry until evening. Bye.",
            [
                "The weather today is mostly sunny, with a light breeze, ",
                "and it stays dry until evening. ",
                "Bye.",
            ],
        ),
        ("Short one, really. And then a second sentence, which is long enough to be cut, but is not.", None),
        ("No clause boundary is in this first sentence so that it stays as long as it is here. End.", None),
        (
            "No clause " * 13 + "end. Bye.",
            ["No clause " * 5 + "No ", "clause " + "No clause " * 7 + "end. ", "Bye."],
        ),
        (
            "Yes, no, and this clause of the sentence is longer than sixty characters, so it ends here.",
            [
                "Yes, no, and this clause of the sentence is longer than sixty characters, ",
                "so it ends here.",
            ],
        ),
    ],
)
def test_a_long_first_sentence_can_end_at_a_clause(text: str, segments: list[str] | None) -> None:
    assert split(text, first_max_chars=60) == (segments or split(text))


def test_an_early_first_segment_is_not_waited_for() -> None:
    segmenter = Segmenter(first_max_chars=40)
    assert segmenter.push("The weather today is mostly sunny, with a") == [
        "The weather today is mostly sunny, "
    ]
    assert segmenter.push(" light breeze, and it stays dry until the evening comes, as always") == []


def test_max_chars_must_leave_room_for_a_character() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        Segmenter(0)


def _lines_run(work: Callable[[], object]) -> int:
    """Count the executed lines of Python, a measure of time that other processes do not influence."""
    count = 0

    def trace(_frame: FrameType, event: str, _arg: Any) -> Any:  # noqa: ANN401 - the type of sys.settrace
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "piece", ["x", ". ", "a. ", "word ", ", ", "Yes. ", "\n", " ", "\u0301", "。", "3. ", '"']
)
@pytest.mark.parametrize("push_chars", [1, 100_000])
def test_work_grows_with_the_text_only(piece: str, push_chars: int) -> None:
    def work(chars: int) -> None:
        text = (piece * chars)[:chars]
        segmenter = Segmenter()
        for start in range(0, chars, push_chars):
            segmenter.push(text[start : start + push_chars])
        segmenter.flush()

    small, large = _lines_run(lambda: work(1_000)), _lines_run(lambda: work(4_000))
    assert large < 5 * small


@pytest.mark.parametrize(
    "piece", ["x", ". ", "a.b.", "word ", "\n", " ", "((", "👍", "3.", "Yes. ", "\u0301"]
)
@pytest.mark.timeout(60)
def test_a_hundred_thousand_characters_are_no_trouble(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    with processor_time.at_most(5):
        assert "".join(split(text)) == text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("-10 ... -5 °C.", 1),
        ("So... 5 minutes", 1),
        ("It is 5 p.m.Let's go.", 2),
        ("It costs 5$.Buy it.", 2),
        ("Sat. 9 a.m. to 5 p.m.", 1),
        ("Never mind. 5 minutes left.", 2),
        ("mind. 5 Min.", 1),
        ("Die 2. und 3. Lampe", 1),
        ("In der 5. Und ich", 2),
        ("1. Etage, 2. Stock", 1),
        ("im II. Weltkrieg", 1),
        ("Charles II. He", 2),
        ("Tél. : 01 23", 1),
        ("26.11.2026 kl. 8", 1),
        ("5 Std. 20 Min. lang", 1),
    ],
)
def test_stops_that_testers_found(text: str, parts: int) -> None:
    assert len(split(text)) == parts


def test_a_short_form_begins_a_sentence_in_pieces_too() -> None:
    segmenter = Segmenter()
    parts = [part for char in "How are you?I'm fine." for part in segmenter.push(char)]
    assert [*parts, *segmenter.flush()] == ["How are you?", "I'm fine."]
