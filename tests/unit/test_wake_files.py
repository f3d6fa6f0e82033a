"""Wake words in folders: which are found, which are reported as broken, which files are ignored."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from lunavox_edge.backends.wake import micro_files
from lunavox_edge.backends.wake.micro import MicroWakeBackend
from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.errors import UnknownModel
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

pytestmark = pytest.mark.unit

MODEL = b"\x1c\0\0\0TFL3" + bytes(100)


def about(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    return {
        "type": "micro",
        "wake_word": "Hey Luna",
        "author": "Anouk",
        "website": "https://example.org",
        "model": "hey_luna.tflite",
        "trained_languages": ["nl", "en"],
        "version": 2,
        "micro": {"probability_cutoff": 0.9, "feature_step_size": 10, "sliding_window_size": 5},
        **changes,
    }


def put(
    folder: Path, text: str | None = None, *, model: bytes | None = MODEL, name: str = "hey_luna"
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{name}.json": (json.dumps(about()) if text is None else text).encode()}
    if model is not None:
        files[f"{name}.tflite"] = model
    for file, content in files.items():
        (folder / file).write_bytes(content)
        os.utime(folder / file, (time.time() - 60,) * 2)


def test_a_word_in_a_folder_is_described(tmp_path: Path) -> None:
    put(tmp_path / "mine")
    (entry,) = MicroWakeBackend.discover(tmp_path)
    assert entry == ModelEntry(
        name="hey_luna",
        kind=ModelKind.WAKE,
        backend="microwakeword",
        path=tmp_path / "mine" / "hey_luna.tflite",
        languages=("nl", "en"),
        size_bytes=len(MODEL),
        licence="unknown",
        source="folder",
        source_kind=SourceKind.FOLDER,
        aliases=("Hey Luna",),
        description="Hey Luna",
        attribution_name="Anouk",
        attribution_url="https://example.org",
        phrase="Hey Luna",
    )
    assert micro_files.description_of(entry).threshold == 0.9


MICRO = about()["micro"]
BROKEN = {
    "no part micro": (about(micro=None), MODEL, "no part 'micro'"),
    "no model named": (about(model=None), MODEL, "must name a 'model'"),
    "a path": (about(model="../hey_luna.tflite"), MODEL, "must name a 'model'"),
    "no phrase": (about(wake_word=" "), MODEL, "spoken phrase"),
    "no threshold": (about(micro={**MICRO, "probability_cutoff": "high"}), MODEL, "probability_cutoff"),
    "a threshold of 1": (about(micro={**MICRO, "probability_cutoff": 1}), MODEL, "probability_cutoff"),
    "no window": (about(micro={**MICRO, "sliding_window_size": 0}), MODEL, "sliding_window_size"),
    "other steps": (about(micro={**MICRO, "feature_step_size": 20}), MODEL, "feature_step_size"),
    "no file": (about(), None, "hey_luna.tflite is missing"),
    "an empty file": (about(), b"", "no TensorFlow Lite model"),
    "a web page": (about(), b"<!DOCTYPE html>" * 9, "no TensorFlow Lite model"),
}


@pytest.mark.parametrize(("content", "model", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_reported(
    tmp_path: Path, content: dict[str, Any], model: bytes | None, reason: str
) -> None:
    put(tmp_path, json.dumps(content), model=model)
    (found,) = MicroWakeBackend.discover(tmp_path)
    assert isinstance(found, BrokenEntry)
    assert reason in found.reason
    assert str(tmp_path) not in found.reason


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_description_that_is_none_is_reported_beside_a_model_only(tmp_path: Path, text: str) -> None:
    put(tmp_path / "with", text)
    put(tmp_path / "without", text, model=None)
    (found,) = MicroWakeBackend.discover(tmp_path)
    assert isinstance(found, BrokenEntry)
    assert found.path == tmp_path / "with" / "hey_luna.tflite"


def test_a_model_without_a_description_is_reported(tmp_path: Path) -> None:
    (tmp_path / "lonely.tflite").write_bytes(MODEL)
    (found,) = MicroWakeBackend.discover(tmp_path)
    assert isinstance(found, BrokenEntry)
    assert "lonely.json is missing" in found.reason


def test_json_of_other_families_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "joe.onnx.json").write_text('{"audio": {}}')
    (tmp_path / "config.json").write_text('{"type": "other"}')
    assert not MicroWakeBackend.discover(tmp_path)


def test_a_new_word_appears_and_a_broken_one_does_not_hide_it(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    catalog = Catalog(
        folders=(folder,), cache_dir=tmp_path / "cache", aliases={}, backends=(MicroWakeBackend,)
    )
    with pytest.raises(UnknownModel):
        catalog.find("hey luna", ModelKind.WAKE)
    put(folder)
    put(folder, "{", name="bad")
    assert catalog.refresh()
    assert catalog.find("hey luna", ModelKind.WAKE).name == "hey_luna"
    assert catalog.find("Hey-Luna", ModelKind.WAKE).name == "hey_luna"
    assert [item.path.name for item in catalog.broken()] == ["bad.tflite"]
    with pytest.raises(UnknownModel, match=r"There is: .*hey_luna"):
        catalog.find("hey_sol", ModelKind.WAKE)
