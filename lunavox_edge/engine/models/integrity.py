"""Is an installed model what was installed? Its files against the hashes of its manifest, before it loads.

Hashing reads all of a model, so it is left out as long as its files are those that were hashed before.
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
    """Return whether the model at `path` has hashes to be held to. Raises BrokenModel if it differs.

    `cache_dir` is where the files are remembered that were hashed.
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
        # Without it the next load only takes longer.
        notes.keep(note, found)
    return True


def _differs(manifest: Manifest, what: str) -> BrokenModel:
    _LOGGER.error("The model %s is not what was installed: %s", manifest.name, what)
    kind = "voices" if manifest.kind.value == "tts" else "models"
    return BrokenModel(
        f"The files of '{manifest.name}' are not those that were installed: {what}. Install it anew: "
        f"lunavox-edge {kind} remove {manifest.name} && lunavox-edge {kind} pull {manifest.name}"
    )


def _fingerprint(manifest: Manifest, folder: Path) -> dict[str, list[int | str]]:
    """What changes with the files or with what they ought to be; unlike a time, no copy can keep it all."""
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
