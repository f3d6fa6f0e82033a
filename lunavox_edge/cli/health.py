"""`lunavox-edge healthcheck`: test whether the running service answers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_MAX_TIMEOUT_S = 86_400


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "healthcheck",
        help="test whether the running service answers",
        description="Exit 0 if the service answers and has a model or a voice, 1 if it has neither, 4 if it "
        "does not answer. For containers and monitoring.",
    )
    parser.add_argument(
        "--uri", type=not_empty, help="where the service listens (default: wyoming.uri of the settings)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=5.0, metavar="SECONDS", help="default: %(default)s"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.wyoming_server import blocking_client

    uri = args.uri or settings.wyoming.client_uri
    seconds = blocking_client.ping(uri, timeout_s=args.timeout)
    info = blocking_client.describe(uri, timeout_s=args.timeout)
    models = sum(len(program.models) for program in info.asr)
    voices = sum(len(program.voices) for program in info.tts)
    print(f"{uri} answers in {seconds * 1000:.0f} ms: {models} models, {voices} voices")
    return ExitCode.OK if models or voices else ExitCode.ERROR


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _MAX_TIMEOUT_S:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of seconds over 0, up to {_MAX_TIMEOUT_S}"
        )
    return seconds
