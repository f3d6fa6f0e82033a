"""Timers that ring in a room: the countdown, the sound, and how both get along with conversations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from wyoming.event import Event

from lunavox_edge.satellite.ringing import Ringing
from lunavox_edge.satellite.speaker import Speaker
from lunavox_edge.satellite.timers import Clock, Timers

RING_S = 300.0

_LOGGER = logging.getLogger(__name__)


class Alarm:
    """The timers of one satellite.

    A ring interrupts nobody: it waits while `speaking` says that something is played, and while a command
    is listened to (`attend`), at most `attend_s`. Used on the loop only.
    """

    def __init__(
        self,
        speaker: Speaker,
        *,
        ring_s: float,
        attend_s: float,
        speaking: Callable[[], bool],
        on_change: Callable[[], None],
        say: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        """Begin without timers; `on_change` is called when `rings` has changed."""
        self._attend_s = attend_s
        self._speaking = speaking
        self._on_change = on_change
        self._say = say
        self._attending: asyncio.TimerHandle | None = None
        self._timers = Timers(
            clock or asyncio.get_running_loop(), on_ring=self._finished, on_silent=self._silent
        )
        self._ringing = Ringing(speaker, ring_s=ring_s, may_sound=self._may_sound, on_end=self._timed_out)

    @property
    def rings(self) -> bool:
        """Whether a timer has finished and was not silenced yet, heard just now or not."""
        return self._timers.ringing

    @property
    def sounding(self) -> bool:
        """Whether the ring is heard now."""
        return self._ringing.sounding

    @property
    def attending(self) -> bool:
        """Whether a command is listened to."""
        return self._attending is not None

    @property
    def noticed(self) -> bool:
        """Whether people in the room hear the ring, and have for so long that they know of it."""
        return self._ringing.noticed

    def take(self, event: Event) -> None:
        """Take what the hub says of a timer. Raises ProtocolError, Busy."""
        self._timers.take(event)

    def review(self) -> None:
        """Ring or wait, now that `speaking` has changed."""
        self._ringing.review()

    def attend(self) -> None:
        """A command is listened to: wait with the ring."""
        if self._attending is not None:
            self._attending.cancel()
        self._attending = asyncio.get_running_loop().call_later(self._attend_s, self.attended)
        self._ringing.review()

    def attended(self) -> None:
        """No command is listened to any more."""
        if self._attending is not None:
            self._attending.cancel()
            self._attending = None
        self._ringing.review()

    def called(self) -> bool:
        """Somebody called: a ring that is heard is answered. False if there is none; it may ring later."""
        return self.noticed and self.silence()

    def silence(self) -> bool:
        """Silence what rings; timers that count go on. False if nothing rings."""
        return self._timers.silence()

    async def close(self) -> None:
        """Forget the timers and be silent."""
        self.attended()
        self._timers.close()
        await self._ringing.close()

    def _may_sound(self) -> bool:
        return self._attending is None and not self._speaking()

    def _finished(self) -> None:
        self._say("A timer has finished.")
        self._ringing.start()
        self._on_change()

    def _silent(self) -> None:
        self._ringing.stop()
        self._on_change()

    def _timed_out(self) -> None:
        _LOGGER.info("Nobody has silenced a timer; it rings no longer")
        self._timers.silence()
