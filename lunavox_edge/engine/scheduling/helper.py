"""A second worker for a session that has work for two."""

from __future__ import annotations

from abc import abstractmethod

from lunavox_edge.engine.scheduling.lanes import Outcome, Task
from lunavox_edge.engine.scheduling.session import Session


class Helped(Session):
    """A session whose next slice may also run on another worker, while one of its own runs."""

    _helper: Helper | None = None
    """Created by a slice of the session; ended with the session, when no slice runs."""
    _failure: Exception | None = None
    """The error that ended the helper; set by the helper's worker, read by the session's."""
    _is_helped = False
    """Whether a slice of the helper runs. Guarded by the session's lock, like the next one."""
    _owes_model = False
    """Whether the helper must release the model at the end of its slice."""

    def _call_help(self) -> None:
        """Queue the helper, if the lane has several workers."""
        if self._lane.workers < 2:  # noqa: PLR2004  # it takes two
            return
        if self._helper is None:
            self._helper = Helper(self)
            self._lane.add(self._helper)
        else:
            self._lane.wake(self._helper)

    def _dismiss_help(self) -> None:
        """End the helper, at once or after its slice."""
        if self._helper is not None and not self._lane.discard(self._helper):
            self._lane.wake(self._helper)

    def help_slice(self) -> Outcome:
        """Run a slice in parallel to the session's own; called by its helper."""
        with self._lock:
            if self._ended or self._cancelled is not None:
                return Outcome.DONE
            self._is_helped = True
        try:
            return self._help()
        finally:
            with self._lock:
                self._is_helped, owes = False, self._owes_model
            if owes:
                self._give_back()
            self._lane.wake(self)

    def help_failed(self, error: Exception) -> None:
        """End the session with the error of its helper, at its next slice."""
        self._failure = error
        self._lane.wake(self)

    def _give_back(self) -> None:
        """Release the model, or let the helper do it that still uses it."""
        with self._lock:
            if self._is_helped:
                self._owes_model = True
                return
        super()._give_back()

    @abstractmethod
    def _help(self) -> Outcome:
        """Do the next piece of work that no worker does yet."""


class Helper(Task):
    """The session's second task in the lane; parked while there is nothing to help with."""

    is_help = True

    def __init__(self, session: Helped) -> None:
        """Create the helper of this session; the session adds it to the lane."""
        self._session = session

    @property
    def deadline_s(self) -> float:
        """Deadline of the next work that no worker does yet."""
        return self._session.deadline_s

    def run_slice(self) -> Outcome:
        """Run one of the session's slices."""
        return self._session.help_slice()

    def fail(self, error: Exception) -> None:
        """End the session with this error."""
        self._session.help_failed(error)
