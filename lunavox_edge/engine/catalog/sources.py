"""The sources of models: packages, folders, and what was installed from the hub."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lunavox_edge.backends.base import Backend
from lunavox_edge.engine.catalog.manifest import hub_folder, read_manifest
from lunavox_edge.host.folders import items_once
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

# A folder named by mistake (`/`, a home) must not stall the service. No collection of voices has
# nearly as many files (all of Piper's voices are about 500).
MAX_FILES_PER_FOLDER = 20_000

# A file that changed this recently may still be being copied. A copy that stalls for longer fails in
# the backend, and is looked at again because its size changes later.
SETTLE_S = 1.0

_LOGGER = logging.getLogger(__name__)

Found = ModelEntry | BrokenEntry


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of one scan, sources of higher rank first.

    `settling` says that files are still changing, so that another scan soon is useful.
    """

    entries: tuple[ModelEntry, ...]
    broken: tuple[BrokenEntry, ...]
    settling: bool


class Sources:
    """The places to scan, and a cheap way to see whether they changed. Immutable."""

    def __init__(
        self,
        *,
        folders: Sequence[Path],
        cache_dir: Path,
        backends: Sequence[type[Backend]],
        now_s: Callable[[], float],
    ) -> None:
        """Scan these places later; nothing is read yet. `now_s` is the clock of file times."""
        self._folders = tuple(dict.fromkeys(folders))
        self._cache_dir = cache_dir
        self._backends = tuple(backends)
        self._now_s = now_s

    def elsewhere(self, folders: Sequence[Path]) -> Sources:
        """Return a copy with other folders."""
        return Sources(folders=folders, cache_dir=self._cache_dir, backends=self._backends, now_s=self._now_s)

    def signature(self) -> bytes:
        """Return a digest of names, sizes and times below every folder; no file is opened."""
        digest = hashlib.blake2b(digest_size=16)
        roots = (*self._folders, *(hub_folder(self._cache_dir, kind) for kind in ModelKind))
        for root in roots:
            for path, status in _walk(root):
                digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="replace"))
        return digest.digest()

    def scan(self) -> Findings:
        """Scan all places with every backend."""
        found: list[Found] = []
        for folder in self._folders:
            found += self._in_folder(folder)
        for kind in ModelKind:
            found += self._from_hub(kind)
        for backend in self._backends:
            found += _ask(backend, backend.packaged, self._cache_dir)
        entries = _without_twins(item for item in found if isinstance(item, ModelEntry))
        usable = {entry.path for entry in entries}
        now_s = self._now_s()
        checked = [_with_changes(entry, now_s) for entry in entries]
        entries = [entry for entry, is_settling in checked if not is_settling]
        unsettled = [entry for entry, is_settling in checked if is_settling]
        broken = [item for item in found if isinstance(item, BrokenEntry) and item.path not in usable]
        broken += [_still_copied(entry) for entry in unsettled]
        return Findings(
            entries=tuple(entries),
            broken=tuple(dict.fromkeys(broken)),
            settling=bool(unsettled),
        )

    def _in_folder(self, folder: Path) -> list[Found]:
        if not _is_folder(folder):
            return [
                BrokenEntry(folder, "", "This folder is not there. Create it or correct catalog.folders.")
            ]
        if sum(1 for _ in _walk(folder)) > MAX_FILES_PER_FOLDER:
            reason = (
                f"This folder holds over {MAX_FILES_PER_FOLDER} files; name a smaller one in catalog.folders."
            )
            return [BrokenEntry(folder, "", reason)]
        return [
            replace(item, source_kind=SourceKind.FOLDER) if isinstance(item, ModelEntry) else item
            for backend in self._backends
            for item in _ask(backend, backend.discover, folder)
        ]

    def _from_hub(self, kind: ModelKind) -> list[Found]:
        folder = hub_folder(self._cache_dir, kind)
        if not _is_folder(folder):
            return []
        return [
            _described(item, folder)
            for backend in self._backends
            if backend.kind is kind
            for item in _ask(backend, backend.discover, folder)
        ]


def _is_folder(path: Path) -> bool:
    """Whether this is a folder that this process can see."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _ask(backend: type[Backend], question: Callable[[Path], Sequence[Found]], place: Path) -> Sequence[Found]:
    try:
        return question(place)
    except Exception:  # third-party code: one failing backend must not hide the others' models
        _LOGGER.exception("Backend %s failed to look for models in %s", backend.name, place)
        return (BrokenEntry(place, backend.name, "Looking for models failed; the log says why."),)


def _described(item: Found, folder: Path) -> Found:
    """Return the item with what its manifest says; `folder` is the hub folder of its kind."""
    try:
        home = folder / item.path.relative_to(folder).parts[0]
    except (ValueError, IndexError):
        return item
    manifest = read_manifest(home)
    if isinstance(item, BrokenEntry):
        if manifest is None:
            return item
        return replace(item, reason=f"{item.reason} Install '{manifest.name}' again to repair it.")
    entry = replace(item, source_kind=SourceKind.HUB)
    if manifest is None:
        return entry
    return replace(
        entry,
        name=manifest.name,
        licence=manifest.licence,
        source=f"hub {manifest.repo}",
        size_bytes=manifest.size_bytes,
        aliases=tuple(dict.fromkeys((*entry.aliases, *manifest.aliases))),
        version=entry.version or manifest.revision[:12],
    )


def _without_twins(entries: Iterator[ModelEntry]) -> list[ModelEntry]:
    """Leave out entries that were found again through another folder; the first one stays."""
    unique: dict[tuple[str, str], ModelEntry] = {}
    for entry in entries:
        unique.setdefault((entry.backend, os.path.realpath(entry.path)), entry)
    return list(unique.values())


def _with_changes(entry: ModelEntry, now_s: float) -> tuple[ModelEntry, bool]:
    """Return the entry with the time its files last changed, and whether they are still changing."""
    if entry.source_kind is not SourceKind.FOLDER:
        return entry, False
    try:
        files = _files(entry)
    except OSError:
        return entry, True
    # A file that was moved here has a new change time, though its content is old.
    changed_ns = max((max(status.st_mtime_ns, status.st_ctime_ns) for status in files), default=0)
    # On a board without a clock battery files may be from the future: those are not changing.
    is_settling = any(abs(now_s - status.st_mtime) < SETTLE_S for status in files)
    return replace(entry, changed_ns=changed_ns), is_settling


def _files(entry: ModelEntry) -> list[os.stat_result]:
    files = [entry.path, entry.path.with_name(f"{entry.path.name}.json")]
    if entry.path.is_dir():
        files += entry.path.iterdir()
    return [file.stat() for file in files if file.is_file()]


def _still_copied(entry: ModelEntry) -> BrokenEntry:
    reason = "Its files changed a moment ago; it is used as soon as they stay the same."
    return BrokenEntry(entry.path, entry.backend, reason)


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file and folder below `root` in a stable order, MAX_FILES_PER_FOLDER + 1 at most."""
    seen: set[tuple[int, int]] = set()
    left = MAX_FILES_PER_FOLDER + 1
    stack = [root]
    while stack and left > 0:
        folder = stack.pop()
        items = items_once(folder, seen)
        if items is None:
            continue
        for item in items[:left]:
            try:
                status = item.stat()
                is_folder = item.is_dir()
            except OSError:
                continue
            left -= 1
            yield item.path, status
            if is_folder:
                stack.append(Path(item.path))
