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
