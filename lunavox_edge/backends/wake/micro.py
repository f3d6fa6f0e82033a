"""The backend microWakeWord: small streaming networks, one per word, on common audio features."""

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
    """One wake word in memory. The state of detection is in its streams."""

    def __init__(self, program: Program, threshold: float, window: int) -> None:
        """Wrap a verified model; a score is the mean of the last `window` probabilities."""
        self.program = program
        self.threshold = threshold
        self.window = window

    @classmethod
    def stream(cls, models: Sequence[WakeModel]) -> MicroWakeStream:
        """Start detecting several words in one stream."""
        return MicroWakeStream(cast("Sequence[MicroWakeModel]", models))

    def warm_up(self) -> None:
        """Process 0.2 s of silence."""
        stream = self.stream([self])
        try:
            stream.feed(np.zeros(int(_WARM_UP_S * _RATE_HZ), np.float32))
        finally:
            stream.close()

    def close(self) -> None:
        """Free the model."""
        self.program.close()


class MicroWakeStream(WakeStream):
    """One feature extractor, whose features go to one interpreter per word."""

    def __init__(self, models: Sequence[MicroWakeModel]) -> None:
        """Start in the state of silence."""
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
        """Take 16 kHz audio; return a score of every word for every few steps of 10 ms."""
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
                probability = word.feed(features)
                if probability is not None:
                    scores.append(WakeScore(index, round(self._steps * _STEP_S, 3), probability))
        return scores

    def close(self) -> None:
        """Free the interpreters."""
        for word in self._words:
            word.interpreter.close()


class _Word:
    """State of one word in one stream."""

    def __init__(self, model: MicroWakeModel) -> None:
        self.interpreter = Interpreter(model.program, FEATURES)
        self._rows: list[Sequence[float]] = []
        self._recent: deque[float] = deque([0.0] * model.window, maxlen=model.window)

    def feed(self, features: Sequence[float]) -> float | None:
        """Take one step; return the mean probability if there are enough steps for a run, else None."""
        self._rows.append(features)
        if len(self._rows) < self.interpreter.steps:
            return None
        self._recent.append(self.interpreter.run(np.asarray(self._rows, np.float32)))
        self._rows = []
        return sum(self._recent) / len(self._recent)


class MicroWakeBackend(Backend):
    """The microWakeWord family: the words of the Python package, and others from folders."""

    name = micro_files.BACKEND
    kind = ModelKind.WAKE
    capabilities = Capabilities(parallel=True)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence that says what to install, None if nothing is missing."""
        return missing_modules("Wake words", "wake", micro_files.PACKAGE, "pymicro_features")

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the words of the Python package."""
        return micro_files.packaged()

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return the words below `folder`, broken ones with the reason."""
        return micro_files.discover(folder)

    def load(self, entry: ModelEntry, options: LoadOptions) -> MicroWakeModel:  # noqa: ARG002  # one thread is enough
        """Load a word from its two files and check that the interpreter accepts it."""
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
            "The installed pymicro-wakeword lacks its native library. Reinstall it with: "
            "pip install --force-reinstall --only-binary :all: pymicro-wakeword"
        )
    return found[0]
