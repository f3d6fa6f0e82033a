"""Supervision: detects that the engine is stuck, and notifies the service manager (status, watchdog)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from lunavox_edge.background import guarded
from lunavox_edge.engine.values.results import LaneStatus
from lunavox_edge.host.notify import Notifier

_PERIOD_S = 5.0
# Three resets of the watchdog per timeout, so that one may be late by a whole period.
_RESETS_PER_TIMEOUT = 3
_EXTENSION_S = 30.0
# A start that takes longer than this hangs; its timeout is no longer extended.
_LONGEST_START_S = 900.0

_LOGGER = logging.getLogger(__name__)


class Supervisor:
    """Extends the start's timeout until `ready`, then resets the watchdog while every lane makes progress.

    Background tasks that fail are shown in the status and logged; the service goes on without them.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        lanes: Callable[[], Sequence[LaneStatus]],
        stuck_after_s: Callable[[], float],
        status: Callable[[], str],
        failing: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Create a supervisor; `watch` does the work.

        `stuck_after_s` returns after how many seconds a slice counts as stuck, `status` the status line,
        `failing` the names of the background tasks that are failing now.
        """
        self._notifier = notifier
        self._lanes = lanes
        self._stuck_after_s = stuck_after_s
        self._status = status
        self._failing = failing
        self._failing_logged: tuple[str, ...] = ()
        self._ready = False
        self._trouble = ""
        watchdog_s = notifier.watchdog_s
        self._period_s = _PERIOD_S if watchdog_s is None else min(_PERIOD_S, watchdog_s / _RESETS_PER_TIMEOUT)

    def ready(self) -> None:
        """Notify that the service is ready: it listens and its models are warm, or a reload is complete."""
        self._ready = True
        guarded("status", self._send_status)
        self._notifier.ready()
        self._notifier.alive()

    async def watch(self) -> None:
        """Check and notify periodically, until cancelled."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _LONGEST_START_S
        while True:
            self._log_failing()
            if self._makes_progress():
                if self._ready:
                    guarded("status", self._send_status)
                elif loop.time() < give_up_s:
                    self._notifier.extend(_EXTENSION_S)
                self._notifier.alive()
            await asyncio.sleep(self._period_s)

    def _send_status(self) -> None:
        failing = ", ".join(self._failing())
        self._notifier.status(f"{self._status()}; failing: {failing}" if failing else self._status())

    def _log_failing(self) -> None:
        """Log changes in the set of failing tasks; the tasks themselves log the cause."""
        before, self._failing_logged = self._failing_logged, tuple(self._failing())
        for name in self._failing_logged:
            if name not in before:
                _LOGGER.error("The task '%s' fails; the service goes on without it for now", name)
        for name in before:
            if name not in self._failing_logged:
                _LOGGER.warning("The task '%s' works again, or has ended", name)

    def _makes_progress(self) -> bool:
        before, self._trouble = self._trouble, trouble(self._lanes(), self._stuck_after_s())
        if self._trouble:
            self._notifier.status(self._trouble)
        if self._trouble and not before:
            _LOGGER.error("%s", self._trouble)
        elif before and not self._trouble:
            _LOGGER.warning("The work goes on again")
        return not self._trouble


def trouble(lanes: Sequence[LaneStatus], stuck_after_s: float) -> str:
    """Return why a lane makes no progress, as a sentence; "" if all do."""
    for lane in lanes:
        if lane.lost_workers:
            return f"{lane.lost_workers} of {lane.workers} workers of {lane.device} are gone"
        if lane.longest_slice_s > stuck_after_s:
            return f"Stuck: a piece of work on {lane.device} has been running for {stuck_after_s:g} seconds"
    return ""
