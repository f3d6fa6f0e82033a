"""What works on this machine, proved by doing it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
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
from lunavox_edge.checks import satellite_check
from lunavox_edge.checks.checkup import Finding, Severity, check_machine, check_port
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.integrity import check_intact
from lunavox_edge.engine.models.loading import ThreadPlan
from lunavox_edge.engine.models.memory import MemoryBudget
from lunavox_edge.errors import BrokenModel, InsecurePeer, LunavoxError, TimedOut, UnknownModel, Unreachable
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.mqtt_settings import MqttSettings
from lunavox_edge.types import ModelEntry, ModelKind
from lunavox_edge.wyoming_server import blocking_client

__all__ = ["Finding", "Severity", "examine"]

_SENTENCE = "The quick brown fox jumps over the lazy dog."
_RATE_HZ = 16_000
_NOISE_S = 5.0
_PROBE_TIMEOUT_S = 2.0
_MIB = 1024 * 1024
_TOPICS = {"stt": "hearing", "tts": "speaking", "wake": "waking"}


def examine(settings: Settings, file: Path | None = None) -> Iterator[Finding]:
    """Yield findings as they are made; every engine runs once on every device it offers.

    `file` holds the settings, if one does.
    """
    yield from check_machine(settings, file)
    yield from _service(settings)
    yield _broker(settings.mqtt)
    yield from _house(settings)
    with Engine(settings) as engine:
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


def _service(settings: Settings) -> Iterator[Finding]:
    uri = settings.wyoming.uri
    try:
        seconds = blocking_client.ping(settings.wyoming.client_uri, timeout_s=_PROBE_TIMEOUT_S)
    except InsecurePeer as error:
        yield Finding("service", Severity.FAIL, f"{error} Set wyoming.tls_ca.")
    except LunavoxError:
        yield Finding("service", Severity.OK, f"not running at {uri} (start it with: lunavox-edge run)")
        yield check_port(settings)
    else:
        yield Finding("service", Severity.OK, f"running at {uri}, answers in {seconds * 1000:.0f} ms")
    is_open = not settings.wyoming.allow and not uri.startswith(("unix:", "tcp://127.", "tcp://[::1]"))
    if is_open and "localhost" not in uri:
        advice = "name the networks that may: wyoming.allow"
        yield Finding("access", Severity.WARN, f"everybody who reaches {uri} can use it; {advice}")


def _broker(mqtt: MqttSettings) -> Finding:
    if mqtt.broker == "off":
        return Finding("mqtt", Severity.OK, "off (turn it on with mqtt.broker: embedded, or mqtt://HOST)")
    embedded = mqtt.broker == "embedded"
    if find_spec("paho") is None or (embedded and find_spec("amqtt") is None):
        return Finding(
            "mqtt", Severity.FAIL, "mqtt.broker is set, but not installed: pip install 'lunavox-edge[mqtt]'"
        )
    from lunavox_edge.mqtt.broker_address import BrokerAddress  # noqa: PLC0415
    from lunavox_edge.mqtt.broker_probe import probe  # noqa: PLC0415  # its packages are an extra

    name = "embedded broker" if embedded else f"broker {mqtt.broker}"
    started = time.perf_counter()
    try:
        address = BrokerAddress.of(mqtt)
        probe(address, _PROBE_TIMEOUT_S)
    except LunavoxError as error:
        is_away = type(error) in (Unreachable, TimedOut)  # the kinds below say what to do
        if embedded and is_away:
            return Finding(
                "mqtt", Severity.OK, f"{name} not running at {mqtt.listen} (the service starts it)"
            )
        question = f" Does it run there, with mqtt:// or mqtts://, and speak MQTT {mqtt.version}?"
        advice = question if is_away else ""
        return Finding("mqtt", Severity.FAIL, f"{name}: {error}{advice}")
    who = f"as '{mqtt.user}'" if mqtt.user else "without a user"
    took_ms = (time.perf_counter() - started) * 1000
    return Finding(
        "mqtt", Severity.OK, f"{name} lets us in {who}, MQTT {address.version}, in {took_ms:.0f} ms"
    )


def _house(settings: Settings) -> Iterator[Finding]:
    """Say which satellites are there, and whether those listen who answer at them."""
    house = settings.satellites
    present = tuple(satellite_check.satellites(settings))
    if not present:
        yield Finding(
            "satellite", Severity.OK, "none in the settings (docs/SATELLITES.md shows how to begin)"
        )
    for found in present:
        text = f"{found.id} at {found.address}"
        if found.online:
            where = f" in {found.area}" if found.area else ""
            yield Finding("satellite", Severity.OK, f"{text}: {found.name}{where}, {found.answer} answers")
        else:
            own = found.source == satellite_check.OF_SETTINGS
            right = f"satellites.known.{found.id}.uri right" if own else "announced (lunavox-edge satellites)"
            advice = f"is it switched on, and {right}?"
            yield Finding("satellite", Severity.WARN, f"{text}: {found.problem}; {advice}")
    for name, answer in house.answers.items():
        if answer.url is None:
            continue
        problem = satellite_check.absence(answer.url)
        if problem is None:
            yield Finding("answer", Severity.OK, f"{name}: somebody listens at {answer.url}")
        else:
            advice = f"does it run, and is satellites.answers.{name}.url right?"
            yield Finding("answer", Severity.WARN, f"{name} at {answer.url}: {problem}; {advice}")


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
    """Hold what was installed from the hub to its hashes."""
    cache_dir = engine.settings.catalog.resolved_cache_dir()
    held, bad = 0, []
    for entry in engine.catalog.entries():
        try:
            held += check_intact(entry.path, cache_dir)
        except BrokenModel as error:
            bad.append(str(error))
    if bad:
        return Finding("hashes", Severity.FAIL, " ".join(bad))
    others = len(engine.catalog.entries()) - held
    text = f"{held} models from the hub are what was installed; {others} from packages and folders have none"
    return Finding("hashes", Severity.OK, text)


def _fits(engine: Engine, wanted: list[ModelEntry]) -> Finding:
    """Compare what the models that are always loaded need with what they may have."""
    status = engine.status()
    need = sum(MemoryBudget.estimate(entry.size_bytes) for entry in wanted)
    names = ", ".join(entry.name for entry in wanted) or "nothing"
    reserve = engine.settings.engine.memory_reserve_mb * _MIB
    # What is loaded by now is no longer available, but it is ours.
    loaded = sum(model.size_bytes for model in status.models)
    bounds = [] if status.memory_budget_bytes is None else [status.memory_budget_bytes]
    if status.mem_total_bytes:  # else the system does not say what is available
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
        return Finding(backend.name, Severity.FAIL, f"{device}: {entry.name} does not run: {error}")
    return Finding(
        backend.name,
        Severity.WARN if model.note else Severity.OK,
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
    except UnknownModel:
        pass  # told already
    except LunavoxError as error:
        yield Finding("waking", Severity.WARN, str(error))
    else:
        names = ", ".join(word.name for word in words)
        yield Finding("waking", Severity.OK, f"{names} (clients that name none)")
    house = engine.settings.satellites
    own = ((f"known.{key}.wake_words", known.wake_words) for key, known in house.known.items())
    for key, wanted_there in (("stop_words", house.stop_words), *own):
        for name in wanted_there:
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
