"""Exit statuses, the same for all commands."""

from __future__ import annotations

from enum import IntEnum

from lunavox_edge.errors import (
    Busy,
    HubUnreachable,
    LunavoxError,
    SettingsError,
    TimedOut,
    UnknownModel,
    UnknownSatellite,
    UnknownSpeaker,
    UnknownVoice,
    Unreachable,
    UnsupportedLanguage,
)


class ExitCode(IntEnum):
    """The exit status of a command. argparse uses USAGE too."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    BUSY = 5


_BY_ERROR: tuple[tuple[type[LunavoxError], ExitCode], ...] = (
    (SettingsError, ExitCode.USAGE),
    (UnknownModel, ExitCode.NOT_FOUND),
    (UnknownVoice, ExitCode.NOT_FOUND),
    (UnknownSatellite, ExitCode.NOT_FOUND),
    (UnknownSpeaker, ExitCode.NOT_FOUND),
    (UnsupportedLanguage, ExitCode.NOT_FOUND),
    (HubUnreachable, ExitCode.UNREACHABLE),
    (Unreachable, ExitCode.UNREACHABLE),
    (TimedOut, ExitCode.UNREACHABLE),
    (Busy, ExitCode.BUSY),
)


def exit_code(error: LunavoxError) -> ExitCode:
    """Return the exit status for this kind of error; ERROR for all others."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return ExitCode.ERROR
