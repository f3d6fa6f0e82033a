"""Behaviour under load: `describe`, memory, and a very long text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from lunavox_edge.bench import bench_client, texts
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.figure_table import Summary
from lunavox_edge.bench.hearing import LANGUAGE
from lunavox_edge.bench.home_assistant import RATE_HZ
from lunavox_edge.bench.servers import Service
from lunavox_edge.bridge import cancel_and_wait
from lunavox_edge.errors import LunavoxError
from lunavox_edge.host import system

_DESCRIBE_EVERY_S = 0.05
_WATCH_EVERY_S = 0.1
_MOST_MEMORY = 0.5
"""Share of the free memory; a service that uses more for one text is stopped."""
_MOST_SAMPLES = 20 * RATE_HZ
_MB = 1e6


async def describe(context: BenchRun) -> None:
    """Time `describe` while many clients get speech, and while many send speech."""
    context.say("describe under load")
    clients = context.extent.describers
    longest = max(context.recordings, key=lambda item: min(len(item.samples), _MOST_SAMPLES))
    timeout_s = context.extent.request_timeout_s
    for service in context.services:
        if service.tts_uri is not None:
            figure = f"slowest describe, {clients} clients speaking"
            await _describe(
                context,
                service,
                service.tts_uri,
                figure,
                [
                    bench_client.speak(service.tts_uri, texts.nine_seconds(number), timeout_s=timeout_s)
                    for number in context.numbers(clients)
                ],
            )
        if service.stt_uri is not None:
            figure = f"slowest describe, {clients} rooms heard"
            await _describe(
                context,
                service,
                service.stt_uri,
                figure,
                [
                    bench_client.hear_at_once(
                        service.stt_uri,
                        longest.pcm[: 2 * _MOST_SAMPLES],
                        language=LANGUAGE,
                        timeout_s=timeout_s,
                    )
                    for _ in range(clients)
                ],
            )


async def _describe(
    context: BenchRun, service: Service, uri: str, figure: str, jobs: Sequence[Awaitable[Any]]
) -> None:
    load = asyncio.ensure_future(context.together(jobs, figure, service))
    try:
        while not load.done():
            try:
                _, seconds = await bench_client.describe(uri, timeout_s=context.extent.request_timeout_s)
            except LunavoxError:
                context.report.fail(figure, service.name)
            else:
                context.milliseconds(figure, service, seconds, summary=Summary.WORST)
            await asyncio.sleep(_DESCRIBE_EVERY_S)
        await load
    finally:
        await cancel_and_wait(load)


def memory(context: BenchRun, figure: str) -> None:
    """Add the current resident memory of every service."""
    for service in context.services:
        _add_mb(context, figure, service, service.rss_bytes())


def peak_memory(context: BenchRun) -> None:
    """Add the peak resident memory of every service."""
    for service in context.services:
        _add_mb(context, "RSS, peak", service, service.peak_rss_bytes())


async def long_text(context: BenchRun) -> None:
    """Request 20,000 characters without the end of a sentence, from services that were started here."""
    for service in context.services:
        if service.tts_uri is None or not service.started_here:
            continue
        limit_s = min(context.extent.long_text_s, context.left_s - 1)
        if limit_s <= 0:
            context.report.note(f"{service.name}: no time was left for the long text.")
            continue
        context.say(f"20,000 characters without punctuation: {service.name}, at most {limit_s:.0f} s")
        await _long_text(context, service, service.tts_uri, limit_s)


async def _long_text(context: BenchRun, service: Service, uri: str, limit_s: float) -> None:
    text = texts.without_punctuation(context.numbers(1)[0])
    figure = "first audio, 20,000 characters without punctuation"
    peak_before, rss_before = service.peak_rss_bytes(), service.rss_bytes()
    most_bytes = rss_before + round(_MOST_MEMORY * system.memory().available_bytes)
    highest = rss_before
    first_s: list[float] = []
    started_s = time.monotonic()
    speaking = asyncio.ensure_future(
        bench_client.speak(uri, text, timeout_s=limit_s, on_first=first_s.append)
    )
    try:
        while time.monotonic() - started_s < limit_s and not speaking.done():
            highest = max(highest, service.rss_bytes())
            if highest > most_bytes:
                context.report.note(
                    f"{service.name}: ended when one text had taken {(highest - rss_before) / _MB:.0f} MB."
                )
                service.kill()
                break
            await asyncio.wait((speaking,), timeout=_WATCH_EVERY_S)
    finally:
        await cancel_and_wait(speaking)
    if first_s:
        context.milliseconds(figure, service, *first_s)
    else:
        context.report.fail(figure, service.name)
        context.report.note(
            f"{service.name}: no audio of 20,000 characters in {time.monotonic() - started_s:.0f} s."
        )
    growth = max(highest, service.peak_rss_bytes(), peak_before) - peak_before
    _add_mb(context, "RSS above the most before, 20,000 characters", service, growth)


def _add_mb(context: BenchRun, figure: str, service: Service, size_bytes: int) -> None:
    if size_bytes or service.pids:
        context.report.add(figure, service.name, size_bytes / _MB, unit="MB", summary=Summary.WORST)
