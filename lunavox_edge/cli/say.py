"""`lunavox-edge say`: synthesise a text into a WAV file or play it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.cli import running_service, streams
from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.types import AudioChunk

_TIMEOUT_S = 120.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "say",
        help="turn text into speech",
        description="Synthesise a text into a WAV file, or play it. Uses the running service; if none runs, "
        "and for texts longer than limits.max_text_chars, an engine of its own.",
        epilog="Examples: lunavox-edge say 'Dinner is ready.' --play; echo Hi | lunavox-edge say - -o hi.wav",
    )
    parser.add_argument("text", help="the text, or - for standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="write a WAV file; - for standard output")
    parser.add_argument(
        "--play",
        action="store_true",
        help="play it on this machine, with the player of audio.output or the first that is installed",
    )
    parser.add_argument("--voice", help="a voice of `lunavox-edge voices list`, or NAME#SPEAKER")
    parser.add_argument("--language", help="choose the voice by language, such as en-GB")
    parser.add_argument("--ssml", action="store_true", help="the text is SSML")
    running_service.add_arguments(parser)
    parser.set_defaults(run=_say)


def _say(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.audio.wav import wav_bytes
    from lunavox_edge.cli.play import play
    from lunavox_edge.host.players import installed_player

    if not args.output and not args.play:
        print("Choose an output: -o FILE or --play.", file=sys.stderr)
        return ExitCode.USAGE
    # Before the synthesis, which would be in vain without a player.
    player = installed_player(settings.audio.output) if args.play else ()
    text = streams.read_text() if args.text == "-" else args.text
    started, first_ms, pcm, rate_hz = time.perf_counter(), 0.0, bytearray(), 0
    for chunk in _speech(args, settings, text):
        first_ms = first_ms or (time.perf_counter() - started) * 1000
        pcm += chunk.pcm
        rate_hz = chunk.sample_rate
    if not pcm:
        print("The service sent no audio.", file=sys.stderr)
        return ExitCode.ERROR
    audio = wav_bytes(bytes(pcm), rate_hz)
    if args.output == "-":
        sys.stdout.buffer.write(audio)
        sys.stdout.buffer.flush()
    elif args.output:
        try:
            Path(args.output).write_bytes(audio)
        except OSError as error:
            print(f"Cannot write {args.output}: {error.strerror}", file=sys.stderr)
            return ExitCode.ERROR
    seconds = len(pcm) / 2 / rate_hz
    took_s = time.perf_counter() - started
    print(
        f"{seconds:.1f} s of speech in {took_s:.2f} s (first audio after {first_ms:.0f} ms)",
        file=sys.stderr,
    )
    if args.play:
        play(audio, player)
    return ExitCode.OK


def _speech(args: argparse.Namespace, settings: Settings, text: str) -> Iterator[AudioChunk]:
    text_format = "ssml" if args.ssml else "text"
    voice = (args.voice or "").strip()
    uri = running_service.find(args, settings)
    if uri is not None and (args.uri or len(text) <= settings.limits.max_text_chars):
        from lunavox_edge.wyoming_server import blocking_client

        name, _, speaker = voice.partition("#")
        yield from blocking_client.speak(
            uri,
            text,
            voice=name or None,
            speaker=speaker or None,
            language=args.language,
            text_format=text_format,
            timeout_s=_TIMEOUT_S,
        )
        return
    from lunavox_edge.engine.engine import Engine

    # The limit protects a service from its clients; it is not needed for the caller's own text.
    limits = settings.limits.model_copy(update={"max_text_chars": max(1, len(text))})
    with Engine(settings.model_copy(update={"limits": limits})) as engine:
        yield from engine.stream(text, voice=voice or None, language=args.language, text_format=text_format)
