"""The payloads of outgoing messages: events, results, errors, states and catalogs."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lunavox_edge.announcements.announcement import AnnouncementReport, SpeechStatus
from lunavox_edge.announcements.house import Overlap, SatellitePhase, SatelliteView
from lunavox_edge.errors import Busy, InternalError, LunavoxError
from lunavox_edge.types import Transcript

ONLINE = "online"
OFFLINE = "offline"


class AppliancePhase(str, Enum):
    """What the appliance does; if it speaks and listens at once, it is `speaking`."""

    STARTING = "starting"
    IDLE = "idle"
    LISTENING = "listening"
    SPEAKING = "speaking"
    STOPPING = "stopping"


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def encoded(self) -> bytes:
        """Return the payload as JSON, without keys whose value is None."""
        return self.model_dump_json(exclude_none=True).encode()


class _FullPayload(_Payload):
    def encoded(self) -> bytes:
        """Return the payload as JSON with every key, so that templates of Home Assistant can rely on them."""
        return self.model_dump_json().encode()


class ErrorDetails(_Payload):
    """An error as it is sent to a peer; `code` is stable."""

    code: str
    message: str
    retryable: bool
    retry_after_s: float | None = None

    @classmethod
    def of(cls, error: Exception) -> ErrorDetails:
        """Return the details of an exception; one that is no LunavoxError becomes a bare `internal`."""
        if not isinstance(error, LunavoxError):
            error = InternalError("Something went wrong inside the appliance; its log says more.")
        retry_after_s = error.retry_after_s if isinstance(error, Busy) else None
        return cls(
            code=error.code, message=str(error), retryable=error.retryable, retry_after_s=retry_after_s
        )


class ErrorPayload(_Payload):
    """Sent in place of a result, or as an event; only the event has `topic`, that of the wrong message."""

    id: str | None = None
    topic: str | None = None
    error: ErrorDetails


class SpeechEvent(_Payload):
    """A change of the status of a `say`."""

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

    @classmethod
    def of(cls, report: AnnouncementReport, default_voice: str | None) -> SpeechEvent:
        """Return the event for a report; `default_voice` is shown if no voice or language was requested."""
        announcement = report.announcement
        return cls(
            id=announcement.id,
            status=report.status,
            voice=announcement.voice or (default_voice if announcement.language is None else None),
            satellite=report.satellites[0] if len(report.satellites) == 1 else None,
            satellites=report.satellites if len(report.satellites) > 1 else None,
            missed=report.missed or None,
            first_audio_ms=round(report.first_audio_ms, 1) if report.first_audio_ms is not None else None,
            audio_s=round(report.audio_s, 2) if report.audio_s is not None else None,
            error=ErrorDetails.of(report.error) if report.error is not None else None,
        )


class TranscriptEvent(_Payload):
    """A transcript, as the answer to `transcribe` and as an event.

    `event_type` is read by Home Assistant's event entities. `source` is `mqtt`, `wyoming` or `satellite`.
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
        """Return the payload for a transcript."""
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


class OverlapEvent(_Payload):
    """A person speaks while a satellite plays speech; `interrupted` says whether that stopped it."""

    event_type: Literal["overlapping_speech"] = "overlapping_speech"
    satellite: str
    duration_s: float
    probability: float
    interrupted: bool

    @classmethod
    def of(cls, overlap: Overlap) -> OverlapEvent:
        """Return the payload for an overlap."""
        return cls(
            satellite=overlap.satellite,
            duration_s=round(overlap.duration_s, 2),
            probability=round(overlap.probability, 3),
            interrupted=overlap.interrupted,
        )


class StatePayload(_FullPayload):
    """The appliance's state; values that the machine does not provide are null.

    `loaded` and `pinned` are names of models and voices. `first_audio_ms` and `rtf` (real-time factor) are
    those of the last speech. `slowed` lists why the board is throttled, `strain` is `memory` or `heat` while
    that runs short, `fallbacks` says for each model why it is not on a better device. `instance` is random
    for each run; it distinguishes two appliances of the same name.
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


class SatellitePayload(_FullPayload):
    """A satellite's state; unknown values are null."""

    name: str
    area: str | None
    phase: SatellitePhase
    muted: bool
    volume: float
    wake_words: tuple[str, ...]
    problem: str | None

    @classmethod
    def of(cls, view: SatelliteView) -> SatellitePayload:
        """Return the payload for a satellite."""
        return cls(
            name=view.name,
            area=view.area,
            phase=view.phase,
            muted=view.muted,
            volume=view.volume,
            wake_words=view.wake_words,
            problem=view.problem,
        )


class CatalogItem(_Payload):
    """One voice or model of the retained catalogs."""

    name: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    backend: str
    licence: str
    description: str
    size_bytes: int


class CatalogPayload(_Payload):
    """The installed voices or models, the default one first."""

    default: str | None
    items: tuple[CatalogItem, ...]
