"""Tables and JSON of catalog entries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind

if TYPE_CHECKING:
    from lunavox_edge.engine.catalog.catalog import Catalog
    from lunavox_edge.settings.model import Settings

MAX_COLUMNS = 100

_MAX_LANGUAGES = 2
_MIN_CELL = 8


def open_catalog(settings: Settings) -> Catalog:
    """Return the refreshed catalog; waits a moment if files have just changed."""
    from lunavox_edge.backends import registry
    from lunavox_edge.engine.catalog.catalog import Catalog
    from lunavox_edge.engine.catalog.sources import SETTLE_S

    catalog = Catalog(
        folders=settings.catalog.folders,
        cache_dir=settings.catalog.resolved_cache_dir(),
        aliases=settings.voices,
        backends=registry.usable(),
    )
    catalog.refresh()
    if catalog.settling:
        time.sleep(SETTLE_S)
        catalog.refresh()
    return catalog


def print_catalog(
    settings: Settings, catalog: Catalog, entries: Sequence[ModelEntry], kinds: Sequence[ModelKind]
) -> None:
    """Print entries as a table, then entries hidden by another of the same name, then broken ones."""
    defaults = (default_entry(settings, catalog, kind) for kind in ModelKind)
    chosen = {(entry.kind, entry.name) for entry in defaults if entry is not None}
    hidden = [entry for entry in catalog.shadowed() if entry.kind in kinds]
    rows = [
        _row(entry, entry.name + (" *" if (entry.kind, entry.name) in chosen else "")) for entry in entries
    ]
    rows += [_row(entry, f"{entry.name}@{entry.source_kind.value}") for entry in hidden]
    header = ("NAME", "KIND", "LANGUAGES", "SPEAKERS", "SIZE", "LICENCE", "SOURCE")
    print_table(header, rows, right=("SPEAKERS", "SIZE"))
    if any((entry.kind, entry.name) in chosen for entry in entries):
        print("\n* used for requests that name no model or voice")
    print_broken(catalog.broken())


def print_broken(broken: Iterable[BrokenEntry]) -> None:
    """Print entries that cannot be used, with the reason."""
    broken = tuple(broken)
    if broken:
        print("\nCannot be used:")
    for item in broken:
        about = f"  {item.path}: " if item.path != Path(item.path.name) else "  "
        print(f"{about}{item.reason}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Print a table of at most MAX_COLUMNS characters a line; the widest columns are cut first.

    `right` names the columns that are aligned to the right.
    """
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    room = MAX_COLUMNS - 2 * (len(header) - 1)
    while sum(widths) > room and max(widths) > _MIN_CELL:
        widths[widths.index(max(widths))] -= 1
    for row in (header, *rows):
        cells = []
        for title, cell, width in zip(header, row, widths, strict=True):
            cut = cell if len(cell) <= width else f"{cell[: width - 1]}…"
            cells.append(cut.rjust(width) if title in right else cut.ljust(width))
        print("  ".join(cells).rstrip())


def catalog_json(catalog: Catalog, entries: Sequence[ModelEntry], kinds: Iterable[ModelKind]) -> str:
    """Return entries, hidden entries and broken entries as one JSON object."""
    kinds = set(kinds)
    return json.dumps(
        {
            "entries": [entry_fields(entry) for entry in entries],
            "hidden": [entry_fields(entry) for entry in catalog.shadowed() if entry.kind in kinds],
            "broken": [asdict(item) | {"path": str(item.path)} for item in catalog.broken()],
        },
        indent=2,
        ensure_ascii=False,
    )


def entry_fields(entry: ModelEntry) -> dict[str, object]:
    """Return an entry as a dictionary of JSON values."""
    return asdict(entry) | {
        "kind": entry.kind.value,
        "source_kind": entry.source_kind.value,
        "path": str(entry.path),
    }


def default_entry(settings: Settings, catalog: Catalog, kind: ModelKind) -> ModelEntry | None:
    """Return the default model or voice of the settings; None if not installed, and for wake words."""
    from lunavox_edge.errors import CatalogError

    if kind is ModelKind.WAKE:
        return None
    try:
        return catalog.find(settings.stt.model if kind is ModelKind.STT else settings.tts.voice, kind)
    except CatalogError:
        return None


def size_text(size_bytes: int) -> str:
    """Return a readable size: `63 MB`, `1.5 GB`; `-` for zero."""
    if size_bytes >= 1_000_000_000:  # noqa: PLR2004 - a billion
        return f"{size_bytes / 1e9:.1f} GB"
    if 0 < size_bytes < 1_000_000:  # noqa: PLR2004 - a million
        return f"{max(1, round(size_bytes / 1e3))} kB"
    return f"{round(size_bytes / 1e6)} MB" if size_bytes else "-"


def languages_text(languages: Sequence[str]) -> str:
    """Return languages as short text; the number of languages if there are more than two."""
    if not languages:
        return "any"
    return ", ".join(languages) if len(languages) <= _MAX_LANGUAGES else f"{len(languages)} languages"


def _row(entry: ModelEntry, name: str) -> tuple[str, ...]:
    speakers = str(max(1, len(entry.speakers))) if entry.kind is ModelKind.TTS else ""
    return (
        name,
        entry.kind.value,
        languages_text(entry.languages),
        speakers,
        size_text(entry.size_bytes),
        entry.licence,
        entry.source,
    )
