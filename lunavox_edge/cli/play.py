"""Playback of a WAV by the first audio player that is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lunavox_edge.errors import BackendUnavailable
from lunavox_edge.host.players import find_player


def play(wav: bytes) -> None:
    """Play a WAV and wait for the end. Raises BackendUnavailable if there is no player or it fails."""
    command = find_player()
    done = subprocess.run(  # noqa: S603  # a fixed list of players
        command, input=wav, check=False, stderr=subprocess.PIPE
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(
            f"{Path(command[0]).name} could not play: {reason[-1] if reason else 'no reason given'}"
        )
