"""`lunavox-edge bench`: measure services and compare them in one table."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty

if TYPE_CHECKING:
    from lunavox_edge.bench.servers import Plan
    from lunavox_edge.settings.model import Settings

_OURS = "lunavox-edge"
_PARTS = (
    *("speaking", "describe", "audio-stop", "rooms", "words", "overhead"),
    *("satellites", "public", "long-text"),
)
_SATELLITES = frozenset({"satellites"})


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "bench",
        help="measure this service and compare it with others",
        description="Measure speed, quality and resource use of this service's speech synthesis and "
        "recognition, and of other Wyoming services in alternating rounds. Starts its own service unless "
        "--uri is given. What is measured and how: docs/BENCHMARKS.md.",
        epilog="Example: lunavox-edge bench --quick --peer "
        "theirs=tcp://127.0.0.1:10200,tcp://127.0.0.1:10301",
    )
    parser.add_argument("--uri", type=not_empty, help="measure a running service instead of starting one")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=URI[,URI]",
        help="another service: one address, or one for synthesis and one for recognition",
    )
    parser.add_argument(
        "--spawn",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="start another service; {uri} in the command is replaced by the address to listen on; "
        "two commands with the same NAME count as one service",
    )
    parser.add_argument(
        "--speech",
        type=Path,
        metavar="DIR",
        help="recordings with a MANIFEST.tsv (default: the folder in LUNAVOX_SPEECH_DATA; without it, "
        "sentences that the service itself speaks, and no word errors)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer and shorter rounds: at most 2.5 minutes instead of 11 (20 with --board)",
    )
    parser.add_argument(
        "--board",
        action="store_true",
        help="give each service 30 %% of one core, to emulate a small board (needs a writable cgroup)",
    )
    parser.add_argument(
        "--only",
        type=_parts,
        default=frozenset(),
        metavar="PART[,PART]",
        help="measure only these parts: " + ", ".join(_PARTS) + " (satellites only if named)",
    )
    parser.add_argument("--public", metavar="PROGRAM", help="also run this wyoming-bench and show its output")
    parser.add_argument("--json", action="store_true", help="print every sample as JSON instead of the table")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the result to a file instead of printing it"
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="also put the table into this file, between <!-- bench:full --> and <!-- /bench:full --> "
        "(or quick, or board; satellites if only that part is measured)",
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.bench import context, runner
    from lunavox_edge.bench.document import Document
    from lunavox_edge.bench.servers import URI_FIELD, Plan
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.host import system

    if "public" in args.only and not args.public:
        raise SettingsError("The part public needs a program: --public PROGRAM.")
    # A sentence from the phrase cache would not measure the voice.
    own = ["env", "LUNAVOX_EDGE__TTS__PHRASE_CACHE_MB=0", sys.executable, "-m", "lunavox_edge"]
    own += ["--config", str(args.config)] if args.config else []
    own += ["run", "--uri", URI_FIELD]
    ours = Plan(_OURS, uris=(args.uri,)) if args.uri else Plan(_OURS, commands=(shlex.join(own),))
    extent = context.QUICK if args.quick else context.BOARD if args.board else context.FULL
    order = runner.Order(
        (ours, *_peers(args.peer, args.spawn)),
        extent,
        args.speech or system.speech_data(),
        board=args.board,
        only=args.only,
        public=args.public,
        own=tuple(own),
    )
    place = "satellites" if args.only == _SATELLITES else extent.name
    document = Document(args.markdown, place) if args.markdown else None
    if args.output:
        _write(args.output, "", "a")  # fails before minutes of measuring, and keeps the content
    report = runner.bench(order, settings, lambda line: print(line, file=sys.stderr, flush=True))
    text = json.dumps(report.data(), indent=1) if args.json else report.markdown()
    if args.output:
        _write(args.output, f"{text}\n", "w")
    else:
        print(text)
    if document is not None:
        document.write(report.markdown())
    return ExitCode.OK


def _write(path: Path, text: str, mode: str) -> None:
    from lunavox_edge.errors import SettingsError

    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error


def _parts(text: str) -> frozenset[str]:
    parts = frozenset(part.strip() for part in text.split(","))
    if not parts <= set(_PARTS):
        unknown = ", ".join(sorted(parts - set(_PARTS)))
        raise argparse.ArgumentTypeError(f"no such part: {unknown}; there are {', '.join(_PARTS)}")
    return parts


def _peers(peers: list[str], spawned: list[str]) -> list[Plan]:
    from lunavox_edge.bench.servers import Plan

    found = {name: Plan(name, uris=tuple(value.split(","))) for name, value in map(_named, peers)}
    for name, command in map(_named, spawned):
        before = found.get(name, Plan(name))
        found[name] = Plan(name, before.uris, (*before.commands, command))
    return list(found.values())


def _named(text: str) -> tuple[str, str]:
    from lunavox_edge.errors import SettingsError

    name, separator, value = text.partition("=")
    if not (name.strip() and separator and value.strip()) or name == _OURS:
        raise SettingsError(f"'{text:.200}' does not name another service; write NAME=...")
    return name.strip(), value.strip()
