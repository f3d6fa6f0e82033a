"""Folders with Whisper models: finding them, their names and languages, checking that they are complete."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lunavox_edge.backends.scan import LFS_MARK, LFS_PROBLEM, folders, read_json
from lunavox_edge.backends.stt.whisper_languages import CODES, CODES_BEFORE_V3, tag_for
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

BACKEND = "whisper"
MODEL_FILE = "model.bin"
ENGLISH = ("en",)
MULTILINGUAL = tuple(tag_for(code) for code in CODES)
MULTILINGUAL_BEFORE_V3 = tuple(tag_for(code) for code in CODES_BEFORE_V3)

_MAGIC = b"WhisperSpec"
_MAGIC_WITHIN_BYTES = 32
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
_ENGLISH_ENDS = (".en", "-en", "_en")
_ENGLISH_END_OF_TEXT = 50256
"""Number of the end-of-text token in the English-only vocabulary; in the multilingual one it is 50257."""
_HUB_FOLDER = re.compile(r"models--(?:.+?)--(?P<name>.+)")
_PREFIX = re.compile(r"(?:faster-)?(?P<distil>distil-)?whisper-", re.IGNORECASE)
_SUFFIX = re.compile(r"[-_](?:ct2|int8|float16|fp16)$", re.IGNORECASE)


def discover(root: Path) -> list[ModelEntry | BrokenEntry]:
    """Return the CTranslate2 Whisper models below `root`; in a huggingface_hub cache the current ones."""
    return [
        describe(folder)
        for folder, names in folders(root)
        if MODEL_FILE in names and "config.json" in names and _is_whisper(folder) and _is_current(folder)
    ]


def describe(folder: Path, *, name: str = "", **more: Any) -> ModelEntry | BrokenEntry:  # noqa: ANN401  # fields of ModelEntry
    """Return the catalog entry of a model folder; without `name`, the model is named after the folder."""
    problem = folder_problem(folder)
    if problem is not None:
        return BrokenEntry(folder, BACKEND, problem)
    known_as = name or model_name(folder)
    original = _folder_name(folder)
    return entry(
        folder,
        name=known_as,
        languages=_languages(folder, known_as),
        size_bytes=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        aliases=() if name or original == known_as else (original,),
        **{"licence": "unknown", "source": "folder", "source_kind": SourceKind.FOLDER, **more},
    )


def entry(folder: Path, *, name: str, languages: tuple[str, ...], **more: Any) -> ModelEntry:  # noqa: ANN401  # fields of ModelEntry
    """Return a catalog entry with the fields that all Whisper models have in common."""
    kind = "English" if languages == ENGLISH else f"{len(languages)} languages"
    return ModelEntry(
        name=name,
        kind=ModelKind.STT,
        backend=BACKEND,
        path=folder,
        languages=languages,
        description=f"Whisper {name}, {kind}",
        attribution_name="OpenAI Whisper",
        attribution_url="https://github.com/openai/whisper",
        **more,
    )


def folder_problem(folder: Path) -> str | None:
    """Return what is wrong with the files of a model as a sentence, None if they look complete."""
    try:
        with (folder / MODEL_FILE).open("rb") as file:
            start = file.read(_MAGIC_WITHIN_BYTES)
        if start.startswith(LFS_MARK):
            return f"{MODEL_FILE} {LFS_PROBLEM}."
        if _MAGIC not in start:
            return f"{MODEL_FILE} is empty or not a CTranslate2 Whisper model."
        read_json(folder / "config.json")
    except OSError as error:
        return f"{MODEL_FILE} cannot be read ({error.strerror})."
    except ValueError as error:
        return f"{error}."
    if not (folder / "tokenizer.json").is_file():
        return "tokenizer.json is missing; download the whole model."
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        return "vocabulary.json or vocabulary.txt is missing; download the whole model."
    return None


def model_name(folder: Path) -> str:
    """Return the usual name of the model in a folder: `faster-whisper-small.en` is `small.en`."""
    original = _folder_name(folder)
    matched = _PREFIX.match(original)
    if matched is None:
        return original
    return _SUFFIX.sub("", (matched["distil"] or "") + original[matched.end() :]) or original


def _folder_name(folder: Path) -> str:
    if folder.parent.name == "snapshots":
        matched = _HUB_FOLDER.fullmatch(folder.parent.parent.name)
        if matched is not None:
            return matched["name"]
    return folder.name


def _is_current(folder: Path) -> bool:
    """Whether this is the snapshot of `main` in a cache of huggingface_hub; True outside such a cache."""
    if folder.parent.name != "snapshots":
        return True
    try:
        revision = (folder.parent.parent / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return True
    return folder.name == revision or not (folder.parent / revision).is_dir()


def _is_whisper(folder: Path) -> bool:
    """Whether a folder contains a Whisper model, possibly a damaged one."""
    try:
        config: Iterable[str] = read_json(folder / "config.json")
    except ValueError:
        return True
    return "alignment_heads" in config or "lang_ids" in config or "suppress_ids" in config


def _languages(folder: Path, name: str) -> tuple[str, ...]:
    config = read_json(folder / "config.json")
    begin, languages = config.get("suppress_ids_begin"), config.get("lang_ids")
    if name.lower().endswith(_ENGLISH_ENDS) or (isinstance(begin, list) and _ENGLISH_END_OF_TEXT in begin):
        return ENGLISH
    return (
        MULTILINGUAL
        if isinstance(languages, list) and len(languages) >= len(CODES)
        else MULTILINGUAL_BEFORE_V3
    )
