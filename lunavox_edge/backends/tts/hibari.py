"""The backend for Hibari: a small, fast English voice, for boards where Piper is too slow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lunavox_edge.audio.loudness import speech_dbfs
from lunavox_edge.backends import ort
from lunavox_edge.backends.base import (
    Backend,
    Capabilities,
    LoadOptions,
    Piece,
    Samples,
    SpeakRequest,
    TtsModel,
)
from lunavox_edge.backends.packages import missing_modules, package_folder, package_version
from lunavox_edge.backends.scan import folders, read_json
from lunavox_edge.backends.tts.phonemes import bounded
from lunavox_edge.errors import BackendUnavailable, BrokenModel, LunavoxSynthesisError, UnknownSpeaker
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

_DISTRIBUTION = "hibari-tts"
_LICENCE = "Apache-2.0"
_HOME = "https://github.com/MMWilliams/hibari"
_NAME_PREFIX = "hibari-"
_BUNDLED = "heart"
_MAX_PHONEMES = 200
_MIN_PHONEMES = 40
_WARM_UP_TEXT = "The lights in the kitchen are on, and dinner is ready."
# A word that is in no lexicon, so that the network for unknown words is loaded too.
_UNKNOWN_WORD = "Zorblaxian"


class HibariModel(TtsModel):
    """One Hibari voice in memory. Thread-safe."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401  # no types exist
        """Wrap a loaded engine of the Hibari library."""
        self.rate_hz = engine.sample_rate
        self._engine = engine

    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:  # noqa: ARG002
        """Return one piece for every sentence, or for every part of a very long one."""
        if request.speaker is not None:
            raise UnknownSpeaker("This voice has only one speaker; leave the speaker out.")
        return self._pieces(self._engine.phonemize(text), request)

    def warm_up(self) -> None:
        """Speak a sentence and measure its loudness."""
        for _ in self.speak(_UNKNOWN_WORD, SpeakRequest()):
            pass
        pieces = list(self.speak(_WARM_UP_TEXT, SpeakRequest(seed=0)))
        if pieces:
            self.dbfs = speech_dbfs(np.concatenate(pieces), self.rate_hz)

    def close(self) -> None:
        """Free the engine."""
        self._engine = None

    def _pieces(self, sentences: Sequence[str], request: SpeakRequest) -> Iterator[Piece]:
        noise = np.random.default_rng(request.seed)
        limit = max(_MIN_PHONEMES, int(_MAX_PHONEMES * min(1.0, request.speed)))
        for sentence in sentences:
            for part in bounded(sentence, limit):
                # Each piece has its own random generator, so that pieces may be computed in any order.
                yield Piece(partial(self._make, part, request.speed, noise.spawn(1)[0]))

    def _make(self, phonemes: Sequence[str], speed: float, noise: np.random.Generator) -> Samples:
        try:
            with ort.memory_errors():
                audio = self._engine.from_ids(self._engine.ids(phonemes), speed, noise)
        except ort.failures() as error:
            raise LunavoxSynthesisError("This voice failed on this text.") from error
        return np.asarray(audio, dtype=np.float32)


class HibariBackend(Backend):
    """The Hibari family: the voice of the Python package, and others in folders."""

    name = "hibari"
    kind = ModelKind.TTS
    capabilities = Capabilities(speed=True, seed=True, parallel=True)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence that says what to install, None if nothing is missing."""
        return missing_modules("Hibari", "hibari", "hibari", "onnxruntime")

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the voice of the Python package."""
        folder = package_folder("hibari")
        known = _known_voices()
        if folder is None or _BUNDLED not in known:
            return ()
        version = package_version(_DISTRIBUTION)
        model = folder / "assets" / known[_BUNDLED]["file"]
        return (
            _entry(model, _BUNDLED, known, SourceKind.PACKAGE, f"package {_DISTRIBUTION} {version}", version),
        )

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
        """Return the voices below `folder`: files with the name of a voice that the library knows."""
        known = _known_voices()
        by_file = {voice["file"]: name for name, voice in known.items() if name != _BUNDLED}
        return [
            _entry(place / name, by_file[name], known, SourceKind.FOLDER, "folder", None)
            for place, names in folders(folder)
            for name in names
            if name in by_file
        ]

    def load(self, entry: ModelEntry, options: LoadOptions) -> HibariModel:  # noqa: ARG002  # one thread is enough
        """Open the voice and its phonemiser."""
        from hibari import Hibari

        voice = entry.name.removeprefix(_NAME_PREFIX)
        if voice not in _known_voices():
            raise BackendUnavailable(
                f"The installed hibari does not know the voice '{voice}'. Upgrade hibari-tts."
            )
        problem = ort.onnx_problem(entry.path)
        if problem is not None:
            # Without a valid file the library would download one.
            raise BrokenModel(f"The voice '{entry.name}' cannot be loaded: its file {problem}.")
        try:
            with ort.memory_errors():
                engine = Hibari(voice=voice, model=str(entry.path), threads=1)
                engine.g2p  # noqa: B018  # a property that reads the lexicon on first use
        except ort.failures() as error:
            raise BrokenModel(f"The voice '{entry.name}' is damaged or not for this version.") from error
        return HibariModel(engine)


def _known_voices() -> Mapping[str, Mapping[str, Any]]:
    folder = package_folder("hibari")
    if folder is None:
        return {}
    try:
        return read_json(folder / "assets" / "voices.json")
    except ValueError:
        return {}


def _entry(
    model: Path,
    voice: str,
    known: Mapping[str, Mapping[str, Any]],
    source_kind: SourceKind,
    source: str,
    version: str | None,
) -> ModelEntry | BrokenEntry:
    about = known[voice]
    problem = ort.onnx_problem(model)
    if problem is not None:
        return BrokenEntry(model, HibariBackend.name, f"{model.name} {problem}.")
    size = model.stat().st_size
    if size != about["bytes"]:
        reason = f"{model.name} has {size} bytes instead of {about['bytes']}; copy or download it again."
        return BrokenEntry(model, HibariBackend.name, reason)
    return ModelEntry(
        name=f"{_NAME_PREFIX}{voice}",
        kind=ModelKind.TTS,
        backend=HibariBackend.name,
        path=model,
        languages=(about["language"],),
        size_bytes=size,
        licence=_LICENCE,
        source=source,
        source_kind=source_kind,
        aliases=("hibari", voice) if voice == _BUNDLED else (voice,),
        description=f"{voice}, {about['accent']} English, {about['gender']}, tiny and fast",
        version=version,
        attribution_name="Hibari",
        attribution_url=_HOME,
    )
