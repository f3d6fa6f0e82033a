"""Overhead of the service over its own backends, which are called directly in a loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import (
    LoadedModel,
    LoadOptions,
    RecognizeRequest,
    SpeakRequest,
    SttModel,
    TtsModel,
)
from lunavox_edge.bench import bench_client, texts
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.hearing import LANGUAGE
from lunavox_edge.bench.recordings import Recording
from lunavox_edge.bench.servers import Service
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.loading import ThreadPlan
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind

_DIRECT = "{} directly from the backend"
_SERVED = "{} from the service"


async def measure(context: BenchRun, settings: Settings) -> None:
    """Send the same requests to backend and service, alternating; uses the models of `settings`."""
    service = context.services[0]
    if not context.extent.overhead_pairs:
        return
    context.say("overhead of the service over its backends")
    with Engine(settings) as engine:
        entries = [
            engine.catalog.select(ModelKind.TTS, LANGUAGE, settings.tts.voice),
            engine.catalog.select(ModelKind.STT, LANGUAGE, settings.stt.model),
        ]
    for entry in entries:
        with _loaded(entry, settings) as model:
            if entry.kind is ModelKind.TTS and service.tts_uri is not None:
                await _speech(context, service, service.tts_uri, cast("TtsModel", model))
            elif entry.kind is ModelKind.STT and service.stt_uri is not None:
                await _hearing(context, service, service.stt_uri, cast("SttModel", model))


@contextmanager
def _loaded(entry: ModelEntry, settings: Settings) -> Iterator[LoadedModel]:
    plan = ThreadPlan.for_threads(settings.engine.threads or system.cpu_count())
    options = LoadOptions(
        "cpu", plan.threads_per_call, 1, settings.stt.compute_type, settings.catalog.resolved_cache_dir()
    )
    model = registry.backend(entry.backend)().load(entry, options)
    try:
        model.warm_up()
        yield model
    finally:
        model.close()


async def _speech(context: BenchRun, service: Service, uri: str, voice: TtsModel) -> None:
    direct_s, served_s = [], []
    for number in context.numbers(context.extent.overhead_pairs):
        text = texts.short(number)
        started_s = time.perf_counter()
        for _ in voice.speak(text, SpeakRequest()):
            pass
        direct_s.append(time.perf_counter() - started_s)
        spoken = await bench_client.speak(uri, text, timeout_s=context.extent.request_timeout_s)
        served_s.append(spoken.total_s)
        await asyncio.sleep(0)
    _add(context, service, "short sentence", direct_s, served_s)


async def _hearing(context: BenchRun, service: Service, uri: str, model: SttModel) -> None:
    clip = _clip(context.recordings)
    direct_s, served_s = [], []
    for _ in range(context.extent.overhead_pairs):
        started_s = time.perf_counter()
        model.recognize(clip.samples, RecognizeRequest(language=LANGUAGE))
        direct_s.append(time.perf_counter() - started_s)
        heard = await bench_client.hear_at_once(
            uri, clip.pcm, language=LANGUAGE, timeout_s=context.extent.request_timeout_s
        )
        served_s.append(heard.at_s)
    _add(context, service, "transcript of a command", direct_s, served_s)


def _clip(recordings: Sequence[Recording]) -> Recording:
    return min(recordings, key=lambda item: abs(len(item.samples) - 3 * 16_000))


def _add(
    context: BenchRun, service: Service, what: str, direct_s: Sequence[float], served_s: Sequence[float]
) -> None:
    context.milliseconds(_DIRECT.format(what), service, *direct_s)
    context.milliseconds(_SERVED.format(what), service, *served_s)
    both = zip(direct_s, served_s, strict=True)
    context.milliseconds(
        f"{what}: service less backend, in pairs", service, *(served - direct for direct, served in both)
    )
