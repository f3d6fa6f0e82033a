"""Streamed text is spoken like the whole text, also where the stream stalls."""

from __future__ import annotations

import re

import pytest

from lunavox_edge.engine.speech.script import Script

pytestmark = pytest.mark.unit

_THRESHOLD_CHARS = 40


def _spoken(pieces: list[str], *, stalls: frozenset[int] = frozenset(), language: str = "en-US") -> list[str]:
    """Return what is spoken of a text that arrives in pieces, with stalls after some."""
    script = Script(language=language, normalize=True, ssml=False, sentence_silence_ms=0)
    lines: list[str] = []

    def drain() -> None:
        while (line := script.next_line()) is not None:
            lines.append(line.text)

    for number, piece in enumerate(pieces):
        script.add(piece)
        drain()
        if number in stalls and (script.seems_whole or script.waiting_chars >= _THRESHOLD_CHARS):
            script.flush_words()
            drain()
    script.finish()
    drain()
    return lines


def _words(lines: list[str]) -> str:
    return re.sub(r"\W+", " ", " ".join(lines)).strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "The wind blows from the north-west with gusts of up to 35 km/h in the evening.",
        "The temperature in the living room right now is 21.5 °C and falling.",
        "The washing machine in the cellar will be ready in approx. 5 min. from now.",
        "Your next appointment with the dentist is on Nov 26, 2026, at 5 p.m. in town.",
        "Your next appointment with the dentist is on the 26 of November 2026 in town.",
        "The window in the bathroom upstairs has been open for 2 days, 3:04:05 by now.",
        "The window in the bathroom upstairs has been open for 1 day, 0:00:00 by now.",
        "The new code for the door of the garage behind the house is 4711 from today.",
        "Please call the people of the fire brigade: dial 112, or ring +1 555 123 4567 now.",
        "The book tells about the life and the times of King Charles III of England.",
        "Yesterday evening we read together the rest of Chapter IV and two pages more.",
        "The price for the electricity of today was $1,299.99 and it is $5 more tomorrow.",
        "Please mix the flour and the sugar and then add 1 1/2 cups of water and 3 eggs.",
        "The meeting with all of the neighbours is held on Mon, 23 Nov 2026 at 7:30 p.m. here.",
        "The air in the small bedroom upstairs is at <5% humidity, and ~20 °C is expected.",
        "She was born a long time ago in the south of the country in 1450 and died in 1502.",
        "The timer for the potatoes on the stove in the kitchen has 1:15:00 left.",
        "The motion in the garden behind the house was at 2026-11-26 07:05:33 this morning.",
        "Please start the thing which is on the table in the hall with .venv/bin/python -m tool now.",
        "We would like to see the house of Dr. Smith and of Mrs. Jones at No. 5 today.",
    ],
)
@pytest.mark.parametrize("cut", [r"\s*\S+", r"\S+\s*"])
def test_a_stall_changes_no_word(text: str, cut: str) -> None:
    pieces = re.findall(cut, text)
    assert "".join(pieces) == text
    whole = _words(_spoken([text]))
    for number in range(len(pieces)):
        assert _words(_spoken(pieces, stalls=frozenset({number}))) == whole
    halves = re.findall(r"[^ ]{1,2}| ", text)
    assert _words(_spoken(halves, stalls=frozenset(range(len(halves))))) == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The gusts come from the north and reach up to 35", "The gusts come from the north and reach up to"),
        (
            "The gusts come from the north and reach up to 35 ",
            "The gusts come from the north and reach up to",
        ),
        (
            "The gusts come from the north and reach up to 35 km",
            "The gusts come from the north and reach up to",
        ),
        ("The next appointment with the dentist is on Nov ", "The next appointment with the dentist is on"),
        ("The next appointment with the dentist is on May ", "The next appointment with the dentist is on"),
        ("The letter on the table in the hall is from Dr. ", "The letter on the table in the hall is from"),
        (
            "The letter on the table in the hall is by President Lin",
            "The letter on the table in the hall is by",
        ),
        ("The level of the rain water barrel outside is < ", "The level of the rain water barrel outside is"),
        (
            "Der Strom im Haus kostet in diesem Monat rund 35 ",
            "Der Strom im Haus kostet in diesem Monat rund",
        ),
        ("and so on and so on and so on and so on and o", "and so on and so on and so on and so on and"),
    ],
)
def test_a_stall_leaves_together_what_belongs_together(text: str, said: str) -> None:
    script = Script(language="en-US", normalize=True, ssml=False, sentence_silence_ms=0)
    script.add(text)
    script.flush_words()
    line = script.next_line()
    assert line is not None
    assert line.text == said
    assert script.next_line() is None
    assert script.pending_chars == len(text) - len(said) - 1


def test_what_may_change_altogether_waits_on() -> None:
    script = Script(language="en-US", normalize=True, ssml=False, sentence_silence_ms=0)
    script.add("1234567890 " * 6)
    script.flush_words()
    assert script.next_line() is None
    assert script.pending_chars == 66


@pytest.mark.parametrize(
    ("pieces", "lines", "language"),
    [
        (["Dinner is ready!\n🎉"], ["Dinner is ready!"], "en-US"),
        (["Fertig!\n🎉"], ["Fertig!"], "de"),
        (["Sure!\n\n😊"], ["Sure!"], "en-US"),
        (["🎉\nDinner is ready!"], ["Dinner is ready!"], "en-US"),
        (["🎉 ", "🎉\n", "Dinner is", " ready!"], ["Dinner is ready!"], "en-US"),
        (["Dinner is ready!", "\n", "🎉"], ["Dinner is ready!"], "en-US"),
        (["Well.\n🎉\n🎉\nYes. 👍"], ["Well.", "Yes."], "en-US"),
        (["👍"], ["thumbs up"], "en-US"),
        (["👍\n", "👍\n", "😀"], ["thumbs up, grinning face"], "en-US"),
        (["👍\n"], ["daumen hoch"], "de"),
        (["👍", "\n", "..."], ["thumbs up"], "en-US"),
        (["...\n"], [], "en-US"),
    ],
)
def test_emoji_are_named_only_if_the_whole_text_holds_nothing_else(
    pieces: list[str], lines: list[str], language: str
) -> None:
    assert _spoken(pieces, language=language) == lines
    stalled = frozenset(range(len(pieces)))
    assert _spoken(pieces, language=language, stalls=stalled) == lines
