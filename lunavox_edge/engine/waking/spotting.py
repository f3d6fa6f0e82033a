"""Rules for when a wake word is detected: a threshold, and a pause after it. Pure, without a clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

AS_MADE = 0.5
"""The sensitivity at which a word has the threshold that its author chose."""

# Range of the threshold from sensitivity 0 to 1, in log odds. At 0.8 a word is what Home Assistant's own
# hardware calls very sensitive.
_SCALE = 6.0
_LEAST = 0.001


@dataclass(frozen=True, slots=True)
class SpottingRules:
    """How easily one word is detected (`sensitivity`, 0 to 1), and how long not again after that."""

    sensitivity: float = AS_MADE
    refractory_s: float = 2.0

    def threshold(self, as_made: float) -> float:
        """Return the probability above which the word is detected; `as_made` is the author's choice."""
        as_made = min(max(as_made, _LEAST), 1.0 - _LEAST)
        odds = math.log(as_made / (1.0 - as_made)) + _SCALE * (AS_MADE - self.sensitivity)
        return 1.0 / (1.0 + math.exp(-odds))


class Spotter:
    """Turns the probabilities of one word in one stream into detections."""

    def __init__(self, rules: SpottingRules, as_made: float) -> None:
        """Start without a detection; `as_made` is the threshold that the word's author chose."""
        self._threshold = rules.threshold(as_made)
        self._refractory_s = rules.refractory_s
        self._resting_until_s = 0.0
        self._above = False

    def spot(self, at_s: float, probability: float) -> bool:
        """Take the probability at a position in seconds; return whether the word is detected there.

        Once per rise above the threshold, and not in the pause after a detection.
        """
        was_above, self._above = self._above, probability > self._threshold
        if not self._above or was_above or at_s < self._resting_until_s:
            return False
        self._resting_until_s = at_s + self._refractory_s
        return True
