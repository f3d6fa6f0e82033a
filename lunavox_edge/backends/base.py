"""What a model family must offer to be run by the engine.

Backends are synchronous and blocking on purpose and know no threads, queues or deadlines: the
engine calls them from its lanes. A backend module imports its native library inside `load`,
never at import, so that the catalog can ask every backend what is installed without paying
for any of them. Third parties register a `Backend` subclass under the entry-point group
`lunavox_edge.backends`.
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
    """What a backend can do; the engine refuses what is not declared here."""

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
    """How to load: the device (`cpu`, `cuda:0`), threads per call and calls at once.

    `cache_dir` may hold prepared files; None if there is no such folder.
    """

    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    compute_type: str = "default"
    cache_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """How one piece of text is spoken. None means the model's own default."""

    speaker: str | None = None
    speed: float = 1.0
    seed: int | None = None
    noise_scale: float | None = None
    noise_w: float | None = None


@dataclass(frozen=True, slots=True)
class RecognizeRequest:
    """How one piece of audio is heard. `language` is BCP-47 or None to detect it."""

    language: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    words: bool = False
    beam_size: int = 1
    thorough: bool = False
    """Whether to spend more compute for a little more certainty."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the model heard in one piece of audio. `confidence` is in [0, 1]."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """How a model runs here. If that `is_fine` is False, it says what is worse than it might be."""

    text: str
    is_fine: bool = True


class LoadedModel(ABC):
    """A model in memory. `close` frees it; it is called once, when nobody uses it."""

    device: str = "cpu"
    note: str = ""
    """What a person should know about how it runs; empty if all is as it should be."""

    @abstractmethod
    def warm_up(self) -> None:
        """Run one small real inference, so that the first request pays for nothing."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a segment's sound that is still to be made; `seconds` is its length, 0 if unknown.

    `make` is called once at most. It raises LunavoxSynthesisError, MemoryError.
    """

    make: Callable[[], Samples]
    seconds: float = 0.0


class TtsModel(LoadedModel):
    """A loaded voice."""

    rate_hz: int
    dbfs: float | None = None
    """How loud it speaks, as `warm_up` measured it; None before, or if it made no sound."""

    @abstractmethod
    def pieces(self, text: str, request: SpeakRequest, *, eager: bool = True) -> Iterator[Piece]:
        """Yield the speech of one bounded segment at `rate_hz`, in one or more pieces.

        What pieces share is done as they are yielded; it is for one thread at a time. Pieces of
        a `parallel` backend may be made on several threads at once, and while the next one is
        yielded. `eager` is for a listener who hears nothing yet: it asks for a first piece that is
        soon made, at the cost of a little more work. Raises LunavoxSynthesisError if the text
        cannot be spoken, MemoryError if there is no room.
        """

    def speak(self, text: str, request: SpeakRequest) -> Iterator[Samples]:
        """Make the pieces one after the other; raises as `pieces`, and as making one does."""
        return (piece.make() for piece in self.pieces(text, request))


class SttModel(LoadedModel):
    """A loaded recogniser."""

    @abstractmethod
    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        """Transcribe up to 30 s of 16 kHz audio. Raises TranscriptionError, MemoryError."""


@dataclass(frozen=True, slots=True)
class WakeScore:
    """How sure a model is that its word has just ended."""

    word: int
    """Which of the stream's models, by its place among them."""
    at_s: float
    """Seconds of audio since the start of the stream."""
    probability: float


class WakeStream(ABC):
    """The state of one stream of audio in which words are waited for; for one thread at a time."""

    @abstractmethod
    def feed(self, samples: Samples) -> Sequence[WakeScore]:
        """Take 16 kHz audio; return the scores that it completed, in order. Raises InternalError."""

    @abstractmethod
    def close(self) -> None:
        """Free the memory; nothing is fed any more. Idempotent."""


class WakeModel(LoadedModel):
    """A loaded wake word."""

    threshold: float
    """The probability, between 0 and 1, over which its author takes the word for said."""

    @classmethod
    @abstractmethod
    def stream(cls, models: Sequence[WakeModel]) -> WakeStream:
        """Start to wait for the words of several models of this class, which may share their work.

        Streams of the same models run on several threads at once. Raises MemoryError.
        """


class VadStream(ABC):
    """Voice activity of one utterance as it comes."""

    @abstractmethod
    def feed(self, samples: Samples) -> NDArray[np.float32]:
        """Take 16 kHz audio; return one speech probability for every frame completed by it."""


class Vad(ABC):
    """A voice activity detector, shared by all utterances."""

    frame_s: float
    """Seconds of audio behind one probability."""

    @abstractmethod
    def stream(self) -> VadStream:
        """Start on a new utterance."""


class Backend(ABC):
    """One model family."""

    name: ClassVar[str]
    kind: ClassVar[ModelKind]
    capabilities: ClassVar[Capabilities] = Capabilities()

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """None if the family's libraries are installed, else the sentence that says what to do."""

    @classmethod
    def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Models that came as installed Python packages. `cache_dir` may hold prepared files."""
        return ()

    @classmethod
    def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:  # noqa: ARG003
        """Models of this family anywhere below `folder`; reads small files only."""
        return ()

    @classmethod
    def devices(cls) -> Sequence[str]:
        """Devices this family's libraries offer here, best first; `cpu` is always last."""
        return ("cpu",)

    @classmethod
    def remark(cls, entry: ModelEntry, cache_dir: Path) -> Remark | None:  # noqa: ARG003
        """Say how a model of this family will run, without loading it; None if all run alike."""
        return None

    @abstractmethod
    def load(self, entry: ModelEntry, options: LoadOptions) -> LoadedModel:
        """Load one entry. Raises BrokenModel, BackendUnavailable, MemoryError."""
