"""The timers of the device: set by events of the hub, counted down without it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from wyoming.event import Event

from lunavox_edge.errors import Busy, ProtocolError
from lunavox_edge.wire import fields
from lunavox_edge.wire.fields import Data

TIMER_EVENTS = ("timer-started", "timer-updated", "timer-cancelled", "timer-finished")
MAX_TIMERS = 64
MAX_TIMER_S = 366 * 86_400
# Ids of ended timers that are kept, so that a late event about one of them does not ring.
_MAX_ENDED = 256
_RETRY_AFTER_S = 60.0

_LOGGER = logging.getLogger(__name__)


class Cancellable(Protocol):
    """A scheduled callback."""

    def cancel(self) -> None:
        """Cancel the callback. Idempotent."""


class Clock(Protocol):
    """A monotonic clock with scheduled callbacks, such as an event loop."""

    def time(self) -> float:
        """Return the current time in seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Cancellable:
        """Call `callback` at the time `when`, or soon if that has passed."""


@dataclass(slots=True)
class _Timer:
    total_s: int
    due: Cancellable | None = None
    """The scheduled end; None while the timer is paused."""


class Timers:
    """Counts timers down; each rings once, whether its end is counted here or reported by the hub.

    `on_ring` is called whenever a timer has finished, `on_silent` when no timer rings any more. Used on the
    event loop only.
    """

    def __init__(self, clock: Clock, *, on_ring: Callable[[], None], on_silent: Callable[[], None]) -> None:
        """Create an object without timers."""
        self._clock = clock
        self._on_ring = on_ring
        self._on_silent = on_silent
        self._running: dict[str, _Timer] = {}
        self._ringing: dict[str, _Timer] = {}
        self._ended: dict[str, None] = {}

    @property
    def ringing(self) -> bool:
        """Whether a timer has finished and was not silenced."""
        return bool(self._ringing)

    @property
    def count(self) -> int:
        """The number of timers that have not finished, including paused ones."""
        return len(self._running)

    def take(self, event: Event) -> None:
        """Handle `timer-started`, `-updated`, `-cancelled` or `-finished`. Raises ProtocolError, Busy."""
        kind, data = event.type, event.data
        if kind == "timer-cancelled":
            self._cancel(_id(data))
            return
        timer_id = _id(data)
        if timer_id is None:
            raise ProtocolError(f"A '{kind}' needs an 'id'.")
        if kind == "timer-started":
            self._start(timer_id, _seconds(data))
        elif kind == "timer-updated":
            self._update(timer_id, _seconds(data), active=_active(data))
        elif kind == "timer-finished":
            self._finish(timer_id)

    def silence(self) -> bool:
        """Silence every timer that rings; False if none does."""
        if not self._ringing:
            return False
        for timer_id in tuple(self._ringing):
            self._end(timer_id)
        return True

    def close(self) -> None:
        """Delete all timers."""
        for timer_id in (*self._running, *self._ringing):
            self._end(timer_id)

    def _start(self, timer_id: str, total_s: int) -> None:
        known = self._running.get(timer_id) or self._ringing.get(timer_id)
        if known is not None and known.total_s == total_s:
            return  # repeated after a reconnect; the timer has gone on counting
        self._set(timer_id, total_s, total_s)

    def _update(self, timer_id: str, left_s: int, *, active: bool) -> None:
        if active and not left_s:
            # No time is left.
            self._finish(timer_id)
            return
        known = self._running.get(timer_id) or self._ringing.get(timer_id)
        self._set(timer_id, known.total_s if known is not None else left_s, left_s, active=active)

    def _set(self, timer_id: str, total_s: int, left_s: int, *, active: bool = True) -> None:
        """Set a timer, new or known, running or ended. Raises Busy."""
        self._check_room(timer_id)
        known = self._running.pop(timer_id, None)
        if known is not None and known.due is not None:
            known.due.cancel()
        self._ended.pop(timer_id, None)
        timer = self._running[timer_id] = _Timer(total_s)
        if active:
            timer.due = self._clock.call_at(self._clock.time() + left_s, lambda: self._finish(timer_id))
        if self._ringing.pop(timer_id, None) is not None and not self._ringing:
            self._on_silent()
        _LOGGER.debug("timer %s: %d s, %s", timer_id, left_s, "counts" if active else "is paused")

    def _finish(self, timer_id: str) -> None:
        if timer_id in self._ringing or timer_id in self._ended:
            return
        self._check_room(timer_id)
        timer = self._running.pop(timer_id, None) or _Timer(0)
        if timer.due is not None:
            timer.due.cancel()
        self._ringing[timer_id] = timer
        _LOGGER.debug("timer %s: finished", timer_id)
        self._on_ring()

    def _cancel(self, timer_id: str | None) -> None:
        if timer_id is None:
            # Without an id, a hub silences the timers that ring and leaves the others alone.
            self.silence()
        else:
            self._end(timer_id)

    def _end(self, timer_id: str) -> None:
        timer = self._running.pop(timer_id, None)
        if timer is not None and timer.due is not None:
            timer.due.cancel()
        self._ended.pop(timer_id, None)
        self._ended[timer_id] = None
        while len(self._ended) > _MAX_ENDED:
            del self._ended[next(iter(self._ended))]
        if self._ringing.pop(timer_id, None) is not None and not self._ringing:
            self._on_silent()

    def _check_room(self, timer_id: str) -> None:
        known = timer_id in self._running or timer_id in self._ringing
        if known or len(self._running) + len(self._ringing) < MAX_TIMERS:
            return
        # A hub that restarts forgets its timers. Running ones end by themselves, paused ones never would.
        paused = next((key for key, timer in self._running.items() if timer.due is None), None)
        if paused is None:
            raise Busy(f"{MAX_TIMERS} timers are the limit.", retry_after_s=_RETRY_AFTER_S)
        _LOGGER.warning("The timer that was paused first is deleted: %d are the limit", MAX_TIMERS)
        del self._running[paused]


def _id(data: Data) -> str | None:
    """Return the timer's id; None if it is missing, null or blank. Raises ProtocolError."""
    value = data.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return fields.name(data, "id")


def _seconds(data: Data) -> int:
    """Return the whole seconds of a timer. Raises ProtocolError."""
    value = data.get("total_seconds")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ProtocolError("'total_seconds' must be a number of seconds.")
    if not 0 <= value <= MAX_TIMER_S:
        raise ProtocolError(f"'total_seconds' must be between 0 and {MAX_TIMER_S}.")
    return round(value)


def _active(data: Data) -> bool:
    """Return whether a timer counts down, by default True. Raises ProtocolError."""
    value = data.get("is_active", True)
    if not isinstance(value, bool):
        raise ProtocolError("'is_active' must be true or false.")
    return value
