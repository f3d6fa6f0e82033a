"""Home Assistant's endpointing: microVAD every 10 ms, and counters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from lunavox_edge.errors import BackendUnavailable

CHUNK_S = 0.01
RATE_HZ = 16_000
CHUNK_BYTES = 320

SILENCE_S = {"aggressive": 0.25, "default": 0.7, "relaxed": 1.25}
"""Seconds of silence that end a command, by sensitivity."""

_SPEECH_S = 0.3
_COMMAND_S = 1.0
_RESET_S = 1.0
_TIMEOUT_S = 15.0
_BEFORE_THRESHOLD = 0.2
_INSIDE_THRESHOLD = 0.5
_ROUNDING_S = 1e-9


class CommandEnd:
    """Endpointing of one command: call `ended` for every 10 ms until it returns True."""

    def __init__(self, sensitivity: str = "default") -> None:
        """Start before the speech of the command."""
        self._silence_s = SILENCE_S[sensitivity]
        self._speech_left_s = _SPEECH_S
        self._reset_left_s = _RESET_S
        self._silence_left_s = self._silence_s
        self._command_left_s = _COMMAND_S - _SPEECH_S
        self._time_left_s = _TIMEOUT_S
        self._inside = False

    def ended(self, probability: float) -> bool:
        """Take the speech probability of the next 10 ms; True if the command is over or took too long."""
        self._time_left_s -= CHUNK_S
        if self._time_left_s <= _ROUNDING_S:
            return True
        return self._ended_inside(probability) if self._inside else self._begin(probability)

    def _begin(self, probability: float) -> bool:
        if probability > _BEFORE_THRESHOLD:
            self._reset_left_s = _RESET_S
            self._speech_left_s -= CHUNK_S
            self._inside = self._speech_left_s <= _ROUNDING_S
        else:
            self._reset_left_s -= CHUNK_S
            if self._reset_left_s <= _ROUNDING_S:
                self._speech_left_s, self._reset_left_s = _SPEECH_S, _RESET_S
        return False

    def _ended_inside(self, probability: float) -> bool:
        self._command_left_s -= CHUNK_S
        if probability > _INSIDE_THRESHOLD:
            # Only a whole second of speech resets the silence that was counted before.
            self._reset_left_s -= CHUNK_S
            if self._reset_left_s <= _ROUNDING_S:
                self._silence_left_s, self._reset_left_s = self._silence_s, _RESET_S
            return False
        self._reset_left_s = _RESET_S
        self._silence_left_s -= CHUNK_S
        return self._silence_left_s <= _ROUNDING_S and self._command_left_s <= _ROUNDING_S


def end_s(probabilities: Iterable[float], sensitivity: str = "default") -> float:
    """Return after how many seconds Home Assistant sends audio-stop."""
    command = CommandEnd(sensitivity)
    count = 0
    for count, probability in enumerate(probabilities, start=1):  # noqa: B007  # its last value counts
        if command.ended(probability):
            break
    return count * CHUNK_S


def available() -> bool:
    """Return whether microVAD is installed."""
    return find_spec("pymicro_vad") is not None


def speech_probabilities(pcm: bytes) -> Sequence[float]:
    """Return microVAD's probability for every 10 ms of 16 kHz audio. Raises BackendUnavailable."""
    try:
        from pymicro_vad import MicroVad  # noqa: PLC0415  # an optional dependency of the benchmark
    except ImportError as error:
        raise BackendUnavailable(
            "Home Assistant's voice detector is not installed. Install it with: "
            "pip install 'lunavox-edge[bench]'"
        ) from error
    vad = MicroVad()
    usable = len(pcm) - len(pcm) % CHUNK_BYTES
    return [
        float(vad.process_10ms(pcm[start : start + CHUNK_BYTES])) for start in range(0, usable, CHUNK_BYTES)
    ]
