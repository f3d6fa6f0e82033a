"""What the appliance tells of itself: its state and its catalogs, as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lunavox_edge import telemetry
from lunavox_edge.engine.languages import spellings
from lunavox_edge.mqtt.preferences import Preferences
from lunavox_edge.mqtt.tidings import CatalogItem, CatalogPayload, Phase, StatePayload

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.results import EngineStatus, SynthesisStats
    from lunavox_edge.types import ModelEntry


class Status:
    """Reads the engine; every question is cheap."""

    def __init__(
        self,
        engine: Engine,
        *,
        instance: str,
        preferences: Callable[[], Preferences],
        waiting: Callable[[], int],
    ) -> None:
        """Store the sources; `waiting` is how many texts wait to be spoken."""
        self._engine = engine
        self._instance = instance
        self._preferences = preferences
        self._waiting = waiting
        self._special: Phase | None = Phase.STARTING

    def phase_is(self, phase: Phase | None) -> None:
        """Tell `phase` whatever the engine does; None tells what it does."""
        self._special = phase

    @property
    def default_voice(self) -> str | None:
        """The voice of requests that name none."""
        chosen = self._preferences().voice
        if chosen is not None:
            return chosen
        voices = self._engine.voices()
        return voices[0].name if voices else None

    def state(self) -> StatePayload:
        """How the appliance does now."""
        status = self._engine.status()
        spoken = status.last_speech
        board = telemetry.readings()
        return StatePayload(
            version=status.version,
            instance=self._instance,
            phase=self._special or _phase(status),
            uptime_s=int(status.uptime_s),
            queue=self._waiting() + sum(lane.queued for lane in status.lanes),
            voice=self.default_voice,
            language=self._preferences().language,
            loaded=tuple(sorted(model.name for model in status.models if model.state != "loading")),
            pinned=tuple(sorted(model.name for model in status.models if model.pinned)),
            first_audio_ms=round(spoken.first_audio_ms, 1) if spoken is not None else None,
            rtf=round(_rtf(spoken), 3) if spoken is not None else None,
            rss_bytes=status.rss_bytes,
            mem_available_bytes=status.mem_available_bytes,
            temperatures=board.temperatures,
            gpu_load=board.gpu_load,
            slowed=board.slowed,
            strain=status.strain,
            fallbacks={model.name: model.fallback for model in status.models if model.fallback},
        )

    def voices(self) -> CatalogPayload:
        """The catalog of voices."""
        return _catalog(self._engine.voices(), self.default_voice)

    def models(self) -> CatalogPayload:
        """The catalog of speech-to-text models."""
        models = self._engine.models()
        return _catalog(models, models[0].name if models else None)


def change_of(state: StatePayload) -> tuple[object, ...]:
    """What has to differ for a state to be published before its time; the rest changes all the while."""
    return (
        *(state.phase, state.queue, state.voice, state.language, state.loaded, state.pinned),
        *(state.slowed, state.strain, state.fallbacks),
    )


def _phase(status: EngineStatus) -> Phase:
    if status.speeches:
        return Phase.SPEAKING
    return Phase.LISTENING if status.sessions else Phase.IDLE


def _rtf(stats: SynthesisStats) -> float:
    """Work per second of audio, without the time that the speech waited for its listener."""
    work_ms = stats.t_tokenize_ms + stats.t_encode_ms + stats.t_generate_ms + stats.t_decode_ms
    return work_ms / stats.audio_duration_ms


def _catalog(entries: tuple[ModelEntry, ...], default: str | None) -> CatalogPayload:
    items = tuple(
        CatalogItem(
            name=entry.name,
            languages=spellings(entry.languages),
            speakers=entry.speakers,
            backend=entry.backend,
            licence=entry.licence,
            description=entry.description,
            size_bytes=entry.size_bytes,
        )
        for entry in entries
    )
    return CatalogPayload(default=default, items=items)
