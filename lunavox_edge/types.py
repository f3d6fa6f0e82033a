"""Values that all layers use: immutable dataclasses and enums."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from numbers import Real
from pathlib import Path


class ModelKind(str, Enum):
    """What a catalog entry is for: speech recognition, speech synthesis, or a wake word."""

    STT = "stt"
    TTS = "tts"
    WAKE = "wake"


class SourceKind(str, Enum):
    """Where a catalog entry was found."""

    PACKAGE = "package"
    FOLDER = "folder"
    HUB = "hub"
    CONFIG = "config"


class Priority(str, Enum):
    """Priority of an announcement in the queue."""

    LOW = "low"
    NORMAL = "normal"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Format of interleaved little-endian PCM: signed integers, but unsigned if one byte wide."""

    rate_hz: int
    width_bytes: int = 2
    channels: int = 1

    def __post_init__(self) -> None:
        """Convert whole numbers of other types, such as 16000.0 or numpy's, to int."""
        for name in ("rate_hz", "width_bytes", "channels"):
            value = getattr(self, name)
            is_whole = isinstance(value, Real) and not isinstance(value, bool) and value % 1 == 0
            if is_whole:
                object.__setattr__(self, name, int(value))

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame: one sample of every channel."""
        return self.width_bytes * self.channels

    @property
    def bytes_per_s(self) -> int:
        """Bytes of one second of audio."""
        return self.rate_hz * self.frame_bytes


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of speech: 16-bit mono PCM, little-endian."""

    pcm: bytes
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Playing time in seconds."""
        return len(self.pcm) / (2 * self.sample_rate)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One installed model or voice.

    `name` is what people type (`base`, `en_US-joe-medium`); `aliases` are accepted too.
    `path` is a file or a folder, for the backend's `load`. `languages` are BCP-47 tags (`en-US`); empty
    means any language. `speakers` are the names of a multi-speaker voice, else empty. `phrase` is what a
    person says to trigger a wake word. `changed_ns` is the time of the last change of its files, 0 for
    files that are not replaced by hand (packages, downloads).
    """

    name: str
    kind: ModelKind
    backend: str
    path: Path
    languages: tuple[str, ...]
    size_bytes: int
    licence: str
    source: str
    source_kind: SourceKind
    aliases: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    description: str = ""
    version: str | None = None
    attribution_name: str = ""
    attribution_url: str = ""
    phrase: str = ""
    changed_ns: int = 0

    @property
    def content_key(self) -> tuple[str, Path, int, int]:
        """Key that changes when the files change. Name and size alone may be equal for two voices."""
        return (self.backend, self.path, self.size_bytes, self.changed_ns)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """Files that look like a model but cannot be used; `reason` is a sentence for people."""

    path: Path
    backend: str
    reason: str


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its time in the audio, in seconds from the start."""

    word: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class TranscriptStats:
    """Times of one transcription: waiting in the queue, decoding, and in all.

    All are 0 if nothing was measured, as for a transcript that a service has sent.
    """

    queue_ms: float = 0.0
    decode_ms: float = 0.0
    total_ms: float = 0.0
    speech_s: float = 0.0
    """Seconds of audio that the voice activity detector took for speech; with 0 no model was called."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Result of a speech recognition. `text` is empty if there was no speech; `confidence` is 0 to 1."""

    text: str
    language: str
    confidence: float
    duration_s: float
    words: tuple[Word, ...] = ()
    stats: TranscriptStats = field(default_factory=TranscriptStats)


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected wake word. `name` is the name of its catalog entry."""

    name: str
    phrase: str
    at_s: float
    """End of the word, in seconds of audio since the start of the stream."""
    timestamp_ms: int
    """Timestamp of the audio chunk with the end of the word; without timestamps, counted from the start."""
    probability: float
