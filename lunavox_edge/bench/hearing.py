"""Speech recognition: delay of the transcript, people cut off, and word errors."""

from __future__ import annotations

from collections.abc import Sequence

from lunavox_edge.bench import bench_client, home_assistant, recordings
from lunavox_edge.bench.bench_client import HeardTranscript
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.recordings import Recording
from lunavox_edge.bench.servers import Service, order
from lunavox_edge.bench.word_errors import word_errors

LANGUAGE = "en"
TRAILING_S = 0.7
"""Silence before audio-stop, as Home Assistant's detector leaves it."""

_LONGEST_COMMAND_S = 5.0
_MOST_WAIT_S = 2.5
"""Usual upper limit of the wait for a transcript."""
_CUT_OFF_S = 0.05
"""Tolerance: the end of speech is not known more exactly."""


async def stops(context: BenchRun) -> None:
    """Send short commands in real time, with audio-stop 0.7 s after the last word."""
    extent = context.extent
    chosen = recordings.of_kinds(context.recordings, recordings.COMMANDS)
    chosen = recordings.shortest(
        chosen, extent.commands, lambda item: item.end_s > 1 and len(item.samples) > home_assistant.RATE_HZ
    )
    chosen = [item for item in chosen if item.end_s < _LONGEST_COMMAND_S] or chosen[:1]
    for count in extent.stop_clients:
        what = _rooms(count)
        context.say(f"recognition: {len(chosen)} commands with audio-stop, {what}")
        for number, batch in enumerate(_batches(chosen, count)):
            for service in order(context.services, number):
                await _stop(context, service, batch, what)


async def _stop(context: BenchRun, service: Service, batch: Sequence[Recording], what: str) -> None:
    if service.stt_uri is None:
        return
    figure = f"audio-stop to transcript, {what}"
    cpu_before_s = service.cpu_s()
    said = [(item, item.until(TRAILING_S), item.end_s + TRAILING_S) for item in batch]
    heard = await context.together([_live(context, service, *one, None) for one in said], figure, service)
    for item, take in heard:
        early = take.stop_s is None
        context.milliseconds(figure, service, 0.0 if early else take.at_s - (take.stop_s or 0.0))
        context.count(f"transcript before audio-stop, {what}", service, early)
        context.count(f"people cut off, audio-stop, {what}", service, _cut_off(item, take))
    if len(heard) == len(batch):
        await context.cpu(f"CPU per command, {what}", service, cpu_before_s, len(batch))


async def rooms(context: BenchRun) -> None:
    """Send commands as Home Assistant's microphones do, and measure the delay of the transcript."""
    chosen = recordings.of_kinds(context.recordings, recordings.COMMANDS)
    chosen = [item for item in chosen if item.end_s > 0]
    if not home_assistant.available():
        context.report.note(
            "Times from the end of speech are missing: Home Assistant's voice detector is not installed "
            "(pip install 'lunavox-edge[bench]')."
        )
        return
    _note_home_assistant(context, chosen)
    for count, sensitivity, wanted in context.extent.rooms:
        for number, batch in enumerate(_batches(chosen[:wanted], count)):
            needed_s = len(context.services) * (max(item.end_s for item in batch) + _MOST_WAIT_S)
            if context.left_s < needed_s:
                context.report.note(f"{_rooms(count)}, {sensitivity}: cut short after {number} rounds.")
                break
            context.say(f"recognition: {_rooms(count)}, {sensitivity} sensitivity, round {number + 1}")
            for service in order(context.services, number):
                await _room(context, service, batch, sensitivity, _rooms(count))


async def _room(
    context: BenchRun, service: Service, batch: Sequence[Recording], sensitivity: str, what: str
) -> None:
    if service.stt_uri is None:
        return
    figure = f"end of speech to transcript, {what}, {sensitivity}"
    said = [
        (
            item,
            item.room,
            None if service.finds_end else home_assistant.end_s(item.probabilities, sensitivity),
        )
        for item in batch
    ]
    heard = await context.together(
        [_live(context, service, *one, sensitivity) for one in said], figure, service
    )
    for item, take in heard:
        context.milliseconds(figure, service, take.at_s - item.end_s)
        context.count(f"people cut off, {what}, {sensitivity}", service, _cut_off(item, take))
        context.count(f"nothing heard, {what}, {sensitivity}", service, not take.text.strip())
    await service.rest()


async def _live(
    context: BenchRun,
    service: Service,
    item: Recording,
    pcm: bytes,
    stop_s: float | None,
    sensitivity: str | None,
) -> tuple[Recording, HeardTranscript]:
    assert service.stt_uri is not None  # noqa: S101  # a fact for the type checker
    heard = await bench_client.hear_live(
        service.stt_uri,
        pcm,
        stop_s=stop_s,
        sensitivity=sensitivity,
        language=LANGUAGE,
        timeout_s=len(pcm) / (2 * home_assistant.RATE_HZ) + context.extent.request_timeout_s,
    )
    return item, heard


def _cut_off(item: Recording, heard: HeardTranscript) -> bool:
    """Whether the service, or the client's detector, ended the utterance while the person spoke."""
    over_s = heard.at_s if heard.stop_s is None else heard.stop_s
    return over_s < item.end_s - _CUT_OFF_S


def _note_home_assistant(context: BenchRun, chosen: Sequence[Recording]) -> None:
    for sensitivity in ("default", "aggressive"):
        early = sum(
            home_assistant.end_s(item.probabilities, sensitivity) < item.end_s - _CUT_OFF_S for item in chosen
        )
        context.report.note(
            f"Home Assistant's own detector, {sensitivity}, cuts off {early} of all {len(chosen)} "
            "recordings, whatever service is behind it."
        )


async def words(context: BenchRun) -> None:
    """Send recordings as fast as the service accepts them, and count word errors."""
    if not context.references:
        context.report.note(
            "Word errors were not counted: no recordings with known texts were given "
            "(--speech DIR, or LUNAVOX_SPEECH_DATA)."
        )
        return
    for name, kinds in (("sentences", recordings.SENTENCES), ("single digits", recordings.DIGITS)):
        chosen = [item for item in recordings.of_kinds(context.recordings, kinds) if item.said]
        chosen = chosen[: context.extent.most_words]
        if not chosen:
            continue
        context.say(f"recognition: word errors in {len(chosen)} {name}")
        counts = {service.name: [0, 0] for service in context.services}
        try:
            for number, item in enumerate(chosen):
                for service in order(context.services, number):
                    await _words(context, service, item, counts[service.name], name)
        finally:  # if the time is over, the recordings so far are reported
            for service in context.services:
                errors, said = counts[service.name]
                if said:
                    context.report.add(
                        f"word error rate, {name}", service.name, 100 * errors / said, unit="%"
                    )


async def _words(context: BenchRun, service: Service, item: Recording, count: list[int], name: str) -> None:
    if service.stt_uri is None:
        return
    figure = f"transcript of a whole recording, {name}"
    cpu_before_s = service.cpu_s()
    job = bench_client.hear_at_once(
        service.stt_uri, item.pcm, language=LANGUAGE, timeout_s=context.extent.request_timeout_s
    )
    for heard in await context.together([job], figure, service):
        context.milliseconds(figure, service, heard.at_s)
        await context.cpu(f"CPU per whole recording, {name}", service, cpu_before_s, 1)
        errors, said = word_errors(item.said, heard.text)
        count[0] += errors
        count[1] += said


def _batches(items: Sequence[Recording], size: int) -> list[Sequence[Recording]]:
    """Split into groups of exactly `size`; the last group is filled up from the first items."""
    if not items:
        return []
    count = -(-len(items) // size)
    endless = [items[index % len(items)] for index in range(count * size)]
    return [endless[start : start + size] for start in range(0, len(endless), size)]


def _rooms(count: int) -> str:
    return f"{count} room{'s' if count > 1 else ''}"
