"""The service for `tools/soak.py`, with faults that a client cannot cause.

Announcements go to satellites that are away; callbacks of a front-end fail; models are unloaded during the
run and load slowly, some of them too slowly. The resources of the service are written to a file every
second.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.announcements.announcement import Announcement
from lunavox_edge.announcements.announcer import Announcer
from lunavox_edge.announcements.house import Listeners
from lunavox_edge.announcements.loudspeakers import Place
from lunavox_edge.background import Background, guarded
from lunavox_edge.bridge import blocking
from lunavox_edge.cli import streams
from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.models.loading import Loaded
from lunavox_edge.errors import LunavoxError
from lunavox_edge.host import notes
from lunavox_edge.hub.hub import Hub
from lunavox_edge.service.app import App
from lunavox_edge.settings.reading import load_settings
from lunavox_edge.types import ModelEntry

if TYPE_CHECKING:
    from lunavox_edge.mqtt.mqtt_service import MqttService

_EVERY_S = 1.0
_UNLOAD_EVERY_S = 15.0
# Longer than the audio that is synthesised ahead, so that its speech cannot end by itself.
_LONG_TEXT = "This is a rather long announcement for a room that nobody can hear. " * 30


class FaultyApp(App):
    """The service with added faults, which stop when a file called `quiet` exists."""

    def __init__(self, config: Path, folder: Path) -> None:
        """Read the settings; `folder` is for `quiet` and for the file of resources."""
        super().__init__(load_settings(config), say=streams.say)
        self._folder = folder
        self._dice = random.Random(0)  # noqa: S311  # nothing secret
        self._harm = Background()
        self._made: Engine | None = None

    def _mqtt(self, engine: Engine, hub: Hub) -> MqttService | None:
        self._made = engine
        runner = engine._residency._load_runner  # noqa: SLF001  # a fault that no client can cause
        runner._loader = self._slow(runner._loader, engine)  # noqa: SLF001  # as above
        return super()._mqtt(engine, hub)

    def _start_hub(self, hub: Hub) -> None:
        super()._start_hub(hub)
        engine = self._made
        if engine is None:
            raise RuntimeError("The engine is made before the hub is started.")
        hub.subscribe(Listeners(changed=self._fail, heard=self._fail, overlapped=self._fail))
        announcer = Announcer(engine, hub, max_waiting=4, report=self._fail)
        self._harm.start("announcements", announcer.run)
        self._harm.start("announcing", lambda: self._announce(announcer, hub))
        self._harm.start("unloading", lambda: self._unload(engine))
        self._harm.start("telling", lambda: self._tell(engine))

    @property
    def _quiet(self) -> bool:
        return (self._folder / "quiet").exists()

    def _fail(self, *_: object) -> None:
        if self._dice.random() < 0.5:  # noqa: PLR2004  # every other time
            raise RuntimeError("a front-end of the soak is broken")

    def _slow(self, load: Callable[[ModelEntry], Loaded], engine: Engine) -> Callable[[ModelEntry], Loaded]:
        def slowly(entry: ModelEntry) -> Loaded:
            if not self._quiet:
                time.sleep(self._dice.uniform(0.0, 1.5 * engine.settings.engine.load_timeout_s))
            return load(entry)

        return slowly

    async def _announce(self, announcer: Announcer, hub: Hub) -> None:
        number = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._quiet:
                announcer.stop()
                continue
            number += 1
            place = Place((self._dice.choice([view.id for view in hub.views()]),))
            guarded("announcing", self._add, announcer, Announcement(str(number), _LONG_TEXT, place=place))

    @staticmethod
    def _add(announcer: Announcer, announcement: Announcement) -> None:
        try:
            announcer.add(announcement)
        except LunavoxError:
            announcer.stop()

    async def _unload(self, engine: Engine) -> None:
        while True:
            await asyncio.sleep(_UNLOAD_EVERY_S)
            names = [model.name for model in engine.status().models]
            if names and not self._quiet:
                await blocking(partial(engine.unload, self._dice.choice(names)))

    async def _tell(self, engine: Engine) -> None:
        while True:
            status = engine.status()
            told = {
                "sessions": status.sessions,
                "wake-word sessions": status.wake_sessions,
                "models in use": sum(model.state != "idle" for model in status.models),
                "slices": sum(lane.running + lane.queued for lane in status.lanes),
                "lost workers": sum(lane.lost_workers for lane in status.lanes),
                "failing tasks": len(self._harm.failing),
                "tasks": len(asyncio.all_tasks()),
            }
            await blocking(partial(notes.replace, self._folder / "held.json", told))
            await asyncio.sleep(_EVERY_S)


def main() -> int:
    """Run the service until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    asyncio.run(FaultyApp(args.config, args.folder).run(check=False))
    streams.end(0)
    return 0


if __name__ == "__main__":
    main()
