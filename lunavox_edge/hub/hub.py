"""The hub: all satellites, and announcements at any of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance, Listeners, Overlap, SatelliteView
from lunavox_edge.announcements.loudspeakers import Loudspeakers, Place, always_included
from lunavox_edge.background import Background, guarded
from lunavox_edge.errors import UnknownSatellite
from lunavox_edge.hub import choices
from lunavox_edge.hub.announcement_playback import play_announcement
from lunavox_edge.hub.answers.answerers import Answerers
from lunavox_edge.hub.choices import Choice
from lunavox_edge.hub.conversation import ConversationOptions
from lunavox_edge.hub.following import Following, Places
from lunavox_edge.hub.satellite import Satellite
from lunavox_edge.settings.satellite_settings import ALL, SatelliteSettings, SatellitesSettings
from lunavox_edge.types import AudioChunk, Priority

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

# The longest wait for the choices to reach the disk when the hub stops.
_SAVE_TIMEOUT_S = 1.0

_LOGGER = logging.getLogger(__name__)


class Hub:
    """Owns the satellites; implements `House` for MQTT and `Loudspeakers` for the announcer.

    Announcements for no satellite go to the appliance's own loudspeaker. Used on the event loop only.
    """

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
        """Create the satellites of the settings and the approved ones; `start` connects them.

        `own` is the appliance's loudspeaker. Volume, mute and wake words that are set later are saved in
        `choices_file`. Changes of `approved_file` are followed. `background` runs the long-running tasks.
        """
        self._background = background or Background()
        self._engine = engine
        self._settings = settings
        self._own = own
        self._listeners: list[Listeners] = []
        # What every satellite notifies; it passes everything on to all listeners.
        self._all_listeners = Listeners(changed=self._changed, heard=self._heard, overlapped=self._overlapped)
        self._answerers = Answerers(engine.settings.limits, self._background)
        self._satellites: dict[str, Satellite] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._disconnecting: set[asyncio.Task[None]] = set()
        self._started = False
        self._choices_file = choices_file
        self._choices = choices.load(choices_file) if choices_file is not None else {}
        self._saving: asyncio.Task[None] | None = None
        for key, found in settings.known.items():
            self._add(key, found)
        self._following: Following | None = None
        self._following_task: asyncio.Task[None] | None = None
        if approved_file is not None:
            self._following = Following(
                approved_file, self._take_approved, search=settings.zeroconf, background=self._background
            )
            self._following.read()

    def start(self) -> None:
        """Connect to the satellites, and follow the approved ones."""
        self._started = True
        self._answerers.start()
        for key in self._satellites:
            self._serve(key)
        if self._following is not None:
            self._following_task = self._background.start("satellites approved", self._following.run)

    async def stop(self, grace_s: float) -> None:
        """Let conversations end for up to `grace_s`, then end them and every connection. Idempotent."""
        conversations = [
            task
            for satellite in self._satellites.values()
            if (task := satellite.activity.drain()) is not None
        ]
        if conversations:
            await asyncio.wait(conversations, timeout=grace_s)
        following = (self._following_task,) if self._following_task is not None else ()
        await bridge.cancel_and_wait(*self._tasks.values(), *following)
        await self._answerers.stop()
        if self._disconnecting:
            await asyncio.wait(self._disconnecting)
        if self._saving is not None:
            await asyncio.wait((self._saving,), timeout=_SAVE_TIMEOUT_S)
            await bridge.cancel_and_wait(self._saving)

    def views(self) -> tuple[SatelliteView, ...]:
        """Return every satellite as it is now."""
        return tuple(satellite.view() for satellite in self._satellites.values())

    def subscribe(self, listeners: Listeners) -> None:
        """Add listeners, which are notified from now on."""
        self._listeners.append(listeners)

    def check(self, satellite: str) -> None:
        """Raise UnknownSatellite if there is no such satellite."""
        self._find(satellite)

    def set_volume(self, satellite: str, volume: float) -> None:
        """Set the gain of a satellite, 1.0 for none. Raises UnknownSatellite."""
        self._find(satellite).set_volume(volume)
        self._save_soon()

    def set_muted(self, satellite: str, *, muted: bool) -> None:
        """Stop listening at a satellite, or listen again. Raises UnknownSatellite."""
        self._find(satellite).set_muted(muted=muted)
        self._save_soon()

    def set_wake_words(self, satellite: str, names: tuple[str, ...]) -> None:
        """Set the wake words of a satellite; none means those of the settings.

        Raises UnknownSatellite, UnknownModel.
        """
        found = self._find(satellite)
        self._engine.wake_words(names)
        # One by one: an unknown word among known ones raises nothing.
        found.set_wake_words(tuple(dict.fromkeys(self._wake_word(name) for name in names)))
        self._save_soon()

    def silence(self, satellite: str | None) -> int:
        """End conversation and playback at one satellite, or at all; return at how many there was one.

        Raises UnknownSatellite.
        """
        satellites = self._satellites.values() if satellite is None else (self._find(satellite),)
        return sum(found.silence() for found in satellites)

    def resolve(self, place: Place) -> tuple[str, ...]:
        """Return the ids of a place's satellites; none for the appliance's own loudspeaker.

        Raises NoLoudspeaker, UnknownSatellite.
        """
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
        still_included: Callable[[str], bool] = always_included,
    ) -> tuple[str, ...]:
        """Play at all satellites at once; return those that were offline, busy or lost before the end.

        Raises Unreachable if none is online, Busy if all are in conversations for too long, Cancelled if it
        was interrupted at all of them, and whatever the chunks raise.
        """
        if not satellites:
            return await self._own.play(satellites, chunks, priority, asks=asks)
        found = [self._find(name).activity for name in satellites]
        reached = await play_announcement(
            found, chunks, priority, self._settings, asks=asks, still_included=still_included
        )
        return tuple(name for name in satellites if still_included(name) and name not in reached)

    def _find(self, name: str) -> Satellite:
        found = self._satellites.get(name)
        if found is None:
            known = ", ".join(self._satellites) or "none"
            raise UnknownSatellite(f"There is no satellite '{name:.100}'; there are: {known}.")
        return found

    def _wake_word(self, name: str) -> str:
        """Return the name under which the catalog lists a wake word. Raises UnknownModel."""
        entries = self._engine.wake_words((name,))
        plain = entries[0].name
        # `name@source` may mean one whose plain name another source has.
        return plain if self._engine.wake_words((plain,)) == entries else name

    def _take_approved(self, places: Places) -> None:
        """Take in the approved satellites and their addresses: add, remove and move satellites."""
        known = self._settings.known
        gone = [key for key in self._satellites if key not in known and key not in places]
        for key in gone:
            _LOGGER.info("satellite %s: no longer approved", key)
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
        satellite = self._satellites[satellite_id] = self._new_satellite(satellite_id, settings)
        if satellite_id in self._choices:
            satellite.restore(self._choices[satellite_id])

    def _serve(self, satellite_id: str) -> None:
        self._tasks[satellite_id] = self._background.start(
            f"satellite {satellite_id}", self._satellites[satellite_id].run
        )

    def _drop(self, satellite_id: str) -> None:
        """Disconnect a satellite, and delete the choices for it."""
        del self._satellites[satellite_id]
        self._choices.pop(satellite_id, None)
        self._save_soon()
        if (task := self._tasks.pop(satellite_id, None)) is not None:
            disconnecting = asyncio.create_task(
                bridge.cancel_and_wait(task), name=f"satellite {satellite_id} disconnects"
            )
            self._disconnecting.add(disconnecting)
            disconnecting.add_done_callback(self._disconnecting.discard)

    def _new_satellite(self, satellite_id: str, found: SatelliteSettings) -> Satellite:
        settings = self._settings
        name, answer = settings.answer_for(found)
        options = ConversationOptions(
            answer=answer,
            answerer=self._answerers.named(name, answer),
            voice=found.voice,
            language=found.language,
            sensitivity=settings.vad_sensitivity,
            follow_up=found.follow_up or settings.follow_up,
            context_s=settings.context_s,
        )
        return Satellite(satellite_id, found, settings, self._engine, options, listeners=self._all_listeners)

    def _save_soon(self) -> None:
        """Save the choices in the background; a save that runs takes in later changes."""
        if self._choices_file is not None and (self._saving is None or self._saving.done()):
            self._saving = self._background.start(
                "satellite choices", partial(self._save, self._choices_file)
            )

    async def _save(self, file: Path) -> None:
        saved: dict[str, Choice] | None = None
        while saved != (current := {key: found.choice for key, found in self._satellites.items()}):
            saved = current
            try:
                await bridge.blocking(partial(choices.save, file, current))
            except OSError as error:
                _LOGGER.warning("The choices for satellites cannot be saved: %s", error)

    def _changed(self) -> None:
        for listeners in self._listeners:
            guarded("satellites changed", listeners.changed)

    def _overlapped(self, overlap: Overlap) -> None:
        for listeners in self._listeners:
            guarded("satellite overlapped", listeners.overlapped, overlap)

    def _heard(self, heard: HeardUtterance) -> None:
        for listeners in self._listeners:
            guarded("satellite heard", listeners.heard, heard)
