"""`lunavox-edge satellite`: serve this machine's microphone and loudspeaker to a hub."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from lunavox_edge.cli import streams
from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.options import not_empty

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings


RING_S = 300.0
_MAX_RING_S = 3600


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "satellite",
        help="serve a microphone and a loudspeaker to a hub",
        description="Run a Wyoming satellite: a hub (Home Assistant or LunaVox Edge) connects to it, gets "
        "the sound of its microphone and plays speech on its loudspeaker. It loads no speech model.",
        epilog="Try it with files: lunavox-edge satellite --mic command.wav --speaker answer.wav. "
        "The signal USR1 silences a ringing timer.",
    )
    parser.add_argument(
        "--mic",
        default="alsa",
        metavar="SOURCE",
        help="alsa, alsa:DEVICE, a WAV file, stdin, or command:PROGRAM that writes a WAV or 16 kHz 16-bit "
        "mono PCM (default: %(default)s)",
    )
    parser.add_argument(
        "--speaker",
        default="alsa",
        metavar="TARGET",
        help="alsa, alsa:DEVICE, a WAV file, null, or command:PROGRAM that plays the WAV on its standard "
        "input (default: %(default)s)",
    )
    parser.add_argument(
        "--uri",
        type=not_empty,
        default="tcp://0.0.0.0:10700",
        help="the address that hubs connect to: tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH. There is "
        "no password (default: %(default)s)",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="the certificate for a tls:// address")
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="its key; other users must not be able to read the file"
    )
    parser.add_argument(
        "--name", type=not_empty, help="the name that hubs show (default: the name of this machine)"
    )
    parser.add_argument("--area", help="the room that it is in")
    parser.add_argument(
        "--wake",
        nargs="*",
        metavar="WORD",
        help="detect these wake words on this machine, and send no sound before one was spoken; without a "
        "WORD those of wake.default (default: the hub detects wake words)",
    )
    parser.add_argument(
        "--stop-word",
        nargs="*",
        metavar="WORD",
        help="needs --wake: words that silence a timer and speech without starting a command; without a WORD "
        "none (default: stop, if that wake word is installed)",
    )
    parser.add_argument(
        "--chime",
        action="store_true",
        help="play two notes after a wake word; LunaVox Edge as the hub has its own chime",
    )
    parser.add_argument(
        "--ring-s",
        type=_ring_s,
        default=RING_S,
        metavar="SECONDS",
        help="how long a timer rings if it is not silenced (default: %(default)g)",
    )
    parser.set_defaults(run=_run)


def _ring_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _MAX_RING_S:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 1 to {_MAX_RING_S}")
    return seconds


def _run(args: argparse.Namespace, settings: Settings) -> int:
    if args.stop_word and args.wake is None:
        print("--stop-word needs --wake: without it the hub listens for words. Add --wake.", file=sys.stderr)
        return ExitCode.USAGE
    return _serve(args, settings)


def _serve(args: argparse.Namespace, settings: Settings) -> NoReturn:
    import asyncio
    import socket

    from lunavox_edge.satellite.device import Sounds
    from lunavox_edge.satellite.service import SatelliteOptions, run

    options = SatelliteOptions(
        microphone=args.mic,
        speaker=args.speaker,
        uri=args.uri,
        name=args.name or socket.gethostname() or "satellite",
        area=args.area,
        words=None if args.wake is None else tuple(args.wake),
        stop_words=None if args.stop_word is None else tuple(args.stop_word),
        sounds=Sounds(chime=args.chime, ring_s=args.ring_s),
        tls_cert=args.tls_cert,
        tls_key=args.tls_key,
    )
    asyncio.run(run(options, settings, streams.say))
    # As at the end of `run`: do not wait for threads that still work.
    streams.end(ExitCode.OK)
