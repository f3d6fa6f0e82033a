"""Fake backends: real subclasses whose models are small files or in memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from lunavox_edge.backends.base import Backend, LoadedModel, LoadOptions
from lunavox_edge.errors import BrokenModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind


def entry(  # noqa: PLR0913 - every argument but the first is optional
    name: str,
    kind: ModelKind = ModelKind.TTS,
    *,
    backend: str = "scripted",
    path: Path | None = None,
    languages: tuple[str, ...] = ("en-US",),
    aliases: tuple[str, ...] = (),
    speakers: tuple[str, ...] = (),
    source_kind: SourceKind = SourceKind.PACKAGE,
    phrase: str = "",
) -> ModelEntry:
    """Return a catalog entry with defaults for all fields that are not given."""
    return ModelEntry(
        name=name,
        kind=kind,
        backend=backend,
        path=path or Path("/nowhere") / kind.value / name,
        languages=languages,
        size_bytes=1000,
        licence="CC0",
        source="package scripted 1.0",
        source_kind=source_kind,
        aliases=aliases,
        speakers=speakers,
        phrase=phrase,
    )


def file_backend(
    kind: ModelKind = ModelKind.TTS,
    *,
    suffix: str = ".onnx",
    packaged: Sequence[ModelEntry | BrokenEntry] = (),
    error: Exception | None = None,
) -> type[Backend]:
    """Return a backend whose models are files `NAME<suffix>` beside a `NAME<suffix>.json`.

    The JSON may name `languages`, `aliases` and `speakers`; without it the model is broken.
    With `error` every call of the backend raises it.
    """

    class FileBackend(Backend):
        name = f"file-{kind.value}"

        @classmethod
        def missing(cls) -> str | None:
            return None

        @classmethod
        def packaged(cls, cache_dir: Path) -> Sequence[ModelEntry | BrokenEntry]:
            if error is not None:
                raise error
            return packaged

        @classmethod
        def discover(cls, folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
            if error is not None:
                raise error
            return [cls._read(path) for path in sorted(folder.rglob(f"*{suffix}"))]

        @classmethod
        def _read(cls, path: Path) -> ModelEntry | BrokenEntry:
            about = path.with_name(f"{path.name}.json")
            try:
                data = json.loads(about.read_text())
            except FileNotFoundError:
                return BrokenEntry(path, cls.name, f"{about.name} is missing.")
            except ValueError:
                return BrokenEntry(path, cls.name, f"{about.name} is not JSON.")
            return entry(
                path.name.removesuffix(suffix),
                kind,
                backend=cls.name,
                path=path,
                languages=tuple(data.get("languages", ("en-US",))),
                aliases=tuple(data.get("aliases", ())),
                speakers=tuple(data.get("speakers", ())),
                source_kind=SourceKind.FOLDER,
            )

        def load(self, entry: ModelEntry, options: LoadOptions) -> LoadedModel:
            raise BrokenModel("This backend only finds models.")

    FileBackend.kind = kind
    return FileBackend


def put_model(
    folder: Path, name: str, *, suffix: str = ".onnx", age_s: float = 60.0, **about: object
) -> Path:
    """Write a model for `file_backend` whose files were last changed `age_s` ago."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{name}{suffix}"
    description = folder / f"{name}{suffix}.json"
    model.write_bytes(b"weights")
    description.write_text(json.dumps(about))
    for path in (model, description):
        os.utime(path, (time.time() - age_s,) * 2)
    return model
