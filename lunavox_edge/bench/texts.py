"""Texts to speak. Each number gives another text of the same form, so that no cache contains it."""

from __future__ import annotations

_ROOMS = ("kitchen", "bedroom", "hallway", "bathroom", "garage", "cellar", "attic", "garden")
_THINGS = ("lamp", "heater", "curtain", "window", "speaker", "door", "fan")
_STATES = ("open", "closed", "ready", "broken", "on", "off", "locked", "warm", "cold")
_COMMANDS = (
    "Turn on the light in the {room}.",
    "Is the {thing} in the {room} {state}?",
    "Set the {room} heating to twenty degrees.",
    "Close the curtain in the {room} and lock the door.",
    "Tell me the weather for tomorrow, then switch the {thing} off.",
    "What is on my shopping list?",
)
LONG_TEXT_CHARS = 20_000


def short(number: int) -> str:
    """Return one short sentence, about two seconds of speech."""
    room, thing, state = _words(number)
    return f"The {thing} in the {room} is {state} now."


def nine_seconds(number: int) -> str:
    """Return one sentence of about nine seconds, with clauses as people write them."""
    room, thing, state = _words(number)
    return (
        f"The {thing} in the {room} has been {state} since early this morning, but when the rain comes in "
        "from the west in the afternoon, you may want to look after it before you leave the house."
    )


def reply(number: int) -> str:
    """Return six sentences, as a voice assistant answers a question about the day."""
    room, thing, state = _words(number)
    return (
        f"Good morning. The {room} is warm and the {thing} is {state}. Outside it is cold, with a light wind "
        "from the north. Your first meeting starts at nine, and the train is on time. "
        "The washing machine finished during the night. Have a pleasant day."
    )


def command(number: int) -> str:
    """Return a spoken command for home automation."""
    room, thing, state = _words(number)
    return _COMMANDS[number % len(_COMMANDS)].format(room=room, thing=thing, state=state)


def tokens(text: str) -> list[str]:
    """Cut a text as a language model streams it: words and parts of words."""
    pieces: list[str] = []
    for index, word in enumerate(text.split(" ")):
        spaced = word if index == 0 else f" {word}"
        middle = len(spaced) // 2
        pieces += [spaced[:middle], spaced[middle:]] if middle > 3 else [spaced]  # noqa: PLR2004  # long words
    return pieces


def without_punctuation(number: int) -> str:
    """Return LONG_TEXT_CHARS characters of words and spaces that no sentence ends."""
    words: list[str] = []
    size = 0
    while size <= LONG_TEXT_CHARS:
        room, thing, state = _words(number + len(words))
        words.append(f"the {thing} in the {room} is {state} and")
        size += len(words[-1]) + 1
    return " ".join(words)[: LONG_TEXT_CHARS - 1] + "e"


def _words(number: int) -> tuple[str, str, str]:
    return (
        _ROOMS[number % len(_ROOMS)],
        _THINGS[number % len(_THINGS)],
        _STATES[number % len(_STATES)],
    )
