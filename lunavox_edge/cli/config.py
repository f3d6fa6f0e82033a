"""`lunavox-edge check-config`: print every problem of the settings, and names that are not installed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from lunavox_edge.settings.model import Settings
    from lunavox_edge.settings.reading import LoadedSettings

_SECRET_WORDS = ("password", "secret", "token")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "check-config",
        help="check the settings and show where they come from",
        description="Print every problem of the settings at once, with file, line and key, or OK with the "
        "file and the environment variables in effect, and a warning for each model, voice, wake word or "
        "language of stt, tts, wake and voices that nothing installed has; no model is loaded. Exit 0 if "
        "they are valid, also with warnings, 1 if not.",
    )
    parser.set_defaults(run_bare=_run)


def _run(args: argparse.Namespace) -> int:
    from lunavox_edge.errors import SettingsError
    from lunavox_edge.settings.reading import read_settings

    try:
        loaded = read_settings(args.config)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return ExitCode.ERROR
    print("OK")
    print(f"file: {loaded.file or 'none, the defaults apply'}")
    for name, key in loaded.overrides.items():
        print(f"{name}: {key} = {_shown(loaded, key)}")
    warnings = _not_installed(loaded.settings)
    for warning in warnings:
        print(f"warning: {warning}")
    if warnings:
        print("To install: lunavox-edge voices install NAME, or lunavox-edge models pull NAME")
    return ExitCode.OK


def _not_installed(settings: Settings) -> list[str]:
    """Return a sentence for each name or language of the settings that nothing installed has."""
    from lunavox_edge.engine.catalog.catalog import Catalog
    from lunavox_edge.engine.model_lookup import ModelLookup
    from lunavox_edge.errors import LunavoxError
    from lunavox_edge.host import system
    from lunavox_edge.types import ModelKind

    system.quiet_openmp()
    system.forbid_telemetry()
    try:
        catalog = Catalog.of(settings)
        lookup = ModelLookup(settings, catalog)
        found = [*lookup.substitutes().values(), *lookup.unknown_names().values()]
        # `substitutes` has no error where there is nothing to use instead.
        for kind, named in (
            (ModelKind.STT, "model" in settings.stt.model_fields_set),
            (ModelKind.TTS, "voice" in settings.tts.model_fields_set),
        ):
            if named and not any(entry.kind is kind for entry in catalog.entries()):
                try:
                    catalog.find(lookup.name_in_settings(kind), kind)
                except LunavoxError as error:
                    found.append(error)
        aliases = [item.reason for item in catalog.broken() if item.reason.startswith("voices: ")]
    except (LunavoxError, OSError) as error:
        return [f"The names of models and voices are not checked: {error}"]
    return [*map(str, found), *aliases]


def _shown(loaded: LoadedSettings, key: str) -> str:
    section, _, name = key.partition(".")
    if any(word in name for word in _SECRET_WORDS):
        return "(hidden)"
    values = loaded.settings.model_dump(mode="json")[section]
    return str(values[name])
