"""The state and the catalogs of the appliance, as payloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.engine.values.language_tags import canonical, spellings
from lunavox_edge.host import telemetry
from lunavox_edge.mqtt.events import AppliancePhase, CatalogItem, CatalogPayload, StatePayload
from lunavox_edge.mqtt.ha_devices import DeviceOptions
from lunavox_edge.mqtt.preferences import Preferences

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.values.results import EngineStatus, SynthesisStats
    from lunavox_edge.types import ModelEntry


_BOARD_EVERY_S = 5.0
# A sensor's driver may hang; the last readings are published until it returns.
_BOARD_WITHIN_S = 1.0


class ApplianceStatus:
    """The last readings of the engine and the board's sensors; `refresh` updates them in a thread."""

    def __init__(
        self,
        engine: Engine,
        *,
        instance: str,
        preferences: Callable[[], Preferences],
        waiting: Callable[[], int],
        announcing: Callable[[], bool],
        readings: Callable[[], telemetry.Readings] = telemetry.readings,
    ) -> None:
        """Read the engine once, blocking.

        `preferences` returns the usable ones, `waiting` the number of queued announcements, `announcing`
        whether any of them waits or plays, `readings` those of the board's sensors (blocking).
        """
        self._engine = engine
        self._instance = instance
        self._preferences = preferences
        self._waiting = waiting
        self._announcing = announcing
        self._readings = readings
        self._fixed_phase: AppliancePhase | None = AppliancePhase.STARTING
        self._engine_status = engine.status()
        self._board = telemetry.Readings({}, None, ())
        self._board_s: float | None = None
        self._reading: asyncio.Task[telemetry.Readings] | None = None

    async def refresh(self) -> None:
        """Read the engine, and the board every few seconds. Raises the exceptions of `readings`."""
        await self._refresh_board()
        self._engine_status = await bridge.blocking(self._engine.status)

    async def close(self) -> None:
        """Stop waiting for the sensors. Idempotent."""
        if self._reading is not None:
            await bridge.cancel_and_wait(self._reading)

    @property
    def has_temperature(self) -> bool:
        """Whether the last readings have a temperature."""
        return bool(self._board.temperatures)

    def set_phase(self, phase: AppliancePhase | None) -> None:
        """Set the phase regardless of what goes on; None derives it from announcements and sessions."""
        self._fixed_phase = phase

    @property
    def default_voice(self) -> str | None:
        """The name of the voice for requests that name none; None if there is no voice."""
        chosen = self._preferences().voice
        if chosen is not None:
            return chosen
        voices = self._engine.voices()
        return voices[0].name if voices else None

    @property
    def language(self) -> str | None:
        """The language that was chosen over MQTT; None without a choice that can be used."""
        return self._preferences().language

    def state(self) -> StatePayload:
        """Return the current state, from the last readings."""
        status, board = self._engine_status, self._board
        last_speech = status.last_speech
        return StatePayload(
            version=status.version,
            instance=self._instance,
            phase=self._fixed_phase or _phase(status, announcing=self._announcing()),
            uptime_s=int(status.uptime_s),
            queue=self._waiting() + sum(lane.queued for lane in status.lanes),
            voice=self.default_voice,
            language=self.language,
            loaded=tuple(sorted(model.name for model in status.models if model.state != "loading")),
            pinned=tuple(sorted(model.name for model in status.models if model.pinned)),
            first_audio_ms=round(last_speech.first_audio_ms, 1) if last_speech is not None else None,
            rtf=round(_rtf(last_speech), 3) if last_speech is not None else None,
            rss_bytes=status.rss_bytes,
            mem_available_bytes=status.mem_available_bytes,
            temperatures=board.temperatures,
            gpu_load=board.gpu_load,
            slowed=board.slowed,
            strain=status.strain,
            fallbacks={model.name: model.fallback for model in status.models if model.fallback},
        )

    def voices(self) -> CatalogPayload:
        """Return the catalog of voices."""
        return _catalog(self._engine.voices(), self.default_voice)

    def models(self) -> CatalogPayload:
        """Return the catalog of speech-to-text models."""
        models = self._engine.models()
        return _catalog(models, models[0].name if models else None)

    def offer(self, voice: str | None, language: str | None) -> DeviceOptions:
        """Return the choices of the appliance's entities, including the chosen voice and language.

        They may be an alias, and a language without the region that the voices have.
        """
        voices, models = self._engine.voices(), self._engine.models()
        languages = {found for entry in voices for found in canonical(entry.languages)}
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
    """Return the fields whose change is published at once; the others change all the time."""
    return (
        *(state.phase, state.queue, state.voice, state.language, state.loaded, state.pinned),
        *(state.slowed, state.strain, state.fallbacks),
    )


def _phase(status: EngineStatus, *, announcing: bool) -> AppliancePhase:
    """Return the phase; the speech of an announcement ends in the engine long before it has been played."""
    if announcing or status.speeches:
        return AppliancePhase.SPEAKING
    return AppliancePhase.LISTENING if status.sessions else AppliancePhase.IDLE


def _rtf(stats: SynthesisStats) -> float:
    """Return the work per second of audio, without the time that the speech waited for its listener."""
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
