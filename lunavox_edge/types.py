"""Values that cross layers: frozen, slotted, without behaviour beyond their own shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from numbers import Integral
from pathlib import Path


class ModelKind(str, Enum):
    """What a catalog entry does."""

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
    """What goes first when several texts wait for one loudspeaker."""

    LOW = "low"
    NORMAL = "normal"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Interleaved little-endian PCM: signed integers, except width 1, which is unsigned."""

    rate_hz: int
    width_bytes: int = 2
    channels: int = 1

    def __post_init__(self) -> None:
        """Take integers of any kind, of numpy say, as plain ones, which do not overflow."""
        for name in ("rate_hz", "width_bytes", "channels"):
            value = getattr(self, name)
            if isinstance(value, Integral) and not isinstance(value, bool):
                object.__setattr__(self, name, int(value))

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample over all channels."""
        return self.width_bytes * self.channels

    @property
    def bytes_per_s(self) -> int:
        """Bytes of one second."""
        return self.rate_hz * self.frame_bytes


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of speech: 16-bit mono PCM, little-endian."""

    pcm: bytes
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Seconds this chunk plays."""
        return len(self.pcm) / (2 * self.sample_rate)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One installed model or voice.

    `name` is what people type (`base`, `en_US-joe-medium`); `aliases` are accepted too.
    `path` is what the backend's `load` gets: a file or a folder. `languages` are BCP-47
    (`en-US`); empty means that the model speaks or hears any language. `speakers` are the
    names inside a multi-speaker voice, else empty. `phrase` is what a wake word sounds like.
    `changed_ns` is when its files last changed, 0 for what no one replaces by hand.
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
        """The same only while the same files are there: two voices may well have one name and one size."""
        return (self.backend, self.path, self.size_bytes, self.changed_ns)


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """Something that looks like a model but cannot be used; `reason` is for people."""

    path: Path
    backend: str
    reason: str


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its place in the audio."""

    word: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class TranscriptStats:
    """Where the time of one transcription went."""

    queue_ms: float = 0.0
    decode_ms: float = 0.0
    total_ms: float = 0.0
    speech_s: float = 0.0
    """Seconds of audio that the VAD took for speech; 0 means that no model was asked."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `text` is empty when nobody spoke."""

    text: str
    language: str
    confidence: float
    duration_s: float
    words: tuple[Word, ...] = ()
    stats: TranscriptStats = field(default_factory=TranscriptStats)


@dataclass(frozen=True, slots=True)
class Detection:
    """A wake word was said. `name` is that of its catalog entry."""

    name: str
    phrase: str
    at_s: float
    """Where the word ended, in seconds of audio since the start."""
    timestamp_ms: int
    """The timestamp of the audio that held its end; counted from the start where none was given."""
    probability: float
