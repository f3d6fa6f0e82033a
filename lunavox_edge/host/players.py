"""Programs of this machine that play a WAV from their standard input."""

from __future__ import annotations

import shlex
import shutil

from lunavox_edge.errors import BackendUnavailable

_PLAYERS = (
    ("pw-play", "-"),
    ("paplay",),
    ("aplay", "-q", "-"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-"),
)
_ALSA = "alsa:"


def find_player() -> tuple[str, ...]:
    """Return the command of the first player that is installed. Raises BackendUnavailable."""
    for name, *arguments in _PLAYERS:
        path = shutil.which(name)
        if path is not None:
            return (path, *arguments)
    raise BackendUnavailable("No player is installed. Install one: sudo apt install alsa-utils")


def installed_player(output: str | None) -> tuple[str, ...]:
    """Return the command for `audio.output`, None meaning `auto`, after looking whether its program exists.

    Raises BackendUnavailable.
    """
    command = player_for(output or "auto")
    if shutil.which(command[0]) is None:
        raise BackendUnavailable(f"The player '{command[0]}' of audio.output is not installed.")
    return command


def player_for(output: str) -> tuple[str, ...]:
    """Return the command for `audio.output`: `auto`, `alsa:DEVICE` or a command.

    Raises BackendUnavailable.
    """
    if output == "auto":
        return find_player()
    if output.startswith(_ALSA):
        return ("aplay", "-q", "-D", output[len(_ALSA) :], "-")
    try:
        command = tuple(shlex.split(output))
    except ValueError:
        command = ()
    if not command:
        raise BackendUnavailable("audio.output is not a valid command; check its quotes.")
    return command
