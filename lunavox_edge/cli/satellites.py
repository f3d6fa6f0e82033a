"""`lunavox-edge satellites`: which satellites the settings name, and whether they are there."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.listing import print_table

if TYPE_CHECKING:
    from lunavox_edge.settings import Settings


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "satellites",
        help="the satellites of the settings",
        description="Ask every satellite of the settings who it is; none is disturbed by it.",
    )
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = commands.add_parser("list", help="which there are, and whether they answer")
    listing.add_argument("--json", action="store_true", help="a JSON list")
    listing.set_defaults(run=_list)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge import roll_call

    rows = list(roll_call.satellites(settings))
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    elif not rows:
        print("The settings name no satellites; docs/SATELLITES.md shows how to begin.")
    else:
        table = [
            (row.id, row.name, row.area, row.address, row.answer, row.problem or "online") for row in rows
        ]
        print_table(("ID", "NAME", "AREA", "ADDRESS", "ANSWER", "STATE"), table)
    return ExitCode.OK if all(row.online for row in rows) else ExitCode.UNREACHABLE
