"""Where speech can be heard; the sound card is one implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from lunavox_edge.types import AudioChunk, Priority


@dataclass(frozen=True, slots=True)
class Place:
    """Satellites by name, or all of an area; neither means where the appliance itself is heard."""

    satellites: tuple[str, ...] = ()
    area: str | None = None


def everybody(_: str) -> bool:
    """Whether a satellite is still meant, where nobody can be left out."""
    return True


class Loudspeakers(Protocol):
    """Plays speech in places."""

    def resolve(self, place: Place) -> tuple[str, ...]:
        """Return the names of the satellites that would play; none for the appliance's own sound card.

        Raises NoLoudspeaker, UnknownSatellite.
        """

    async def play(
        self,
        satellites: tuple[str, ...],
        chunks: AsyncIterator[AudioChunk],
        priority: Priority,
        *,
        asks: bool = False,
        meant: Callable[[str], bool] = everybody,
    ) -> tuple[str, ...]:
        """Play to the end, as fast as it is heard; cancelling falls silent at once.

        What `asks` is an answer that may be answered in turn. A satellite that is not `meant` any more is
        left out of what is still to come. Returns those that could not be reached, if others could.

        Raises PlaybackFailed and whatever the chunks raise.
        """
