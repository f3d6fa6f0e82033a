"""Normalisation of markdown, HTML, emoji, addresses and unspeakable characters, in every language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunavox_edge.text.normalize import speakable, spell
from tests.fakes import processor_time

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**bold**, *it*, __b__, _i_, ***both***, ~~no~~, ==mark==", "bold, it, b, i, both, no, mark"),
        ("this ends **here", "this ends here"),
        ("** and starts here** again", "and starts here again"),
        ("Run `make test` now", "Run make test now"),
        ("snake_case and kitchen_light_2nd", "snake case and kitchen light 2nd"),
        ("# Heading", "Heading"),
        ("### Heading ###\nText", "Heading. Text"),
        ("- milk\n- eggs\n* bread\n+ tea", "milk. eggs. bread. tea"),
        ("Buy:\n- [ ] milk\n- [x] eggs", "Buy: milk. eggs"),
        ("1. eins\n2) zwei", "1. eins. 2. zwei"),
        ("> quoted\n> lines", "quoted lines"),
        ("one\n\n---\n\ntwo", "one. two"),
        ("one.\n***\ntwo", "one. two"),
        (
            "- An item of a list which was wrapped by hand\ngoes on here\n- next",
            "An item of a list which was wrapped by hand goes on here. next",
        ),
        ("Wrapped text\ngoes on", "Wrapped text goes on"),
        ("今日は晴れ\n\n明日は雨", "今日は晴れ。 明日は雨"),
        ("```python\nprint(x)\n```", "print(x)"),
        ("```\ncode", "code"),
        ("[the docs](https://example.com/a_(b)) here", "the docs here"),
        ('![a cat](cat.png "Cat") sits', "a cat sits"),
        ("[![badge](a.svg)](https://x.y) ok", "badge ok"),
        ("see [text][ref] and this[1][^2].\n\n[ref]: https://example.com", "see text and this."),
        ("| Day | High |\n|---|:-:|\n| Mo | warm |", "Day, High. Mo, warm"),
        ("a \\* b \\_c\\_", "a b c"),
        ("3 * x", "3 x"),
        ("#wetter heute", "wetter heute"),
        ("<b>Hallo</b> <i class='x'>Welt</i><br/>Ende", "Hallo Welt Ende"),
        ("<!-- hidden -->shown<script>x = 1</script><style>p{}</style>", "shown"),
        ("Tom &amp; Eva &lt;3 &nbsp; &#8364; &#x41;", "Tom & Eva <3 € A"),
        ("wenn x < 5 und y > 3", "wenn x < 5 und y > 3"),
        ("&#99999999999999999999;", "&#99999999999999999999;"),
    ],
)
def test_markup_is_removed(text: str, spoken: str) -> None:
    assert speakable(text, "de-DE") == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Great job! 👍🏽", "Great job!"),
        ("Sunny ☀️ and 21", "Sunny and 21"),
        ("👨\u200d👩\u200d👧 family", "family"),
        ("5️⃣ stars ⭐", "5 stars"),
        ("✅ Done", "Done"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("soft\u00adhy\u200bphen\ufeff", "softhyphen"),
        ("a\u00a0b\u2003c\u3000d\te\x00f\x85g", "a b c d e f g"),
        ("1\u202f250\u00a0000 Einwohner", "1250000 Einwohner"),
        ("\ud800bad\udfff \ue000 \uffff", "bad"),
        ("What?!?! No!!! Hmm.... a,, b", "What?!?! No! Hmm, a, b"),
        ("wait… what", "wait, what"),
        ("Settings → Devices -> Add", "Settings, Devices, Add"),
        ("this -- that--other", "this, that, other"),
        ("==========", ""),
        ("𝗕𝗼𝗹𝗱 Ｗｉｄｅ，ok", "Bold Wide，ok"),
        ("see () and []", "see and"),
        ("Bonjour !  Ça va ?", "Bonjour ! Ça va ?"),
    ],
)
def test_characters_are_cleaned(text: str, spoken: str) -> None:
    assert speakable(text, "fr-FR") == spoken


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("👍", "en-US", "thumbs up"),
        ("👍👍 😀!", "en-GB", "thumbs up, grinning face"),
        ("👍", "de-DE", "daumen hoch"),
        ("☀️", "ja-JP", "太陽"),
        ("👍", "sv-SE", "thumbs up"),
        ("👍" * 50_000, "en", "thumbs up"),
    ],
)
def test_emoji_alone_are_named(text: str, language: str, spoken: str) -> None:
    assert speakable(text, language) == spoken


@pytest.mark.parametrize(
    ("text", "english", "german"),
    [
        ("https://www.example.com/a?b", "example dot com", "example.com"),
        ("See http://me:pw@host.local:8123/x_y#z.", "See host dot local.", "See host.local."),
        ("(www.example.co.uk/a)", "(example dot co dot uk)", "(example.co.uk)"),
        ("**https://example.org**", "example dot org", "example.org"),
        ("<https://example.org/x>", "example dot org", "<example.org>"),
        ("tcp://127.0.0.1:10300", "one hundred and twenty-seven dot zero dot zero dot one", "127.0.0.1"),
        (
            "john.doe_1@example.com",
            "john dot doe underscore one at example dot com",
            "john.doe 1@example.com",
        ),
        (
            "open home-assistant.io/docs now",
            "open home-assistant dot io now",
            "open home-assistant.io/docs now",
        ),
        (
            "Write to Jo <jo@example.org> now",
            "Write to Jo jo at example dot org now",
            "Write to Jo <jo@example.org> now",
        ),
        ("the file config.yaml", "the file config dot yaml", "the file config.yaml"),
        ("访问https://example.com/a。谢谢", "访问example dot com。谢谢", "访问example.com。谢谢"),
    ],
)
def test_addresses(text: str, english: str, german: str) -> None:
    assert speakable(text, "en-US") == english
    assert speakable(text, "de") == german


@pytest.mark.parametrize("language", ["en-US", "de", "zh-Hans-CN", "", "x"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "...",
        "?!",
        "---",
        "***",
        "**",
        "。。。",
        "—",
        "()",
        "\ud800",
        "\u200d",
        "&nbsp;",
        "|---|",
        "%",
        "→",
    ],
)
def test_nothing_to_say(text: str, language: str) -> None:
    assert speakable(text, language) == ""


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        (
            "**Weather for Berlin** – Today: cloudy ⛅, high of 18°C (64°F). Wind: W at 15 km/h. 🌧️",
            (
                "Weather for Berlin – Today: cloudy, high of eighteen degrees Celsius (sixty-four degrees "
                "Fahrenheit). Wind: W at fifteen kilometers per hour."
            ),
        ),
        (
            "Recipe:\n\n1. **Preheat** the oven to 375°F.\n2. Mix 2½ cups & 1 tsp.\n\nEnjoy! 😋",
            (
                "Recipe: one. Preheat the oven to three hundred and seventy-five degrees Fahrenheit. "
                "two. Mix two and a half cups and one teaspoon. Enjoy!"
            ),
        ),
        (
            "The sun sets at 4:32 PM on Saturday, November 21, 2026.",
            "The sun sets at four thirty-two PM on Saturday, November twenty-first, twenty twenty-six.",
        ),
        (
            "The battery is at 15 % and charging at 2.4 kW.",
            "The battery is at fifteen percent and charging at two point four kilowatts.",
        ),
        ("Turned off light.living_room ✅", "Turned off light.living room"),
        ("I've set a timer for 1 hr 30 min.", "I've set a timer for one hour thirty minutes."),
        (
            "| Device | Power |\n|:--|--:|\n| Lamp | 60 W |\n| TV | 0.5 W |",
            "Device, Power. Lamp, sixty watts. TV, zero point five watts",
        ),
        (
            "Bitcoin is at $67,432.10 (+2.3%).",
            (
                "Bitcoin is at sixty-seven thousand four hundred and thirty-two dollars and ten cents "
                "(plus two point three percent)."
            ),
        ),
        (
            "Run `sudo reboot`, then open [the app](http://homeassistant.local:8123).",
            "Run sudo reboot, then open the app.",
        ),
        ("It’s 5 o’clock — “really” late…", "It's five o'clock — “really” late..."),
    ],
)
def test_answers_of_an_assistant(text: str, spoken: str) -> None:
    assert speakable(text, "en-US") == spoken


@pytest.mark.parametrize("language", ["en-US", "en-GB", "de-DE", "fr", "ja"])
@pytest.mark.parametrize(
    "text",
    [
        "The light in the kitchen is on.",
        "Well, she said (quietly): it's late; isn't it? Yes!",
        "Das Licht in der Küche ist an, und zwar jetzt. Schön!",
        "Il fait beau, n'est-ce pas ? « Oui ! »",
        "¿Qué tal? ¡Muy bien!",
        "今日は晴れです。明日は？",
        "Привет, как дела? Хорошо.",
        "مرحبا، كيف حالك؟",
    ],
)
def test_plain_prose_is_left_alone(text: str, language: str) -> None:
    assert speakable(text, language) == text


_words = st.sampled_from(
    ["the", "light", "is", "Küche", "on", "off", "и", "我", "It's", "well-known", "a", "I"]
)
_ends = st.sampled_from([" ", " ", " ", ", ", ". ", "? ", "! ", "; ", ": ", " (so) ", " – "])


@given(st.lists(st.tuples(_words, _ends), min_size=1, max_size=30), st.sampled_from(["en", "de"]))
def test_prose_of_any_shape_is_left_alone(parts: list[tuple[str, str]], language: str) -> None:
    text = "".join(word + end for word, end in parts).strip()
    assert speakable(text, language) == text


_languages = st.one_of(
    st.sampled_from(
        ["en-US", "en-GB", "de-DE", "ja", "zh-Hans-CN", "", "hu", "pl", "nb", "lb", "es-419", "uk"]
    ),
    st.text(max_size=5),
)
_pieces = st.sampled_from(
    [
        *("**", "*", "_", "`", "```\n", "# ", "- ", "> ", "|", "\n", "[", "](", ")", "!", "<"),
        *(">", "<b>", "<!--", "-->", "<script", "&amp;", "&#0;", "&#xD800;", "&", "\\"),
        *("https://", "www.", "a@b.c", "👍", "\u200d", "\ufe0f", "→", "word", "5", "½", "²", "①"),
        *("-5", "−", "–", "1.", " 2 ", "250", "0.345", "<", "°C", "Nr.", "z. B.", "am ", "Mai", "max."),
        *("\ud800", "\x00", "\u202e", "é", "ß", "ŉ", "İ", "。", "...", "--", "==", " "),
    ]
)


@settings(max_examples=300)
@given(
    st.one_of(st.text(st.characters(exclude_categories=())), st.lists(_pieces, max_size=30).map("".join)),
    _languages,
)
def test_any_text_in_any_language_has_an_answer(text: str, language: str) -> None:
    said = speakable(text, language)
    assert said == "" or any(char.isalnum() for char in said)
    assert said == said.strip()
    assert "\n" not in said
    said.encode()
    spell(text, language).encode()


@pytest.mark.parametrize(
    "piece",
    [
        *("1", "1,", "$1-", "+1 ", "a", "a.", "a-", "@", "[a](", "[](", "![", "_", "<a =", "<!--"),
        *("<script", "&#1", "`", "|", "# ", "- ", "- -", "\n", " ", "http://", "www.", "!", "…"),
        *("👍", "(", "1:00-", "Jan 1", "1h1", "e.g. ", "\\", "*", "=", "--", "½", "1\u00a0", "0."),
        *("-1 ", "1 250 ", "Nr. 1 ", "am 1. ", "z. B. ", "<1 ", "1.5 ", "a... ", "a.A", "1--"),
        *("1'", "1%", "1/1 ", "1.1.", " ,", "[a]: ", "a.com/", "Ⅳ", "\u0301"),
    ],
)
@pytest.mark.timeout(240)
def test_fifty_thousand_hostile_characters_are_no_trouble(piece: str) -> None:
    text = (piece * 50_000)[:50_000]
    with processor_time.at_most(15):
        speakable(text, "en-US")
        speakable(text, "de")


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("ABC", "en-US", "A, B, C"),
        ("abc 12", "en", "A, B, C, one, two"),
        ("AB-12 x.y@z", "en-GB", "A, B, dash, one, two, X, dot, Y, at, Z"),
        ("AB-12 é", "de-DE", "A, B, 1, 2, É"),
        ("straße", "de", "S, T, R, A, ß, E"),
        ("e\u0301", "fr", "É"),
        ("नमस्ते", "hi", "न, म, स्, ते"),
        ("日本", "ja", "日, 本"),
        ("...", "de", ""),
        ("", "en", ""),
    ],
)
def test_spelling(text: str, language: str, spoken: str) -> None:
    assert spell(text, language) == spoken
