"""`lunavox-edge self-check`: speak a sentence and transcribe it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty

if TYPE_CHECKING:
    from lunavox_edge.service.self_check import SelfCheck
    from lunavox_edge.settings.model import Settings

_TIMEOUT_S = 120.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "self-check",
        help="speak a sentence and transcribe it, through the service's port",
        description="Speak a sentence with the default voice and transcribe it with the default model, "
        "through the running service or, with --local, through one started for this. Exit 0 if it was "
        "recognised.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--uri", type=not_empty, help="where the service listens (default: wyoming.uri of the settings)"
    )
    where.add_argument("--local", action="store_true", help="start a service for this, on a private socket")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    found = _check_alone(settings) if args.local else _check(args.uri or settings.wyoming.client_uri)
    print(found.summary)
    return ExitCode.OK if found.ok else ExitCode.ERROR


def _check(uri: str) -> SelfCheck:
    from lunavox_edge.service.self_check import self_check

    return self_check(uri, timeout_s=_TIMEOUT_S)


def _check_alone(settings: Settings) -> SelfCheck:
    import asyncio
    import tempfile

    from lunavox_edge.service.app import check_alone

    with tempfile.TemporaryDirectory(prefix="lunavox-edge-") as folder:
        return asyncio.run(check_alone(settings, f"unix://{folder}/check.sock"))
