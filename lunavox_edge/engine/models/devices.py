"""Which device each model runs on: what the settings want, what was proved here, and what failed since.

`auto` is the device on which the model is quickest, by a warm-up on each; that is remembered in a file, as
long as the same devices are offered. A device that fails is not used again for that model until a restart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend
from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host import notes
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_CPU = "cpu"
_MAX_MODELS = 200

_LOGGER = logging.getLogger(__name__)


class Devices:
    """Thread-safe. What cannot be written is only not remembered.

    `order` and `proved` may import a backend's libraries and are for loader threads; `guess` does not.
    """

    def __init__(self, settings: Settings) -> None:
        """Read what was proved here before; ask no library yet."""
        self._wanted = {ModelKind.STT: settings.stt.device, ModelKind.TTS: settings.tts.device}
        self._file = settings.catalog.resolved_cache_dir() / "devices.json"
        self._writing = threading.Lock()
        """Held while the file is written; taken before `_lock`."""
        self._lock = threading.Lock()
        self._offered: dict[str, tuple[str, ...]] = {}
        self._notes = notes.recall(self._file)
        self._failed: dict[str, dict[str, str]] = {}

    def order(self, entry: ModelEntry) -> tuple[str, ...]:
        """Devices to try for an entry, best first; never none. Raises BackendUnavailable."""
        return self._best_first(entry, self._offers(entry))

    def guess(self, entry: ModelEntry) -> str:
        """The device that `order` puts first, as far as it is known by now without asking a library.

        Raises BackendUnavailable if the device of the settings is known not to be there.
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
        """Whether a warm-up on each device has to show which one is the quickest."""
        offered = self._offers(entry)
        if self._wanted_for(entry) != "auto" or len(self._best_first(entry, offered)) == 1:
            return False
        with self._lock:
            return self._remembered(entry, offered) is None

    def proved(self, entry: ModelEntry, took_ms: Mapping[str, float]) -> str:
        """Remember how long a warm-up took on each device; return the quickest."""
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
        """Leave a device alone for this model from now on; the CPU is never given up."""
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

    def trouble(self, entry: ModelEntry) -> str:
        """Say which devices failed for this model, "" if none did."""
        with self._lock:
            failed = self._failed.get(_key(entry), {})
            return "; ".join(f"{device}: {reason}" for device, reason in failed.items())

    def _offers(self, entry: ModelEntry) -> tuple[str, ...]:
        """What the backend's libraries offer, asked once. Raises BackendUnavailable."""
        with self._lock:
            offered = self._offered.get(entry.backend)
        if offered is None:
            offered = tuple(registry.backend(entry.backend).devices())
            with self._lock:
                self._offered[entry.backend] = offered
        return offered

    def _best_first(self, entry: ModelEntry, offered: tuple[str, ...]) -> tuple[str, ...]:
        chosen = _chosen(entry.backend, offered, self._wanted_for(entry))
        with self._lock:
            failed = self._failed.get(_key(entry), {})
            left = [device for device in chosen if device not in failed]
            first = self._remembered(entry, chosen)
        left.sort(key=lambda device: device != first)
        return tuple(left) or (_CPU,)

    def _wanted_for(self, entry: ModelEntry) -> str:
        """Wake words are too small for anything but the CPU."""
        return self._wanted.get(entry.kind, _CPU)

    def _remembered(self, entry: ModelEntry, offered: tuple[str, ...]) -> str | None:
        if len(offered) == 1:
            return None
        note = self._notes.get(_key(entry))
        if not isinstance(note, dict) or note.get("offered") != list(offered):
            return None
        device = note.get("device")
        return device if device in offered else None


def device_order(backend: type[Backend], wanted: str) -> tuple[str, ...]:
    """Devices to try for `auto`, `cpu` or `cuda`, best first. Raises BackendUnavailable."""
    return _chosen(backend.name, tuple(backend.devices()), wanted)


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
    """What a backend offered when a model was compared; None if the note does not say."""
    offered = note.get("offered") if isinstance(note, dict) else None
    if not isinstance(offered, list) or not offered or not all(isinstance(one, str) for one in offered):
        return None
    return tuple(offered)


def _key(entry: ModelEntry) -> str:
    return f"{entry.backend}/{entry.name}/{entry.size_bytes}"
