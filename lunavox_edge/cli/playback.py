"""Playing a WAV through whichever player this machine has."""

from __future__ import annotations

import shutil
import subprocess

from lunavox_edge.errors import BackendUnavailable

_PLAYERS = (
    ("pw-play", "-"),
    ("paplay",),
    ("aplay", "-q", "-"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-"),
)


def play(wav: bytes) -> None:
    """Play and wait for the end. Raises BackendUnavailable if nothing here can play."""
    for command in _PLAYERS:
        path = shutil.which(command[0])
        if path is None:
            continue
        done = subprocess.run(  # noqa: S603  # a fixed list of players
            [path, *command[1:]], input=wav, check=False, stderr=subprocess.PIPE
        )
        if done.returncode == 0:
            return
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(
            f"{command[0]} could not play: {reason[-1] if reason else 'no reason given'}"
        )
    raise BackendUnavailable(
        "There is no player here. Install one (sudo apt install alsa-utils) or use -o FILE."
    )
