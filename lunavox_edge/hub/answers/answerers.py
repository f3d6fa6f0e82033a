"""The answerers: one for each name in the settings, shared by all satellites that use it."""

from __future__ import annotations

import asyncio

from lunavox_edge import bridge
from lunavox_edge.background import Background
from lunavox_edge.hub.answers.asking import Answerer
from lunavox_edge.hub.answers.making import answerer_for
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.settings.satellite_settings import Answer

# The longest wait for connections to close when the hub stops.
_CLOSE_S = 1.0


class Answerers:
    """Creates, prepares and closes answerers; used on the event loop only."""

    def __init__(self, limits: LimitSettings, background: Background) -> None:
        """Create no answerer yet; `background` runs their preparation."""
        self._limits = limits
        self._background = background
        self._found: dict[str, Answerer | None] = {}
        self._preparing: list[asyncio.Task[None]] = []
        self._started = False

    def named(self, name: str, settings: Answer) -> Answerer | None:
        """Return the answerer of this name, created once; None where the answer comes as an announcement."""
        if name not in self._found:
            self._found[name] = answerer_for(settings, self._limits)
            if self._started:
                self._prepare(name)
        return self._found[name]

    def start(self) -> None:
        """Prepare all answerers for their first question, and later ones when they are created."""
        self._started = True
        for name in self._found:
            self._prepare(name)

    async def stop(self) -> None:
        """Close all answerers. Idempotent."""
        closing = [
            asyncio.create_task(answerer.close(), name=f"answers of {name} close")
            for name, answerer in self._found.items()
            if answerer is not None
        ]
        await bridge.cancel_and_wait(*self._preparing)
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_S)
            await bridge.cancel_and_wait(*closing)

    def _prepare(self, name: str) -> None:
        answerer = self._found[name]
        if answerer is not None:
            self._preparing.append(self._background.start(f"answers of {name}", answerer.prepare))
