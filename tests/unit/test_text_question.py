from __future__ import annotations

import pytest

from lunavox_edge.announcements.announcement import Announcement
from lunavox_edge.text.question import is_question

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        "Which one?",
        "Which one? ",
        'He asked: "Why?"',
        "Really?",
        "Ok? \N{SMILING FACE WITH SMILING EYES}",
        "\u54ea\u4e00\u4e2a\uff1f",
        "\u0623\u064a\u0646\u061f",
        "\u03a0\u03bf\u03cd\u037e",
        "**Which one?**",
    ],
)
def test_a_question_at_the_end(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize("text", ["", " ", "It is on.", "Which one? The big one.", "Stop!", "Why? Because"])
def test_anything_else(text: str) -> None:
    assert not is_question(text)


def test_an_announcement_asks_with_its_words() -> None:
    assert Announcement("1", "Which one?").asks
    assert Announcement("1", "<think>Hm.</think>Which one? <think>Done.</think>").asks
    assert not Announcement("1", "On. <think>Why?").asks
    assert Announcement("1", "<speak>Which one?<break time='1s'/></speak>", text_format="ssml").asks
    assert not Announcement("1", "<speak>On. <!-- why? --></speak>", text_format="ssml").asks
    assert not Announcement("1", "<speak", text_format="ssml").asks
