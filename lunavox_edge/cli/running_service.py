"""Search for the running service, for commands that can also use their own engine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lunavox_edge.cli.options import not_empty
from lunavox_edge.errors import LunavoxError

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_PROBE_TIMEOUT_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --uri and --local."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--uri", type=not_empty, help="use the service at this address only")
    where.add_argument("--local", action="store_true", help="use an own engine, not the service")


def find(args: argparse.Namespace, settings: Settings) -> str | None:
    """Return the URI of the service to use, or None if the command should use its own engine."""
    if args.local:
        return None
    if args.uri:
        return str(args.uri)
    from lunavox_edge.wyoming_server import blocking_client

    try:
        blocking_client.ping(settings.wyoming.client_uri, timeout_s=_PROBE_TIMEOUT_S)
    except LunavoxError:
        return None
    return settings.wyoming.client_uri
