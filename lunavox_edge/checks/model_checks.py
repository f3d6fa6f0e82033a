"""Checks of models: every backend runs on every device, files are intact, the defaults load and fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import (
    Backend,
    LoadOptions,
    RecognizeRequest,
    SpeakRequest,
    SttModel,
    TtsModel,
    WakeModel,
)
from lunavox_edge.checks.checkup import Finding, Severity
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.integrity import check_intact
from lunavox_edge.engine.models.loading import ThreadPlan
from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.errors import BrokenModel, LunavoxError, UnknownModel
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_SENTENCE = "The quick brown fox jumps over the lazy dog."
_RATE_HZ = 16_000
_NOISE_S = 5.0
_MIB = 1024 * 1024
_TOPICS = {"stt": "hearing", "tts": "speaking", "wake": "waking"}


def check_models(engine: Engine) -> Iterator[Finding]:
    """Yield findings as they are made; the smallest model of every backend runs on every device."""
    yield from _backends(engine)
    yield _intact(engine)
    for broken in engine.catalog.broken():
        yield Finding("models", Severity.WARN, f"{broken.path}: {broken.reason} (skipped)")
    yield from _defaults(engine)
    for key, problem in engine.unknown_names().items():
        yield Finding(_TOPICS[key.partition(".")[0]], Severity.WARN, str(problem))
    yield from _waking(engine)
    always = [found[0] for found in (engine.models(), engine.voices()) if found]
    yield _fits(engine, always)


def _backends(engine: Engine) -> Iterator[Finding]:
    entries = engine.catalog.entries()
    for name in registry.names():
        try:
            backend = registry.backend(name)
        except LunavoxError as error:
            yield Finding(name, Severity.FAIL, str(error))
            continue
        missing = backend.missing()
        if missing is not None:
            yield Finding(name, Severity.WARN, missing)
            continue
        candidates = [entry for entry in entries if entry.backend == name]
        if not candidates:
            yield Finding(name, Severity.WARN, "installed, but there is no model for it")
            continue
        entry = min(candidates, key=lambda candidate: candidate.size_bytes)
        for device in backend.devices():
            yield _try(backend, entry, device, engine.settings)
        for candidate in candidates:
            remark = backend.remark(candidate, engine.settings.catalog.resolved_cache_dir())
            if remark is not None:
                verdict = Severity.OK if remark.is_fine else Severity.WARN
                yield Finding(name, verdict, f"{candidate.name}: {remark.text}")


def _intact(engine: Engine) -> Finding:
    """Compare the files of downloaded models with the hashes that were recorded at their installation."""
    cache_dir = engine.settings.catalog.resolved_cache_dir()
    checked, bad = 0, []
    for entry in engine.catalog.entries():
        try:
            checked += check_intact(entry.path, cache_dir)
        except BrokenModel as error:
            bad.append(str(error))
    if bad:
        return Finding("hashes", Severity.FAIL, " ".join(bad))
    others = len(engine.catalog.entries()) - checked
    text = f"{checked} downloaded models are unchanged; {others} from packages and folders have no hashes"
    return Finding("hashes", Severity.OK, text)


def _fits(engine: Engine, wanted: list[ModelEntry]) -> Finding:
    """Compare the memory that the always loaded models need with the memory that models may use."""
    status = engine.status()
    need = sum(MemoryBudget.estimate(entry.size_bytes) for entry in wanted)
    names = ", ".join(entry.name for entry in wanted) or "nothing"
    reserve = engine.settings.engine.memory_reserve_mb * _MIB
    # The memory of loaded models is no longer available, but belongs to the budget.
    loaded = sum(model.size_bytes for model in status.models)
    bounds = [] if status.memory_budget_bytes is None else [status.memory_budget_bytes]
    if status.mem_total_bytes:  # 0: the system does not report its memory
        bounds.append(max(0, status.mem_available_bytes + loaded - reserve))
    text = f"{names}: about {need // _MIB} MB"
    if bounds:
        text += f" of {min(bounds) // _MIB} MB"
    if bounds and need > min(bounds):
        return Finding(
            "budget", Severity.FAIL, f"{text}; choose smaller models or raise engine.memory_budget_mb"
        )
    return Finding("budget", Severity.OK, text)


def _try(backend: type[Backend], entry: ModelEntry, device: str, settings: Settings) -> Finding:
    """Load the model on the device and run it once."""
    plan = ThreadPlan.for_threads(settings.engine.threads or system.cpu_count())
    try:
        started = time.perf_counter()
        cache_dir = settings.catalog.resolved_cache_dir()
        options = LoadOptions(device, plan.threads_per_call, 1, settings.stt.compute_type, cache_dir)
        model = backend().load(entry, options)
        try:
            model.warm_up()
            loaded_s = time.perf_counter() - started
            started = time.perf_counter()
            if entry.kind is ModelKind.WAKE:
                audio_s, did = _search_for_word(cast("WakeModel", model)), "searched for its word in"
            elif entry.kind is ModelKind.TTS:
                voice = cast("TtsModel", model)
                samples = sum(len(piece) for piece in voice.speak(_SENTENCE, SpeakRequest()))
                audio_s, did = samples / voice.rate_hz, "spoke"
            else:
                cast("SttModel", model).recognize(_noise(), RecognizeRequest(language="en"))
                audio_s, did = _NOISE_S, "listened to"
            took_s = time.perf_counter() - started
        finally:
            model.close()
    except Exception as error:  # noqa: BLE001  # any error of a native library is a finding
        return Finding(backend.name, Severity.FAIL, f"{device}: {entry.name} does not run: {error}")
    return Finding(
        backend.name,
        Severity.WARN if model.note else Severity.OK,
        f"{device}: {entry.name} {did} {audio_s:.1f} s in {took_s * 1000:.0f} ms "
        f"(loaded in {loaded_s:.1f} s)" + (f"; {model.note}" if model.note else ""),
    )


def _search_for_word(model: WakeModel) -> float:
    stream = model.stream([model])
    try:
        stream.feed(_noise())
    finally:
        stream.close()
    return _NOISE_S


def _noise() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, 0.01, int(_RATE_HZ * _NOISE_S)).astype(np.float32)


def _waking(engine: Engine) -> Iterator[Finding]:
    wanted = engine.settings.wake.default
    if not wanted and not engine.wake_words():
        return
    try:
        words = engine.wake_words(())
        for word in words:
            engine.load(word.name)
    except UnknownModel:
        pass  # `unknown_names` has reported it
    except LunavoxError as error:
        yield Finding("waking", Severity.WARN, str(error))
    else:
        names = ", ".join(word.name for word in words)
        yield Finding("waking", Severity.OK, f"{names} (for clients that do not name any)")
    satellites = engine.settings.satellites
    own = ((f"known.{key}.wake_words", known.wake_words) for key, known in satellites.known.items())
    for key, names_there in (("stop_words", satellites.stop_words), *own):
        for name in names_there:
            try:
                engine.wake_words((name,))
            except LunavoxError as error:
                yield Finding("waking", Severity.WARN, f"satellites.{key}: {error}")


def _defaults(engine: Engine) -> Iterator[Finding]:
    settings = engine.settings
    substitutes = engine.substitutes()
    for role, kind, wanted, found, device in (
        ("hearing", ModelKind.STT, settings.stt.model, engine.models(), settings.stt.device),
        ("speaking", ModelKind.TTS, settings.tts.voice, engine.voices(), settings.tts.device),
    ):
        if not found:
            yield Finding(role, Severity.FAIL, "nothing is installed; try: lunavox-edge models pull base")
            continue
        used = found[0]
        try:
            engine.load(used.name)
        except LunavoxError as error:
            yield Finding(role, Severity.FAIL, f"{used.name} does not load: {error}")
            continue
        loaded = engine.loaded(used.name)
        text = f"{used.name} on {loaded.model.device}" if loaded else used.name
        text += f" (device: {device}"
        text += f"; fell back from {loaded.fallback})" if loaded and loaded.fallback else ")"
        if kind in substitutes:
            yield Finding(role, Severity.WARN, f"{text}, because '{wanted}' of the settings is not installed")
        elif loaded and loaded.model.note:
            yield Finding(role, Severity.WARN, f"{text}: {loaded.model.note}")
        else:
            yield Finding(role, Severity.OK, text)
