"""What front-ends know of the satellites of a house; the hub provides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from lunavox_edge.types import Transcript


class SatellitePhase(str, Enum):
    """What a satellite does."""

    OFFLINE = "offline"
    IDLE = "idle"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class SatelliteView:
    """A satellite as it is now.

    `wake_words` are waited for on the hub: none for a satellite that waits for its own.
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
        """Whether it can be reached."""
        return self.phase is not SatellitePhase.OFFLINE


@dataclass(frozen=True, slots=True)
class HeardUtterance:
    """What was said to a satellite; `latency_ms` counts from the end of speech."""

    satellite: str
    transcript: Transcript
    latency_ms: float
    wake_word: str | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Somebody speaks while a satellite does."""

    satellite: str
    duration_s: float
    probability: float
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Listeners:
    """Whom the hub tells; everything is called on the loop and must not wait."""

    changed: Callable[[], None] = lambda: None
    heard: Callable[[HeardUtterance], None] = lambda _: None
    overlapped: Callable[[Overlap], None] = lambda _: None


class House(Protocol):
    """All satellites. Each method that takes an id raises UnknownSatellite."""

    def views(self) -> tuple[SatelliteView, ...]:
        """Every satellite as it is now."""

    def tell(self, listeners: Listeners) -> None:
        """Add somebody to tell of what happens."""

    def set_volume(self, satellite: str, volume: float) -> None:
        """Set how loud one plays, 1.0 as it comes."""

    def set_muted(self, satellite: str, *, muted: bool) -> None:
        """Stop or go on listening."""

    def set_wake_words(self, satellite: str, names: tuple[str, ...]) -> None:
        """Set what is waited for; none means those of the settings. Raises UnknownModel too."""

    def hush(self, satellite: str | None) -> int:
        """End the answers that one or all are giving; return how many."""
