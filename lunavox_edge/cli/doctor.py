"""`lunavox-edge doctor`: test what works on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_MARKS = {"ok": "ok", "warn": "WARN", "fail": "FAIL"}
_COLOURS = {"ok": "\033[32m", "warn": "\033[33m", "fail": "\033[31m"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="test every engine on every device",
        description="Run every engine on every device, check this machine and its settings, and print which "
        "device is used and why. Exit 1 if a check fails.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.checks.checkup import Severity
    from lunavox_edge.checks.doctor import examine
    from lunavox_edge.settings.reading import read_settings

    failed = False
    colour = sys.stdout is not None and sys.stdout.isatty()
    for finding in examine(settings, read_settings(args.config).file):
        failed = failed or finding.verdict is Severity.FAIL
        if args.json:
            print(json.dumps(asdict(finding)), flush=True)
            continue
        mark = f"{_MARKS[finding.verdict.value]:4s}"
        if colour:
            mark = f"{_COLOURS[finding.verdict.value]}{mark}\033[0m"
        print(f"{mark}  {finding.topic:9s} {finding.text}", flush=True)
    return ExitCode.ERROR if failed else ExitCode.OK
