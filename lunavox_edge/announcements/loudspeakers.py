"""The interface of loudspeakers that play announcements; the sound card and the hub implement it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from lunavox_edge.types import AudioChunk, Priority


@dataclass(frozen=True, slots=True)
class Place:
    """Where to play: satellites by id, or all of an area; neither means the appliance's own loudspeaker."""

    satellites: tuple[str, ...] = ()
    area: str | None = None


def always_included(_: str) -> bool:
    """Return True: the default of `still_included`, for announcements that keep all their satellites."""
    return True


class Loudspeakers(Protocol):
    """Plays speech at satellites or at the appliance's own loudspeaker; used on the event loop only."""

    def resolve(self, place: Place) -> tuple[str, ...]:
        """Return the ids of the satellites of a place; none for the appliance's own loudspeaker.

        Raises NoLoudspeaker, UnknownSatellite.
        """

    async def play(
        self,
        satellites: tuple[str, ...],
        chunks: AsyncIterator[AudioChunk],
        priority: Priority,
        *,
        asks: bool = False,
        still_included: Callable[[str], bool] = always_included,
    ) -> tuple[str, ...]:
        """Play to the end, in real time; cancelling silences it at once.

        `asks` says that the text ends with a question, after which a satellite may listen. A satellite for
        which `still_included` becomes False is stopped. Returns the satellites that could not be reached, if
        others could.

        Raises PlaybackFailed, Unreachable, Busy, Cancelled, and whatever the chunks raise.
        """
