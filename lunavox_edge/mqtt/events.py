"""What goes out, as frozen values."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lunavox_edge.announcements.announcement import SpeechStatus
from lunavox_edge.announcements.house import Overlap, SatellitePhase, SatelliteView
from lunavox_edge.errors import Busy, InternalError, LunavoxError
from lunavox_edge.types import Transcript

ONLINE = "online"
OFFLINE = "offline"


class AppliancePhase(str, Enum):
    """What the appliance does; speaking goes before listening."""

    STARTING = "starting"
    IDLE = "idle"
    LISTENING = "listening"
    SPEAKING = "speaking"
    STOPPING = "stopping"


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def encoded(self) -> bytes:
        """Return the JSON, without the keys that have no value."""
        return self.model_dump_json(exclude_none=True).encode()


class _WholeOut(_Out):
    def encoded(self) -> bytes:
        """Return the JSON with every key, so that templates find them."""
        return self.model_dump_json().encode()


class ErrorDetails(_Out):
    """An error as the peer is told of it."""

    code: str
    message: str
    retryable: bool
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: Exception) -> ErrorDetails:
        """Return the error's own words, or nothing but `internal`."""
        if not isinstance(error, LunavoxError):
            error = InternalError("Something went wrong inside the appliance; its log says more.")
        retry_after_s = error.retry_after_s if isinstance(error, Busy) else None
        return cls(
            code=error.code, message=str(error), retryable=error.retryable, retry_after_s=retry_after_s
        )


class ErrorPayload(_Out):
    """Goes where the result would have gone; `topic` is told in `events/error` only."""

    id: str | None = None
    topic: str | None = None
    error: ErrorDetails


class SpeechEvent(_Out):
    """What became of a `say`."""

    id: str
    status: SpeechStatus
    voice: str | None = None
    satellite: str | None = None
    satellites: tuple[str, ...] | None = None
    missed: tuple[str, ...] | None = None
    """Satellites that did not speak it to the end, most likely because they are offline."""
    first_audio_ms: float | None = None
    audio_s: float | None = None
    error: ErrorDetails | None = None


class TranscriptEvent(_Out):
    """What was heard, as the answer to `transcribe` and as an event.

    `event_type` is what Home Assistant's event entities read.
    """

    event_type: Literal["transcript"] = "transcript"
    id: str
    text: str
    language: str
    confidence: float
    source: str
    satellite: str | None = None
    wake_word: str | None = None
    duration_s: float
    latency_ms: float

    @classmethod
    def of(
        cls,
        transcript: Transcript,
        *,
        request_id: str,
        source: str,
        latency_ms: float,
        satellite: str | None = None,
        wake_word: str | None = None,
    ) -> TranscriptEvent:
        """Return what is told of a transcript."""
        return cls(
            id=request_id,
            text=transcript.text,
            language=transcript.language,
            confidence=round(transcript.confidence, 3),
            source=source,
            satellite=satellite,
            wake_word=wake_word,
            duration_s=round(transcript.duration_s, 2),
            latency_ms=round(latency_ms, 1),
        )


class OverlapEvent(_Out):
    """Somebody speaks while a satellite does."""

    event_type: Literal["overlapping_speech"] = "overlapping_speech"
    satellite: str
    duration_s: float
    probability: float
    interrupted: bool

    @classmethod
    def of(cls, overlap: Overlap) -> OverlapEvent:
        """Return what is told of it."""
        return cls(
            satellite=overlap.satellite,
            duration_s=round(overlap.duration_s, 2),
            probability=round(overlap.probability, 3),
            interrupted=overlap.interrupted,
        )


class StatePayload(_WholeOut):
    """How the appliance does; what the machine does not tell is null.

    `loaded` and `pinned` are names of models and voices. `first_audio_ms` and `rtf` are those of the
    last speech. `slowed` is what holds the board back, `strain` what runs short, `fallbacks` why a model is
    not on a better device. `instance` tells two appliances of one name apart.
    """

    version: str
    instance: str
    phase: AppliancePhase
    uptime_s: int
    queue: int
    voice: str | None
    language: str | None
    loaded: tuple[str, ...]
    pinned: tuple[str, ...]
    first_audio_ms: float | None
    rtf: float | None
    rss_bytes: int
    mem_available_bytes: int
    temperatures: dict[str, float]
    gpu_load: float | None
    slowed: tuple[str, ...]
    strain: str
    fallbacks: dict[str, str]


class SatellitePayload(_WholeOut):
    """How a satellite does; what it does not tell is null."""

    name: str
    area: str | None
    phase: SatellitePhase
    muted: bool
    volume: float
    wake_words: tuple[str, ...]
    problem: str | None

    @classmethod
    def of(cls, view: SatelliteView) -> SatellitePayload:
        """Return what is told of a satellite."""
        return cls(
            name=view.name,
            area=view.area,
            phase=view.phase,
            muted=view.muted,
            volume=view.volume,
            wake_words=view.wake_words,
            problem=view.problem,
        )


class CatalogItem(_Out):
    """One voice or model of the retained catalogs."""

    name: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    backend: str
    licence: str
    description: str
    size_bytes: int


class CatalogPayload(_Out):
    """The voices or the models that are installed, the default one first."""

    default: str | None
    items: tuple[CatalogItem, ...]
