"""What works on this machine, proved by doing it."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lunavox_edge import system
from lunavox_edge._version import __version__
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
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.loading import ThreadPlan
from lunavox_edge.errors import LunavoxError, TimedOut, Unreachable
from lunavox_edge.settings import Settings
from lunavox_edge.settings_mqtt import MqttSettings
from lunavox_edge.types import ModelEntry, ModelKind
from lunavox_edge.wyoming_server import client

_SENTENCE = "The quick brown fox jumps over the lazy dog."
_RATE_HZ = 16_000
_NOISE_S = 5.0
_MIN_AVAILABLE_MB = 512
_PROBE_TIMEOUT_S = 2.0
_MIB = 1024 * 1024


class Verdict(str, Enum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a bad one says what to do."""

    topic: str
    verdict: Verdict
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield findings as they are made; every engine runs once on every device it offers."""
    yield _python()
    yield _memory(settings)
    yield _service(settings)
    yield _broker(settings.mqtt)
    with Engine(settings) as engine:
        yield from _backends(engine)
        for broken in engine.catalog.broken():
            yield Finding("models", Verdict.WARN, f"{broken.path}: {broken.reason} (skipped)")
        yield from _defaults(engine)
        yield from _waking(engine)


def _python() -> Finding:
    version = platform.python_version()
    text = f"LunaVox Edge {__version__}, Python {version}, {platform.machine()}, {system.cpu_count()} cores"
    supported = (3, 10) <= sys.version_info[:2] < (3, 14)
    return Finding("machine", Verdict.OK if supported else Verdict.WARN, text)


def _memory(settings: Settings) -> Finding:
    memory = system.memory()
    budget = settings.engine.memory_budget_mb
    text = (
        f"{memory.available_bytes // _MIB} of {memory.total_bytes // _MIB} MB available; models may take "
        + (f"{budget} MB" if budget is not None else "what is available")
        + f" and leave {settings.engine.memory_reserve_mb} MB free"
    )
    if memory.available_bytes < _MIN_AVAILABLE_MB * _MIB:
        return Finding(
            "memory", Verdict.WARN, text + "; too little for the default models, choose smaller ones"
        )
    return Finding("memory", Verdict.OK, text)


def _service(settings: Settings) -> Finding:
    uri = settings.wyoming.client_uri
    try:
        seconds = client.ping(uri, timeout_s=_PROBE_TIMEOUT_S)
    except LunavoxError:
        return Finding("service", Verdict.OK, f"not running at {uri} (start it with: lunavox-edge run)")
    return Finding("service", Verdict.OK, f"running at {uri}, answers in {seconds * 1000:.0f} ms")


def _broker(mqtt: MqttSettings) -> Finding:
    if mqtt.broker == "off":
        return Finding("mqtt", Verdict.OK, "off (turn it on with mqtt.broker: embedded, or mqtt://HOST)")
    embedded = mqtt.broker == "embedded"
    if find_spec("paho") is None or (embedded and find_spec("amqtt") is None):
        return Finding(
            "mqtt", Verdict.FAIL, "mqtt.broker is set, but not installed: pip install 'lunavox-edge[mqtt]'"
        )
    from lunavox_edge.mqtt.address import BrokerAddress  # noqa: PLC0415
    from lunavox_edge.mqtt.client import probe  # noqa: PLC0415  # its packages are an extra

    name = "embedded broker" if embedded else f"broker {mqtt.broker}"
    started = time.perf_counter()
    try:
        address = BrokerAddress.of(mqtt)
        probe(address, _PROBE_TIMEOUT_S)
    except LunavoxError as error:
        is_away = type(error) in (Unreachable, TimedOut)  # the kinds below say what to do
        if embedded and is_away:
            return Finding("mqtt", Verdict.OK, f"{name} not running at {mqtt.listen} (the service starts it)")
        question = f" Does it run there, with mqtt:// or mqtts://, and speak MQTT {mqtt.version}?"
        advice = question if is_away else ""
        return Finding("mqtt", Verdict.FAIL, f"{name}: {error}{advice}")
    who = f"as '{mqtt.user}'" if mqtt.user else "without a user"
    took_ms = (time.perf_counter() - started) * 1000
    return Finding(
        "mqtt", Verdict.OK, f"{name} lets us in {who}, MQTT {address.version}, in {took_ms:.0f} ms"
    )


def _backends(engine: Engine) -> Iterator[Finding]:
    entries = engine.catalog.entries()
    for name in registry.names():
        try:
            backend = registry.backend(name)
        except LunavoxError as error:
            yield Finding(name, Verdict.FAIL, str(error))
            continue
        missing = backend.missing()
        if missing is not None:
            yield Finding(name, Verdict.WARN, missing)
            continue
        candidates = [entry for entry in entries if entry.backend == name]
        if not candidates:
            yield Finding(name, Verdict.WARN, "installed, but there is no model for it")
            continue
        entry = min(candidates, key=lambda candidate: candidate.size_bytes)
        for device in backend.devices():
            yield _try(backend, entry, device, engine.settings)
        for candidate in candidates:
            remark = backend.remark(candidate, engine.settings.catalog.resolved_cache_dir())
            if remark is not None:
                verdict = Verdict.OK if remark.is_fine else Verdict.WARN
                yield Finding(name, verdict, f"{candidate.name}: {remark.text}")


def _try(backend: type[Backend], entry: ModelEntry, device: str, settings: Settings) -> Finding:
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
                audio_s, did = _listen_for_word(cast("WakeModel", model)), "waited for its word for"
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
    except Exception as error:  # noqa: BLE001  # whatever a native library throws is the finding
        return Finding(backend.name, Verdict.FAIL, f"{device}: {entry.name} does not run: {error}")
    return Finding(
        backend.name,
        Verdict.WARN if model.note else Verdict.OK,
        f"{device}: {entry.name} {did} {audio_s:.1f} s in {took_s * 1000:.0f} ms "
        f"(loaded in {loaded_s:.1f} s)" + (f"; {model.note}" if model.note else ""),
    )


def _listen_for_word(model: WakeModel) -> float:
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
    except LunavoxError as error:
        yield Finding("waking", Verdict.WARN, str(error))
        return
    names = ", ".join(word.name for word in words)
    yield Finding("waking", Verdict.OK, f"{names} (clients that name none)")


def _defaults(engine: Engine) -> Iterator[Finding]:
    settings = engine.settings
    for role, wanted, found, device in (
        ("hearing", settings.stt.model, engine.models(), settings.stt.device),
        ("speaking", settings.tts.voice, engine.voices(), settings.tts.device),
    ):
        if not found:
            yield Finding(role, Verdict.FAIL, "nothing is installed; try: lunavox-edge models pull base")
            continue
        used = found[0]
        try:
            engine.load(used.name)
        except LunavoxError as error:
            yield Finding(role, Verdict.FAIL, f"{used.name} does not load: {error}")
            continue
        loaded = engine.loaded(used.name)
        text = f"{used.name} on {loaded.model.device}" if loaded else used.name
        text += f" (device: {device}"
        text += f"; fell back from {loaded.fallback})" if loaded and loaded.fallback else ")"
        if wanted not in (used.name, *used.aliases):
            yield Finding(role, Verdict.WARN, f"{text}, because '{wanted}' of the settings is not installed")
        elif loaded and loaded.model.note:
            yield Finding(role, Verdict.WARN, f"{text}: {loaded.model.note}")
        else:
            yield Finding(role, Verdict.OK, text)
