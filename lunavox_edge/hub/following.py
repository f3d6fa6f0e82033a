"""Following the approved satellites: who is one, as a file says, and where it is, as the network says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.hub import approved
from lunavox_edge.hub.approved import Approved

if TYPE_CHECKING:
    from lunavox_edge.background import Background
    from lunavox_edge.wire.neighbours import Neighbourhood

_LOOK_EVERY_S = 2.0

Places = Mapping[str, tuple[str, ...]]
"""Ids of satellites, with the addresses at which each may be, the likeliest first."""


class Following:
    """Tells who is approved and where, whenever that changes; used on the loop only."""

    def __init__(
        self,
        file: Path,
        take: Callable[[Places], None],
        *,
        search: bool,
        background: Background | None = None,
    ) -> None:
        """With `search` addresses are followed, by a task of `background`.

        `take` is called by `read` and by `run`.
        """
        self._background = background
        self._file = file
        self._take = take
        self._search = search
        self._approved: dict[str, Approved] = {}
        self._seen: tuple[int, ...] = ()
        self._last: dict[str, tuple[Approved, tuple[str, ...]]] = {}
        self._neighbourhood: Neighbourhood | None = None

    def read(self) -> None:
        """Read the file, in place; for the start."""
        self._seen = _mark(self._file)
        self._approved = approved.load(self._file) or {}
        self._tell()

    async def run(self) -> None:
        """Follow until cancelled. Raises what `take` raises, and tells it the same again when run again."""
        try:
            self._tell()
            while True:
                await self._follow()
                await asyncio.sleep(_LOOK_EVERY_S)
                seen = await bridge.blocking(partial(_mark, self._file))
                if seen == self._seen:
                    continue
                self._seen = seen
                found = await bridge.blocking(partial(approved.load, self._file))
                # What cannot be read for now is no reason to leave anybody.
                if found is not None:
                    self._approved = found
                    self._tell()
        finally:
            neighbourhood, self._neighbourhood = self._neighbourhood, None
            if neighbourhood is not None:
                await neighbourhood.stop()

    async def _follow(self) -> None:
        """Look at the network as long as there is somebody to look for."""
        neighbourhood, wanted = self._neighbourhood, self._search and bool(self._approved)
        if wanted and neighbourhood is None:
            from lunavox_edge.wire.neighbours import Neighbourhood  # noqa: PLC0415  # heavy, and seldom needed

            self._neighbourhood = Neighbourhood(changed=self._tell, background=self._background)
            self._neighbourhood.start()
        elif neighbourhood is not None and not wanted:
            self._neighbourhood = None
            await neighbourhood.stop()

    def _tell(self) -> None:
        found = self._neighbourhood.found if self._neighbourhood is not None else {}
        now: dict[str, tuple[Approved, tuple[str, ...]]] = {}
        for key, entry in self._approved.items():
            before, uris = self._last.get(key, (entry, (entry.uri,)))
            # One that is not announced just now has not moved.
            uris = found.get(entry.service) or (uris if before == entry else (entry.uri,))
            now[key] = entry, uris
        if now != self._last:
            self._take({key: uris for key, (_, uris) in now.items()})
            self._last = now


def _mark(file: Path) -> tuple[int, ...]:
    """Return what is different when the file is."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
