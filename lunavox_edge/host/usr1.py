"""The signal USR1, which silences a satellite; without a handler the system ends a process that gets it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


def survive_usr1() -> None:
    """Do nothing at USR1 from now on, unless the process has a handler already.

    A handler rather than SIG_IGN, which the programs that this process starts would inherit. Without effect
    in a thread other than the main one, where Python sets no handlers.
    """
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    ):
        signal.signal(signal.SIGUSR1, _nothing)


def on_usr1(act: Callable[[], object]) -> None:
    """Call `act` in the main thread at every USR1, in place of any other handler; main thread only.

    Unlike a handler of an event loop it stays when the loop is closed; `ignore_usr1` removes it.
    """
    signal.signal(signal.SIGUSR1, lambda _number, _frame: act())


def ignore_usr1() -> None:
    """Do nothing at USR1 from now on, in place of any other handler; main thread only."""
    signal.signal(signal.SIGUSR1, _nothing)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
