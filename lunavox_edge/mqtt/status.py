"""What the appliance tells of itself: its state and its catalogs, as values."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.engine.values.language_tags import spellings
from lunavox_edge.host import telemetry
from lunavox_edge.mqtt.events import AppliancePhase, CatalogItem, CatalogPayload, StatePayload
from lunavox_edge.mqtt.ha_devices import DeviceOptions
from lunavox_edge.mqtt.preferences import Preferences

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.values.results import EngineStatus, SynthesisStats
    from lunavox_edge.types import ModelEntry


_BOARD_EVERY_S = 5.0
# A sensor's driver may hang; the last reading is told as long as it does.
_BOARD_WITHIN_S = 1.0


class ApplianceStatus:
    """What was read last of the engine and the board; `refresh` reads them, beside the event loop."""

    def __init__(
        self,
        engine: Engine,
        *,
        instance: str,
        preferences: Callable[[], Preferences],
        waiting: Callable[[], int],
        readings: Callable[[], telemetry.Readings] = telemetry.readings,
    ) -> None:
        """Read the engine in place, once; `waiting` is how many texts wait to be spoken."""
        self._engine = engine
        self._instance = instance
        self._preferences = preferences
        self._waiting = waiting
        self._readings = readings
        self._special: AppliancePhase | None = AppliancePhase.STARTING
        self._last = engine.status()
        self._board = telemetry.Readings({}, None, ())
        self._board_s: float | None = None
        self._reading: asyncio.Task[telemetry.Readings] | None = None

    async def refresh(self) -> None:
        """Read the engine, and the board every few seconds. Raises what the reading of the board raises."""
        await self._refresh_board()
        self._last = await bridge.blocking(self._engine.status)

    async def close(self) -> None:
        """Wait for no reading any more. Idempotent."""
        if self._reading is not None:
            await bridge.ended(self._reading)

    @property
    def has_temperature(self) -> bool:
        """Whether the board has a sensor of temperature, as far as was read."""
        return bool(self._board.temperatures)

    def phase_is(self, phase: AppliancePhase | None) -> None:
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
        status, board = self._last, self._board
        spoken = status.last_speech
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

    def offer(self, voice: str | None, language: str | None) -> DeviceOptions:
        """Return what there is to choose from, with the voice and the language that are chosen.

        These may be written by another of their names, or may have gone since.
        """
        voices, models = self._engine.voices(), self._engine.models()
        languages = {found for entry in voices for found in entry.languages}
        if voices and language:
            languages.add(language)
        return DeviceOptions(
            voices=(*(entry.name for entry in voices), *((voice,) if voice else ())),
            languages=tuple(sorted(languages)),
            models=tuple(entry.name for entry in (*models, *voices)),
            has_temperature=self.has_temperature,
        )

    async def _refresh_board(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._reading is None and (self._board_s is None or now_s - self._board_s >= _BOARD_EVERY_S):
            self._board_s = now_s
            self._reading = asyncio.create_task(bridge.blocking(self._readings), name="mqtt sensors")
            await asyncio.wait((self._reading,), timeout=_BOARD_WITHIN_S)
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            self._board = reading.result()


def change_of(state: StatePayload) -> tuple[object, ...]:
    """What has to differ for a state to be published before its time; the rest changes all the while."""
    return (
        *(state.phase, state.queue, state.voice, state.language, state.loaded, state.pinned),
        *(state.slowed, state.strain, state.fallbacks),
    )


def _phase(status: EngineStatus) -> AppliancePhase:
    if status.speeches:
        return AppliancePhase.SPEAKING
    return AppliancePhase.LISTENING if status.sessions else AppliancePhase.IDLE


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
