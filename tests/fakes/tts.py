"""A scripted voice: real subclasses."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lunavox_edge.backends.base import Backend, Capabilities, LoadOptions, Piece, SpeakRequest, TtsModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind
from tests.fakes.backends import entry

RATE_HZ = 16_000
SECONDS_PER_CHARACTER = 0.01


@dataclass
class TtsScript:
    """Behaviour of the voice, and its recorded calls."""

    error: Exception | None = None
    """Raised instead of speaking."""
    spoken: list[tuple[str, SpeakRequest]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    """While clear, speaking waits, 20 s at most."""
    asked: threading.Event = field(default_factory=threading.Event)
    """Set when speaking has begun."""

    def __post_init__(self) -> None:
        self.go.set()

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.spoken]


class ScriptedVoice(TtsModel):
    rate_hz = RATE_HZ

    def __init__(self, script: TtsScript) -> None:
        self._script = script

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        script = self._script
        script.spoken.append((text, request))
        script.asked.set()
        script.go.wait(20.0)
        if script.error is not None:
            raise script.error
        count = int(len(text) * SECONDS_PER_CHARACTER * RATE_HZ)
        yield Piece(lambda: np.full(count, 0.1, dtype=np.float32))


class ScriptedTts(Backend):
    name = "scripted-tts"
    kind = ModelKind.TTS
    capabilities = Capabilities(speakers=True, speed=True)
    script = TtsScript()

    @classmethod
    def missing(cls) -> str | None:
        return None

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        return (
            entry("alpha", backend=cls.name, languages=("en-US",), aliases=("al",)),
            entry("beta", backend=cls.name, languages=("de-DE",)),
            entry("choir", backend=cls.name, languages=("en-GB",), speakers=("soprano", "bass")),
        )

    def load(self, entry: ModelEntry, options: LoadOptions) -> ScriptedVoice:
        return ScriptedVoice(self.script)
