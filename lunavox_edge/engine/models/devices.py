"""The device that each model runs on, from the settings, measured speed, and failures since the start.

`auto` is the device on which the model is quickest, measured by a warm-up on each. The result is kept in a
file and is valid as long as the same devices are offered. A device that fails is not used again for that
model until a restart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from lunavox_edge.backends import registry
from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host import notes
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_CPU = "cpu"
_MAX_MODELS = 200

_LOGGER = logging.getLogger(__name__)


class Devices:
    """Chooses devices. Thread-safe; a file that cannot be written is no error.

    `order`, `is_open` and `proved` may import a backend's libraries, so only loader threads call them.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the results of earlier measurements; no library is imported."""
        self._wanted = {ModelKind.STT: settings.stt.device, ModelKind.TTS: settings.tts.device}
        self._file = settings.catalog.resolved_cache_dir() / "devices.json"
        self._writing = threading.Lock()
        """Held while the file is written; taken before `_lock`."""
        self._lock = threading.Lock()
        self._offered: dict[str, tuple[str, ...]] = {}
        self._notes = notes.recall(self._file)
        self._failed: dict[str, dict[str, str]] = {}

    def order(self, entry: ModelEntry) -> tuple[str, ...]:
        """Return the devices to try for an entry, best first, at least one. Raises BackendUnavailable."""
        return self._best_first(entry, self._offers(entry))

    def guess(self, entry: ModelEntry) -> str:
        """Return the device that `order` will probably put first, without importing a library.

        Raises BackendUnavailable if the device of the settings is known to be missing.
        """
        with self._lock:
            offered = self._offered.get(entry.backend)
            note = self._notes.get(_key(entry))
        if offered is None:
            offered = _noted_offer(note)
        wanted = self._wanted_for(entry)
        if offered is None:
            offered = (_CPU,) if wanted in ("auto", _CPU) else (f"{wanted}:0", _CPU)
        return self._best_first(entry, offered)[0]

    def is_open(self, entry: ModelEntry) -> bool:
        """Whether the quickest device is still to be found by a warm-up on each."""
        offered = self._offers(entry)
        if self._wanted_for(entry) != "auto" or len(self._best_first(entry, offered)) == 1:
            return False
        with self._lock:
            return self._remembered(entry, offered) is None

    def proved(self, entry: ModelEntry, took_ms: Mapping[str, float]) -> str:
        """Keep the warm-up time of each device, also in the file; return the quickest device."""
        best = min(took_ms, key=lambda device: took_ms[device])
        offered = list(self._offers(entry))
        with self._writing:
            known = notes.recall(self._file)
            known.pop(_key(entry), None)
            known[_key(entry)] = {"offered": offered, "device": best, "took_ms": dict(took_ms)}
            kept = dict(list(known.items())[-_MAX_MODELS:])
            with self._lock:
                self._notes = kept
            notes.keep(self._file, kept, indent=1)
        figures = ", ".join(f"{device} {took_ms[device]:.0f} ms" for device in sorted(took_ms))
        _LOGGER.info("%s runs on %s (%s)", entry.name, best, figures)
        return best

    def failed(self, entry: ModelEntry, device: str, reason: str) -> None:
        """Use a device no more for this model, and log `reason` once; the CPU is never excluded."""
        if device == _CPU:
            return
        with self._lock:
            known = self._failed.setdefault(_key(entry), {})
            if device in known:
                return
            known[device] = reason
        _LOGGER.error(
            "%s failed on %s and runs on the CPU from the next request on: %s",
            *(entry.name, device, reason),
            extra={"code": "device_failed", "voice": entry.name},
        )

    def failures(self, entry: ModelEntry) -> str:
        """Return the devices that failed for this model and why, "" if none did."""
        with self._lock:
            failed = self._failed.get(_key(entry), {})
            return "; ".join(f"{device}: {reason}" for device, reason in failed.items())

    def _offers(self, entry: ModelEntry) -> tuple[str, ...]:
        """Return the devices that the backend's libraries offer, cached. Raises BackendUnavailable."""
        with self._lock:
            offered = self._offered.get(entry.backend)
        if offered is None:
            offered = tuple(registry.backend(entry.backend).devices())
            with self._lock:
                self._offered[entry.backend] = offered
        return offered

    def _best_first(self, entry: ModelEntry, offered: tuple[str, ...]) -> tuple[str, ...]:
        """Return the wanted devices that have not failed, the quickest one first; else the CPU."""
        chosen = _chosen(entry.backend, offered, self._wanted_for(entry))
        with self._lock:
            failed = self._failed.get(_key(entry), {})
            left = [device for device in chosen if device not in failed]
            first = self._remembered(entry, chosen)
        left.sort(key=lambda device: device != first)
        return tuple(left) or (_CPU,)

    def _wanted_for(self, entry: ModelEntry) -> str:
        """Return the setting for this kind; wake words are so small that they always run on the CPU."""
        return self._wanted.get(entry.kind, _CPU)

    def _remembered(self, entry: ModelEntry, offered: tuple[str, ...]) -> str | None:
        """Return the quickest device measured among the same devices; the caller holds the lock."""
        if len(offered) == 1:
            return None
        note = self._notes.get(_key(entry))
        if not isinstance(note, dict) or note.get("offered") != list(offered):
            return None
        device = note.get("device")
        return device if device in offered else None


def _chosen(backend: str, offered: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    if wanted == "auto":
        return offered
    chosen = tuple(device for device in offered if device.split(":")[0] == wanted)
    if not chosen:
        raise BackendUnavailable(
            f"The {backend} engine finds no {wanted} device here. Set device to auto or cpu."
        )
    return chosen


def _noted_offer(note: object) -> tuple[str, ...] | None:
    """Return the devices offered when a model was measured; None if the note does not say."""
    offered = note.get("offered") if isinstance(note, dict) else None
    if not isinstance(offered, list) or not offered or not all(isinstance(one, str) for one in offered):
        return None
    return tuple(offered)


def _key(entry: ModelEntry) -> str:
    return f"{entry.backend}/{entry.name}/{entry.size_bytes}"
