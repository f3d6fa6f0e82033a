"""The manifest: a small JSON file beside every installed model, with its source and hashes."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from lunavox_edge.engine.values.naming import SAFE_NAME
from lunavox_edge.types import ModelKind

MANIFEST_NAME = "lunavox-edge.json"

_MAX_MANIFEST_BYTES = 1 << 20

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """One file of a model, with the size and hash that were verified at the installation."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is installed in one folder below the hub folder, and where it came from."""

    name: str
    kind: ModelKind
    repo: str
    revision: str
    licence: str
    files: tuple[InstalledFile, ...]
    aliases: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)

    def write(self, folder: Path) -> None:
        """Write the manifest into `folder`. Raises OSError."""
        text = json.dumps(asdict(self) | {"kind": self.kind.value}, indent=2, ensure_ascii=False)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def hub_folder(cache_dir: Path, kind: ModelKind) -> Path:
    """Return the folder that holds the models of this kind installed from the hub, one folder each."""
    return cache_dir / "hub" / kind.value


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in `folder`; None if there is none or it cannot be read, which is logged."""
    path = folder / MANIFEST_NAME
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            name=_safe(data["name"]),
            kind=ModelKind(data["kind"]),
            repo=str(data["repo"]),
            revision=str(data["revision"]),
            licence=str(data["licence"]),
            files=tuple(
                InstalledFile(_safe(file["name"]), int(file["size_bytes"]), str(file["sha256"]))
                for file in data["files"]
            ),
            aliases=tuple(str(alias) for alias in data.get("aliases", ())),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _LOGGER.warning("The manifest in %s cannot be read: %s", folder, error)
        return None


def installed_manifests(cache_dir: Path, kind: ModelKind) -> tuple[Manifest, ...]:
    """Return the manifests of all models of this kind installed from the hub, sorted by folder."""
    folder = hub_folder(cache_dir, kind)
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        _LOGGER.warning("The folder %s cannot be read: %s", folder, error)
        return ()
    return tuple(manifest for child in children if (manifest := read_manifest(child)) is not None)


def _safe(name: object) -> str:
    if not isinstance(name, str) or not SAFE_NAME.fullmatch(name):
        raise ValueError(f"not a file name: {name!r}")
    return name
