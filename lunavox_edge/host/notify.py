"""Notifications to the service manager (sd_notify(3)): ready, status, watchdog, stopping.

They are sent by systemd-python where that is installed, else as datagrams by this module. Without a service
manager nothing is sent. Nothing here raises or blocks for long: a service manager that does not read must
not stop the service.
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
    """One method for each notification; safe from any thread."""

    def __init__(self, send: Send | None = None, *, watchdog_s: float | None = None) -> None:
        """Create a notifier.

        `send` transmits the lines; with None nothing is sent. `watchdog_s` is the watchdog timeout of the
        service manager.
        """
        self._send = send
        self._status = ""
        self.watchdog_s = watchdog_s if send is not None else None

    @property
    def active(self) -> bool:
        """Whether a service manager is notified."""
        return self._send is not None

    def status(self, text: str) -> None:
        """Set the status line for people; sent only if it has changed."""
        text = " ".join(text.split())[:_MAX_STATUS_CHARS]
        if text != self._status:
            self._status = text
            self._notify(f"STATUS={text}")

    def extend(self, timeout_s: float) -> None:
        """Extend the timeout of the start to at least `timeout_s` from now."""
        self._notify(f"EXTEND_TIMEOUT_USEC={int(timeout_s * _USEC)}")

    def ready(self) -> None:
        """Notify that the start, or the reload, is complete."""
        self._notify("READY=1")

    def reloading(self) -> None:
        """Notify that a reload of the settings has begun; `ready` ends it."""
        self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def alive(self) -> None:
        """Reset the watchdog."""
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        """Notify that the service is shutting down."""
        self._notify("STOPPING=1")

    def _notify(self, lines: str) -> None:
        if self._send is None:
            return
        try:
            self._send(lines)
        except (OSError, ValueError) as error:
            _LOGGER.debug("Notifying the service manager of %s failed: %s", lines.partition("=")[0], error)


def notifier(variables: Mapping[str, str], *, pid: int) -> Notifier:
    """Return the notifier that the service manager's environment variables ask for; `pid` is this process."""
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
    """Return the function of systemd-python, which reads NOTIFY_SOCKET itself; None if not installed."""
    try:
        from systemd.daemon import notify  # noqa: PLC0415  # optional, because it must be compiled
    except ImportError:
        return None

    def send(lines: str) -> None:
        notify(lines)

    return send


def _datagrams(address: str) -> Send | None:
    """Return a function that sends datagrams to a socket file, or to an abstract socket (`@NAME`)."""
    if address[0] not in "/@":
        _LOGGER.warning("NOTIFY_SOCKET is of an unsupported kind; the service manager is not notified")
        return None
    target = "\0" + address[1:] if address[0] == "@" else address

    def send(lines: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SEND_TIMEOUT_S)
            sender.sendto(lines.encode(), target)

    return send
