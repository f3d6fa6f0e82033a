"""Services to measure: running ones, or servers that are started and stopped here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import IO

from wyoming.info import Info

from lunavox_edge.address import Address
from lunavox_edge.bench import bench_client, processes
from lunavox_edge.bench.quota import CpuQuota
from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxError, SettingsError, Unreachable

URI_FIELD = "{uri}"
START_TIMEOUT_S = 180.0

_POLL_S = 0.05
_STOP_TIMEOUT_S = 4.0
_DESCRIBE_TIMEOUT_S = 10.0
_LOG_TAIL_BYTES = 2000
_REST_S = 0.1
_REST_CPU_S = 0.015
"""About one tick of the kernel's clock: a service that uses less within _REST_S is idle."""
_REST_TIMEOUT_S = 2.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Plan:
    """A service to measure: for each server a URI, or a command with {uri} in it."""

    name: str
    uris: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(slots=True)
class Service:
    """One side of the comparison: one server, or one for synthesis and one for recognition."""

    name: str
    pids: list[int] = field(default_factory=list)
    tts_uri: str | None = None
    stt_uri: str | None = None
    finds_end: bool = False
    """Whether it finds the end of speech itself, so that clients send no audio-stop."""
    started_here: bool = False
    first_rss_bytes: int = 0

    @property
    def uris(self) -> list[str]:
        """All addresses without duplicates."""
        return list(dict.fromkeys(uri for uri in (self.tts_uri, self.stt_uri) if uri))

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far; 0 if its processes are not known."""
        return processes.cpu_s(self._tree())

    def rss_bytes(self) -> int:
        """Return the resident memory in bytes."""
        return processes.rss_bytes(self._tree())

    def peak_rss_bytes(self) -> int:
        """Return the peak resident memory in bytes."""
        return processes.peak_rss_bytes(self._tree())

    async def rest(self) -> None:
        """Wait until its processes are idle, at most two seconds."""
        deadline_s = time.monotonic() + _REST_TIMEOUT_S
        before_s, busy = self.cpu_s(), bool(self.pids)
        while busy and time.monotonic() < deadline_s:
            await asyncio.sleep(_REST_S)
            now_s = self.cpu_s()
            busy, before_s = now_s - before_s > _REST_CPU_S, now_s

    def kill(self) -> None:
        """Kill the servers that were started here."""
        for pid in self.pids if self.started_here else ():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _tree(self) -> list[int]:
        return list(dict.fromkeys(pid for root in self.pids for pid in processes.tree(root)))


@asynccontextmanager
async def running(plan: Plan, *, quota: CpuQuota | None) -> AsyncIterator[Service]:
    """Connect to or start every server of a plan; stop those that were started.

    Raises Unreachable, SettingsError.
    """
    async with AsyncExitStack() as stack:
        service = Service(plan.name, started_here=bool(plan.commands))
        for uri in plan.uris:
            info, _ = await bench_client.describe(uri, timeout_s=_DESCRIBE_TIMEOUT_S)
            _take_up(service, uri, info)
            pid = _local_pid(uri)
            if pid is not None and pid not in service.pids:
                service.pids.append(pid)
                if quota is not None:
                    quota.add(pid)
        for command in plan.commands:
            await _start(service, command, quota, stack)
        service.first_rss_bytes = service.rss_bytes()
        yield service


def free_uri() -> str:
    """Return a loopback address with a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def _take_up(service: Service, uri: str, info: Info) -> None:
    if info.tts and service.tts_uri is None:
        service.tts_uri = uri
    if info.asr and service.stt_uri is None:
        service.stt_uri = uri
        service.finds_end = not info.asr[0].requires_external_vad


def _local_pid(uri: str) -> int | None:
    address = Address.parse(uri)
    return processes.listener(address.port) if address.host in _LOOPBACK else None


async def _start(service: Service, command: str, quota: CpuQuota | None, stack: AsyncExitStack) -> None:
    if URI_FIELD not in command:
        raise SettingsError(f"The command of {service.name} does not contain {URI_FIELD}.")
    uri = free_uri()
    try:
        argv = [word.replace(URI_FIELD, uri) for word in shlex.split(command)]
    except ValueError:
        raise SettingsError(f"The command of {service.name} cannot be read; check its quotes.") from None
    log = stack.enter_context(_log())
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    except OSError as error:
        raise Unreachable(f"{argv[0]} cannot be started: {error.strerror}.") from error
    stack.push_async_callback(_stop, process)
    if quota is not None:
        quota.add(process.pid)
    service.pids.append(process.pid)
    _take_up(service, uri, await _answer(service.name, uri, process, log))


def _log() -> IO[bytes]:
    """Return a file without a name; it is deleted when it is closed."""
    return tempfile.TemporaryFile()


async def _answer(name: str, uri: str, process: asyncio.subprocess.Process, log: IO[bytes]) -> Info:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.returncode is None:
        try:
            info, _ = await bench_client.describe(uri, timeout_s=_DESCRIBE_TIMEOUT_S)
        except LunavoxError:
            await asyncio.sleep(_POLL_S)
        else:
            return info
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
    said = log.read().decode("utf-8", "replace").strip()
    raise Unreachable(f"A server of {name} did not start. Its output: {said or 'nothing'}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Stop a server and its children; it leads its own process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            await within(process.wait(), _STOP_TIMEOUT_S)
        except asyncio.TimeoutError:
            continue
        break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def order(services: Sequence[Service], number: int) -> list[Service]:
    """Return the services in the order of round `number`: each is first in turn.

    So other load and heat affect all of them alike.
    """
    turn = number % len(services)
    return [*services[turn:], *services[:turn]]
