"""Checking a model's files against the hashes of its manifest, before it is loaded.

Hashing reads the whole model, so it is skipped as long as size, times and inodes of its files are those
of the last check.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from lunavox_edge.engine.catalog.manifest import Manifest, read_manifest
from lunavox_edge.errors import BrokenModel
from lunavox_edge.host import notes

_FOLDER = "verified"
_BLOCK_BYTES = 1 << 20

_LOGGER = logging.getLogger(__name__)


def check_intact(path: Path, cache_dir: Path) -> bool:
    """Return whether the model at `path` has hashes at all. Raises BrokenModel if its files differ.

    The results of checks are kept in `cache_dir`.
    """
    folder = path if path.is_dir() else path.parent
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    note = cache_dir / _FOLDER / f"{manifest.kind.value}-{manifest.name}.json"
    try:
        found = _fingerprint(manifest, folder)
        if notes.recall(note) == found:
            return True
        differing = [file.name for file in manifest.files if _sha256(folder / file.name) != file.sha256]
        unchanged = _fingerprint(manifest, folder) == found
    except OSError as error:
        raise _differs(manifest, f"a file cannot be read ({error.strerror})") from error
    if differing:
        raise _differs(manifest, f"{', '.join(differing)} changed since")
    _LOGGER.debug("The files of %s are as they were installed", manifest.name)
    if unchanged:
        # If this cannot be written, the next load only takes longer.
        notes.keep(note, found)
    return True


def _differs(manifest: Manifest, what: str) -> BrokenModel:
    _LOGGER.error("The files of the model %s differ from those installed: %s", manifest.name, what)
    kind = "voices" if manifest.kind.value == "tts" else "models"
    return BrokenModel(
        f"The files of '{manifest.name}' are not those that were installed: {what}. Install it anew: "
        f"lunavox-edge {kind} remove {manifest.name} && lunavox-edge {kind} pull {manifest.name}"
    )


def _fingerprint(manifest: Manifest, folder: Path) -> dict[str, list[int | str]]:
    """Return what changes with the files or their hashes; a copied file keeps its time, but not all of it."""
    found: dict[str, list[int | str]] = {}
    for file in manifest.files:
        status = (folder / file.name).stat()
        found[file.name] = [
            file.sha256,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
        ]
    return found


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    return found.hexdigest()
