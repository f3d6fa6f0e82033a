"""Registry of all backends. The only module that names concrete backends; each is imported when used."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from lunavox_edge.backends.base import Backend, Vad
from lunavox_edge.errors import BackendUnavailable

ENTRY_POINT_GROUP = "lunavox_edge.backends"

_BUILT_IN = {
    "whisper": "lunavox_edge.backends.stt.whisper:WhisperBackend",
    "piper": "lunavox_edge.backends.tts.piper:PiperBackend",
    "hibari": "lunavox_edge.backends.tts.hibari:HibariBackend",
    "microwakeword": "lunavox_edge.backends.wake.micro:MicroWakeBackend",
}

_LOGGER = logging.getLogger(__name__)


def names() -> tuple[str, ...]:
    """Return the names of all backends: ours, then those of third parties, in a stable order."""
    return (*_BUILT_IN, *sorted(_third_party()))


@cache
def backend(name: str) -> type[Backend]:
    """Return the backend class. Raises BackendUnavailable if it is unknown or fails to import."""
    target = _BUILT_IN.get(name) or _third_party().get(name)
    if target is None:
        raise BackendUnavailable(f"There is no backend named '{name}'. Known: {', '.join(names())}.")
    module, _, attribute = target.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:
        _LOGGER.warning("Backend %s cannot be imported", name, exc_info=True)
        raise BackendUnavailable(f"The backend '{name}' cannot be imported.") from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise BackendUnavailable(f"The backend '{name}' is not a Backend class.")
    return found


def usable() -> tuple[type[Backend], ...]:
    """Return the backends whose libraries are installed; those that fail to import are left out."""
    found = []
    for name in names():
        try:
            candidate = backend(name)
        except BackendUnavailable:
            continue
        if candidate.missing() is None:
            found.append(candidate)
    return tuple(found)


@cache
def vad() -> Vad | None:
    """Return the shared voice activity detector, None if its model is not installed."""
    from lunavox_edge.backends.vad.silero import SileroVad

    return SileroVad() if SileroVad.missing() is None else None


@cache
def _third_party() -> dict[str, str]:
    return {
        point.name: point.value
        for point in entry_points(group=ENTRY_POINT_GROUP)
        if point.name not in _BUILT_IN
    }
