"""The thoughts of a language model are not spoken, whatever pieces its text arrives in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lunavox_edge.engine.speech.script import Script
from lunavox_edge.text.thoughts import ThoughtFilter, without_thoughts
from tests.fakes import processor_time

pytestmark = pytest.mark.unit

_CASES = [
    ("<think>\nOkay.\n</think>\n\nIt is five.", "It is five."),
    ("<think>\n\n</think>\n\nIt is five.", "It is five."),
    ("<thinking>Hm. So.</thinking>It is five.", "It is five."),
    ("<thought>Hm.</thought>It is five.", "It is five."),
    ("<thoughts>Hm.</thoughts>It is five.", "It is five."),
    ("<reasoning>Hm.</reasoning>It is five.", "It is five."),
    ("<reflection>Hm.</reflection>It is five.", "It is five."),
    ("<scratchpad>Hm.</scratchpad>It is five.", "It is five."),
    ("<analysis>Hm.</analysis>It is five.", "It is five."),
    ("<Think>Hm.</THINK>It is five.", "It is five."),
    ("<think>Hm.</think >It is five.", "It is five."),
    ("<think duration=\"3\" kind='a>b' x=1>Hm.</think>It is five.", "It is five."),
    ("<think/>It is five.", "It is five."),
    ("<mm:think>Hm.</mm:think>It is five.", "It is five."),
    ("<seed:think>Hm.</seed:think>It is five.", "It is five."),
    ("<think>Hm.</thinking>It is five.", "It is five."),
    ("[THINK]Hm.[/THINK]It is five.", "It is five."),
    ("[think]Hm.[/think] It is five.", "It is five."),
    ("◁think▷Hm.◁/think▷It is five.", "It is five."),
    ("<|begin_of_thought|>Hm.<|end_of_thought|>It is five.", "It is five."),
    ("<|START_THINKING|>Hm.<|END_THINKING|>It is five.", "It is five."),
    ("<|think|>Hm.<|/think|>It is five.", "It is five."),
    ("<|channel>thought\nHm.<channel|>It is five.", "It is five."),
    ("<unused94>thought\nHm.<unused95>It is five.", "It is five."),
    (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>It is five.",
        "It is five.",
    ),
    (
        "<|start|>assistant<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>It is five.",
        "It is five.",
    ),
    ("It is five.<|im_end|>", "It is five."),
    ("It is five.<｜end▁of▁sentence｜>", "It is five."),
    ("<think>a<think>b</think>c</think>It is five.", "It is five."),
    ("<think>a<reflection>b</reflection>c</think>It is five.", "It is five."),
    ("<thinking>a<reflection>b</thinking>It is five.", "It is five."),
    ("<think>a</reasoning>b</think>It is five.", "It is five."),
    ("<think>a</b></think>It is five.", "It is five."),
    ("<think>1 < 2, [x], `</think>It is five.", "It is five."),
    ("I look.<think>Hm.</think>It is five.", "I look. It is five."),
    ("I look. <think>Hm.</think>It is five.", "I look. It is five."),
    ("I look.<think>Hm.</think>\n\nIt is five.", "I look.\n\nIt is five."),
    ("<think>a</think><think>b</think>It is <think>c</think>five.", "It is five."),
    ("<tool_call>{}</tool_call>It is five.", "It is five."),
    # Without a closing tag nothing of the rest is spoken.
    ("<think>Hm. It is five.", ""),
    ("It is five.<thinking>Hm.", "It is five."),
    ("It is five.<think", "It is five."),
    ("It is five.<think a='", "It is five."),
    ("[THINK]Hm.", ""),
    ("<|channel|>analysis<|message|>Hm.", ""),
    ("<|channel|>anal", ""),
    # Without an opening tag everything before the closing one is thought.
    ("Hm. The user asks.\n</think>\n\nIt is five.", "It is five."),
    ("Hm.[/THINK]It is five.", "It is five."),
    ("Hm.<channel|>It is five.", "It is five."),
    ("Hm.</think>", ""),
    # No tags.
    ("a < b, 5 <6, <5%", "a < b, 5 <6, <5%"),
    ("a <thin> line, <thinker>, <think about it>", "a <thin> line, <thinker>, <think about it>"),
    ("[Thinking](https://example.com) and [thought][1]", "[Thinking](https://example.com) and [thought][1]"),
    ("the tags `<think>` and `</think>`", "the tags `<think>` and `</think>`"),
    ("I think, [so] what? <b>It</b> is ◁ five ▷ a|b <|", "I think, [so] what? <b>It</b> is ◁ five ▷ a|b <|"),
    ("<", "<"),
    ("<thi", "<thi"),
    ("[", "["),
    ("", ""),
]


def _fed(pieces: list[str]) -> str:
    """Return the final text, without what was withdrawn."""
    thoughts = ThoughtFilter()
    said = ""
    for piece in pieces:
        fresh = thoughts.feed(piece)
        said = fresh if thoughts.withdrawn else said + fresh
    return said + thoughts.finish()


@pytest.mark.parametrize(("text", "spoken"), _CASES)
def test_thoughts_are_left_out(text: str, spoken: str) -> None:
    assert without_thoughts(text) == spoken
    assert _fed(list(text)) == spoken


@pytest.mark.parametrize(("text", "spoken"), _CASES)
def test_a_cut_anywhere_makes_no_difference(text: str, spoken: str) -> None:
    assert {_fed([text[:cut], text[cut:]]) for cut in range(len(text) + 1)} == {spoken}


_pieces = st.sampled_from(
    [
        *(
            "<think>",
            "</think>",
            "<thinking a='b'>",
            "</Thinking>",
            "<think/>",
            "[THINK]",
            "[/THINK]",
            "](",
            "[",
        ),
        *(
            "◁think▷",
            "◁/think▷",
            "<|channel|>",
            "analysis",
            "final",
            "<|message|>",
            "<|end|>",
            "<|start|>",
            "`",
        ),
        *(
            "<|begin_of_thought|>",
            "<|end_of_thought|>",
            "<|im_end|>",
            "<|channel>",
            "<channel|>",
            "<",
            ">",
            "|",
        ),
        *(
            "<thi",
            "nk",
            "</",
            "word ",
            "a",
            " ",
            "\n",
            "<reflection",
            "=",
            '"',
            "'",
            "/",
            "<b>",
            "x" * 250,
            "<｜",
        ),
    ]
)


@settings(max_examples=300)
@example(parts=["<think", " ", "a", "=", '"', "x" * 250, '"', ">"], cuts=[3, 8, 240])
@given(st.lists(_pieces, max_size=30), st.lists(st.integers(0, 10_000), max_size=40))
def test_the_size_of_the_pieces_makes_no_difference(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert _fed(pieces) == _fed(list(text)) == without_thoughts(text)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_fed(text: str) -> None:
    assert len(without_thoughts(text)) <= len(text) + 1
    if not any(mark in text for mark in "<[◁"):
        assert without_thoughts(text) == text


@pytest.mark.parametrize(
    ("pieces", "released"),
    [
        (["a <", " b"], ["a ", "< b"]),
        (["a <thi", "n"], ["a ", ""]),
        (["a <thin", " b"], ["a ", "<thin b"]),
        (["a <b", "c"], ["a <b", "c"]),
        (["[t", "h", "e"], ["", "", "[the"]),
        (["5 <6", ""], ["5 <6", ""]),
    ],
)
def test_what_cannot_be_a_tag_is_released_at_once(pieces: list[str], released: list[str]) -> None:
    thoughts = ThoughtFilter()
    assert [thoughts.feed(piece) for piece in pieces] == released


@pytest.mark.parametrize(
    "piece", ["<", "<think ", "<think a='", "[THINK", "<|", "<think>", "</think>", "`<", "◁"]
)
@pytest.mark.timeout(120)
def test_a_hundred_thousand_characters_are_no_trouble(piece: str) -> None:
    thoughts = ThoughtFilter()
    text = (piece * 100_000)[:100_000]
    with processor_time.at_most(10):
        for start in range(0, len(text), 10):
            thoughts.feed(text[start : start + 10])
        thoughts.finish()
        without_thoughts(text)


def _spoken(pieces: list[str], *, ssml: bool = False) -> list[str]:
    script = Script(language="en-US", normalize=True, ssml=ssml, sentence_silence_ms=0)
    lines = []
    for piece in pieces:
        script.add(piece)
        while (line := script.next_line()) is not None:
            lines.append(line.text)
    script.finish()
    while (line := script.next_line()) is not None:
        lines.append(line.text)
    return lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        (
            ["<think>", "\nOkay, the user. ", "Turn it on.", "\n</think>", "\n\n", "The light", " is on."],
            ["The light is on."],
        ),
        (["<thi", "nk>Okay. So. What?</th", "ink>The light is on."], ["The light is on."]),
        (["Okay, the user asks. So.\n</think>The light is on."], ["The light is on."]),
        (["Okay, the", " user asks </th", "ink>The light is on."], ["The light is on."]),
        (["<think>Okay. So."], []),
    ],
)
def test_a_script_has_no_thoughts(pieces: list[str], lines: list[str]) -> None:
    assert _spoken(pieces) == lines


def test_markup_has_no_thoughts() -> None:
    assert _spoken(["<speak><think>Hm & <", "/think>It is five.</speak>"], ssml=True) == ["It is five."]


@pytest.mark.parametrize(
    "text",
    [
        "<longcat_think>x</longcat_think>On.",
        "<chain-of-thought>x</chain-of-thought>On.",
        "<｜begin▁of▁thinking｜>x<｜end▁of▁thinking｜>On.",
        "<|im_start|>assistant\nOn.<|im_end|>",
        "<|im_start|>On.",
        "<start_of_turn>model\nOn.<end_of_turn>",
        "<|start_header_id|>assistant<|end_header_id|>\n\nOn.<|eot_id|>",
        "<|im_start|>assistant",
    ],
)
def test_marks_of_a_turn_are_not_spoken(text: str) -> None:
    whole = "" if text.endswith("assistant") else "On."
    assert without_thoughts(text).strip() == whole
    for cut in range(1, len(text)):
        thoughts = ThoughtFilter()
        out = thoughts.feed(text[:cut]) + thoughts.feed(text[cut:]) + thoughts.finish()
        assert out.strip() == whole
