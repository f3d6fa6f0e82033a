"""Playback of a WAV by a player program."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from lunavox_edge.errors import BackendUnavailable


def play(wav: bytes, command: Sequence[str]) -> None:
    """Play a WAV with a player program and wait for the end. Raises BackendUnavailable if that fails.

    `command` is what `installed_player` returns.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  # a known player, or the user's own setting
            command, input=wav, check=False, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise BackendUnavailable(f"{name} cannot be started: {error.strerror}.") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(f"{name} could not play: {reason[-1] if reason else 'no reason given'}")
