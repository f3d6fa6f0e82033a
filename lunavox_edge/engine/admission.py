"""Admission: the limit on open sessions, and the lane of each device."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.pace import Pace
from lunavox_edge.engine.values.results import LaneStatus
from lunavox_edge.errors import Busy, EngineClosed
from lunavox_edge.settings.model import Settings

_RETRY_AFTER_S = 5.0


class Admission:
    """Admits sessions up to a limit and starts the lane of each device. Thread-safe."""

    def __init__(self, *, cpu_workers: int, max_sessions: int, max_tasks: int, max_wait_s: float) -> None:
        """Create it without lanes.

        `max_sessions` bounds open sessions, `max_tasks` the tasks of a lane. A speech is refused if its
        first audio would wait for more than `max_wait_s`.
        """
        self._cpu_workers = cpu_workers
        self._max_sessions = max_sessions
        self._max_tasks = max_tasks
        self._max_wait_s = max_wait_s
        self._lock = threading.Lock()
        self._sessions: set[Session] = set()
        self._lanes: dict[str, Lane] = {}
        self._paces: dict[str, Pace] = {}
        self._closed = False

    @classmethod
    def for_sessions(cls, settings: Settings, *, cpu_workers: int) -> Admission:
        """Create the one of speeches and utterances."""
        return cls(
            cpu_workers=cpu_workers,
            max_sessions=settings.limits.max_sessions,
            max_tasks=settings.engine.max_queue,
            max_wait_s=settings.engine.max_wait_s,
        )

    @classmethod
    def for_wake_sessions(cls, settings: Settings) -> Admission:
        """Create the one of wake-word sessions, with one worker.

        Their slices take a millisecond, for hours: on the lane of the CPU they would wait behind decodes.
        """
        most = settings.wake.max_streams
        return cls(cpu_workers=1, max_sessions=most, max_tasks=most, max_wait_s=1.0)

    def lane(self, device: str) -> Lane:
        """Return the device's lane, starting it on first use. Raises Busy, EngineClosed.

        Called before a session is built, so that refusing one costs nothing.
        """
        with self._lock:
            if self._closed:
                raise EngineClosed("The engine is closed.")
            if len(self._sessions) >= self._max_sessions:
                raise _full()
            if device not in self._lanes:
                workers = self._cpu_workers if device == "cpu" else 1
                self._lanes[device] = Lane(device, workers=workers, max_tasks=self._max_tasks)
                self._paces[device] = Pace(workers)
            return self._lanes[device]

    def pace(self, lane: Lane, voice: Hashable, *, relaxed: bool) -> Pace:
        """Return the lane's pace. Raises Busy if the first audio of one more speech would come too late.

        An announcement (`relaxed`) may always wait.
        """
        with self._lock:
            pace = self._paces[lane.device]
        wait_s = pace.wait_s(voice)
        if wait_s > self._max_wait_s and not relaxed:
            raise Busy(
                f"As many rooms are spoken to as this machine can; try again in {wait_s:.0f} s.",
                retry_after_s=round(wait_s, 1),
            )
        return pace

    def join(self, session: Session) -> None:
        """Start a session. Raises Busy, EngineClosed; the session is over then."""
        with self._lock:
            is_full = len(self._sessions) >= self._max_sessions
            if not is_full:
                self._sessions.add(session)
        if is_full:  # several were built at once for the last place
            error = _full()
            session.fail(error)
            raise error
        session.start()

    def leave(self, session: Session) -> None:
        """Remove a session that ended."""
        with self._lock:
            self._sessions.discard(session)

    def status(self) -> tuple[tuple[Session, ...], tuple[LaneStatus, ...]]:
        """Return the open sessions and the state of every lane."""
        with self._lock:
            sessions, lanes = tuple(self._sessions), tuple(self._lanes.values())
        return sessions, tuple(lane.status() for lane in lanes)

    def close(self, timeout_s: float) -> None:
        """Cancel every session and end the lanes; `timeout_s` for each lane's running slices. Idempotent."""
        with self._lock:
            self._closed = True
            sessions, lanes = tuple(self._sessions), tuple(self._lanes.values())
        for session in sessions:
            session.cancel(EngineClosed("The engine was closed."))
        for lane in lanes:
            lane.close(timeout_s)


def _full() -> Busy:
    return Busy("Too many requests at once; try again in a few seconds.", retry_after_s=_RETRY_AFTER_S)
