"""A scripted recogniser: real subclasses."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lunavox_edge.backends.base import (
    Backend,
    Capabilities,
    LoadOptions,
    Recognition,
    RecognizeRequest,
    Samples,
    SttModel,
)
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind
from tests.fakes.backends import entry


@dataclass
class SttScript:
    """Behaviour of the recogniser, and its recorded calls."""

    text: str = "turn on the light"
    error: Exception | None = None
    """Raised instead of recognising."""
    heard: list[tuple[Samples, RecognizeRequest]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    """The names of the models that were loaded."""
    go: threading.Event = field(default_factory=threading.Event)
    """While clear, recognising waits, 20 s at most."""
    asked: threading.Event = field(default_factory=threading.Event)
    """Set when recognising has begun."""

    def __post_init__(self) -> None:
        self.go.set()


class ScriptedEar(SttModel):
    def __init__(self, script: SttScript) -> None:
        self._script = script

    def warm_up(self) -> None:
        return

    def close(self) -> None:
        return

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        script = self._script
        script.heard.append((samples, request))
        script.asked.set()
        script.go.wait(20.0)
        if script.error is not None:
            raise script.error
        return Recognition(text=script.text, language=request.language or "en", confidence=0.9)


class ScriptedStt(Backend):
    name = "scripted-stt"
    kind = ModelKind.STT
    capabilities = Capabilities(words=True, hotwords=True)
    script = SttScript()

    @classmethod
    def missing(cls) -> str | None:
        return None

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
        return (
            entry("ear", ModelKind.STT, backend=cls.name, languages=("en", "de")),
            entry("ear.en", ModelKind.STT, backend=cls.name, languages=("en",)),
        )

    def load(self, entry: ModelEntry, options: LoadOptions) -> ScriptedEar:
        self.script.models.append(entry.name)
        return ScriptedEar(self.script)
