"""Which words a satellite waits for itself: those that begin a command, and those that only silence it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

STOP = "stop"
"""The name of the microWakeWord model that is made for this."""


@dataclass(frozen=True, slots=True)
class Words:
    """Names of installed wake words; no `calls` mean those of the settings."""

    calls: tuple[str, ...]
    stops: tuple[str, ...]


NO_WORDS = Words((), ())


def choose_words(engine: Engine, calls: tuple[str, ...], stops: tuple[str, ...] | None) -> Words:
    """Return the words for what was asked for; no `calls` mean those of the settings.

    `stops` None means `stop` where it is installed. A word that stops begins no command. Raises UnknownModel.
    """
    if stops is None:
        stops = tuple(entry.name for entry in engine.wake_words() if entry.name == STOP)
    else:
        stops = tuple(entry.name for entry in engine.wake_words(stops)) if stops else ()
    wanted = tuple(entry.name for entry in engine.wake_words(calls))
    others = tuple(name for name in wanted if name not in stops)
    # Somebody whose only word this is wants to say commands with it.
    return Words(others, stops) if others else Words(wanted, ())
