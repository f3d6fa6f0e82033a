"""The composition root: creates engine and front-ends, starts them in order, stops them in reverse."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from lunavox_edge._version import __version__
from lunavox_edge.announcements.sound_card import SoundCard
from lunavox_edge.background import Background
from lunavox_edge.bridge import blocking, cancel_and_wait
from lunavox_edge.engine.engine import Engine
from lunavox_edge.errors import BackendUnavailable, LunavoxError, LunavoxLibraryError, SettingsError
from lunavox_edge.host import system
from lunavox_edge.host.notify import Notifier
from lunavox_edge.hub import approved
from lunavox_edge.hub.hub import Hub
from lunavox_edge.service.self_check import SelfCheck, self_check
from lunavox_edge.service.supervision import Supervisor
from lunavox_edge.settings import reload
from lunavox_edge.settings.model import Settings, WyomingSettings
from lunavox_edge.types import ModelEntry
from lunavox_edge.wyoming_server.server import WyomingServer

if TYPE_CHECKING:
    from lunavox_edge.mqtt.mqtt_service import MqttService

_SPARE_FILES = 256
# With the time to cut off what is left, the shutdown takes less than 5 s.
_SPEECH_GRACE_S = 3.0
_ENGINE_GRACE_S = 0.5
_SELF_CHECK_TIMEOUT_S = 300.0

_LOGGER = logging.getLogger(__name__)


class App:
    """The service: the engine and its front-ends (Wyoming, MQTT, the hub)."""

    def __init__(
        self,
        settings: Settings,
        *,
        say: Callable[[str], None],
        read_settings: Callable[[], Settings] | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        """Create a service that has not started.

        `say` prints a line of progress, `notifier` notifies the service manager. `read_settings` returns the
        settings for a reload and may raise SettingsError; without it there are no reloads.
        """
        self._settings = settings
        self._say = say
        self._read_settings = read_settings
        self._notifier = notifier or Notifier()
        self._background = Background()

    async def run(self, *, check: bool) -> None:
        """Serve until SIGINT or SIGTERM; SIGHUP reloads the settings. `check` runs a self-check at the start.

        Raises SettingsError, LunavoxLibraryError, OSError.
        """
        started = time.monotonic()
        stop, hangup = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if self._read_settings is not None:
            loop.add_signal_handler(signal.SIGHUP, hangup.set)
        system.bound_heap()
        system.raise_file_limit(self._settings.limits.max_connections + _SPARE_FILES)
        self._say(f"LunaVox Edge {__version__}")
        engine = await blocking(lambda: Engine(self._settings))
        try:
            hub = Hub(
                engine,
                self._settings.satellites,
                SoundCard(
                    self._settings.audio.output,
                    lead_in_s=self._settings.audio.lead_in_silence_ms / 1000,
                ),
                choices_file=system.state_dir() / "satellites.json",
                approved_file=approved.file_of(self._settings.satellites),
                background=self._background,
            )
            mqtt = self._mqtt(engine, hub)
            server = WyomingServer(
                engine,
                self._settings.wyoming,
                self._settings.limits,
                on_transcript=mqtt.publish_transcript if mqtt is not None else None,
                background=self._background,
            )
            await server.start()
            supervisor = Supervisor(
                self._notifier,
                lanes=engine.lanes,
                stuck_after_s=lambda: engine.settings.engine.stuck_after_s,
                status=lambda: _status(engine, server),
                failing=lambda: self._background.failing,
            )
            self._background.start("supervisor", supervisor.watch)
            try:
                await self._start_mqtt(mqtt)
                self._start_hub(hub)
                await self._until(stop, self._get_ready(engine, server, started, check=check))
                if not stop.is_set():
                    supervisor.ready()
                    if mqtt is not None:
                        mqtt.ready()
                    await self._until(stop, self._reloads(hangup, engine, server, supervisor))
                self._notifier.stopping()
                self._say("Stopping …")
            finally:
                if mqtt is not None:
                    await mqtt.stop()
                await asyncio.gather(hub.stop(_SPEECH_GRACE_S), server.stop(_SPEECH_GRACE_S))
                await self._background.stop()
        finally:
            await blocking(lambda: engine.close(_ENGINE_GRACE_S))
        self._say("Stopped.")

    def _start_hub(self, hub: Hub) -> None:
        hub.start()
        names = ", ".join(view.id for view in hub.views())
        if names:
            self._say(f"  satellites   {names}   (connecting in the background)")

    def _mqtt(self, engine: Engine, hub: Hub) -> MqttService | None:
        """Return the MQTT service, None if it is off. Raises SettingsError, BackendUnavailable."""
        settings = self._settings
        if settings.mqtt.broker == "off":
            return None
        try:
            from lunavox_edge.mqtt.mqtt_service import MqttService  # noqa: PLC0415  # needs optional packages
        except ImportError as error:
            raise BackendUnavailable(
                "MQTT needs more packages; pip install 'lunavox-edge[mqtt]', or set mqtt.broker to off."
            ) from error
        return MqttService(
            engine,
            settings.mqtt,
            loudspeakers=hub,
            house=hub,
            background=self._background,
            state_dir=system.state_dir(),
            resumes=settings.satellites.interrupted == "resume",
        )

    async def _start_mqtt(self, mqtt: MqttService | None) -> None:
        """Start MQTT; if that fails, log it and go on without MQTT."""
        if mqtt is None:
            return
        kind = "embedded broker" if self._settings.mqtt.broker == "embedded" else "broker of the settings"
        try:
            await mqtt.start()
        except LunavoxLibraryError as error:
            _LOGGER.error("MQTT is off: %s", error)  # noqa: TRY400  # a stack would add nothing
            self._say(f"  problem      {error}")
        else:
            self._say(f"  mqtt         {mqtt.uri}   ({kind}; topics {mqtt.topics.root}/...)")

    @staticmethod
    async def _until(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
        """Run `work` until it returns or the stop signal comes; then cancel it. Raises what `work` raises."""
        task = asyncio.create_task(work, name="work")
        stopping = asyncio.create_task(stop.wait(), name="stop-signal")
        try:
            await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
        finally:
            await cancel_and_wait(task, stopping)

    async def _get_ready(self, engine: Engine, server: WyomingServer, started: float, *, check: bool) -> None:
        self._say(f"  listening    {server.uri}   (answers while models load)")
        self._notifier.status(f"Loading models; {server.uri} answers already")
        problems = await self._warm_up(engine)
        if check and not problems:
            result = await blocking(lambda: self_check(server.uri, timeout_s=_SELF_CHECK_TIMEOUT_S))
            self._say(f"  self-check   {result.summary}")
        entries = (*engine.models(), *engine.voices())
        if not entries:
            self._say("  No model is installed yet. Get one with: lunavox-edge models pull base")
        self._say(f"Ready in {time.monotonic() - started:.1f} s. Ctrl-C stops.")

    async def _warm_up(self, engine: Engine) -> tuple[LunavoxError, ...]:
        problems = await blocking(lambda: engine.warm_up(lambda entry: self._loaded(engine, entry)))
        substitutes = await blocking(engine.substitutes)
        unknown = await blocking(engine.unknown_names)
        for problem in (*substitutes.values(), *unknown.values(), *problems):
            self._say(f"  problem      {problem}")
            _LOGGER.warning("%s: %s", problem.code, problem, extra={"code": problem.code})
        return problems

    async def _reloads(
        self, hangup: asyncio.Event, engine: Engine, server: WyomingServer, supervisor: Supervisor
    ) -> None:
        """Reload the settings and the catalog at every SIGHUP, until cancelled."""
        while True:
            await hangup.wait()
            hangup.clear()
            self._notifier.reloading()
            self._notifier.status("Reloading the settings")
            try:
                await self._reload(engine, server)
            except SettingsError as error:
                _LOGGER.error(  # noqa: TRY400  # a stack would add nothing
                    "The service goes on with the settings it had. %s", error, extra={"code": error.code}
                )
            supervisor.ready()

    async def _reload(self, engine: Engine, server: WyomingServer) -> None:
        if self._read_settings is None:
            return
        wanted = await blocking(self._read_settings)
        change = reload.change(engine.settings, wanted)
        await blocking(lambda: engine.apply(change.settings))
        server.configure(change.settings.limits)
        _LOGGER.info("Settings read anew: %s", change)
        await self._warm_up(engine)

    def _loaded(self, engine: Engine, entry: ModelEntry) -> None:
        load_ms, warmup_ms = engine.last_load_ms(entry.name) or 0.0, engine.last_warmup_ms(entry.name) or 0.0
        role = "hears with" if entry.kind.value == "stt" else "speaks with"
        self._say(
            f"  {role:12s} {entry.name} ({entry.backend}, {entry.licence}): "
            f"loaded in {load_ms / 1000:.1f} s, first use {warmup_ms / 1000:.1f} s"
        )


async def check_alone(settings: Settings, uri: str) -> SelfCheck:
    """Start a service at `uri`, run one self-check against it, and stop it.

    Raises LunavoxError, also if a model does not load.
    """
    engine = await blocking(lambda: Engine(settings))
    try:
        server = WyomingServer(engine, WyomingSettings(uri=uri), settings.limits)
        await server.start()
        try:
            problems = await blocking(engine.warm_up)
            if problems:
                raise problems[0]
            return await blocking(lambda: self_check(server.uri, timeout_s=_SELF_CHECK_TIMEOUT_S))
        finally:
            await server.stop(_ENGINE_GRACE_S)
    finally:
        await blocking(lambda: engine.close(_ENGINE_GRACE_S))


def _status(engine: Engine, server: WyomingServer) -> str:
    """Return the status line that the service manager shows."""
    status = engine.status()
    loaded = ", ".join(model.name for model in status.models if model.state != "loading") or "none"
    return f"Listening on {server.uri}; models: {loaded}; sessions: {status.sessions}"
