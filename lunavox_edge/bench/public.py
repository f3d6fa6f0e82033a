"""Measurement of the same services by the public `wyoming-bench`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lunavox_edge.address import Address
from lunavox_edge.audio.wav import write_wav
from lunavox_edge.bench.context import BenchRun
from lunavox_edge.bench.home_assistant import RATE_HZ
from lunavox_edge.bench.recordings import SENTENCES, of_kinds
from lunavox_edge.bridge import within

_RECORDINGS = 5
_MOST_BYTES = 40_000
_MARGIN_S = 1.0
_ONCE = ("--rounds", "1", "--warmup", "1", "--timeout", "30")


async def measure(context: BenchRun, program: str | None) -> None:
    """Run `program` for synthesis and recognition, with every service on a TCP port."""
    if program is None:
        return
    if context.extent.name != "full":
        context.report.note("wyoming-bench is used only in a full measurement.")
        return
    named = ", ".join(
        f"{service.name} at {' and '.join(service.uris)}"
        for service in context.services  # its output shows only addresses
    )
    context.report.note(f"In the output of wyoming-bench: {named}.")
    await _run(context, program, ["tts", *_ONCE], [service.tts_uri for service in context.services], 0.6)
    with tempfile.TemporaryDirectory() as folder:
        chosen = [item for item in of_kinds(context.recordings, SENTENCES) if item.said][:_RECORDINGS]
        for number, item in enumerate(chosen):
            write_wav(Path(folder) / f"{number}.wav", item.pcm, RATE_HZ)
            (Path(folder) / f"{number}.txt").write_text(item.said, encoding="utf-8")
        if chosen:
            await _run(
                context,
                program,
                ["stt", *_ONCE, "--corpus", folder],
                [service.stt_uri for service in context.services],
                1.0,
            )


async def _run(
    context: BenchRun, program: str, what: Sequence[str], uris: Sequence[str | None], share: float
) -> None:
    addresses = [Address.parse(uri) for uri in uris if uri is not None]
    hosts = [f"{address.host}:{address.port}" for address in addresses if address.path is None]
    if len(hosts) < len(addresses):
        context.report.note("wyoming-bench reaches services over TCP only; others are missing in its output.")
    if not hosts:
        return
    shown = shlex.join(["wyoming-bench", what[0], *_ONCE])
    context.say(f"public benchmark: {shown}")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *what,
            *hosts,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        context.report.note(f"wyoming-bench cannot be started: {error.strerror}.")
        return
    assert process.stdout is not None  # noqa: S101  # a fact for the type checker
    output = bytearray()
    try:
        ended = await _read(process.stdout, output, share * context.left_s - 2 * _MARGIN_S)
        if ended:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(process.wait(), _MARGIN_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = await process.wait()
    context.report.outputs[shown] = output.decode("utf-8", "replace").strip()
    if not ended:
        context.report.note(f"{shown} did not end in time; its output so far is shown.")
    elif status > 0:
        context.report.note(f"{shown} ended with status {status}.")


async def _read(stream: asyncio.StreamReader, into: bytearray, timeout_s: float) -> bool:
    """Read a program's output until it ends; False after `timeout_s`."""

    async def read() -> None:
        while data := await stream.read(_MOST_BYTES):
            into.extend(data[: _MOST_BYTES - len(into)])

    try:
        await within(read(), max(_MARGIN_S, timeout_s))
    except asyncio.TimeoutError:
        return False
    return True
