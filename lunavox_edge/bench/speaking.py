"""Speech synthesis: first audio, total time, and gaps in playback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lunavox_edge.bench import bench_client, texts
from lunavox_edge.bench.bench_client import Spoken
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.figure_table import Summary
from lunavox_edge.bench.listener_playback import gaps
from lunavox_edge.bench.servers import Service, order

TOKEN_S = 1 / 30
"""Seconds per token of a language model on a small machine."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    text: Callable[[int], str]
    long: bool = False
    streamed: bool = False


_SIX = _Kind("six sentences", texts.reply, long=True)
_KINDS = (
    _Kind("short sentence", texts.short),
    _Kind("9 s sentence", texts.nine_seconds),
    _SIX,
    _Kind("six sentences token by token", texts.reply, long=True, streamed=True),
)


async def measure(context: BenchRun) -> None:
    """Request every kind of text with every number of clients."""
    extent = context.extent
    for kind in _KINDS:
        for count in extent.streamed_clients if kind.streamed else extent.clients:
            context.say(f"speaking: {kind.name}, {_clients(count)}")
            rounds = extent.single_rounds if count == 1 else extent.rounds
            for number in range(max(1, rounds // 2) if kind.long else rounds):
                numbers = context.numbers(count)
                for service in order(context.services, number):
                    await _round(context, service, kind, numbers)


async def _round(context: BenchRun, service: Service, kind: _Kind, numbers: range) -> None:
    if service.tts_uri is None:
        return
    what = f"{kind.name}, {_clients(len(numbers))}"
    figure = f"first audio, {what}"
    cpu_before_s = service.cpu_s()
    jobs = [_speak(service.tts_uri, kind, number, context.extent.request_timeout_s) for number in numbers]
    spoken = await context.together(jobs, figure, service)
    if not spoken:
        return
    context.milliseconds(figure, service, *(speech.first_audio_s for speech in spoken))
    if len(numbers) > 1:
        firsts_s = (speech.first_audio_s for speech in spoken)
        context.milliseconds(f"first audio of the slowest, {what}", service, *firsts_s, summary=Summary.WORST)
    if not kind.streamed:
        context.milliseconds(f"all spoken, {what}", service, max(speech.total_s for speech in spoken))
        if kind is _SIX and len(numbers) == 1:
            audio_s = sum(speech.audio_s for speech in spoken)
            await context.cpu("CPU per second of speech, six sentences", service, cpu_before_s, audio_s)
    pauses = [gaps(speech.arrivals) for speech in spoken]
    count, late_s = sum(pause.count for pause in pauses), (pause.seconds for pause in pauses)
    context.count(f"gaps, {what}", service, count)
    context.milliseconds(f"silence in gaps, {what}", service, *late_s, summary=Summary.TOTAL)


async def _speak(uri: str, kind: _Kind, number: int, timeout_s: float) -> Spoken:
    text = kind.text(number)
    if kind.streamed:
        return await bench_client.speak_streamed(
            uri, texts.tokens(text), token_s=TOKEN_S, timeout_s=timeout_s
        )
    return await bench_client.speak(uri, text, timeout_s=timeout_s)


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"
