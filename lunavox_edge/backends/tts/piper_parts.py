"""The parts of a Piper voice as files: written once, kept beside the voice or in the cache, found again.

Voices and parts are identified by hashes of their files, so a voice that has changed and parts that are
damaged are cut again. Because hashing reads whole files, it is skipped while size, times and inode are those
of the last check. The folder of a cut appears complete; several processes may create it at the same time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lunavox_edge.backends.tts.piper_cut import FLOW, TEXT, VOCODER, Cut, find_cut
from lunavox_edge.backends.tts.reach import NotCuttable
from lunavox_edge.host import notes

FOLDER = ".lunavox-edge"
"""Folder beside the voice; hidden, so that the parts are not listed as voices."""
_HASHES = "hashes.json"
_FORMAT = 2
"""Version of the way voices are cut; increased with every change, so that no older cut is used."""
_PART_SUFFIX = ".part"
_ABANDONED_S = 600.0
"""An incomplete cut unchanged for this long was left by a process that died."""
_BLOCK_BYTES = 1 << 20

_LOGGER = logging.getLogger(__name__)


def cached_place(cache_dir: Path, model: Path) -> Path:
    """Return the folder for parts in the cache; it differs for voices of one name in two folders."""
    where = hashlib.blake2b(str(model.parent.absolute()).encode(errors="replace"), digest_size=6)
    return cache_dir / "parts" / where.hexdigest()


def parts(model: Path, places: Sequence[Path], *, anew: bool = False) -> Path:
    """Return the folder with the parts of a voice, from the first of `places` that has or can store it.

    `anew` cuts the voice again. Raises NotCuttable with the reason.
    """
    found = None if anew else noted_parts(model, places)
    if found is not None:
        return found
    try:
        stamp = _stamp(model)
        # Not memory-mapped: if the file is truncated meanwhile, the process would be killed.
        content = model.read_bytes()
    except OSError as error:
        raise NotCuttable(f"its file cannot be read ({error.strerror})") from error
    name = f"{model.stem}-{_new_hash(content).hexdigest()}-{_FORMAT}"
    intact = (place / name for place in places if not anew and _is_intact(place / name))
    folder = next(intact, None) or _make(content, places, name, model.stem)
    _note(model, stamp, folder)
    return folder


def noted_parts(model: Path, places: Iterable[Path]) -> Path | None:
    """Return the folder with the parts if neither they nor the voice have changed since the last check."""
    for place in places:
        # An unreadable note counts as missing.
        with suppress(OSError, ValueError, LookupError, TypeError):
            note = notes.recall(_note_path(place, model))
            folder = place / Path(str(note["folder"])).name
            if note["stamps"] == _stamps(_stamp(model), folder):
                return folder
    return None


def obstacle(model: Path, places: Iterable[Path]) -> str | None:
    """Return why `parts` would fail, None if it would not; nothing is written."""
    try:
        find_cut(model.read_bytes())
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    except NotCuttable as error:
        return str(error)
    for place in places:
        with suppress(OSError):
            existing = next(folder for folder in (place, *place.parents) if folder.exists())
            if existing.is_dir() and os.access(existing, os.W_OK):
                return None
    return "there is no folder that its parts can be kept in"


def _stamp(path: Path) -> list[int]:
    """Return properties of a file that change with its content; a copy cannot have all of them the same."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _stamps(model: list[int], folder: Path) -> list[list[int]]:
    return [model, *(_stamp(folder / name) for name in _names(folder))]


def _names(folder: Path) -> list[str]:
    """Return the file names of the parts in a folder."""
    flow = [FLOW] if (folder / FLOW).exists() else []
    return [TEXT, *flow, VOCODER]


def _note_path(place: Path, model: Path) -> Path:
    return place / f"{model.stem}.json"


def _note(model: Path, stamp: list[int], folder: Path) -> None:
    """Note that `folder` belongs to the voice. A failure is ignored: the folder is then found by hash."""
    with suppress(OSError):
        noted = {"folder": folder.name, "stamps": _stamps(stamp, folder)}
        notes.keep(_note_path(folder.parent, model), noted, mode=0o644)


def _new_hash(content: bytes = b"") -> Any:  # noqa: ANN401  # the type has no public name
    return hashlib.blake2b(content, digest_size=12)


def _is_intact(folder: Path) -> bool:
    """Whether the parts in a folder have the hashes with which they were written."""
    try:
        wanted = json.loads((folder / _HASHES).read_bytes())
        return bool(wanted == {name: _hash_of(folder / name) for name in _names(folder)})
    except (OSError, ValueError):
        return False


def _hash_of(path: Path) -> str:
    found = _new_hash()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
    return str(found.hexdigest())


def _make(content: bytes, places: Iterable[Path], name: str, stem: str) -> Path:
    started = time.monotonic()
    cut = find_cut(content)
    problem = "there is no folder that its parts can be kept in"
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
            _remove_others(place, name, stem)
            _LOGGER.info("Preparing the voice %s so that it speaks sooner; this is done once", stem)
            with tempfile.TemporaryDirectory(
                prefix=f"{name}.", suffix=_PART_SUFFIX, dir=place, ignore_cleanup_errors=True
            ) as folder:
                part = Path(folder) / "cut"
                part.mkdir()
                _write_parts(part, cut)
                _publish(part, place / name)
        except OSError as error:
            problem = f"its parts cannot be kept in {place.name} ({error.strerror})"
            continue
        _LOGGER.debug("Cut %s in %.2f s", stem, time.monotonic() - started)
        return place / name
    raise NotCuttable(problem)


def _write_parts(folder: Path, cut: Cut) -> None:
    hashes = {name: _write(folder / name, content) for name, content in cut.files().items()}
    _write(folder / _HASHES, [json.dumps(hashes).encode()])


def _write(path: Path, pieces: Iterable[bytes | memoryview]) -> str:
    """Write a file, flush it to the disk and return its hash."""
    found = _new_hash()
    with path.open("wb") as file:
        for piece in pieces:
            found.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return str(found.hexdigest())


def _publish(part: Path, target: Path) -> None:
    with suppress(OSError):
        part.rename(target)
        return
    # Another process was faster, or the existing folder is damaged.
    if not _is_intact(target):
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)


def _remove_others(place: Path, name: str, stem: str) -> None:
    """Remove the cuts of earlier versions of the voice, and abandoned incomplete ones."""
    ours = re.compile(rf"{re.escape(stem)}-[0-9a-f]{{24}}-\d+(?P<part>\..+)?")
    for item in place.iterdir():
        found = ours.fullmatch(item.name)
        if found is None or item.name == name:
            continue
        with suppress(OSError):
            if not found["part"]:
                shutil.rmtree(item)
            elif time.time() - item.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(item) if item.is_dir() else item.unlink()
