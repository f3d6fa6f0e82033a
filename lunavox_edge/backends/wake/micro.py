"""microWakeWord: tiny streaming networks, one per word, over features that all words share."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from lunavox_edge.audio.pcm import to_pcm16
from lunavox_edge.backends.base import (
    Backend,
    Capabilities,
    LoadOptions,
    Samples,
    WakeModel,
    WakeScore,
    WakeStream,
)
from lunavox_edge.backends.packages import missing_modules, package_folder
from lunavox_edge.backends.wake import micro_files
from lunavox_edge.backends.wake.tflite import Interpreter, Program
from lunavox_edge.errors import BackendUnavailable, BrokenModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind

FEATURES = 40

_RATE_HZ = 16_000
_STEP_S = 0.01
_STEP_BYTES = 2 * int(_RATE_HZ * _STEP_S)
_WARM_UP_S = 0.2


class MicroWakeModel(WakeModel):
    """One word in memory. What it remembers of the sound is in its streams."""

    def __init__(self, program: Program, threshold: float, window: int) -> None:
        """Hold a verified model; `window` probabilities are averaged."""
        self.program = program
        self.threshold = threshold
        self.window = window

    @classmethod
    def stream(cls, models: Sequence[WakeModel]) -> MicroWakeStream:
        """Start to wait for several words."""
        return MicroWakeStream(cast("Sequence[MicroWakeModel]", models))

    def warm_up(self) -> None:
        """Listen to a moment of silence."""
        stream = self.stream([self])
        try:
            stream.feed(np.zeros(int(_WARM_UP_S * _RATE_HZ), np.float32))
        finally:
            stream.close()

    def close(self) -> None:
        """Free the model."""
        self.program.close()


class MicroWakeStream(WakeStream):
    """One front end, whose features go to one interpreter per word."""

    def __init__(self, models: Sequence[MicroWakeModel]) -> None:
        """Start with silence behind."""
        from pymicro_features import MicroFrontend

        self._front_end: Any = MicroFrontend()
        self._waiting = b""
        self._steps = 0
        self._words: list[_Word] = []
        try:
            for model in models:
                self._words.append(_Word(model))
        except BaseException:
            self.close()
            raise

    def feed(self, samples: Samples) -> Sequence[WakeScore]:
        """Take audio; every word has its say about every few of the 10 ms steps in it."""
        pcm = self._waiting + to_pcm16(samples)
        whole = len(pcm) - len(pcm) % _STEP_BYTES
        self._waiting = pcm[whole:]
        scores = []
        for start in range(0, whole, _STEP_BYTES):
            features = self._front_end.process_samples(pcm[start : start + _STEP_BYTES]).features
            self._steps += 1
            if not features:
                continue
            for index, word in enumerate(self._words):
                probability = word.hear(features)
                if probability is not None:
                    scores.append(WakeScore(index, round(self._steps * _STEP_S, 3), probability))
        return scores

    def close(self) -> None:
        """Free the interpreters."""
        for word in self._words:
            word.interpreter.close()


class _Word:
    """What one word remembers of one stream."""

    def __init__(self, model: MicroWakeModel) -> None:
        self.interpreter = Interpreter(model.program, FEATURES)
        self._rows: list[Sequence[float]] = []
        self._recent: deque[float] = deque([0.0] * model.window, maxlen=model.window)

    def hear(self, features: Sequence[float]) -> float | None:
        """Take one step; return the mean probability when the interpreter has enough steps to run."""
        self._rows.append(features)
        if len(self._rows) < self.interpreter.steps:
            return None
        self._recent.append(self.interpreter.run(np.asarray(self._rows, np.float32)))
        self._rows = []
        return sum(self._recent) / len(self._recent)


class MicroWakeBackend(Backend):
    """The microWakeWord family: the words that came with the library, and others from folders."""

    name = micro_files.BACKEND
    kind = ModelKind.WAKE
    capabilities = Capabilities(parallel=True)

    @classmethod
    def missing(cls) -> str | None:
        """Say what to install, None if nothing."""
        return missing_modules("Wake words", "wake", micro_files.PACKAGE, "pymicro_features")

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the words that came with the library."""
        return micro_files.packaged()

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return the words below `folder`, broken ones with the reason."""
        return micro_files.discover(folder)

    def load(self, entry: ModelEntry, options: LoadOptions) -> MicroWakeModel:  # noqa: ARG002  # one thread is enough
        """Read a word's two files."""
        try:
            about = micro_files.description_of(entry)
            program = Program(_library(), micro_files.read_model(entry.path))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise BrokenModel(f"The wake word '{entry.name}' cannot be loaded: {reason}.") from error
        except BrokenModel as error:
            raise BrokenModel(f"The wake word '{entry.name}' cannot be loaded. {error}") from error
        try:
            Interpreter(program, FEATURES).close()
        except BrokenModel as error:
            program.close()
            raise BrokenModel(f"The wake word '{entry.name}' cannot be loaded. {error}") from error
        return MicroWakeModel(program, about.threshold, about.window)


def _library() -> Path:
    folder = package_folder(micro_files.PACKAGE)
    found = sorted((folder / "lib").glob("*tensorflowlite_c.*")) if folder is not None else []
    if not found:
        raise BackendUnavailable(
            "pymicro-wakeword came without its library here. Reinstall it with: "
            "pip install --force-reinstall --only-binary :all: pymicro-wakeword"
        )
    return found[0]
