"""The calls of the engine that are about models: what is installed, what is in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from lunavox_edge.backends import registry
from lunavox_edge.engine.models.leases import wait_for
from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.engine.models.residency import Residency
from lunavox_edge.engine.models.warming import WarmSet
from lunavox_edge.engine.resolve import Resolver
from lunavox_edge.engine.values.naming import several
from lunavox_edge.errors import EngineClosed, LunavoxError
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind


class ModelControl:
    """Models and voices by name. Thread-safe; models belong to the process that created this.

    A name that is no text raises TypeError.
    """

    settings: Settings
    _resolver: Resolver
    """Replaced as a whole when the settings change."""

    def __init__(self, settings: Settings, resolver: Resolver, residency: Residency) -> None:
        """Control the models of `residency`, found by `resolver`."""
        self.settings = settings
        self._resolver = resolver
        self._residency = residency
        self._warm = WarmSet(residency)
        self._process = os.getpid()

    def voices(self) -> tuple[ModelEntry, ...]:
        """Every installed voice, the default one first."""
        return self._resolver.models.entries(ModelKind.TTS)

    def models(self) -> tuple[ModelEntry, ...]:
        """Every installed speech-to-text model, the default one first."""
        return self._resolver.models.entries(ModelKind.STT)

    def wake_words(self, names: str | Iterable[str] | None = None) -> tuple[ModelEntry, ...]:
        """Every installed wake word, or those that `open_wake_session` takes for `names`.

        Raises UnknownModel if `names` are given and none of them is known.
        """
        if names is None:
            return self._resolver.models.entries(ModelKind.WAKE)
        return tuple(word.entry for word in self._resolver.waking(several(names)).words)

    def substitutes(self) -> dict[ModelKind, LunavoxError]:
        """An error for each default model or voice that is not installed, naming its substitute."""
        return self._resolver.models.substitutes()

    def unknown_names(self) -> dict[str, LunavoxError]:
        """An error for each other name in the settings that is not installed, by setting and name."""
        return self._resolver.models.unknown_names()

    def warm_up(self, progress: Callable[[ModelEntry], None] | None = None) -> tuple[LunavoxError, ...]:
        """Load and pin the default model and voice and `engine.pinned`; return what failed.

        Blocks for `engine.load_timeout_s` per model at most; one that takes longer fails with TimedOut
        and is pinned when it is there. `progress` is called for each loaded model; raises what it
        raises, and EngineClosed after a fork.
        """
        self._check_process()
        registry.vad()
        return self._warm.replace(
            [found[0] for found in (self.models(), self.voices()) if found],
            names=self.settings.engine.pinned,
            find=self._resolver.models.entry,
            timeout_s=self.settings.engine.load_timeout_s,
            progress=progress,
        )

    def load(self, name: str) -> None:
        """Load a model or voice now and wait, for `engine.load_timeout_s` at most.

        Raises UnknownModel, BrokenModel, BackendUnavailable, OutOfMemory, TimedOut, InternalError,
        EngineClosed. After TimedOut the load goes on; when it has ended the model is in memory and idle.
        """
        self._check_process()
        entry = self._resolver.models.entry(name)
        wait_for(self._residency.acquire(entry), self.settings.engine.load_timeout_s, entry.name).release()

    def unload(self, name: str) -> bool:
        """Unload an idle model; False if it is in use or not loaded. Raises UnknownModel."""
        return self._residency.unload(self._resolver.models.entry(name))

    def pin(self, name: str, *, pinned: bool = True) -> None:
        """Keep a model in memory once loaded, until a load of it fails, or stop keeping it.

        Raises UnknownModel.
        """
        self._residency.pin(self._resolver.models.entry(name), pinned=pinned)

    def loaded(self, name: str) -> Loaded | None:
        """The model in memory with its device and what loading it took. Raises UnknownModel."""
        return self._residency.loaded(self._resolver.models.entry(name))

    def is_loaded(self, name: str) -> bool:
        """Whether a model or voice is in memory. Raises UnknownModel."""
        return self.loaded(name) is not None

    def last_load_ms(self, name: str) -> float | None:
        """How long the model in memory took to load; None if it is not loaded."""
        loaded = self.loaded(name)
        return loaded.load_ms if loaded is not None else None

    def last_warmup_ms(self, name: str) -> float | None:
        """How long its first inference took; None if it is not loaded."""
        loaded = self.loaded(name)
        return loaded.warmup_ms if loaded is not None else None

    def _is_other_process(self) -> bool:
        """Whether this is a child process, made by a fork."""
        return os.getpid() != self._process

    def _check_process(self) -> None:
        """Raise EngineClosed after a fork: threads, and with them the engine, stay with the parent."""
        if self._is_other_process():
            raise EngineClosed("The engine belongs to the process that made it; make one in this process.")
