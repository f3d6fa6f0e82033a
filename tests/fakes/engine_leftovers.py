"""Check that a test of the engine leaves no session, lease, task or dead worker behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lunavox_edge.engine.engine import Engine
from lunavox_edge.engine.scheduling.lanes import Lane
from lunavox_edge.engine.scheduling.session import Session
from tests.fakes.simulation import Simulation

_PATIENCE_S = 20.0
"""What ends by itself, on another thread, may take so long."""


class Leftovers:
    """Records the engines, lanes, sessions and simulations that are created after `watch`."""

    def __init__(self) -> None:
        self._engines: list[Engine] = []
        self._lanes: list[Lane] = []
        self._sessions: list[Session] = []
        self._simulations: list[Simulation] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Record new objects until `monkeypatch` is undone."""
        kinds: tuple[tuple[type, list[Any]], ...] = (
            (Engine, self._engines),
            (Lane, self._lanes),
            (Session, self._sessions),
            (Simulation, self._simulations),
        )
        for kind, made in kinds:
            monkeypatch.setattr(kind, "__init__", _noting(kind.__init__, made))  # type: ignore[misc]  # of a class

    def close(self) -> None:
        """End the threads of simulations."""
        for simulation in self._simulations:
            simulation.close()

    def check(self, patience_s: float = _PATIENCE_S) -> None:
        """Fail if something is left after a short wait."""
        until = time.monotonic() + patience_s
        while (left := list(self._left())) and time.monotonic() < until:
            time.sleep(0.005)
        assert not left, "left behind: " + "; ".join(left)

    def _left(self) -> Iterator[str]:
        for session in self._sessions:
            name = type(session).__name__
            if not session._ended:
                yield f"an {name} that is open"
            elif _holds_lease(session):
                yield f"a lease of an {name} that has ended"
        for lane in self._lanes:
            if isinstance(lane.threads, Simulation) and lane.threads.closed:
                continue
            status = lane.status()
            if lane._states:
                yield f"{len(lane._states)} tasks in the lane {lane.device}"
            if status.lost_workers:
                yield f"a worker of the lane {lane.device} that died"
        for engine in self._engines:
            about = engine.status()
            if about.sessions or about.wake_sessions:
                yield f"{about.sessions} sessions and {about.wake_sessions} wake-word sessions"
            yield from (f"the model {model.name} in use" for model in about.models if model.state == "busy")


def _noting(make: Callable[..., None], made: list[Any]) -> Callable[..., None]:
    def init(self: object, *args: object, **kwargs: object) -> None:
        make(self, *args, **kwargs)
        made.append(self)

    return init


def _holds_lease(session: Session) -> bool:
    future = session._lease_future
    if not future.done():
        return True
    if future.cancelled() or future.exception() is not None:
        return False
    return future.result()._give_back is not None
