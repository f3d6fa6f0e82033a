"""Scripted wake words, each a sound of a certain level: real subclasses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from lunavox_edge.backends.base import (
    Backend,
    Capabilities,
    LoadOptions,
    Samples,
    WakeModel,
    WakeScore,
    WakeStream,
)
from lunavox_edge.errors import BrokenModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind
from tests.fakes.backends import entry
from tests.fakes.sound import steady

FRAME = 160
LEVELS = {"okay_nabu": 0.25, "alexa": 0.5}


@dataclass
class WakeScript:
    """Faults of the detector, and the number of open streams."""

    error: Exception | None = None
    """Raised instead of processing audio."""
    broken: set[str] = field(default_factory=set)
    """Names of words that do not load."""
    open_streams: int = 0


def said(word: str, seconds: float = 0.1) -> bytes:
    """Return 16 kHz sound that counts as `word`."""
    return steady(seconds, LEVELS[word])


def silence(seconds: float) -> bytes:
    return bytes(2 * int(16_000 * seconds))


class ScriptedWord(WakeModel):
    threshold = 0.9

    def __init__(self, name: str, script: WakeScript) -> None:
        self.level = LEVELS[name]
        self.script = script

    @classmethod
    def stream(cls, models: Sequence[WakeModel]) -> WakeStream:
        return ToneStream(cast("Sequence[ScriptedWord]", models))

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return


class ToneStream(WakeStream):
    """Scores 0.95 for a word in every frame that has its level."""

    def __init__(self, models: Sequence[ScriptedWord]) -> None:
        self._models = models
        self._script = models[0].script
        self._rest: Samples = np.zeros(0, np.float32)
        self._frames = 0
        self._open = True
        self._script.open_streams += 1

    def feed(self, samples: Samples) -> Sequence[WakeScore]:
        if self._script.error is not None:
            raise self._script.error
        audio = np.concatenate((self._rest, samples))
        whole = len(audio) - len(audio) % FRAME
        self._rest = audio[whole:]
        scores = []
        for frame in audio[:whole].reshape(-1, FRAME):
            self._frames += 1
            for index, model in enumerate(self._models):
                here = abs(float(frame.max()) - model.level) < 0.01
                scores.append(WakeScore(index, self._frames / 100, 0.95 if here else 0.0))
        return scores

    def close(self) -> None:
        if self._open:
            self._open = False
            self._script.open_streams -= 1


class ScriptedWake(Backend):
    name = "scripted-wake"
    kind = ModelKind.WAKE
    capabilities = Capabilities(parallel=True)
    script = WakeScript()

    @classmethod
    def missing(cls) -> str | None:
        return None

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        return [
            entry(name, ModelKind.WAKE, backend=cls.name, languages=("en",), phrase=name.title())
            for name in LEVELS
        ]

    def load(self, entry: ModelEntry, options: LoadOptions) -> ScriptedWord:
        if entry.name in self.script.broken:
            raise BrokenModel(f"The wake word '{entry.name}' cannot be loaded.")
        return ScriptedWord(entry.name, self.script)
