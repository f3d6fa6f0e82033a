"""A benchmark run: start the services, measure them, stop them."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lunavox_edge._version import __version__
from lunavox_edge.bench import (
    bench_client,
    hearing,
    hub_load,
    overhead,
    public,
    recordings,
    speaking,
    strain,
    texts,
)
from lunavox_edge.bench.context import BenchRun, Extent
from lunavox_edge.bench.figure_table import FigureTable
from lunavox_edge.bench.goals import BOARD, FULL
from lunavox_edge.bench.quota import PERIOD_US, SHARE, CpuQuota
from lunavox_edge.bench.servers import Plan, running
from lunavox_edge.bridge import within
from lunavox_edge.errors import Cancelled, LunavoxError, SettingsError
from lunavox_edge.host import system
from lunavox_edge.settings.model import Settings

_GENERATED = 12
_SETTLED_S = 5.0
_LEAST_S = 0.1


@dataclass(frozen=True, slots=True)
class Order:
    """The services to measure, ours first, and how much to measure."""

    plans: tuple[Plan, ...]
    extent: Extent
    speech: Path | None = None
    board: bool = False
    only: frozenset[str] = frozenset()
    """Names of the parts to measure; all of them if empty."""
    public: str | None = None
    """Path of the program wyoming-bench."""
    own: tuple[str, ...] = ()
    """The command that starts our service, for parts that need it with special settings."""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    weight: float
    """Usual duration in seconds; the available time is divided by these weights."""
    work: Callable[[], Coroutine[Any, Any, None]]
    always: bool = True
    """Whether it is measured without being named in `only`."""


def bench(order: Order, settings: Settings, say: Callable[[str], None]) -> FigureTable:
    """Measure within the time limit of the extent and return the table. Raises LunavoxError."""
    try:
        return asyncio.run(_bench(order, settings, say))
    except asyncio.CancelledError as error:
        raise Cancelled("The measurement was cancelled.") from error


def _end_on_sigterm() -> None:
    """Cancel the run at SIGTERM, so that the started services are stopped."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _bench(order: Order, settings: Settings, say: Callable[[str], None]) -> FigureTable:
    started_s = time.monotonic()
    _end_on_sigterm()
    report = FigureTable([plan.name for plan in order.plans], BOARD if order.board else FULL)
    report.note(_machine())
    async with AsyncExitStack() as stack:
        services = []
        for plan in order.plans:
            quota = _quota(plan, report, stack) if order.board else None
            say(f"starting {plan.name}" if plan.commands else f"looking for {plan.name}")
            services.append(await stack.enter_async_context(running(plan, quota=quota)))
        context = BenchRun(services, order.extent, report, say, started_s + order.extent.limit_s)
        # Without this nothing can be measured, so its error ends the run.
        await bench_client.bounded(_prepare(context, order.speech), order.extent.limit_s)
        parts = [
            part
            for part in _parts(context, order, settings)
            if (part.name in order.only if order.only else part.always)
        ]
        for number, part in enumerate(parts):
            context.take_share(part.weight, sum(later.weight for later in parts[number + 1 :]))
            await _within(context, part)
    report.note(f"Took {time.monotonic() - started_s:.0f} s; load average at the end {_load()}.")
    return report


def _parts(context: BenchRun, order: Order, settings: Settings) -> Sequence[_Part]:
    """Return the parts in order; a part that may end a service is last."""
    return (
        _Part("speaking", 200, lambda: speaking.measure(context)),
        _Part("describe", 30, lambda: strain.describe(context)),
        _Part("audio-stop", 70, lambda: hearing.stops(context)),
        _Part("rooms", 240, lambda: hearing.rooms(context)),
        _Part("words", 45, lambda: hearing.words(context)),
        _Part("overhead", 15, lambda: overhead.measure(context, settings)),
        _Part("satellites", 170, lambda: hub_load.measure(context, order.own, settings), always=False),
        _Part("public", 60, lambda: public.measure(context, order.public)),
        _Part("long-text", 45, lambda: strain.long_text(context)),
    )


async def _within(context: BenchRun, part: _Part) -> None:
    if part.name == "long-text":
        strain.peak_memory(context)
    try:
        await within(part.work(), max(_LEAST_S, context.left_s))
    except asyncio.TimeoutError:
        context.report.note(f"Cut short by the time: {part.name}.")
    except LunavoxError as error:
        context.report.note(f"{part.name}: {error}")


async def _prepare(context: BenchRun, speech: Path | None) -> None:
    """Load every model by a first request, and get the speech to be recognised."""
    for service in context.services:
        if service.first_rss_bytes:
            context.report.add("RSS, idle", service.name, service.first_rss_bytes / 1e6, unit="MB")
    timeout_s = 2 * context.extent.request_timeout_s
    for service in context.services:
        context.say(f"first requests to {service.name}")
        if service.tts_uri is not None:
            await bench_client.speak(service.tts_uri, texts.reply(context.numbers(1)[0]), timeout_s=timeout_s)
    context.references = speech is not None
    context.recordings = (
        recordings.from_folder(speech) if speech is not None else await _spoken(context, timeout_s)
    )
    for service in context.services:
        if service.stt_uri is not None:
            await bench_client.hear_at_once(
                service.stt_uri, context.recordings[0].pcm, language=hearing.LANGUAGE, timeout_s=timeout_s
            )
    # Memory that is held permanently; short-lived memory of a request counts for the peak only.
    await asyncio.sleep(_SETTLED_S)
    strain.memory(context, "RSS, both models loaded")


async def _spoken(context: BenchRun, timeout_s: float) -> list[recordings.Recording]:
    """Let the first service with a voice speak the sentences to be recognised."""
    speaker = next((service.tts_uri for service in context.services if service.tts_uri), None)
    if speaker is None:
        raise SettingsError("No service offers a voice; give a folder of recordings with --speech.")
    context.report.note("The speech to be recognised was spoken by the service itself, not by people.")
    found = []
    for number in context.numbers(_GENERATED):
        said = texts.command(number)
        spoken = await bench_client.speak(speaker, said, timeout_s=timeout_s)
        found.append(recordings.from_speech(said, spoken.pcm, spoken.rate_hz))
    return found


def _quota(plan: Plan, report: FigureTable, stack: AsyncExitStack) -> CpuQuota:
    quota = CpuQuota.create(f"lunavox-edge-bench-{os.getpid()}-{plan.name}")
    if quota is None:
        raise SettingsError(
            "A small board cannot be emulated here: no control group for the CPU (version 1 or 2) can be "
            "written, which often only root may. Measure as root, or without --board."
        )
    stack.callback(quota.close)
    report.note(
        f"Each service had {SHARE:.0%} of one core in periods of {PERIOD_US // 1000} ms, "
        "to emulate a small board."
    )
    return quota


def _machine() -> str:
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"lunavox-edge {__version__}, {system.cpu_count()} cores of {model}, Python "
        f"{platform.python_version()}, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, "
        f"load average at the start {_load()}."
    )


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"
