"""Installation and removal of models and voices of the hub, for `models` and `voices`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lunavox_edge.cli.exit_codes import ExitCode, exit_code
from lunavox_edge.cli.listing import default_entry, open_catalog, size_text
from lunavox_edge.cli.progress import transfer_progress
from lunavox_edge.errors import LunavoxError, UnknownModel, UnknownVoice
from lunavox_edge.types import ModelEntry, ModelKind, SourceKind

if TYPE_CHECKING:
    from lunavox_edge.downloads.model_hub import ModelHub
    from lunavox_edge.engine.catalog.catalog import Catalog
    from lunavox_edge.engine.catalog.manifest import Manifest
    from lunavox_edge.settings.model import Settings


def open_hub(settings: Settings) -> ModelHub:
    """Return the model hub of the settings."""
    from lunavox_edge.downloads.model_hub import ModelHub

    return ModelHub(cache_dir=settings.catalog.resolved_cache_dir(), endpoint=settings.catalog.hub_endpoint)


def install(settings: Settings, wanted: Iterable[tuple[str, ModelKind | None]]) -> int:
    """Install pairs of name and kind, one after the other; with kind None the name decides.

    A failure does not stop the rest. Return the exit status of the first failure, or OK.
    """
    hub = open_hub(settings)
    status = ExitCode.OK
    for name, kind in wanted:
        try:
            with transfer_progress(name) as on_progress:
                pulled = hub.pull(name, kind, on_progress)
        except LunavoxError as error:
            print(error, file=sys.stderr)
            status = status or exit_code(error)
            continue
        about = f"{pulled.manifest.name} ({size_text(pulled.manifest.size_bytes)}, {pulled.manifest.licence})"
        print(f"{'Installed' if pulled.fetched else 'Already installed:'} {about}", flush=True)
        if not _is_usable(open_catalog(settings), pulled.manifest):
            status = status or ExitCode.ERROR
    return status


def remove(settings: Settings, args: argparse.Namespace, kinds: Iterable[ModelKind]) -> int:
    """Remove `args.names` after a confirmation. Return the exit status of the first failure, or OK."""
    hub, catalog = open_hub(settings), open_catalog(settings)
    status = ExitCode.OK
    for name in args.names:
        try:
            manifest = _installed(hub, catalog, name, tuple(kinds))
            if isinstance(manifest, str):
                print(manifest, file=sys.stderr)
                status = status or ExitCode.ERROR
                continue
            refusal = _refused(settings, catalog, manifest, sure=args.yes)
            if refusal is not None:
                return status or refusal
            hub.remove(manifest.name, manifest.kind)
        except LunavoxError as error:
            print(error, file=sys.stderr)
            status = status or exit_code(error)
            continue
        print(f"Removed {manifest.name}. `{_undo(manifest)}` installs it again.", flush=True)
    return status


def _is_usable(catalog: Catalog, manifest: Manifest) -> bool:
    try:
        catalog.find(f"{manifest.name}@{SourceKind.HUB.value}", manifest.kind)
    except LunavoxError:
        reasons = [item.reason for item in catalog.broken() if manifest.name in item.path.parts]
        why = " ".join(reasons) or "No backend that is installed here can run it."
        print(f"{manifest.name} cannot be used: {why}", file=sys.stderr)
        return False
    return True


def _installed(hub: ModelHub, catalog: Catalog, name: str, kinds: tuple[ModelKind, ...]) -> Manifest | str:
    """Return what to remove, or a sentence why it cannot be removed. Raises UnknownModel, UnknownVoice."""
    from lunavox_edge.engine.values.naming import name_key

    manifests = [manifest for kind in kinds for manifest in hub.installed(kind)]
    entry, unknown = None, None
    for kind in kinds:
        try:
            entry = entry or catalog.find(name, kind)
        except (UnknownModel, UnknownVoice) as error:
            unknown = unknown or error
    # A broken model, or one hidden by another of the same name, is not in the catalog but can be removed.
    keys = {name_key(name)} | ({name_key(entry.name)} if entry is not None and _from_hub(entry) else set())
    for manifest in manifests:
        if name_key(manifest.name) in keys:
            return manifest
    if entry is None:
        raise unknown or UnknownModel(f"Nothing named '{name}' is installed.")
    return _why_not(entry)


def _from_hub(entry: ModelEntry) -> bool:
    return entry.source_kind is SourceKind.HUB


def _why_not(entry: ModelEntry) -> str:
    match entry.source_kind:
        case SourceKind.CONFIG:
            return f"'{entry.name}' is an alias in the settings; take it out of `voices:` there."
        case SourceKind.FOLDER:
            return f"'{entry.name}' is in one of your folders; delete it there: {entry.path}"
        case _:
            return f"'{entry.name}' came with the {entry.source}; remove that with pip."


def _refused(settings: Settings, catalog: Catalog, manifest: Manifest, *, sure: bool) -> ExitCode | None:
    """Ask for confirmation unless `sure`. Return None for yes, otherwise the exit status."""
    if sure:
        return None
    default = default_entry(settings, catalog, manifest.kind)
    note = (
        " Requests that name no model or voice use it." if default and default.name == manifest.name else ""
    )
    question = f"Remove {manifest.name} ({size_text(manifest.size_bytes)})?{note}"
    if sys.stdin is None or not sys.stdin.isatty():
        print(f"{question} Add --yes to remove it without a question.", file=sys.stderr)
        return ExitCode.USAGE
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return None
    print("Nothing was removed.", file=sys.stderr)
    return ExitCode.ERROR


def _undo(manifest: Manifest) -> str:
    from lunavox_edge.engine.catalog.known_models import WHISPER_REPOS

    if manifest.kind is ModelKind.TTS:
        return f"lunavox-edge voices install {manifest.name}"
    return f"lunavox-edge models pull {manifest.name if manifest.name in WHISPER_REPOS else manifest.repo}"
