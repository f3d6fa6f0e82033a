"""The command line: global options, dispatch to the commands, and exit statuses.

A command is a module with `add_parser(subparsers)`. It sets the default `run`, which is called with the
arguments and the settings, or `run_bare`, which is called with the arguments alone. Commands import what
they need when they run, so that `--help` is fast.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from lunavox_edge._version import __version__
from lunavox_edge.cli import streams
from lunavox_edge.cli.exit_codes import ExitCode, exit_code
from lunavox_edge.errors import LunavoxError
from lunavox_edge.host.log_damper import Damper
from lunavox_edge.host.system import quiet_numpy
from lunavox_edge.host.usr1 import survive_usr1

_MODULES = (
    *"run satellite satellites say transcribe voices models".split(),
    *"mqtt doctor support bench config health self_check".split(),
)
_LEVELS = ("debug", "info", "warning", "error")
_INTERRUPTED = 128 + 2
_BROKEN_PIPE = 128 + 13

_LOGGER = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; argparse raises SystemExit for wrong arguments."""
    survive_usr1()
    quiet_numpy()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # so that printing does not fail on a terminal without UTF-8
    args = _parser().parse_args(argv)
    try:
        status = _dispatch(args)
        streams.flush_output()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        streams.discard_output()
        return _BROKEN_PIPE
    except LunavoxError as error:
        _LOGGER.debug("%s failed", args.command, exc_info=True)
        print(error, file=sys.stderr)
        return exit_code(error)
    except OSError as error:
        _LOGGER.debug("%s failed", args.command, exc_info=True)
        print(f"{error.filename or args.command}: {error.strerror or error}", file=sys.stderr)
        try:
            streams.flush_output()
        except OSError:
            streams.discard_output()
        return ExitCode.ERROR
    except Exception:
        _LOGGER.exception("%s failed because of an internal error; please report it", args.command)
        return ExitCode.ERROR
    return int(status)


def _dispatch(args: argparse.Namespace) -> int:
    if "run_bare" in args:
        _set_up_log(args.log_level or "warning")
        return int(args.run_bare(args))
    from lunavox_edge.host.journal import journal_handler
    from lunavox_edge.host.system import service_variables
    from lunavox_edge.settings.reading import load_settings

    settings = load_settings(args.config)
    # The service logs at the level of the settings; other commands print their results.
    if args.command == "run":
        _set_up_log(args.log_level or settings.log.level, journal_handler(service_variables()))
    else:
        _set_up_log(args.log_level or "warning")
    return int(args.run(args, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lunavox-edge",
        description="Local speech recognition, speech synthesis and wake words, without a cloud.",
        epilog="Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 no such model or voice, "
        "4 cannot be reached, 5 busy. Every setting: docs/CONFIG.md.",
    )
    parser.add_argument("--version", action="version", version=f"lunavox-edge {__version__}")
    _add_global_options(parser, None)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in _MODULES:
        import_module(f"lunavox_edge.cli.{name}").add_parser(subparsers)
    for command in subparsers.choices.values():
        _add_global_options(command, argparse.SUPPRESS)
    return parser


def _add_global_options(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Add the options that may stand before or after the command's name."""
    group = parser.add_argument_group("global options")
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=default,
        help="settings file (default: see docs/CONFIG.md)",
    )
    group.add_argument("--log-level", choices=_LEVELS, default=default, help="lowest level that is logged")


def _set_up_log(level: str, handler: logging.Handler | None = None) -> None:
    """Log to `handler`, which adds time and severity itself; without one to standard error."""
    form = "%(name)s: %(message)s"
    if handler is None:
        handler, form = logging.StreamHandler(sys.stderr), f"%(asctime)s %(levelname)-7s {form}"
    handler.addFilter(Damper())
    logging.basicConfig(level=level.upper(), format=form, handlers=[handler])
    # At INFO it logs the URL of every request.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
