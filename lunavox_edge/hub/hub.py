"""The hub: all satellites of the house, and announcements at any of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatelliteView
from lunavox_edge.announcements.loudspeakers import Loudspeakers, Place, everybody
from lunavox_edge.audio.chime import ANNOUNCING
from lunavox_edge.background import Background, guarded
from lunavox_edge.errors import Busy, Cancelled, UnknownSatellite, Unreachable
from lunavox_edge.hub import choices
from lunavox_edge.hub.answers.answerers import Answerers
from lunavox_edge.hub.choices import Choice
from lunavox_edge.hub.conversation import ConversationOptions
from lunavox_edge.hub.following import Following, Places
from lunavox_edge.hub.playing import Outlet, play_together
from lunavox_edge.hub.satellite import Satellite
from lunavox_edge.settings.satellite_settings import ALL, SatelliteSettings, SatellitesSettings
from lunavox_edge.types import AudioChunk, Priority

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

# A conversation takes no longer than this, or somebody forgot to end it.
_PATIENCE_S = 60.0
_RETRY_AFTER_S = 10.0
# For the choices to reach the disk at the end; one that hangs must not hold the end up.
_KEEP_S = 1.0

_LOGGER = logging.getLogger(__name__)


class Hub:
    """Owns the satellites; what is played at none of them goes to the appliance's own loudspeaker."""

    def __init__(
        self,
        engine: Engine,
        settings: SatellitesSettings,
        own: Loudspeakers,
        *,
        choices_file: Path | None = None,
        approved_file: Path | None = None,
        background: Background | None = None,
    ) -> None:
        """Build the satellites of the settings, and those that are approved; `start` connects them.

        What is chosen while they run is kept in `choices_file`. Changes of `approved_file` are followed.
        `background` runs what goes on as long as the hub does.
        """
        self._background = background or Background()
        self._engine = engine
        self._settings = settings
        self._own = own
        self._listeners: list[Listeners] = []
        self._told = Listeners(changed=self._changed, heard=self._heard, overlapped=self._overlapped)
        self._answerers = Answerers(engine.settings.limits, self._background)
        self._satellites: dict[str, Satellite] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._started = False
        self._file = choices_file
        self._chosen = choices.load(choices_file) if choices_file is not None else {}
        self._keeping: asyncio.Task[None] | None = None
        for key, found in settings.known.items():
            self._add(key, found)
        self._following: Following | None = None
        self._follower: asyncio.Task[None] | None = None
        if approved_file is not None:
            self._following = Following(
                approved_file, self._take, search=settings.zeroconf, background=self._background
            )
            self._following.read()

    def start(self) -> None:
        """Begin to connect."""
        self._started = True
        self._answerers.start()
        for key in self._satellites:
            self._serve(key)
        if self._following is not None:
            self._follower = self._background.start("satellites approved", self._following.run)

    async def stop(self, grace_s: float) -> None:
        """Let conversations end for up to `grace_s`, then end them and every connection. Idempotent."""
        talks = [talk for satellite in self._satellites.values() if (talk := satellite.drain()) is not None]
        if talks:
            await asyncio.wait(talks, timeout=grace_s)
        following = (self._follower,) if self._follower is not None else ()
        await bridge.ended(*self._tasks.values(), *following)
        await self._answerers.stop()
        if self._leaving:
            await asyncio.wait(self._leaving)
        if self._keeping is not None:
            await asyncio.wait((self._keeping,), timeout=_KEEP_S)
            await bridge.ended(self._keeping)

    def views(self) -> tuple[SatelliteView, ...]:
        """Every satellite as it is now."""
        return tuple(satellite.view() for satellite in self._satellites.values())

    def tell(self, listeners: Listeners) -> None:
        """Add somebody to tell of what happens."""
        self._listeners.append(listeners)

    def set_volume(self, satellite: str, volume: float) -> None:
        """Set how loud one plays. Raises UnknownSatellite."""
        self._find(satellite).set_volume(volume)
        self._keep()

    def set_muted(self, satellite: str, *, muted: bool) -> None:
        """Stop or go on listening at one. Raises UnknownSatellite."""
        self._find(satellite).set_muted(muted=muted)
        self._keep()

    def set_wake_words(self, satellite: str, names: tuple[str, ...]) -> None:
        """Set what one waits for. Raises UnknownSatellite, UnknownModel."""
        found = self._find(satellite)
        self._engine.wake_words(names)
        for name in names:  # each by itself: among others it would only be left out
            self._engine.wake_words((name,))
        found.set_wake_words(names)
        self._keep()

    def hush(self, satellite: str | None) -> int:
        """End the conversation at one, or all. Raises UnknownSatellite."""
        meant = self._satellites.values() if satellite is None else (self._find(satellite),)
        return sum(found.hush() for found in meant)

    def resolve(self, place: Place) -> tuple[str, ...]:
        """Return the satellites of a place; none for the own loudspeaker. Raises as Loudspeakers."""
        if place.area is not None:
            views = self.views()
            found = tuple(view.id for view in views if (view.area or "").casefold() == place.area.casefold())
            if not found:
                raise UnknownSatellite(f"There is no satellite in '{place.area:.100}'.")
            return found
        if ALL in place.satellites:
            if not self._satellites:
                raise UnknownSatellite("No satellites are set up here.")
            return tuple(self._satellites)
        if not place.satellites:
            return self._own.resolve(place)
        return tuple(dict.fromkeys(self._find(name).id for name in place.satellites))

    async def play(
        self,
        satellites: tuple[str, ...],
        chunks: AsyncIterator[AudioChunk],
        priority: Priority,
        *,
        asks: bool = False,
        meant: Callable[[str], bool] = everybody,
    ) -> tuple[str, ...]:
        """Play at all of them at once; return those that did not play it to the end.

        Raises Unreachable if none is online, Busy if all are in conversations for too long, Cancelled if
        people spoke up everywhere, and whatever the chunks raise.
        """
        if not satellites:
            return await self._own.play(satellites, chunks, priority, asks=asks)
        members = [self._find(name) for name in satellites]
        if priority is not Priority.URGENT:
            members = await self._wait_for(members)
        outlets: dict[Satellite, Outlet] = {}
        try:
            for member in members:
                if meant(member.id) and (outlet := member.lend()) is not None:
                    outlets[member] = outlet
            if not outlets:
                raise Unreachable("None of the satellites is online.")
            notes = ANNOUNCING if self._settings.announcement_chime else ()
            lead_s = self._settings.lead_ms / 1000
            async with aclosing(_watched(chunks, outlets, meant)) as watched:
                await play_together(tuple(outlets.values()), watched, lead_s=lead_s, notes=notes)
        finally:
            for member, outlet in outlets.items():
                member.give_back(outlet, asks=asks)
        reached = {member.id for member, outlet in outlets.items() if outlet.reached}
        if not reached:
            raise Unreachable("No satellite stayed online to the end.")
        if all(outlet.cut for outlet in outlets.values() if outlet.reached):
            raise Cancelled("Somebody spoke up.")
        return tuple(name for name in satellites if meant(name) and name not in reached)

    async def _wait_for(self, members: list[Satellite]) -> list[Satellite]:
        """Wait until no conversation would be disturbed; return those that are free then."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _PATIENCE_S
        while busy := [member for member in members if not member.free]:
            left_s = until_s - loop.time()
            if left_s <= 0:
                break
            news = [asyncio.ensure_future(member.news()) for member in busy]
            try:
                await asyncio.wait(news, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for waiting in news:
                    waiting.cancel()
        free = [member for member in members if member.free]
        if not free:
            raise Busy("Somebody is talking there; try again later.", retry_after_s=_RETRY_AFTER_S)
        return free

    def _find(self, name: str) -> Satellite:
        found = self._satellites.get(name)
        if found is None:
            known = ", ".join(self._satellites) or "none"
            raise UnknownSatellite(f"There is no satellite '{name:.100}'; there are: {known}.")
        return found

    def _take(self, places: Places) -> None:
        """Serve the approved satellites there are now, where they are now."""
        known = self._settings.known
        gone = [key for key in self._satellites if key not in known and key not in places]
        for key in gone:
            _LOGGER.info("satellite %s: approved no more", key)
            self._drop(key)
        new = [key for key in places if key not in self._satellites]
        for key in new:
            self._add(key, SatelliteSettings(uri=places[key][0]))
            if self._started:
                self._serve(key)
        for key, uris in places.items():
            if key not in known:
                self._satellites[key].move_to(uris)
        if gone or new:
            self._changed()

    def _add(self, satellite_id: str, settings: SatelliteSettings) -> None:
        satellite = self._satellites[satellite_id] = self._built(satellite_id, settings)
        if satellite_id in self._chosen:
            satellite.restore(self._chosen[satellite_id])

    def _serve(self, satellite_id: str) -> None:
        self._tasks[satellite_id] = self._background.start(
            f"satellite {satellite_id}", self._satellites[satellite_id].run
        )

    def _drop(self, satellite_id: str) -> None:
        """Leave a satellite, and forget what was chosen for it."""
        del self._satellites[satellite_id]
        self._chosen.pop(satellite_id, None)
        self._keep()
        if (task := self._tasks.pop(satellite_id, None)) is not None:
            leaving = asyncio.create_task(bridge.ended(task), name=f"satellite {satellite_id} leaves")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _built(self, satellite_id: str, found: SatelliteSettings) -> Satellite:
        settings = self._settings
        name, answer = settings.answer_for(found)
        manner = ConversationOptions(
            answer=answer,
            answerer=self._answerers.named(name, answer),
            voice=found.voice,
            language=found.language,
            sensitivity=settings.vad_sensitivity,
            follow_up=found.follow_up or settings.follow_up,
            context_s=settings.context_s,
        )
        return Satellite(satellite_id, found, settings, self._engine, manner, tell=lambda: self._told)

    def _keep(self) -> None:
        """Save what was chosen, once for all that is chosen meanwhile."""
        if self._file is not None and (self._keeping is None or self._keeping.done()):
            self._keeping = self._background.start("satellites keep", partial(self._save, self._file))

    async def _save(self, file: Path) -> None:
        saved: dict[str, Choice] | None = None
        while saved != (wanted := {key: found.choice for key, found in self._satellites.items()}):
            saved = wanted
            try:
                await bridge.blocking(partial(choices.save, file, wanted))
            except OSError as error:
                _LOGGER.warning("What was chosen for satellites cannot be kept: %s", error)

    def _changed(self) -> None:
        for listeners in self._listeners:
            guarded("satellites changed", listeners.changed)

    def _overlapped(self, overlap: Overlap) -> None:
        for listeners in self._listeners:
            guarded("satellite overlapped", listeners.overlapped, overlap)

    def _heard(self, heard: HeardUtterance) -> None:
        for listeners in self._listeners:
            guarded("satellite heard", listeners.heard, heard)


async def _watched(
    chunks: AsyncIterator[AudioChunk], outlets: dict[Satellite, Outlet], meant: Callable[[str], bool]
) -> AsyncGenerator[AudioChunk, None]:
    async for chunk in chunks:
        for member, outlet in outlets.items():
            if outlet.open and not meant(member.id):
                outlet.stop()
                member.give_back(outlet, asks=False)
            member.begins(outlet)
        if not any(outlet.open for outlet in outlets.values()):
            return
        yield chunk
