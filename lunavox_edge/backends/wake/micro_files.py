"""Wake words on disk: a JSON description beside a TensorFlow Lite model, in the format of ESPHome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lunavox_edge.backends.packages import package_folder, package_version
from lunavox_edge.backends.scan import folders, read_json, read_start
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

BACKEND = "microwakeword"
PACKAGE = "pymicro_wakeword"

_DISTRIBUTION = "pymicro-wakeword"
_LICENCE = "Apache-2.0"
_UNKNOWN_LICENCE = "unknown"
_TYPE = "micro"
_MAGIC = b"TFL3"
_MAGIC_AT = 4
_SUFFIX = ".tflite"
_STEP_MS = 10
_MAX_WINDOW = 1000
_MAX_MODEL_BYTES = 16 * 1024 * 1024
_MAX_PHRASE_CHARS = 100
_MAX_LANGUAGES = 100
# Older names of words in Home Assistant.
_ALIASES = {"okay_nabu": ("ok_nabu",)}


@dataclass(frozen=True, slots=True)
class Description:
    """Content of the JSON description. `window` is the number of probabilities that are averaged."""

    model: Path
    phrase: str
    threshold: float
    window: int
    languages: tuple[str, ...]
    author: str
    website: str


def packaged() -> Sequence[ModelEntry | BrokenEntry]:
    """Return the words of the Python package."""
    folder = package_folder(PACKAGE)
    if folder is None:
        return ()
    version = package_version(_DISTRIBUTION)
    files = sorted((folder / "models").glob("*.json"))
    source = f"package {_DISTRIBUTION} {version}"
    found = (_entry(file, _LICENCE, source, SourceKind.PACKAGE, version) for file in files)
    return [item for item in found if item is not None]


def discover(folder: Path) -> Sequence[ModelEntry | BrokenEntry]:
    """Return the words below `folder`, broken ones with the reason."""
    return list(_in_folder(folder))


def describe(file: Path, about: Mapping[str, Any]) -> Description:
    """Validate a description. Raises ValueError with a reason."""
    micro = about.get("micro")
    if not isinstance(micro, dict):
        raise ValueError(f"{file.name} has no part 'micro'")  # noqa: TRY004  # callers expect one type
    model, phrase = about.get("model"), about.get("wake_word")
    if not isinstance(model, str) or Path(model).name != model or not model.endswith(_SUFFIX):
        raise ValueError(f"{file.name} must name a 'model' beside it, a file that ends in {_SUFFIX}")
    if not isinstance(phrase, str) or not 0 < len(phrase.strip()) <= _MAX_PHRASE_CHARS:
        raise ValueError(f"{file.name} must have the spoken phrase as 'wake_word'")
    if micro.get("feature_step_size", _STEP_MS) != _STEP_MS:
        raise ValueError(f"{file.name} has a 'feature_step_size' other than {_STEP_MS}")
    return Description(
        model=file.with_name(model),
        phrase=phrase.strip(),
        threshold=_number(file, micro, "probability_cutoff", 0.01, 0.999),
        window=int(_number(file, micro, "sliding_window_size", 1, _MAX_WINDOW)),
        languages=_languages(about.get("trained_languages")),
        author=_text(about.get("author")),
        website=_text(about.get("website")),
    )


def description_of(entry: ModelEntry) -> Description:
    """Read the description of a catalog entry. Raises ValueError with a reason."""
    file = entry.path.with_name(f"{entry.name}.json")
    return describe(file, read_json(file))


def read_model(model: Path) -> bytes:
    """Read a model file. Raises ValueError with a reason, OSError."""
    problem = model_problem(model)
    if problem is not None:
        raise ValueError(problem)
    return model.read_bytes()


def model_problem(model: Path) -> str | None:
    """Return what is wrong with a model file, judged by its first bytes and size; None if nothing."""
    try:
        size = model.stat().st_size
        start = read_start(model, _MAGIC_AT + len(_MAGIC))
    except FileNotFoundError:
        return f"{model.name} is missing"
    except OSError as error:
        return f"{model.name} cannot be read ({error.strerror})"
    if start[_MAGIC_AT:] != _MAGIC or size > _MAX_MODEL_BYTES:
        return f"{model.name} is no TensorFlow Lite model for a wake word"
    return None


def _in_folder(root: Path) -> Iterator[ModelEntry | BrokenEntry]:
    for place, names in folders(root):
        described: set[str] = set()
        for name in names:
            if name.endswith(".json"):
                found = _entry(place / name, _UNKNOWN_LICENCE, "folder", SourceKind.FOLDER, None)
                if found is not None:
                    described.add(found.path.name)
                    yield found
        for name in names:
            stem = name.removesuffix(_SUFFIX)
            if name.endswith(_SUFFIX) and name not in described and f"{stem}.json" not in names:
                reason = f"{stem}.json is missing beside {name}; it describes the wake word."
                yield BrokenEntry(place / name, BACKEND, reason)


def _entry(
    file: Path, licence: str, source: str, source_kind: SourceKind, version: str | None
) -> ModelEntry | BrokenEntry | None:
    try:
        content = read_json(file)
    except ValueError as error:
        # Other families have JSON files too; without a model beside it this one is not ours.
        model = file.with_suffix(_SUFFIX)
        return BrokenEntry(model, BACKEND, f"{error}.") if model.is_file() else None
    if content.get("type") != _TYPE:
        return None
    try:
        about = describe(file, content)
    except ValueError as error:
        return BrokenEntry(file, BACKEND, f"{error}.")
    problem = model_problem(about.model)
    if problem is not None:
        return BrokenEntry(about.model, BACKEND, f"{problem}.")
    return ModelEntry(
        name=file.stem,
        kind=ModelKind.WAKE,
        backend=BACKEND,
        path=about.model,
        languages=about.languages,
        size_bytes=about.model.stat().st_size,
        licence=licence,
        source=source,
        source_kind=source_kind,
        aliases=(about.phrase, *_ALIASES.get(file.stem, ())),
        description=about.phrase,
        version=version,
        attribution_name=about.author,
        attribution_url=about.website,
        phrase=about.phrase,
    )


def _number(file: Path, micro: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = micro.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{file.name} must have '{key}', a number from {low:g} to {high:g}")
    return float(value)


def _languages(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(language for language in value[:_MAX_LANGUAGES] if isinstance(language, str))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
