from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunavox_edge.mqtt.topics import Command, CommandAddress, Topics, is_publishable, level

pytestmark = pytest.mark.unit

KITCHEN = Topics.of("kitchen")


def test_every_topic_lies_below_the_node() -> None:
    assert KITCHEN.availability == "lunavox/kitchen/availability"
    assert KITCHEN.state == "lunavox/kitchen/state"
    assert KITCHEN.speech_events == "lunavox/kitchen/events/speech"
    assert KITCHEN.set_model("tiny.en") == "lunavox/kitchen/models/tiny.en/set"
    assert KITCHEN.transcript("7") == "lunavox/kitchen/transcript/7"
    assert Topics.of("kitchen", "house/voice").say == "house/voice/kitchen/say"


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        (KITCHEN.say, CommandAddress(Command.SAY)),
        (KITCHEN.stop, CommandAddress(Command.STOP)),
        (KITCHEN.synthesize, CommandAddress(Command.SYNTHESIZE)),
        (KITCHEN.transcribe, CommandAddress(Command.TRANSCRIBE)),
        (KITCHEN.set_voice, CommandAddress(Command.SET_VOICE)),
        (KITCHEN.set_language, CommandAddress(Command.SET_LANGUAGE)),
        (KITCHEN.set_model("a/b#c"), CommandAddress(Command.SET_MODEL, "a/b#c")),
        ("lunavox/cellar/say", None),
        ("lunavox/kitchen", None),
        ("lunavox/kitchen/", None),
        ("lunavox/kitchen/SAY", None),
        ("lunavox/kitchen/say/more", None),
        ("lunavox/kitchen/satellites/bath/say", CommandAddress(Command.SAY, satellite="bath")),
        ("lunavox/kitchen/satellites/a%2Fb/volume/set", CommandAddress(Command.SET_VOLUME, satellite="a/b")),
        ("lunavox/kitchen/satellites/bath/mute/set", CommandAddress(Command.SET_MUTE, satellite="bath")),
        (
            "lunavox/kitchen/satellites/bath/wake_words/set",
            CommandAddress(Command.SET_WAKE_WORDS, satellite="bath"),
        ),
        ("lunavox/kitchen/satellites/bath/transcribe", None),
        ("lunavox/kitchen/satellites/bath/state", None),
        ("lunavox/kitchen/satellites//say", None),
        ("lunavox/kitchen/satellites/bath", None),
        ("lunavox/kitchen/mute/set", None),
        ("lunavox/kitchen/models/set", None),
        ("lunavox/kitchen/models//set", None),
        ("lunavox/kitchen/models/a/b/set", None),
        ("lunavox/kitchen/state", None),
        ("lunavox/kitchen2/say", None),
        ("say", None),
        ("", None),
    ],
)
def test_only_commands_of_this_node_are_understood(topic: str, address: CommandAddress | None) -> None:
    assert KITCHEN.parse(topic) == address


@given(st.text(min_size=1, max_size=200))
def test_the_state_of_a_satellite_is_known_by_its_topic(name: str) -> None:
    assert KITCHEN.satellite_of_state(KITCHEN.satellite(name).state) == name


@pytest.mark.parametrize(
    "rest", ["state", "satellites/bath/availability", "satellites/a/b/state", "satellites/x%/state"]
)
def test_other_topics_are_of_no_satellite(rest: str) -> None:
    assert KITCHEN.satellite_of_state(f"{KITCHEN.root}/{rest}") is None
    assert KITCHEN.satellite_of_state("lunavox/cellar/satellites/bath/state") is None


@given(st.text(min_size=1, max_size=200))
def test_a_name_stays_one_level_and_comes_back(name: str) -> None:
    escaped = level(name)
    assert not set("/+#\x00") & set(escaped)
    address = KITCHEN.parse(KITCHEN.set_model(name))
    assert address == CommandAddress(Command.SET_MODEL, name)


@pytest.mark.parametrize(
    ("topic", "fine"),
    [
        ("answers/1", True),
        ("Küche/Antwort", True),
        ("", False),
        ("a/+/b", False),
        ("a/#", False),
        ("$SYS/broker", False),
        ("a\x00b", False),
        ("\ud800", False),
        ("x" * 65_536, False),
    ],
)
def test_topics_that_a_peer_chose(topic: str, fine: bool) -> None:  # noqa: FBT001
    assert is_publishable(topic) is fine
