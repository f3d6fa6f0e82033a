"""`lunavox-edge satellites`: list satellites, and approve or forget those found on the network."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.listing import print_table

if TYPE_CHECKING:
    from lunavox_edge.checks.satellite_check import Present
    from lunavox_edge.hub import approved
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.wire.neighbours import Neighbour

_DOCS = "docs/SATELLITES.md shows how to begin."
_SEARCHES = 3


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "satellites",
        help="list satellites, and approve those found on the network",
        description="List the satellites of the settings, the approved satellites, and those that are "
        "announced on this network. Each is asked for its description, which does not interrupt it. The "
        "service connects only to satellites of the settings and to approved ones.",
    )
    commands = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = commands.add_parser("list", help="list them, and whether they answer (the default)")
    for place, default in ((parser, False), (listing, argparse.SUPPRESS)):
        place.add_argument("--json", action="store_true", default=default, help="print a JSON list")
        place.set_defaults(run=_list)
    approving = commands.add_parser(
        "approve",
        help="let the service connect to a satellite that was found",
        description="Let the service connect to a satellite that is announced on this network. A running "
        "service connects within seconds, and follows the satellite when its address changes.",
    )
    approving.add_argument("name", metavar="NAME", help="its id, name, or address, as the list shows it")
    approving.add_argument("--id", dest="key", metavar="ID", help="its id (default: made from its name)")
    approving.set_defaults(run=_approve)
    forgetting = commands.add_parser("forget", help="withdraw an approval; the service disconnects")
    forgetting.add_argument("name", metavar="NAME", help="its id, or the name that it announces")
    forgetting.set_defaults(run=_forget)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.checks import satellite_check

    rows = list(satellite_check.satellites(settings, _near(settings)))
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    elif not rows:
        searched = " and none was found on the network" if settings.satellites.zeroconf else ""
        print(f"The settings name no satellites{searched}; {_DOCS}")
    else:
        table = [(row.id, row.name, row.area, row.address, row.answer, _state(row)) for row in rows]
        print_table(("ID", "NAME", "AREA", "ADDRESS", "ANSWER", "STATE"), table)
        if any(row.source == satellite_check.FOUND for row in rows):
            print("\nConnect to one that was found with: lunavox-edge satellites approve ID")
    return ExitCode.OK if all(row.online for row in rows) else ExitCode.UNREACHABLE


def _state(row: Present) -> str:
    from lunavox_edge.checks import satellite_check

    if row.source == satellite_check.FOUND:
        return "found, not approved"
    return row.problem or "online"


def _near(settings: Settings) -> tuple[Neighbour, ...]:
    """Return the satellites on the network; if it cannot be searched, print why and return none."""
    from lunavox_edge.checks import satellite_check
    from lunavox_edge.errors import Unreachable

    if not settings.satellites.zeroconf:
        return ()
    try:
        return satellite_check.near(settings)
    except Unreachable as error:
        print(error, file=sys.stderr)
        return ()


def _approve(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.checks import satellite_check
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.hub import approved

    if not settings.satellites.zeroconf:
        raise SettingsError(
            "satellites.zeroconf is off, so no satellite can be found: set it, or name the satellite in the "
            "settings."
        )
    rows = _look_for(args.name, settings)
    file = approved.file_of(settings.satellites)
    with approved.change(file):
        row = _meant(args.name, rows)
        if row.source == satellite_check.OF_SETTINGS:
            print(f"{row.id} is named by the settings and needs no approval.")
            return ExitCode.OK
        key = args.key or row.id
        entries = _entries(settings)
        if row.source == satellite_check.APPROVED and row.id != key:
            del entries[row.id]
        if not approved.is_id(key):
            raise SettingsError(f"'{key:.100}' cannot be an id; use letters, digits, '.', '_' and '-'.")
        other = entries.get(key)
        if key in settings.satellites.known or (other is not None and other.service != row.service):
            raise SettingsError(f"There is another satellite '{key}'; choose an id with --id.")
        if len(entries) >= approved.MAX_APPROVED and key not in entries:
            raise SettingsError(f"There are {approved.MAX_APPROVED} approved satellites; forget one first.")
        entries[key] = approved.Approved(row.service or "", row.address)
        approved.save(file, entries)
    print(f"Approved {key} ({row.name} at {row.address}). A running service connects within seconds.")
    return ExitCode.OK


def _look_for(name: str, settings: Settings) -> list[Present]:
    """Return all satellites that were found; search again while the named one is missing."""
    from lunavox_edge.checks import satellite_check
    from lunavox_edge.errors import UnknownSatellite

    rows: list[Present] = []
    for _ in range(_SEARCHES):
        rows = list(satellite_check.satellites(settings, satellite_check.near(settings)))
        # An announcement may not be repeated within a second, so one search may miss it.
        with suppress(UnknownSatellite):
            _meant(name, rows)
            break
    return rows


def _forget(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.errors import SettingsError, UnknownSatellite
    from lunavox_edge.hub import approved

    file = approved.file_of(settings.satellites)
    with approved.change(file):
        entries = _entries(settings)
        meant = [key for key, entry in entries.items() if args.name in (key, entry.service)]
        if not meant:
            if args.name in settings.satellites.known:
                raise SettingsError(f"{args.name} is named by the settings; take it out of satellites.known.")
            listed = ", ".join(entries) or "none"
            raise UnknownSatellite(f"No satellite '{args.name:.100}' is approved; approved are: {listed}.")
        for key in meant:
            del entries[key]
        approved.save(file, entries)
    print(f"Forgot {', '.join(meant)}. A running service disconnects within seconds.")
    return ExitCode.OK


def _entries(settings: Settings) -> dict[str, approved.Approved]:
    """Return the approved satellites. Raises SettingsError if the file cannot be read, so that it is kept."""
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.hub import approved

    entries = approved.load(approved.file_of(settings.satellites))
    if entries is None:
        raise SettingsError("The file of approved satellites cannot be read; repair or remove it.")
    return entries


def _meant(name: str, rows: list[Present]) -> Present:
    """Return the satellite with this id, name or address.

    Raises UnknownSatellite, or SettingsError if several match.
    """
    from lunavox_edge.errors import SettingsError, UnknownSatellite

    exact = [row for row in rows if row.id == name]
    wanted = name.casefold()
    found = exact or [
        row
        for row in rows
        if wanted in (row.id.casefold(), row.name.casefold(), row.address, (row.service or "").casefold())
    ]
    if not found:
        listed = ", ".join(row.id for row in rows) or "none"
        raise UnknownSatellite(f"No satellite '{name:.100}' was found on this network; there are: {listed}.")
    if len(found) > 1:
        listed = ", ".join(f"{row.id} at {row.address}" for row in found)
        raise SettingsError(f"Several satellites are called '{name:.100}'; name one by its id: {listed}.")
    return found[0]
