"""Gaps in the playback of a client that starts at the first audio and plays in real time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_JITTER_S = 0.005
"""Shorter gaps are not counted: the measurement itself is not more exact."""


class Arrival(NamedTuple):
    """Arrival time and length of a piece of audio, in seconds."""

    at_s: float
    audio_s: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """Number and total length of the gaps."""

    count: int
    seconds: float


def gaps(arrivals: Iterable[Arrival]) -> Gaps:
    """Return the gaps that late audio causes; pauses inside the audio do not count."""
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
