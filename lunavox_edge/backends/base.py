"""The contract of a backend: the abstract classes that a model family implements for the engine.

Backends are deliberately synchronous and blocking, without threads, queues or deadlines: the engine calls
them from its lanes. A backend module imports its native library inside functions, never at module level, so
that the catalog can ask every backend what is installed without loading the libraries. Third parties
register a `Backend` subclass under the entry-point group `lunavox_edge.backends`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, Word

Samples = NDArray[np.float32]
"""Mono audio in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Abilities of a backend; the engine refuses requests that need one that is not declared here."""

    speakers: bool = False
    clone: bool = False
    design: bool = False
    instruct: bool = False
    seed: bool = False
    speed: bool = False
    noise: bool = False
    sampling: bool = False
    words: bool = False
    hotwords: bool = False
    parallel: bool = False
    """Whether one loaded model may be called from several threads at once."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load a model: device (`cpu`, `cuda:0`), threads per call, and parallel calls (`workers`).

    `cache_dir` is a folder for prepared files; None if there is none.
    """

    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    compute_type: str = "default"
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """Parameters for speaking one segment of text. None means the default of the model."""

    speaker: str | None = None
    speed: float = 1.0
    seed: int | None = None
    noise_scale: float | None = None
    noise_w: float | None = None


@dataclass(frozen=True, slots=True)
class RecognizeRequest:
    """Parameters for recognising one piece of audio. `language` is a BCP-47 tag, or None to detect it."""

    language: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    words: bool = False
    beam_size: int = 1
    thorough: bool = False
    """Whether to spend more compute for a little more certainty."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """Result of recognising one piece of audio. `confidence` is in [0, 1]."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Information on how a model runs on this machine; `is_fine` is False if it could run better."""

    text: str
    is_fine: bool = True


class LoadedModel(ABC):
    """A model in memory."""

    device: str = "cpu"
    note: str = ""
    """A remark for people if the model does not run as well as it could; else empty."""

    @abstractmethod
    def warm_up(self) -> None:
        """Run one small real inference, so that the first request is not slower than others."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory. Called once, when the model is no longer in use."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a segment's audio that is not yet computed; `seconds` is its duration, 0 if unknown.

    `make` computes it and is called at most once. It raises LunavoxSynthesisError, MemoryError.
    """

    make: Callable[[], Samples]
    seconds: float = 0.0


class TtsModel(LoadedModel):
    """A loaded voice."""

    rate_hz: int
    dbfs: float | None = None
    """Loudness in dBFS, measured by `warm_up`; None before that, or if the voice made no sound."""

    @abstractmethod
    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        """Yield the audio of one bounded segment at `rate_hz`, as one or more pieces.

        The iterator computes what the pieces have in common and is used by one thread at a time. Pieces of
        a `parallel` backend may be made on several threads at once, also while the iterator runs. `eager`
        asks for a short first piece, for low latency, at the cost of a little more work in all. Raises
        LunavoxSynthesisError if the text cannot be spoken, MemoryError.
        """

    def speak(self, text: str, request: SpeakRequest) -> Iterator[Samples]:
        """Yield the audio of the pieces, one after the other. Raises LunavoxSynthesisError, MemoryError."""
        return (piece.make() for piece in self.pieces(text, request))


class SttModel(LoadedModel):
    """A loaded recogniser."""

    @abstractmethod
    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        """Transcribe up to 30 s of 16 kHz audio. Raises TranscriptionError, MemoryError."""


@dataclass(frozen=True, slots=True)
class WakeScore:
    """Probability that a wake word has just ended."""

    word: int
    """Index of the word's model in the list that the stream was created with."""
    at_s: float
    """Seconds of audio since the start of the stream."""
    probability: float


class WakeStream(ABC):
    """State of wake-word detection in one audio stream; used by one thread at a time."""

    @abstractmethod
    def feed(self, samples: Samples) -> Sequence[WakeScore]:
        """Take 16 kHz audio; return the new scores in order of time. Raises InternalError."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory; `feed` is not called any more. Idempotent."""


class WakeModel(LoadedModel):
    """A loaded wake word."""

    threshold: float
    """The detection threshold that the model's author recommends: a probability between 0 and 1."""

    @classmethod
    @abstractmethod
    def stream(cls, models: Sequence[WakeModel]) -> WakeStream:
        """Start detecting the words of several models of this class, which may share computation.

        Several streams of the same models may run on different threads at once. Raises MemoryError.
        """


class VadStream(ABC):
    """Voice activity detection of one utterance, as a stream."""

    @abstractmethod
    def feed(self, samples: Samples) -> NDArray[np.float32]:
        """Take 16 kHz audio; return one speech probability for every frame that it completes."""


class Vad(ABC):
    """A voice activity detector, shared by all utterances."""

    frame_s: float
    """Duration of a frame in seconds."""

    @abstractmethod
    def stream(self) -> VadStream:
        """Start on a new utterance."""


class Backend(ABC):
    """One model family: finds its models and loads them."""

    name: ClassVar[str]
    kind: ClassVar[ModelKind]
    capabilities: ClassVar[Capabilities] = Capabilities()

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Return None if the family's libraries are installed, else a sentence that says what to install."""

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the models that are installed as Python packages. `cache_dir` may contain prepared files."""
        return ()

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Return the models of this family anywhere below `folder`; reads small files only."""
        return ()

    @classmethod
    def devices(cls) -> Sequence[str]:
        """Return the devices that this family's libraries offer here, best first; `cpu` is always last."""
        return ("cpu",)

    @classmethod
    def remark(cls, entry: ModelEntry, cache_dir: Path) -> Remark | None:  # noqa: ARG003
        """Return how a model will run on this machine, without loading it; None if all run alike."""
        return None

    @abstractmethod
    def load(self, entry: ModelEntry, options: LoadOptions) -> LoadedModel:
        """Load one entry. Raises BrokenModel, BackendUnavailable, MemoryError."""
