"""`lunavox-edge run`: the service in the foreground."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "run",
        help="run the service in the foreground",
        description="Run the service in the foreground until Ctrl-C.",
    )
    parser.add_argument("--uri", help="listen here instead of wyoming.uri (tcp://HOST:PORT, unix://PATH)")
    parser.add_argument(
        "--self-check", action="store_true", help="say a sentence through the own port and hear it back"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    import asyncio

    from lunavox_edge.app import App
    from lunavox_edge.settings import changed

    if args.uri:
        settings = changed(settings, "wyoming", uri=args.uri)
    asyncio.run(App(settings, say=_say).run(check=args.self_check))
    return ExitCode.OK


def _say(line: str) -> None:
    print(line, flush=True)
