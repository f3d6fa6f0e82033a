"""What a service manager is told about this process, as in sd_notify(3): ready, still alive, stopping.

systemd-python does the sending where it is installed; a datagram of our own does it elsewhere. Where no
service manager asks to be told, nothing happens. Nothing here raises or blocks for long: that nobody
reads along is no reason to stop working.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Mapping

_SEND_TIMEOUT_S = 0.5
_USEC = 1_000_000
_MAX_STATUS_CHARS = 400

Send = Callable[[str], None]

_LOGGER = logging.getLogger(__name__)


class Notifier:
    """One method per thing to tell; safe from any thread."""

    def __init__(self, send: Send | None = None, *, watchdog_s: float | None = None) -> None:
        """`send` passes lines on, None tells nobody; within `watchdog_s` a sign of life is expected."""
        self._send = send
        self._status = ""
        self.watchdog_s = watchdog_s if send is not None else None

    @property
    def active(self) -> bool:
        """Whether anybody is told."""
        return self._send is not None

    def status(self, text: str) -> None:
        """One line for people; told only if it is another than before."""
        text = " ".join(text.split())[:_MAX_STATUS_CHARS]
        if text != self._status:
            self._status = text
            self._tell(f"STATUS={text}")

    def extend(self, timeout_s: float) -> None:
        """It takes longer: wait at least `timeout_s` from now before giving up."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int(timeout_s * _USEC)}")

    def ready(self) -> None:
        """The start, or the reload, is complete."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The settings are being read anew; `ready` ends it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def alive(self) -> None:
        """Everything makes progress."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, lines: str) -> None:
        if self._send is None:
            return
        try:
            self._send(lines)
        except (OSError, ValueError) as error:
            _LOGGER.debug("The service manager was not told %s: %s", lines.partition("=")[0], error)


def notifier(variables: Mapping[str, str], *, pid: int) -> Notifier:
    """Return the notifier that the variables of a service manager ask for, given this process's number."""
    address = variables.get("NOTIFY_SOCKET", "")
    if not address:
        return Notifier()
    return Notifier(_library() or _datagrams(address), watchdog_s=_watchdog_s(variables, pid))


def _watchdog_s(variables: Mapping[str, str], pid: int) -> float | None:
    usec, owner = variables.get("WATCHDOG_USEC", ""), variables.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or not int(usec) or (owner and owner != str(pid)):
        return None
    return int(usec) / _USEC


def _library() -> Send | None:
    """The sending of systemd-python, which finds the address in the environment by itself."""
    try:
        from systemd.daemon import notify  # noqa: PLC0415  # installed only where somebody compiled it
    except ImportError:
        return None

    def send(lines: str) -> None:
        notify(lines)

    return send


def _datagrams(address: str) -> Send | None:
    """Send to a socket file, or to a name without a file, which starts with `@`."""
    if address[0] not in "/@":
        _LOGGER.warning("NOTIFY_SOCKET is of a kind that is not supported; nobody is told of the state")
        return None
    target = "\0" + address[1:] if address[0] == "@" else address

    def send(lines: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SEND_TIMEOUT_S)
            sender.sendto(lines.encode(), target)

    return send
