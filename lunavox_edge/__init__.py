"""LunaVox Edge: local speech recognition, speech synthesis and wake words, on one small machine.

    from lunavox_edge import Engine, Voice

    with Engine() as engine:
        result = engine.synthesize("Dinner is ready.", voice=Voice.custom("joe"))
        print(engine.transcribe(result.pcm, sample_rate=result.sample_rate).text)

Names are imported on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lunavox_edge._version import __version__

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.values.params import SynthesisParams
    from lunavox_edge.engine.values.results import MemStats, SynthesisResult, SynthesisStats
    from lunavox_edge.engine.values.voice import Voice
    from lunavox_edge.errors import LunavoxError, LunavoxLibraryError, LunavoxSynthesisError
    from lunavox_edge.types import AudioChunk, AudioFormat, Detection, Transcript

__all__ = [
    "AudioChunk",
    "AudioFormat",
    "Detection",
    "Engine",
    "LunavoxError",
    "LunavoxLibraryError",
    "LunavoxSynthesisError",
    "MemStats",
    "SynthesisParams",
    "SynthesisResult",
    "SynthesisStats",
    "Transcript",
    "Voice",
    "__version__",
]

_MODULES = {
    "AudioChunk": "types",
    "AudioFormat": "types",
    "Detection": "types",
    "Engine": "engine.engine",
    "LunavoxError": "errors",
    "LunavoxLibraryError": "errors",
    "LunavoxSynthesisError": "errors",
    "MemStats": "engine.values.results",
    "SynthesisParams": "engine.values.params",
    "SynthesisResult": "engine.values.results",
    "SynthesisStats": "engine.values.results",
    "Transcript": "types",
    "Voice": "engine.values.voice",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names too, imported or not."""
    return sorted({*globals(), *__all__})
