"""The `info` event: the programs, models and voices that are installed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    Info,
    TtsProgram,
    TtsVoice,
    TtsVoiceSpeaker,
    WakeModel,
    WakeProgram,
)

from lunavox_edge._version import __version__
from lunavox_edge.engine.values.language_tags import spellings
from lunavox_edge.wire.event_stream import encode_event

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.types import ModelEntry

# Home Assistant derives entity names from these, and clients select by them: never change them.
ASR_PROGRAM = "lunavox-edge"
TTS_PROGRAM = "lunavox-edge"
WAKE_PROGRAM = "lunavox-edge"
PROGRAMS = frozenset((ASR_PROGRAM, TTS_PROGRAM, WAKE_PROGRAM))

_ATTRIBUTION = Attribution(name="LunaVox Edge", url="https://pypi.org/project/lunavox-edge/")


class InfoSource:
    """The encoded answer to `describe`; encoded again only when the catalog or the settings change."""

    def __init__(self, engine: Engine) -> None:
        """Create it; nothing is encoded yet."""
        self._engine = engine
        self._version: tuple[int, Settings] | None = None
        self._encoded = b""

    def encoded(self) -> bytes:
        """Return the encoded `info` event."""
        version = (self._engine.catalog.version, self._engine.settings)
        if version != self._version:
            self._encoded = encode_event(build_info(self._engine).event())
            self._version = version
        return self._encoded


def build_info(engine: Engine) -> Info:
    """Return what is installed, the default model and voice first; empty programs are left out."""
    info = Info()
    models, voices = engine.models(), engine.voices()
    if models:
        info.asr.append(
            AsrProgram(
                name=ASR_PROGRAM,
                description="LunaVox Edge speech recognition",
                attribution=_ATTRIBUTION,
                installed=True,
                version=__version__,
                models=[_model(entry) for entry in models],
                supports_transcript_streaming=engine.settings.stt.streaming,
                requires_external_vad=engine.settings.stt.endpointing == "client",
                # Whisper recognises noisy speech better than speech after noise reduction.
                prefers_noise_reduction_enabled=False,
            )
        )
    if voices:
        info.tts.append(
            TtsProgram(
                name=TTS_PROGRAM,
                description="LunaVox Edge voices",
                attribution=_ATTRIBUTION,
                installed=True,
                version=__version__,
                voices=[_voice(entry) for entry in voices],
                supports_synthesize_streaming=True,
            )
        )
    info.wake.extend(wake_programs(engine))
    return info


def wake_programs(engine: Engine) -> list[WakeProgram]:
    """Return the installed wake words as one program; empty if there are none."""
    words = engine.wake_words()
    if not words:
        return []
    return [
        WakeProgram(
            name=WAKE_PROGRAM,
            description="LunaVox Edge wake words",
            attribution=_ATTRIBUTION,
            installed=True,
            version=__version__,
            models=[_word(entry) for entry in words],
        )
    ]


def _word(entry: ModelEntry) -> WakeModel:
    return WakeModel(
        name=entry.name,
        description=entry.description or entry.name,
        attribution=_attribution(entry),
        installed=True,
        version=entry.version,
        languages=list(spellings(entry.languages)),
        phrase=entry.phrase or None,
    )


def _model(entry: ModelEntry) -> AsrModel:
    return AsrModel(
        name=entry.name,
        description=entry.description or entry.name,
        attribution=_attribution(entry),
        installed=True,
        version=entry.version,
        languages=list(spellings(entry.languages)),
    )


def _voice(entry: ModelEntry) -> TtsVoice:
    return TtsVoice(
        name=entry.name,
        description=entry.description or entry.name,
        attribution=_attribution(entry),
        installed=True,
        version=entry.version,
        languages=list(spellings(entry.languages)),
        speakers=[TtsVoiceSpeaker(name=speaker) for speaker in entry.speakers] or None,
    )


def _attribution(entry: ModelEntry) -> Attribution:
    return Attribution(name=entry.attribution_name or entry.backend, url=entry.attribution_url)
