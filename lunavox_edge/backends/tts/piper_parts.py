"""The parts of a Piper voice as files: made once, kept beside the voice, found again.

A voice is known by the hash of its file, so one that changed is cut anew; the parts are known by
theirs, so damaged ones are too. Hashing reads all of a file, so it is left out as long as the files
are those that were hashed before. The folder of a cut appears at once and whole; several processes
may make it at the same time.
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
"""Beside the voice; hidden, so that nobody takes the parts for voices."""
_HASHES = "hashes.json"
_FORMAT = 2
"""Raised when voices are cut differently, so that no older cut is used."""
_PART_SUFFIX = ".part"
_ABANDONED_S = 600.0
"""A half-written cut untouched for this long was left by a process that died."""
_BLOCK_BYTES = 1 << 20

_LOGGER = logging.getLogger(__name__)


def cached_place(cache_dir: Path, model: Path) -> Path:
    """Return where the cache keeps parts; voices of one name in two folders do not meet there."""
    where = hashlib.blake2b(str(model.parent.absolute()).encode(errors="replace"), digest_size=6)
    return cache_dir / "parts" / where.hexdigest()


def parts(model: Path, places: Sequence[Path], *, anew: bool = False) -> Path:
    """Return the folder with the parts of a voice, in the first of `places` that has or can take it.

    `anew` replaces what is there. Raises NotCuttable with the reason.
    """
    found = None if anew else noted_parts(model, places)
    if found is not None:
        return found
    try:
        stamp = _stamp(model)
        # Not mapped: a voice that is replaced meanwhile would end the process.
        content = model.read_bytes()
    except OSError as error:
        raise NotCuttable(f"its file cannot be read ({error.strerror})") from error
    name = f"{model.stem}-{_new_hash(content).hexdigest()}-{_FORMAT}"
    whole = (place / name for place in places if not anew and _is_whole(place / name))
    folder = next(whole, None) or _make(content, places, name, model.stem)
    _note(model, stamp, folder)
    return folder


def noted_parts(model: Path, places: Iterable[Path]) -> Path | None:
    """Return the folder with the parts if neither they nor the voice changed since they were checked."""
    for place in places:
        # An unreadable note is as good as none.
        with suppress(OSError, ValueError, LookupError, TypeError):
            note = notes.recall(_note_path(place, model))
            folder = place / Path(str(note["folder"])).name
            if note["stamps"] == _stamps(_stamp(model), folder):
                return folder
    return None


def obstacle(model: Path, places: Iterable[Path]) -> str | None:
    """Say why `parts` would fail, None if it would not; nothing is written."""
    try:
        find_cut(model.read_bytes())
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    except NotCuttable as error:
        return str(error)
    for place in places:
        with suppress(OSError):
            there = next(folder for folder in (place, *place.parents) if folder.exists())
            if there.is_dir() and os.access(there, os.W_OK):
                return None
    return "there is no folder that its parts can be kept in"


def _stamp(path: Path) -> list[int]:
    """Return what changes with a file's content; unlike the time alone, no copy can keep all of it."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _stamps(model: list[int], folder: Path) -> list[list[int]]:
    return [model, *(_stamp(folder / name) for name in _names(folder))]


def _names(folder: Path) -> list[str]:
    """Return the files of a folder that are parts."""
    flow = [FLOW] if (folder / FLOW).exists() else []
    return [TEXT, *flow, VOCODER]


def _note_path(place: Path, model: Path) -> Path:
    return place / f"{model.stem}.json"


def _note(model: Path, stamp: list[int], folder: Path) -> None:
    """Remember that `folder` belongs to the voice; without a note it is only found more slowly."""
    with suppress(OSError):
        noted = {"folder": folder.name, "stamps": _stamps(stamp, folder)}
        notes.keep(_note_path(folder.parent, model), noted, mode=0o644)


def _new_hash(content: bytes = b"") -> Any:  # noqa: ANN401  # the type has no public name
    return hashlib.blake2b(content, digest_size=12)


def _is_whole(folder: Path) -> bool:
    """Whether the parts in a folder are as they were written."""
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
    """Write to the disk itself; return the hash."""
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
    # Another process was faster, or what is there is damaged.
    if not _is_whole(target):
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)


def _remove_others(place: Path, name: str, stem: str) -> None:
    """Remove what was cut from the voice before it changed, and what was left half done."""
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
