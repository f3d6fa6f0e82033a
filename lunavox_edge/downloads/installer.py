"""Atomic installation and removal of downloaded models.

Files are downloaded into `hub/.partial/<kind>/<name>/` and verified against the digests that the hub
announced; as the last step their folder is renamed to `hub/<kind>/<name>/`. An interruption leaves files
under `.partial` only, and the next attempt resumes from them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.downloads.hub_index import HubFile, licence_of_card
from lunavox_edge.engine.catalog.manifest import InstalledFile, Manifest, hub_folder, read_manifest
from lunavox_edge.errors import Busy, DownloadFailed
from lunavox_edge.types import ModelKind

RESERVE_BYTES = 64 << 20
"""Free space that an installation must leave on the disk, for logs and other programs."""

_LOCKED_RETRY_S = 30.0
_READ_BYTES = 1 << 20
_TRASH_PREFIX = ".removed-"
_OLD_TRASH_S = 3600.0
"""No process deletes a folder for longer than this; it was killed, or the power failed."""

Progress = Callable[[int, int], None]
"""Called with the bytes downloaded so far and the total; may raise to stop."""

Fetch = Callable[[HubFile, Path, Callable[[int], None]], None]
"""Downloads one file to a path and calls back with its size after every piece."""


@dataclass(frozen=True, slots=True)
class DownloadOffer:
    """The files that the hub offers for one name, and their origin."""

    name: str
    kind: ModelKind
    repo: str
    revision: str
    licence: str
    files: tuple[HubFile, ...]
    aliases: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)


class Installer:
    """Installs models into the folder `hub` of the cache. Every method raises OSError if the disk fails."""

    def __init__(self, *, cache_dir: Path, free_bytes: Callable[[Path], int]) -> None:
        """Create an installer without touching the disk; `free_bytes` returns the free space of a folder."""
        self._cache_dir = cache_dir
        self._partial = cache_dir / "hub" / ".partial"
        self._free_bytes = free_bytes

    def home(self, kind: ModelKind, name: str) -> Path:
        """Return the folder that this model is or would be installed in."""
        return hub_folder(self._cache_dir, kind) / name

    @contextmanager
    def locked(self, kind: ModelKind, name: str) -> Iterator[None]:
        """Lock out other processes that install or remove the same model. Raises Busy if one does."""
        self._partial.mkdir(parents=True, exist_ok=True)
        with (self._partial / f"{kind.value}-{name}.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = f"'{name}' is being installed or removed by another process; let it finish."
                raise Busy(message, retry_after_s=_LOCKED_RETRY_S) from error
            yield

    def as_offered(self, offer: DownloadOffer) -> Manifest | None:
        """Return the manifest if exactly the offered files are already installed, else None."""
        home = self.home(offer.kind, offer.name)
        manifest = read_manifest(home)
        if manifest is None:
            return None
        installed = {file.name: file for file in manifest.files}
        for file in offer.files:
            path, known = home / file.name, installed.get(file.name)
            if known is None or not path.is_file() or path.stat().st_size != file.size_bytes:
                return None
            if file.sha256 is not None and file.sha256 != known.sha256:
                return None
            if file.sha256 is None and _verify(path, file)[0]:
                return None
        return manifest

    def install(self, offer: DownloadOffer, fetch: Fetch, on_progress: Progress | None) -> Manifest:
        """Download what is missing, verify everything, and move it into place. Call it under `locked`.

        Raises DownloadFailed if a file differs from its announced digest or the disk has too little space.
        """
        staging = self._staging(offer)
        done = {file: _size_bytes(staging / file.name) for file in offer.files}
        self._check_room(offer, sum(done.values()))
        for file in offer.files:

            def on_bytes(size_bytes: int, file: HubFile = file) -> None:
                done[file] = size_bytes
                if on_progress is not None:
                    on_progress(sum(done.values()), offer.size_bytes)

            on_bytes(done[file])
            fetch(file, staging / file.name, on_bytes)
        manifest = _manifest(offer, staging)
        manifest.write(staging)
        _sync(staging)
        home = self.home(offer.kind, offer.name)
        home.parent.mkdir(parents=True, exist_ok=True)
        self.discard(home)
        staging.replace(home)
        with suppress(OSError):
            staging.parent.rmdir()
        return manifest

    def discard(self, folder: Path) -> None:
        """Remove a folder atomically (by renaming it), then delete its content."""
        if not folder.exists():
            return
        self._partial.mkdir(parents=True, exist_ok=True)
        trash = Path(tempfile.mkdtemp(prefix=_TRASH_PREFIX, dir=self._partial))
        folder.replace(trash / folder.name)
        shutil.rmtree(trash, ignore_errors=True)

    def _staging(self, offer: DownloadOffer) -> Path:
        """Return the folder to download into; leftovers of other versions are removed."""
        parent = self._partial / offer.kind.value / offer.name
        identity = hashlib.sha256(repr(offer.files).encode()).hexdigest()[:16]
        parent.mkdir(parents=True, exist_ok=True)
        for trash in self._partial.glob(f"{_TRASH_PREFIX}*"):
            if time.time() - trash.stat().st_mtime > _OLD_TRASH_S:
                shutil.rmtree(trash, ignore_errors=True)
        for other in parent.iterdir():
            if other.name != identity:
                self.discard(other)
        staging = parent / identity
        staging.mkdir(exist_ok=True)
        return staging

    def _check_room(self, offer: DownloadOffer, there_bytes: int) -> None:
        needed = offer.size_bytes - there_bytes + RESERVE_BYTES
        free = self._free_bytes(self._partial)
        if free < needed:
            raise DownloadFailed(
                f"The disk is too full for '{offer.name}': it needs {needed / 1e6:.0f} MB and "
                f"{free / 1e6:.0f} MB are free. Remove models you do not use, or point "
                "catalog.cache_dir to a larger disk."
            )


def disk_trouble(error: OSError) -> DownloadFailed:
    """Turn an error of the disk into an error with advice."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadFailed(
            "The disk became full. Remove models you do not use, or point catalog.cache_dir to a larger "
            "disk; what was fetched so far is kept."
        )
    return DownloadFailed(
        f"The cache folder cannot be used ({error.strerror or type(error).__name__}). Check the rights of "
        "the folder that catalog.cache_dir names."
    )


def _manifest(offer: DownloadOffer, folder: Path) -> Manifest:
    installed, licence = [], offer.licence
    for file in offer.files:
        path = folder / file.name
        wrong, sha256 = _verify(path, file)
        if wrong:
            path.unlink()
            raise DownloadFailed(
                f"The file '{file.name}' of '{offer.name}' arrived damaged ({wrong} differs) and was "
                "deleted. Try again; if it happens again, the hub or the network in between is at fault."
            )
        installed.append(InstalledFile(file.name, file.size_bytes, sha256))
        if file.name == "MODEL_CARD":
            licence = licence_of_card(path.read_text(encoding="utf-8", errors="replace")) or licence
    return Manifest(
        name=offer.name,
        kind=offer.kind,
        repo=offer.repo,
        revision=offer.revision,
        licence=licence or "unknown",
        files=tuple(installed),
        aliases=offer.aliases,
    )


def _verify(path: Path, file: HubFile) -> tuple[str, str]:
    """Return the names of the digests that differ from the announced ones ('' if none), and the SHA-256."""
    size_bytes = _size_bytes(path)
    digests = {
        "sha256": (hashlib.sha256(), file.sha256),
        "sha1": (hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False), file.git_sha1),
        "md5": (hashlib.md5(usedforsecurity=False), file.md5),
    }
    wanted = {name: pair for name, pair in digests.items() if name == "sha256" or pair[1] is not None}
    with path.open("rb") as opened:
        while piece := opened.read(_READ_BYTES):
            for digest, _ in wanted.values():
                digest.update(piece)
    wrong = [
        name for name, (digest, expected) in wanted.items() if expected not in (None, digest.hexdigest())
    ]
    if size_bytes != file.size_bytes:
        wrong.insert(0, "size")
    return ", ".join(wrong), digests["sha256"][0].hexdigest()


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sync(folder: Path) -> None:
    """Flush everything in `folder` to the disk, so that a power cut after the rename loses no content."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
