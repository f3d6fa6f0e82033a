"""The composition root of `lunavox-edge satellite`: creates the parts, runs them and stops them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.address import Address
from lunavox_edge.bridge import blocking
from lunavox_edge.host import system
from lunavox_edge.host.usr1 import ignore_usr1, on_usr1
from lunavox_edge.satellite.device import SOUNDS, SatelliteDevice, Sounds
from lunavox_edge.satellite.microphone import open_microphone
from lunavox_edge.satellite.satellite_info import satellite_info
from lunavox_edge.satellite.satellite_server import SatelliteServer
from lunavox_edge.satellite.speaker import open_speaker
from lunavox_edge.satellite.words import NO_WORDS, choose_words
from lunavox_edge.wire import tls

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_ENGINE_GRACE_S = 0.5
_TLS_OPTIONS = ("--tls-cert", "--tls-key")


@dataclass(frozen=True, slots=True)
class SatelliteOptions:
    """The options of the command line.

    With `words` None the hub detects wake words. `stop_words` None means `stop` if it is installed.
    """

    microphone: str
    speaker: str
    uri: str
    name: str
    area: str | None = None
    words: tuple[str, ...] | None = None
    stop_words: tuple[str, ...] | None = None
    sounds: Sounds = SOUNDS
    tls_cert: Path | None = None
    tls_key: Path | None = None


async def run(options: SatelliteOptions, settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `say` shows messages to the user.

    Raises SettingsError, LunavoxLibraryError, BackendUnavailable, BadAudio, UnknownModel.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    ignore_usr1()
    system.bound_heap()
    microphone, speaker = open_microphone(options.microphone), open_speaker(options.speaker)
    async with AsyncExitStack() as stack:
        engine, words = None, NO_WORDS
        if options.words is not None:
            from lunavox_edge.engine.engine import Engine  # noqa: PLC0415  # not needed without wake words

            engine = running = await blocking(lambda: Engine(settings))
            stack.push_async_callback(blocking, lambda: running.close(_ENGINE_GRACE_S))
            words = choose_words(running, options.words, options.stop_words)
        info = satellite_info(options.name, options.area, engine=engine, words=words.calls)
        satellite = SatelliteDevice(
            microphone=microphone,
            speaker=speaker,
            say=say,
            engine=engine,
            words=words,
            sounds=options.sounds,
        )
        # Not a handler of the loop: closing the loop would remove it, and the signal then ends the process.
        on_usr1(lambda: loop.call_soon_threadsafe(satellite.silence))
        stack.callback(ignore_usr1)
        server = SatelliteServer(
            satellite,
            info,
            uri=options.uri,
            allow=settings.wyoming.allow,
            limits=settings.limits,
            say=say,
            identity=lambda: tls.server_context(options.tls_cert, options.tls_key, _TLS_OPTIONS),
        )
        await server.start()
        stack.push_async_callback(server.stop)
        if settings.satellites.zeroconf:
            from lunavox_edge.wire.zeroconf import announced  # noqa: PLC0415  # heavy, and not always wanted

            announcement = announced(Address.parse(server.uri), options.name)
            if announcement is not None:
                stack.push_async_callback(announcement.stop)
        say(f"Satellite {options.name} on {server.uri}. Ctrl-C stops.")
        if info.satellite is not None and info.satellite.active_wake_words:
            say(f"Its wake words: {', '.join(info.satellite.active_wake_words)}")
        if words.stops:
            say(f"What silences it: {', '.join(words.stops)}")
        await stop.wait()
        say("Stopping …")
    say("Stopped.")
