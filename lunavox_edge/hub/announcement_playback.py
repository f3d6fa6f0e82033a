"""Playing an announcement at several satellites at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from lunavox_edge.audio.chime import ANNOUNCING
from lunavox_edge.errors import Busy, Cancelled, Unreachable
from lunavox_edge.hub.playing import Outlet, play_together
from lunavox_edge.hub.satellite_activity import SatelliteActivity
from lunavox_edge.settings.satellite_settings import SatellitesSettings
from lunavox_edge.types import AudioChunk, Priority

# The longest wait for conversations to end.
_PATIENCE_S = 60.0
_RETRY_AFTER_S = 10.0


async def play_announcement(
    satellites: Sequence[SatelliteActivity],
    chunks: AsyncIterator[AudioChunk],
    priority: Priority,
    settings: SatellitesSettings,
    *,
    asks: bool,
    still_included: Callable[[str], bool],
) -> set[str]:
    """Play at all satellites at once; return the ids of those that were online to the end.

    Unless it is urgent, it waits up to 60 s for conversations to end, and leaves out satellites where one
    still goes on. `still_included` is called with every chunk; a satellite for which it is False is stopped.
    After an announcement that `asks` a question, and is the answer of a conversation, a satellite listens.

    Raises Unreachable if no satellite is online or stays online, Busy if all are in conversations for 60 s,
    Cancelled if it was interrupted at all of them, and whatever the chunks raise.
    """
    free = satellites if priority is Priority.URGENT else await _wait_for_free(satellites)
    outlets: dict[SatelliteActivity, Outlet] = {}
    try:
        for satellite in free:
            if still_included(satellite.id) and (outlet := satellite.lend()) is not None:
                outlets[satellite] = outlet
        if not outlets:
            raise Unreachable("None of the satellites is online.")
        notes = ANNOUNCING if settings.announcement_chime else ()
        lead_s = settings.lead_ms / 1000
        async with aclosing(_watched(chunks, outlets, still_included)) as watched:
            await play_together(tuple(outlets.values()), watched, lead_s=lead_s, notes=notes)
    finally:
        for satellite, outlet in outlets.items():
            satellite.give_back(outlet, asks=asks)
    reached = {satellite.id for satellite, outlet in outlets.items() if outlet.reached}
    if not reached:
        raise Unreachable("No satellite stayed online to the end.")
    if all(outlet.cut for outlet in outlets.values() if outlet.reached):
        raise Cancelled("The announcement was interrupted.")
    return reached


async def _wait_for_free(satellites: Sequence[SatelliteActivity]) -> list[SatelliteActivity]:
    """Wait until no conversation would be interrupted; return those that are free then. Raises Busy."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _PATIENCE_S
    while busy := [satellite for satellite in satellites if not satellite.free]:
        left_s = until_s - loop.time()
        if left_s <= 0:
            break
        changes = [asyncio.ensure_future(satellite.wait_for_change()) for satellite in busy]
        try:
            await asyncio.wait(changes, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in changes:
                waiting.cancel()
    free = [satellite for satellite in satellites if satellite.free]
    if not free:
        raise Busy("A conversation is going on there; try again later.", retry_after_s=_RETRY_AFTER_S)
    return free


async def _watched(
    chunks: AsyncIterator[AudioChunk],
    outlets: dict[SatelliteActivity, Outlet],
    still_included: Callable[[str], bool],
) -> AsyncGenerator[AudioChunk, None]:
    """Yield the chunks while an outlet is open; report the start, and stop satellites no longer included."""
    async for chunk in chunks:
        for satellite, outlet in outlets.items():
            if outlet.open and not still_included(satellite.id):
                outlet.stop()
                satellite.give_back(outlet, asks=False)
            satellite.playback_started(outlet)
        if not any(outlet.open for outlet in outlets.values()):
            return
        yield chunk
