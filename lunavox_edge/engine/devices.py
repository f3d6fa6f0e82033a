"""Which device each model runs on: what the settings want, what was proved here, and what failed since.

`auto` is the device on which the model is quickest, by a warm-up on each; that is remembered in a file, as
long as the same devices are offered. A device that fails is not used again for that model until a restart.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping

from lunavox_edge import system
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend
from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.settings import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_CPU = "cpu"
_MAX_MODELS = 200

_LOGGER = logging.getLogger(__name__)


class Devices:
    """Thread-safe. What cannot be written is only not remembered."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet."""
        self._wanted = {ModelKind.STT: settings.stt.device, ModelKind.TTS: settings.tts.device}
        self._file = settings.catalog.resolved_cache_dir() / "devices.json"
        self._lock = threading.Lock()
        self._failed: dict[str, dict[str, str]] = {}

    def order(self, entry: ModelEntry) -> tuple[str, ...]:
        """Devices to try for an entry, best first; never none. Raises BackendUnavailable."""
        backend = registry.backend(entry.backend)
        offered = device_order(backend, self._wanted_for(entry))
        with self._lock:
            failed = self._failed.get(_key(entry), {})
            first = self._remembered(entry, offered)
        left = [device for device in offered if device not in failed]
        left.sort(key=lambda device: device != first)
        return tuple(left) or (_CPU,)

    def is_open(self, entry: ModelEntry) -> bool:
        """Whether a warm-up on each device has to show which one is the quickest."""
        order = self.order(entry)
        if self._wanted_for(entry) != "auto" or len(order) == 1:
            return False
        with self._lock:
            return self._remembered(entry, tuple(registry.backend(entry.backend).devices())) is None

    def proved(self, entry: ModelEntry, took_ms: Mapping[str, float]) -> str:
        """Remember how long a warm-up took on each device; return the quickest."""
        best = min(took_ms, key=lambda device: took_ms[device])
        offered = list(registry.backend(entry.backend).devices())
        with self._lock:
            known = self._read()
            known.pop(_key(entry), None)
            known[_key(entry)] = {"offered": offered, "device": best, "took_ms": dict(took_ms)}
            kept = dict(list(known.items())[-_MAX_MODELS:])
            system.keep_note(self._file, json.dumps(kept, indent=1))
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

    def _wanted_for(self, entry: ModelEntry) -> str:
        """Wake words are too small for anything but the CPU."""
        return self._wanted.get(entry.kind, _CPU)

    def _remembered(self, entry: ModelEntry, offered: tuple[str, ...]) -> str | None:
        if len(offered) == 1:
            return None
        note = self._read().get(_key(entry))
        if not isinstance(note, dict) or note.get("offered") != list(offered):
            return None
        device = note.get("device")
        return device if device in offered else None

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def device_order(backend: type[Backend], wanted: str) -> tuple[str, ...]:
    """Devices to try for `auto`, `cpu` or `cuda`, best first. Raises BackendUnavailable."""
    offered = tuple(backend.devices())
    if wanted == "auto":
        return offered
    chosen = tuple(device for device in offered if device.split(":")[0] == wanted)
    if not chosen:
        raise BackendUnavailable(
            f"The {backend.name} engine finds no {wanted} device here. Set device to auto or cpu."
        )
    return chosen


def _key(entry: ModelEntry) -> str:
    return f"{entry.backend}/{entry.name}/{entry.size_bytes}"
