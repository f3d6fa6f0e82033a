"""Playing a WAV through whichever player this machine has."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host.players import find_player


def play(wav: bytes) -> None:
    """Play and wait for the end. Raises BackendUnavailable if nothing here can play."""
    command = find_player()
    done = subprocess.run(  # noqa: S603  # a fixed list of players
        command, input=wav, check=False, stderr=subprocess.PIPE
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(
            f"{Path(command[0]).name} could not play: {reason[-1] if reason else 'no reason given'}"
        )
