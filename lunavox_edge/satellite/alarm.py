"""The alarm of the device: its timers, their sound, and when the sound has to wait."""

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
    """Joins the countdown of timers (`Timers`) and their sound (`Ringing`).

    The ring waits while `speaking` is True, and during a command (`command_started`), for at most
    `longest_command_s`. Used on the event loop only.
    """

    def __init__(
        self,
        speaker: Speaker,
        *,
        ring_s: float,
        longest_command_s: float,
        speaking: Callable[[], bool],
        on_change: Callable[[], None],
        say: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        """Create an alarm without timers.

        The sound lasts `ring_s` at most. `on_change` is called when `rings` has changed; `say` shows
        messages to the user. Timers go by `clock`, by default that of the event loop.
        """
        self._longest_command_s = longest_command_s
        self._speaking = speaking
        self._on_change = on_change
        self._say = say
        self._command_limit: asyncio.TimerHandle | None = None
        self._timers = Timers(
            clock or asyncio.get_running_loop(), on_ring=self._finished, on_silent=self._silenced
        )
        self._ringing = Ringing(speaker, ring_s=ring_s, may_sound=self._may_sound, on_end=self._timed_out)

    @property
    def rings(self) -> bool:
        """Whether a timer has finished and was not silenced yet, even if its sound has to wait."""
        return self._timers.ringing

    @property
    def sounding(self) -> bool:
        """Whether the ring plays now."""
        return self._ringing.sounding

    @property
    def in_command(self) -> bool:
        """Whether a command is being said."""
        return self._command_limit is not None

    @property
    def noticed(self) -> bool:
        """Whether the ring plays, and has for so long that people in the room know of it."""
        return self._ringing.noticed

    def take(self, event: Event) -> None:
        """Handle a timer event of the hub. Raises ProtocolError, Busy."""
        self._timers.take(event)

    def review(self) -> None:
        """Start or stop the ring after a change of `speaking`."""
        self._ringing.review()

    def command_started(self) -> None:
        """Handle the start of a command: hold the ring back."""
        if self._command_limit is not None:
            self._command_limit.cancel()
        self._command_limit = asyncio.get_running_loop().call_later(
            self._longest_command_s, self.command_ended
        )
        self._ringing.review()

    def command_ended(self) -> None:
        """Handle the end of a command."""
        if self._command_limit is not None:
            self._command_limit.cancel()
            self._command_limit = None
        self._ringing.review()

    def called(self) -> bool:
        """Handle a wake word: silence the ring if people know of it; False if nothing was silenced."""
        return self.noticed and self.silence()

    def silence(self) -> bool:
        """Silence all timers that ring; False if none does. Others go on counting."""
        return self._timers.silence()

    async def close(self) -> None:
        """Delete all timers and stop the ring."""
        self.command_ended()
        self._timers.close()
        await self._ringing.close()

    def _may_sound(self) -> bool:
        return self._command_limit is None and not self._speaking()

    def _finished(self) -> None:
        self._say("A timer has finished.")
        self._ringing.start()
        self._on_change()

    def _silenced(self) -> None:
        self._ringing.stop()
        self._on_change()

    def _timed_out(self) -> None:
        _LOGGER.info("A timer was not silenced; it stops ringing")
        self._timers.silence()
