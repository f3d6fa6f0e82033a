"""An installed model is checked against its hashes before a load, and hashed only if a file changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lunavox_edge.engine.catalog.manifest import InstalledFile, Manifest, hub_folder
from lunavox_edge.engine.models import integrity
from lunavox_edge.engine.models.integrity import check_intact
from lunavox_edge.errors import BrokenModel
from lunavox_edge.types import ModelKind

pytestmark = pytest.mark.unit

CONTENT = {"model.bin": b"weights", "config.json": b"{}"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = hub_folder(tmp_path, ModelKind.STT) / "base"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    files = tuple(
        InstalledFile(name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    )
    Manifest("base", ModelKind.STT, "repo", "main", "MIT", files).write(folder)
    return folder


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were hashed."""
    names: list[str] = []
    real = integrity._sha256

    def counting(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(integrity, "_sha256", counting)
    return names


def test_what_is_intact_is_hashed_once(model: Path, tmp_path: Path, hashed: list[str]) -> None:
    assert check_intact(model, tmp_path)
    assert check_intact(model / "model.bin", tmp_path)
    assert sorted(hashed) == sorted(CONTENT)


def test_a_changed_file_is_found_even_with_its_old_time_and_size(model: Path, tmp_path: Path) -> None:
    check_intact(model, tmp_path)
    file = model / "model.bin"
    times = file.stat()
    file.write_bytes(b"Weights")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(BrokenModel, match=r"model.bin changed since\. .*lunavox-edge models pull base"):
            check_intact(model, tmp_path)


def test_a_lost_file_is_named(model: Path, tmp_path: Path) -> None:
    (model / "config.json").unlink()
    with pytest.raises(BrokenModel, match="cannot be read"):
        check_intact(model, tmp_path)


def test_a_touched_file_is_hashed_again(model: Path, tmp_path: Path, hashed: list[str]) -> None:
    check_intact(model, tmp_path)
    hashed.clear()
    os.utime(model / "model.bin")
    assert check_intact(model, tmp_path)
    assert hashed
    hashed.clear()
    check_intact(model, tmp_path)
    assert not hashed


@pytest.mark.parametrize("note", [b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000])
def test_a_broken_note_is_no_note(model: Path, tmp_path: Path, note: bytes, hashed: list[str]) -> None:
    check_intact(model, tmp_path)
    (file,) = (tmp_path / "verified").iterdir()
    file.write_bytes(note)
    hashed.clear()
    assert check_intact(model, tmp_path)
    assert hashed


def test_without_a_place_for_notes_it_is_checked_all_the_same(
    model: Path, tmp_path: Path, hashed: list[str]
) -> None:
    elsewhere = tmp_path / "file"
    elsewhere.write_bytes(b"")
    assert check_intact(model, elsewhere)
    assert check_intact(model, elsewhere)
    assert len(hashed) == 2 * len(CONTENT)


def test_models_without_a_manifest_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(b"own")
    assert not check_intact(tmp_path / "own.onnx", tmp_path)
