"""The interface of the hub for front-ends: the satellites, their state, and what was said there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from lunavox_edge.types import Transcript


class SatellitePhase(str, Enum):
    """What goes on at a satellite."""

    OFFLINE = "offline"
    IDLE = "idle"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class SatelliteView:
    """The state of a satellite at one moment.

    `wake_words` are those that the hub detects; none if the satellite detects its own (`waits_itself`).
    `volume` is a gain, 1.0 for none. `problem` says why the connection or a wake word does not work.
    """

    id: str
    name: str
    area: str | None
    phase: SatellitePhase
    muted: bool
    volume: float
    wake_words: tuple[str, ...]
    address: str
    waits_itself: bool = False
    problem: str | None = None

    @property
    def online(self) -> bool:
        """Whether it is connected."""
        return self.phase is not SatellitePhase.OFFLINE


@dataclass(frozen=True, slots=True)
class HeardUtterance:
    """An utterance at a satellite; `latency_ms` is the time from the end of speech to the transcript."""

    satellite: str
    transcript: Transcript
    latency_ms: float
    wake_word: str | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A person's speech over the playback of a satellite, its length so far and its mean probability.

    `interrupted` says whether it ended the playback.
    """

    satellite: str
    duration_s: float
    probability: float
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Listeners:
    """Callbacks for events of the hub; called on the event loop, they must not block."""

    changed: Callable[[], None] = lambda: None
    heard: Callable[[HeardUtterance], None] = lambda _: None
    overlapped: Callable[[Overlap], None] = lambda _: None


class House(Protocol):
    """All satellites of the hub; used on the event loop only.

    Each method that takes the id of a satellite raises UnknownSatellite.
    """

    def views(self) -> tuple[SatelliteView, ...]:
        """Return every satellite as it is now."""

    def subscribe(self, listeners: Listeners) -> None:
        """Add listeners, which are notified from now on."""

    def check(self, satellite: str) -> None:
        """Do nothing but raise UnknownSatellite if there is no such satellite."""

    def set_volume(self, satellite: str, volume: float) -> None:
        """Set the gain of a satellite, 1.0 for none."""

    def set_muted(self, satellite: str, *, muted: bool) -> None:
        """Stop listening at a satellite, or listen again."""

    def set_wake_words(self, satellite: str, names: tuple[str, ...]) -> None:
        """Set the wake words; none means those of the settings. Raises UnknownModel too."""

    def silence(self, satellite: str | None) -> int:
        """End conversation and playback at one satellite, or at all; return at how many there was one."""
