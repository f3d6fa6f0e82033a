"""What a listener hears who starts to play at the first audio and plays in real time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_JITTER_S = 0.005
"""Less than this is no gap: the measuring program itself is not more exact."""


class Arrival(NamedTuple):
    """When a piece of audio came, and how long it plays."""

    at_s: float
    audio_s: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """How often and how long the loudspeaker had nothing to play."""

    count: int
    seconds: float


def gaps(arrivals: Iterable[Arrival]) -> Gaps:
    """Find every pause that is not in the speech but comes of audio that was late."""
    count, seconds = 0, 0.0
    played_until_s: float | None = None
    for arrival in arrivals:
        if played_until_s is None or arrival.at_s > played_until_s:
            if played_until_s is not None and arrival.at_s - played_until_s > _JITTER_S:
                count += 1
                seconds += arrival.at_s - played_until_s
            played_until_s = arrival.at_s
        played_until_s += arrival.audio_s
    return Gaps(count, seconds)
