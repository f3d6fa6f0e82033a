"""`lunavox-edge transcribe`: turn recordings into text."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import wait as wait_for
from dataclasses import asdict
from typing import TYPE_CHECKING, BinaryIO

from lunavox_edge.cli import running_service, streams
from lunavox_edge.cli.exit_codes import ExitCode, exit_code
from lunavox_edge.errors import LunavoxError
from lunavox_edge.types import TranscriptStats

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.types import Transcript

    TranscribeFile = Callable[[BinaryIO], Transcript]

_TIMEOUT_S = 600.0
_SHOW_AFTER_S = 2.0
_SHOW_EVERY_S = 0.5


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "transcribe",
        help="turn recordings into text",
        description="Transcribe recordings (WAV, FLAC, OGG, MP3 …). Uses the running service; if "
        "none runs, and for word times and recordings longer than limits.max_utterance_s, an engine of "
        "its own.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording, or - for standard input")
    parser.add_argument("--model", help="a model of `lunavox-edge models list`")
    parser.add_argument("--language", help="the language spoken, such as en (default: detect)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line: text, language, times …"
    )
    parser.add_argument("--words", action="store_true", help="word times in the JSON; implies --json --local")
    running_service.add_arguments(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe the files in order; a failure does not stop the rest. Return the first failure's status."""
    if args.words and args.uri:
        print("Word times need an engine of this command's own; leave --uri out.", file=sys.stderr)
        return ExitCode.USAGE
    if args.words:
        args.json = args.local = True
    status = ExitCode.OK
    with contextlib.ExitStack() as stack:
        transcribe = _transcriber(args, settings, stack)
        for name in args.files:
            try:
                with _open(name) as file:
                    transcript = transcribe(file)
            except OSError as error:
                print(f"{name}: {error.strerror or error}", file=sys.stderr)
                status = status or ExitCode.ERROR
                continue
            except LunavoxError as error:
                print(f"{name}: {error}", file=sys.stderr)
                status = status or exit_code(error)
                continue
            _print(args, name, transcript)
    return status


def _transcriber(args: argparse.Namespace, settings: Settings, stack: contextlib.ExitStack) -> TranscribeFile:
    """Return a function that transcribes one open file, by the service or an engine that `stack` closes."""
    from lunavox_edge.audio.files import FILE_FORMAT, duration_s, read_audio

    uri = running_service.find(args, settings)
    engines: list[Engine] = []

    def transcribe(file: BinaryIO) -> Transcript:
        length_s = duration_s(file)
        audio = read_audio(file)
        if uri is not None:
            max_s = math.inf if args.uri else settings.limits.max_utterance_s
            pcm = _read_up_to(audio, max_s, length_s)
            if pcm is not None:
                from lunavox_edge.wyoming_server import blocking_client

                return blocking_client.transcribe(
                    uri, pcm, FILE_FORMAT, model=args.model, language=args.language, timeout_s=_TIMEOUT_S
                )
            file.seek(0)
            audio = read_audio(file)
        if not engines:
            from lunavox_edge.engine.engine import Engine

            engines.append(stack.enter_context(Engine(settings)))
        return _transcribe_locally(engines[0], args, audio, length_s)

    return transcribe


def _read_up_to(audio: Iterable[bytes], max_s: float, length_s: float | None) -> bytes | None:
    """Return a whole recording, or None if it is longer than `max_s`; `length_s` is None if unknown."""
    from lunavox_edge.audio.files import FILE_FORMAT

    if length_s is not None and length_s > max_s:
        return None
    max_bytes = max_s * FILE_FORMAT.rate_hz * FILE_FORMAT.frame_bytes
    pcm = bytearray()
    for piece in audio:
        pcm += piece
        if len(pcm) > max_bytes:
            return None
    return bytes(pcm)


def _transcribe_locally(
    engine: Engine, args: argparse.Namespace, audio: Iterable[bytes], length_s: float | None
) -> Transcript:
    """Transcribe while reading; a recording of hours needs memory for about a minute of it."""
    from lunavox_edge.audio.files import FILE_FORMAT
    from lunavox_edge.cli.progress import share_progress

    utterance = engine.open_utterance(
        FILE_FORMAT, model=args.model, language=args.language, words=args.words, relaxed=True, bounded=False
    )
    try:
        with contextlib.ExitStack() as stack:
            show: Callable[[float], None] | None = None
            begun_s = time.monotonic()

            def wait(until: Callable[[float], bool]) -> None:
                nonlocal show
                while not until(_SHOW_EVERY_S):
                    if show is None and time.monotonic() - begun_s > _SHOW_AFTER_S:
                        show = stack.enter_context(share_progress("Transcribing"))
                    if show is not None:
                        show(min(1.0, utterance.recognized_s / length_s) if length_s else 0.0)

            for pcm in audio:
                utterance.feed(pcm)
                wait(utterance.wait_for_room)
            future = utterance.submit()
            wait(lambda timeout_s: bool(wait_for([future], timeout_s).done))
            return future.result()
    finally:
        utterance.cancel()


def _print(args: argparse.Namespace, name: str, transcript: Transcript) -> None:
    if args.json:
        found = {"file": name, **asdict(transcript)}
        if transcript.stats == TranscriptStats():
            del found["stats"]  # a service does not send them
        print(json.dumps(found, ensure_ascii=False), flush=True)
    elif len(args.files) > 1:
        print(f"{name}: {transcript.text}", flush=True)
    else:
        print(transcript.text, flush=True)


@contextlib.contextmanager
def _open(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield io.BytesIO(streams.read_bytes())  # decoders need to seek
        return
    with open(name, "rb") as file:  # noqa: PTH123  # the name as the user typed it
        yield file
