"""Loading one model onto the first device that really works."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend, LoadedModel, LoadOptions
from lunavox_edge.engine.integrity import check_intact
from lunavox_edge.errors import BackendUnavailable, BrokenModel, LunavoxError
from lunavox_edge.settings import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A warm model and what it cost. `fallback` says why a better device was not taken."""

    model: LoadedModel
    load_ms: float
    warmup_ms: float
    parallel: bool
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """Workers of the CPU lane, and threads that one call may use."""

    workers: int
    threads_per_call: int

    @classmethod
    def for_threads(cls, threads: int) -> ThreadPlan:
        """Two calls at once where there are two threads, so that speech and hearing share a box."""
        workers = 1 if threads < 2 else 2  # noqa: PLR2004  # one or two is the whole choice
        return cls(workers, max(1, threads // workers))


def device_order(backend: type[Backend], wanted: str) -> tuple[str, ...]:
    """Devices to try for `auto`, `cpu` or `cuda`, best first."""
    offered = tuple(backend.devices())
    if wanted == "auto":
        return offered
    chosen = tuple(device for device in offered if device.split(":")[0] == wanted)
    if not chosen:
        raise BackendUnavailable(
            f"The {backend.name} engine finds no {wanted} device here. Set device to auto or cpu."
        )
    return chosen


def first_device(settings: Settings, entry: ModelEntry) -> str:
    """The device that is tried first for an entry. Raises BackendUnavailable."""
    return device_order(registry.backend(entry.backend), _wanted_device(settings, entry.kind))[0]


def _wanted_device(settings: Settings, kind: ModelKind) -> str:
    """Where the settings want models of a kind; wake words are too small for anything but the CPU."""
    if kind is ModelKind.WAKE:
        return "cpu"
    return settings.stt.device if kind is ModelKind.STT else settings.tts.device


def make_loader(settings: Settings, plan: ThreadPlan) -> Callable[[ModelEntry], Loaded]:
    """Return the function that loads an entry as the settings say; it blocks and may raise."""

    def load(entry: ModelEntry) -> Loaded:
        backend = registry.backend(entry.backend)
        missing = backend.missing()
        if missing is not None:
            raise BackendUnavailable(missing)
        compute_type = settings.stt.compute_type
        cache_dir = settings.catalog.resolved_cache_dir()
        check_intact(entry.path, cache_dir)
        problems: list[str] = []
        devices = device_order(backend, _wanted_device(settings, entry.kind))
        for device in devices:
            options = LoadOptions(device, plan.threads_per_call, plan.workers, compute_type, cache_dir)
            try:
                loaded = _load_on(backend, entry, options)
            except (MemoryError, BrokenModel):
                raise
            except Exception as error:
                problems.append(f"{device}: {error}")
                _LOGGER.warning("%s does not run on %s: %s", entry.name, device, error)
                if device == devices[-1]:
                    if isinstance(error, LunavoxError):
                        raise
                    raise BrokenModel(
                        f"The model '{entry.name}' cannot be loaded; `lunavox-edge doctor` shows why."
                    ) from error
                continue
            return replace(loaded, fallback="; ".join(problems))
        raise BackendUnavailable(f"The {backend.name} engine offers no device.")

    return load


def _load_on(backend: type[Backend], entry: ModelEntry, options: LoadOptions) -> Loaded:
    started = time.perf_counter()
    model = backend().load(entry, options)
    loaded = time.perf_counter()
    try:
        model.warm_up()
    except BaseException:
        model.close()
        raise
    return Loaded(
        model, (loaded - started) * 1000, (time.perf_counter() - loaded) * 1000, backend.capabilities.parallel
    )
