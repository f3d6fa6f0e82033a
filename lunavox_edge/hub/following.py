"""Watching the approved satellites: the file says which they are, zeroconf at which addresses."""

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
"""Possible addresses of satellites by id, the likeliest first."""


class Following:
    """Reports the approved satellites and their addresses at every change; used on the event loop only."""

    def __init__(
        self,
        file: Path,
        take: Callable[[Places], None],
        *,
        search: bool,
        background: Background | None = None,
    ) -> None:
        """Report to `take`, which is called by `read` and by `run`.

        With `search`, addresses are looked up by zeroconf, by a task of `background`.
        """
        self._background = background
        self._file = file
        self._take = take
        self._search = search
        self._approved: dict[str, Approved] = {}
        self._version: tuple[int, ...] = ()
        self._last: dict[str, tuple[Approved, tuple[str, ...]]] = {}
        self._neighbourhood: Neighbourhood | None = None

    def read(self) -> None:
        """Read the file now, blocking, and report; for the start."""
        self._version = _file_version(self._file)
        self._approved = approved.load(self._file) or {}
        self._report()

    async def run(self) -> None:
        """Watch until cancelled. Raises what `take` raises; run again, it reports the same again."""
        try:
            self._report()
            while True:
                await self._start_or_stop_search()
                await asyncio.sleep(_LOOK_EVERY_S)
                version = await bridge.blocking(partial(_file_version, self._file))
                if version == self._version:
                    continue
                self._version = version
                found = await bridge.blocking(partial(approved.load, self._file))
                # If the file cannot be read now, the satellites stay.
                if found is not None:
                    self._approved = found
                    self._report()
        finally:
            neighbourhood, self._neighbourhood = self._neighbourhood, None
            if neighbourhood is not None:
                await neighbourhood.stop()

    async def _start_or_stop_search(self) -> None:
        """Run the zeroconf search while there are approved satellites."""
        neighbourhood, wanted = self._neighbourhood, self._search and bool(self._approved)
        if wanted and neighbourhood is None:
            from lunavox_edge.wire.neighbours import Neighbourhood  # noqa: PLC0415  # heavy, and seldom needed

            self._neighbourhood = Neighbourhood(changed=self._report, background=self._background)
            self._neighbourhood.start()
        elif neighbourhood is not None and not wanted:
            self._neighbourhood = None
            await neighbourhood.stop()

    def _report(self) -> None:
        """Call `take` if something has changed since the last call."""
        found = self._neighbourhood.found if self._neighbourhood is not None else {}
        now: dict[str, tuple[Approved, tuple[str, ...]]] = {}
        for key, entry in self._approved.items():
            before, uris = self._last.get(key, (entry, (entry.uri,)))
            # A satellite that is not announced at the moment keeps its addresses.
            uris = found.get(entry.service) or (uris if before == entry else (entry.uri,))
            now[key] = entry, uris
        if now != self._last:
            self._take({key: uris for key, (_, uris) in now.items()})
            self._last = now


def _file_version(file: Path) -> tuple[int, ...]:
    """Return time, size and inode, which differ after every change; empty without a file."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
