"""Endpointing of one utterance by its speech probabilities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_START, _STAY = 0.5, 0.35
"""Probabilities at which speech begins, and down to which it goes on."""
_MIN_RUN_S = 0.1
"""A shorter run is a click or a breath: it neither begins speech nor interrupts a pause."""


@dataclass(frozen=True, slots=True)
class EndpointRules:
    """Times after which an utterance ends.

    It ends after `pause_s` of silence following speech (`unfinished_pause_s` if the words so far sound
    unfinished), after `no_speech_s` without any speech, or after `max_s` in total.
    """

    pause_s: float
    unfinished_pause_s: float
    no_speech_s: float = 10.0
    max_s: float = 60.0


class Endpointer:
    """Tracks speech and silence of one utterance, frame by frame. Not thread-safe."""

    def __init__(self, frame_s: float) -> None:
        """Start without audio; `frame_s` is the duration of a frame."""
        self._frame_s = frame_s
        self._frames = 0
        self._run = 0
        self._run_sum = 0.0
        self._speaking = False
        self._speech_frames = 0
        self._last_speech = 0

    def feed(self, probabilities: Iterable[float]) -> None:
        """Take the speech probabilities of the next frames."""
        least = max(1, round(_MIN_RUN_S / self._frame_s))
        for probability in probabilities:
            self._frames += 1
            if probability >= (_STAY if self._run else _START):
                self._run += 1
                self._run_sum += probability
                if self._run >= least:
                    self._speech_frames += self._run if not self._speaking else 1
                    self._speaking = True
                    self._last_speech = self._frames
            else:
                self._run, self._run_sum = 0, 0.0
                self._speaking = False

    @property
    def audio_s(self) -> float:
        """Seconds of audio so far."""
        return self._frames * self._frame_s

    @property
    def speech_s(self) -> float:
        """Seconds of speech so far."""
        return self._speech_frames * self._frame_s

    @property
    def run_s(self) -> float:
        """Seconds of the current run of speech, 0 in a pause."""
        return self._run * self._frame_s if self._speaking else 0.0

    @property
    def run_probability(self) -> float:
        """Mean probability of the current run of speech, 0 in a pause."""
        return self._run_sum / self._run if self._speaking else 0.0

    @property
    def speech_end_s(self) -> float:
        """End of the last speech in seconds from the start, 0 before any speech."""
        return self._last_speech * self._frame_s

    @property
    def silence_s(self) -> float:
        """Seconds since the last speech, or since the start."""
        return (self._frames - self._last_speech) * self._frame_s

    def over(self, rules: EndpointRules) -> bool:
        """Whether the utterance has ended by `rules` (by their `pause_s`, not `unfinished_pause_s`)."""
        if self.audio_s >= rules.max_s:
            return True
        if not self._speech_frames:
            return self.audio_s >= rules.no_speech_s
        return self.silence_s >= rules.pause_s
