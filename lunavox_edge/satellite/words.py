"""The words that the device detects itself: wake words, and stop words that only silence it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

STOP = "stop"
"""The name of the microWakeWord model of a stop word."""


@dataclass(frozen=True, slots=True)
class Words:
    """Names of installed words."""

    calls: tuple[str, ...]
    """The wake words; empty means those of the settings."""
    stops: tuple[str, ...]
    """The stop words."""


NO_WORDS = Words((), ())


def choose_words(engine: Engine, calls: tuple[str, ...], stops: tuple[str, ...] | None) -> Words:
    """Look up the requested wake words `calls` and stop words `stops`.

    Empty `calls` mean those of the settings; `stops` None means `stop` if it is installed. A stop word is
    not a wake word as well, unless there would be no wake word left. Raises UnknownModel.
    """
    if stops is None:
        stops = tuple(entry.name for entry in engine.wake_words() if entry.name == STOP)
    else:
        stops = tuple(entry.name for entry in engine.wake_words(stops)) if stops else ()
    wanted = tuple(entry.name for entry in engine.wake_words(calls))
    others = tuple(name for name in wanted if name not in stops)
    # If the only wake word is also a stop word, it is needed to start commands.
    return Words(others, stops) if others else Words(wanted, ())
