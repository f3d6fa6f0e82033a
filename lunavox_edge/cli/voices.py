"""`lunavox-edge voices`: list, preview, install and remove voices."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode
from lunavox_edge.cli.installing import install, open_hub, remove
from lunavox_edge.cli.listing import (
    catalog_json,
    entry_fields,
    open_catalog,
    print_catalog,
    print_table,
    size_text,
)
from lunavox_edge.types import ModelEntry, ModelKind

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings

_MAX_SPEAKERS_SHOWN = 20

_SENTENCES = {
    "cs": "Dobrý den, takhle zní můj hlas.",
    "da": "Goddag, sådan lyder min stemme.",
    "de": "Guten Tag, so klingt meine Stimme.",
    "en": "Good morning, this is how my voice sounds.",
    "es": "Buenos días, así suena mi voz.",
    "fi": "Hyvää päivää, tältä ääneni kuulostaa.",
    "fr": "Bonjour, voici le son de ma voix.",
    "it": "Buongiorno, questa è la mia voce.",
    "nl": "Goedendag, zo klinkt mijn stem.",
    "no": "God dag, slik høres stemmen min ut.",
    "pl": "Dzień dobry, tak brzmi mój głos.",
    "pt": "Bom dia, é assim que soa a minha voz.",
    "ru": "Добрый день, так звучит мой голос.",
    "sv": "God dag, så här låter min röst.",
    "uk": "Добрий день, так звучить мій голос.",
    "zh": "你好，这就是我的声音。",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its actions."""
    parser = subparsers.add_parser(
        "voices",
        help="list, preview, install and remove voices",
        description="List, preview, install and remove voices.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="list what is installed, with licence, source and size")
    listing.add_argument(
        "--language", metavar="TAG", help="only voices of this language, such as de or en-GB"
    )
    listing.add_argument("--available", action="store_true", help="list the voices that the hub offers")
    listing.add_argument("--json", action="store_true", help="print one JSON object with every detail")
    listing.set_defaults(run=_list)

    show = actions.add_parser("show", help="show everything about one installed voice")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--json", action="store_true", help="print JSON, with every speaker")
    show.set_defaults(run=_show)

    add = actions.add_parser(
        "install",
        help="install Piper voices from the Hugging Face hub, or update them",
        description="Install Piper voices from the hub of catalog.hub_endpoint. An interrupted download "
        "continues where it stopped; every file is checked; a running service finds the voice without a "
        "restart.",
        epilog="Examples: lunavox-edge voices install de_DE-thorsten-medium | "
        "lunavox-edge voices install alba",
    )
    add.add_argument("names", nargs="+", metavar="NAME", help="a voice of `voices list --available`")
    add.set_defaults(run=_install)

    taking = actions.add_parser("remove", help="remove voices that were installed from the hub")
    taking.add_argument("names", nargs="+", metavar="NAME")
    taking.add_argument("--yes", action="store_true", help="do not ask")
    taking.set_defaults(run=_remove)

    preview = actions.add_parser("preview", help="play a sentence with a voice")
    preview.add_argument("name", metavar="NAME", help="an installed voice, or NAME#SPEAKER")
    preview.add_argument("--text", help="the text (default: a sentence in its language)")
    where = preview.add_mutually_exclusive_group()
    where.add_argument("-o", "--output", metavar="FILE", help="write a WAV file; - for standard output")
    where.add_argument("--play", action="store_true", help="play it on this machine (the default)")
    preview.set_defaults(run=_preview)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.engine.values.language_tags import covers

    if args.available:
        return _list_available(args, settings)
    catalog = open_catalog(settings)
    entries = [
        entry
        for entry in catalog.entries()
        if entry.kind is ModelKind.TTS and (args.language is None or covers(entry.languages, args.language))
    ]
    if args.json:
        print(catalog_json(catalog, entries, (ModelKind.TTS,)))
    else:
        print_catalog(settings, catalog, entries, (ModelKind.TTS,))
    return ExitCode.OK


def _list_available(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.engine.values.language_tags import covers

    hub = open_hub(settings)
    installed = {manifest.name for manifest in hub.installed(ModelKind.TTS)}
    voices = [
        voice for voice in hub.voices() if args.language is None or covers((voice.language,), args.language)
    ]
    if args.json:
        items = [asdict(voice) | {"installed": voice.name in installed} for voice in voices]
        print(json.dumps({"available": items}, indent=2, ensure_ascii=False))
        return ExitCode.OK
    rows = [
        (
            voice.name,
            voice.language,
            voice.quality,
            str(voice.speakers),
            size_text(voice.size_bytes),
            "yes" if voice.name in installed else "",
        )
        for voice in voices
    ]
    print_table(
        ("NAME", "LANGUAGE", "QUALITY", "SPEAKERS", "SIZE", "INSTALLED"), rows, right=("SPEAKERS", "SIZE")
    )
    print("\nThe licence differs from voice to voice; installing a voice shows it.")
    return ExitCode.OK


def _show(args: argparse.Namespace, settings: Settings) -> int:
    catalog = open_catalog(settings)
    entry = catalog.find(args.name, ModelKind.TTS)
    alias = catalog.alias(args.name)
    fixed = {} if alias is None else alias.model_dump(exclude_none=True)
    if args.json:
        print(json.dumps(entry_fields(entry) | {"alias": fixed or None}, indent=2, ensure_ascii=False))
        return ExitCode.OK
    for title, value in _details(entry, fixed):
        if value:
            print(f"{title:12s} {value}")
    return ExitCode.OK


def _details(entry: ModelEntry, fixed: dict[str, object]) -> list[tuple[str, str]]:
    more = len(entry.speakers) - _MAX_SPEAKERS_SHOWN
    speakers = ", ".join(entry.speakers[:_MAX_SPEAKERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return [
        ("Name", entry.name),
        ("Also", ", ".join(entry.aliases)),
        ("Fixed", ", ".join(f"{key}={value}" for key, value in fixed.items())),
        ("Description", entry.description),
        ("Languages", ", ".join(entry.languages) or "any"),
        ("Speakers", speakers),
        ("Size", size_text(entry.size_bytes)),
        ("Licence", entry.licence),
        ("Source", entry.source),
        ("Version", entry.version or ""),
        ("Made by", " ".join(filter(None, (entry.attribution_name, entry.attribution_url)))),
        ("Backend", entry.backend),
        ("Path", str(entry.path)),
    ]


def _install(args: argparse.Namespace, settings: Settings) -> int:
    return install(settings, [(name, ModelKind.TTS) for name in args.names])


def _remove(args: argparse.Namespace, settings: Settings) -> int:
    return remove(settings, args, (ModelKind.TTS,))


def _preview(args: argparse.Namespace, settings: Settings) -> int:
    from lunavox_edge.audio.wav import wav_bytes
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.host.players import installed_player

    player = () if args.output else installed_player(settings.audio.output)
    with Engine(settings) as engine:
        entry = engine.catalog.find(args.name.partition("#")[0], ModelKind.TTS)
        text = args.text
        if text is None:
            language = entry.languages[0].partition("-")[0] if entry.languages else "en"
            text = _SENTENCES.get(language, _SENTENCES["en"])
        result = engine.synthesize(text, voice=args.name)
    audio = wav_bytes(result.pcm, result.sample_rate)
    if args.output == "-":
        sys.stdout.buffer.write(audio)
    elif args.output:
        Path(args.output).write_bytes(audio)
    else:
        from lunavox_edge.cli.play import play

        play(audio, player)
    return ExitCode.OK
