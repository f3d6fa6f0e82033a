"""`lunavox-edge check-config`: print every problem of the settings."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings.reading import LoadedSettings

_SECRET_WORDS = ("password", "secret", "token")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check-config",
        help="check the settings and show where they come from",
        description="Print every problem of the settings at once, with file, line and key, or OK with the "
        "file and the environment variables in effect. Exit 0 if they are valid, 1 if not.",
    )
    parser.set_defaults(run_bare=_run)


def _run(args: argparse.Namespace) -> int:
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.settings.reading import read_settings

    try:
        loaded = read_settings(args.config)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return ExitCode.ERROR
    print("OK")
    print(f"file: {loaded.file or 'none, the defaults apply'}")
    for name, key in loaded.overrides.items():
        print(f"{name}: {key} = {_shown(loaded, key)}")
    return ExitCode.OK


def _shown(loaded: LoadedSettings, key: str) -> str:
    section, _, name = key.partition(".")
    if any(word in name for word in _SECRET_WORDS):
        return "(hidden)"
    values = loaded.settings.model_dump(mode="json")[section]
    return str(values[name])
