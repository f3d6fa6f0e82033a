"""Loading one model onto the first device that works, with a first inference."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend, LoadedModel, LoadOptions
from lunavox_edge.engine.models.devices import Devices
from lunavox_edge.engine.models.integrity import check_intact
from lunavox_edge.errors import BackendUnavailable, BrokenModel, LunavoxError
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded and warmed-up model. `fallback` says why it is not on a better device, "" if it is."""

    model: LoadedModel
    load_ms: float
    warmup_ms: float
    parallel: bool
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class ThreadPlan:
    """Number of workers of the CPU lane, and of threads that one model call may use."""

    workers: int
    threads_per_call: int

    @classmethod
    def for_threads(cls, threads: int) -> ThreadPlan:
        """Plan two calls at once where there are two threads, for synthesis and recognition together."""
        workers = 1 if threads < 2 else 2  # noqa: PLR2004  # one or two is the whole choice
        return cls(workers, max(1, threads // workers))


def make_loader(
    settings: Settings, plan: ThreadPlan, devices: Devices, *, passes_full_devices: bool = False
) -> Callable[[ModelEntry], Loaded]:
    """Return the function that loads an entry as the settings say. It blocks.

    It raises MemoryError, BrokenModel, BackendUnavailable. With `passes_full_devices` a device whose memory
    is full is skipped, for this load only; MemoryError means that all are full.
    """
    return _ModelLoader(settings, plan, devices, passes_full_devices=passes_full_devices).load


class _ModelLoader:
    def __init__(
        self, settings: Settings, plan: ThreadPlan, devices: Devices, *, passes_full_devices: bool
    ) -> None:
        self._passes_full_devices = passes_full_devices
        self._compute_type = settings.stt.compute_type
        self._cache_dir = settings.catalog.resolved_cache_dir()
        self._plan = plan
        self._devices = devices

    def load(self, entry: ModelEntry) -> Loaded:
        """Load an entry onto the first of its devices that works; errors as `make_loader` says."""
        backend = registry.backend(entry.backend)
        missing = backend.missing()
        if missing is not None:
            raise BackendUnavailable(missing)
        check_intact(entry.path, self._cache_dir)
        if self._devices.is_open(entry):
            self._compare(backend, entry)
        problems = [self._devices.failures(entry)]
        order = self._devices.order(entry)
        for device in order:
            try:
                loaded = self._load_on(backend, entry, device)
            except BrokenModel:
                raise
            except MemoryError:
                if not self._passes_full_devices or device == order[-1]:
                    raise
                problems.append(f"{device}: its memory is full")
                _LOGGER.warning("The memory of %s is too full for %s", device, entry.name)
                continue
            except Exception as error:
                problems.append(f"{device}: {error}")
                _LOGGER.warning("%s does not run on %s: %s", entry.name, device, error)
                if device == order[-1]:
                    if isinstance(error, LunavoxError):
                        raise
                    raise BrokenModel(
                        f"The model '{entry.name}' cannot be loaded; `lunavox-edge doctor` shows why."
                    ) from error
                continue
            return replace(loaded, fallback="; ".join(problem for problem in problems if problem))
        raise BackendUnavailable(f"The {backend.name} engine offers no device.")

    def _compare(self, backend: type[Backend], entry: ModelEntry) -> None:
        """Measure on which device the model is quickest, one after the other, as memory may be short.

        A device whose memory is full cannot be measured: MemoryError is raised or, with
        `passes_full_devices`, nothing is kept, so the next load measures again.
        """
        took_ms: dict[str, float] = {}
        is_complete = True
        for device in self._devices.order(entry):
            try:
                model = self._load_on(backend, entry, device).model
                try:
                    started = time.perf_counter()
                    model.warm_up()
                    took_ms[device] = (time.perf_counter() - started) * 1000
                finally:
                    model.close()
            except BrokenModel:
                raise
            except MemoryError:
                if not self._passes_full_devices:
                    raise
                is_complete = False
            except Exception as error:  # noqa: BLE001  # part of a load; a native library may raise anything
                self._devices.failed(entry, device, str(error) or type(error).__name__)
        if took_ms and is_complete:
            self._devices.proved(entry, took_ms)

    def _load_on(self, backend: type[Backend], entry: ModelEntry, device: str) -> Loaded:
        plan = self._plan
        options = LoadOptions(
            device, plan.threads_per_call, plan.workers, self._compute_type, self._cache_dir
        )
        return _load_on(backend, entry, options)


def _load_on(backend: type[Backend], entry: ModelEntry, options: LoadOptions) -> Loaded:
    """Load a model and run a first inference, measuring both. Raises what the backend raises."""
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
