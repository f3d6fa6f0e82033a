"""Speech to be recognised: recordings of a folder, or sentences that a service synthesised."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from lunavox_edge.audio.pcm import Samples, resample, to_mono_float, to_pcm16
from lunavox_edge.audio.vad import speech_spans
from lunavox_edge.audio.wav import read_wav
from lunavox_edge.backends import registry
from lunavox_edge.bench import home_assistant
from lunavox_edge.bench.home_assistant import RATE_HZ
from lunavox_edge.errors import BackendUnavailable, LunavoxError, SettingsError
from lunavox_edge.types import AudioFormat

MANIFEST = "MANIFEST.tsv"
SENTENCES = ("command", "command-en", "read", "long", "synthetic-en")
DIGITS = ("digit",)
COMMANDS = ("command", "command-en", "read", "coffee")
"""Kinds that are used as spoken commands; `coffee` has pauses and no exact text."""

LEAD_S = 0.3
QUIET_S = 4.0
"""Seconds of room noise before and after the speech."""

_NO_TEXT = "SLOTS:"
_FRAME = RATE_HZ // 50
_DITHER = 3e-4


@dataclass(frozen=True)
class Recording:
    """One mono recording of 16 kHz."""

    name: str
    kind: str
    samples: Samples
    said: str = ""

    @property
    def pcm(self) -> bytes:
        """The recording as 16-bit PCM."""
        return to_pcm16(self.samples)

    @cached_property
    def room(self) -> bytes:
        """The recording with the room's own noise before and after it."""
        return to_pcm16(
            np.concatenate((self._noise(LEAD_S, 1), self.samples, self._noise(QUIET_S, 2)), dtype=np.float32)
        )

    @cached_property
    def end_s(self) -> float:
        """End of speech in `room`, in seconds: the last speech that Silero's detector is sure of."""
        vad = registry.vad()
        if vad is None:
            raise BackendUnavailable("The voice detector that finds the end of speech is not installed.")
        room = _floats(self.room)
        spans = speech_spans(vad.stream().feed(room).tolist(), vad.frame_s, end=0.2, pad_s=0.0)
        return spans[-1][1] if spans else 0.0

    @cached_property
    def probabilities(self) -> Sequence[float]:
        """Speech probability of every 10 ms of `room`, by Home Assistant's detector."""
        return home_assistant.speech_probabilities(self.room)

    def until(self, seconds_after_end: float) -> bytes:
        """Return `room` up to `seconds_after_end` after the end of speech."""
        return self.room[: 2 * round((self.end_s + seconds_after_end) * RATE_HZ)]

    def _noise(self, seconds: float, seed: int) -> Samples:
        usable = self.samples[: len(self.samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
        levels = np.sqrt(np.mean(usable**2, axis=1)) if len(usable) else np.zeros(1)
        level = max(_DITHER, float(np.percentile(levels, 10)))
        noise = np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ))
        return np.asarray(noise, dtype=np.float32)


def from_folder(folder: Path) -> list[Recording]:
    """Read the recordings in MANIFEST.tsv (columns file, kind, text). Raises SettingsError."""
    found = []
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        for row in rows:
            kind, text = row["kind"], row["text"] or ""
            if kind in (*SENTENCES, *DIGITS, *COMMANDS):
                audio_format, pcm = read_wav((folder / row["file"]).read_bytes())
                samples = resample(to_mono_float(pcm, audio_format), audio_format.rate_hz, RATE_HZ)
                found.append(Recording(row["file"], kind, samples, "" if text.startswith(_NO_TEXT) else text))
    except (OSError, KeyError, ValueError, LunavoxError) as error:
        raise SettingsError(f"{folder} does not hold speech with a {MANIFEST}: {error}") from error
    if not found:
        raise SettingsError(f"{folder}/{MANIFEST} lists no English speech.")
    return found


def from_speech(said: str, pcm: bytes, rate_hz: int) -> Recording:
    """Return synthesised speech as a recording, with a little noise like that of a microphone."""
    samples = resample(_floats(pcm), rate_hz, RATE_HZ)
    hiss = np.random.default_rng(len(said)).normal(0, _DITHER, len(samples))
    return Recording(said, "command", np.asarray(samples + hiss, dtype=np.float32), said)


def _floats(pcm: bytes) -> Samples:
    return to_mono_float(pcm, AudioFormat(RATE_HZ))


def of_kinds(recordings: Iterable[Recording], kinds: Sequence[str]) -> list[Recording]:
    """Return the recordings of some kinds, shuffled in an order that is always the same."""
    chosen = sorted(
        (recording for recording in recordings if recording.kind in kinds), key=lambda item: item.name
    )
    np.random.default_rng(7).shuffle(chosen)
    return chosen


def shortest(
    recordings: Iterable[Recording], count: int, keep: Callable[[Recording], bool]
) -> list[Recording]:
    """Return the `count` shortest recordings for which `keep` is true."""
    return sorted(filter(keep, recordings), key=lambda item: len(item.samples))[:count]
