"""Files of Piper voices: reading and checking JSON and model card, making catalog entries."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lunavox_edge.backends.ort import onnx_problem
from lunavox_edge.backends.scan import read_json, read_start
from lunavox_edge.backends.tts.phonemizers import phoneme_type, phonemizer_problem
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

BACKEND = "piper"
UNKNOWN_LICENCE = "unknown"

_FAMILIAR_NAME = re.compile(
    r"(?P<language>[a-z]{2,3}_[A-Z]{2})-(?P<voice>.+)-(?P<quality>x_low|low|medium|high)"
)
_LICENCE_LINE = re.compile(r"^[\s*]*License:\s*(\S.{0,79})", re.IGNORECASE | re.MULTILINE)
_MAX_CARD_BYTES = 65_536
_MIN_RATE_HZ, _MAX_RATE_HZ = 8_000, 48_000
_FRAME_MARKS = ("_", "^", "$")
"""Symbols for padding, begin and end; every sentence contains them."""
_INFERENCE = ("noise_scale", "length_scale", "noise_w")
_ESPEAK_TO_BCP47 = {"cmn": "zh-CN", "yue": "zh-HK"}


def config_path(model: Path) -> Path | None:
    """Return the JSON file of a model: `x.onnx.json`, else `x.json`, else None."""
    for candidate in (model.with_name(f"{model.name}.json"), model.with_suffix(".json")):
        if candidate.is_file():
            return candidate
    return None


def read_config(model: Path) -> dict[str, Any]:
    """Read and check a voice's JSON; phoneme type and numbers are converted to the form that Piper expects.

    Raises ValueError with the reason.
    """
    path = config_path(model)
    if path is None:
        raise ValueError(f"{model.name}.json is missing; a Piper voice needs both files")
    config = read_json(path)
    problem = _config_problem(config)
    if problem is not None:
        raise ValueError(f"{path.name} {problem}")
    return _as_piper_wants(config)


def _as_piper_wants(config: dict[str, Any]) -> dict[str, Any]:
    wanted = dict(config)
    if "phoneme_type" in config:
        wanted["phoneme_type"] = phoneme_type(config["phoneme_type"])
    if "inference" in config:
        # A value of None counts as absent: Piper then uses its default.
        values = {key: _number(value) for key, value in (config["inference"] or {}).items()}
        wanted["inference"] = {key: value for key, value in values.items() if value is not None}
    return wanted


def _number(value: object) -> float | None:
    """Return a number, also one that is written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def speaker_ids(config: Mapping[str, Any]) -> dict[str, int]:
    """Return the speakers of a voice by name; a voice of one speaker has none."""
    count = config["num_speakers"]
    if count <= 1:
        return {}
    named = {
        str(name): number for name, number in config.get("speaker_id_map", {}).items() if 0 <= number < count
    }
    return dict(sorted(named.items(), key=lambda item: item[1])) or {
        str(number): number for number in range(count)
    }


def describe(model: Path, *, licence: str = "", source: str = "", **more: Any) -> ModelEntry | BrokenEntry:  # noqa: ANN401  # fields of ModelEntry
    """Return the catalog entry of a voice from its files."""
    problem = onnx_problem(model)
    if problem is not None:
        return BrokenEntry(model, BACKEND, f"{model.name} {problem}.")
    try:
        config = read_config(model)
    except ValueError as error:
        return BrokenEntry(model, BACKEND, f"{error}.")
    kind = phoneme_type(config.get("phoneme_type")) or ""
    problem = phonemizer_problem(kind, config["espeak"]["voice"], model.parent)
    if problem is not None:
        return BrokenEntry(model, BACKEND, f"{model.stem} {problem}.")
    familiar = _FAMILIAR_NAME.fullmatch(model.stem)
    aliases = (familiar["voice"], f"{familiar['language']}-{familiar['voice']}") if familiar else ()
    return ModelEntry(
        name=model.stem,
        kind=ModelKind.TTS,
        backend=BACKEND,
        path=model,
        languages=(_language(config, familiar["language"] if familiar else ""),),
        size_bytes=model.stat().st_size,
        licence=licence or _card_licence(model),
        source=source or "folder",
        source_kind=more.pop("source_kind", SourceKind.FOLDER),
        aliases=aliases,
        speakers=tuple(speaker_ids(config)),
        description=_description(model, config, familiar["voice"] if familiar else model.stem),
        attribution_name="Piper",
        attribution_url="https://huggingface.co/rhasspy/piper-voices",
        **more,
    )


def bcp47(code: str) -> str:
    """Convert `en_US` or espeak's `en-gb-x-rp` to a language tag."""
    primary, *rest = code.replace("_", "-").split("-")
    primary = primary.lower()
    if not rest and primary in _ESPEAK_TO_BCP47:
        return _ESPEAK_TO_BCP47[primary]
    region = rest[0] if rest else ""
    if re.fullmatch(r"[A-Za-z]{2}|\d{3}", region):
        return f"{primary}-{region.upper()}"
    return primary


def _config_problem(config: Mapping[str, Any]) -> str | None:
    audio, espeak, ids = (config.get(key) for key in ("audio", "espeak", "phoneme_id_map"))
    rate_hz = audio.get("sample_rate") if isinstance(audio, dict) else None
    if not isinstance(rate_hz, int) or not _MIN_RATE_HZ <= rate_hz <= _MAX_RATE_HZ:
        return "gives no usable sample rate"
    if not isinstance(espeak, dict) or not isinstance(espeak.get("voice"), str):
        return "names no espeak voice"
    if not isinstance(ids, dict) or not all(_is_id_list(ids.get(mark)) for mark in _FRAME_MARKS):
        return "has no usable phoneme_id_map"
    if not all(map(_is_id_list, ids.values())):
        return "has phonemes without numbers"
    if not isinstance(config.get("num_symbols"), int) or not isinstance(config.get("num_speakers"), int):
        return "does not say how many symbols and speakers there are"
    speakers = config.get("speaker_id_map", {})
    if not isinstance(speakers, dict) or not all(isinstance(number, int) for number in speakers.values()):
        return "has speakers without numbers"
    return _reading_problem(config)


def _reading_problem(config: Mapping[str, Any]) -> str | None:
    if phoneme_type(config.get("phoneme_type")) is None:
        return f"has phonemes of an unknown kind ('{config['phoneme_type']!s:.40}')"
    inference = config.get("inference")
    if inference is None:
        return None
    if not isinstance(inference, dict):
        return "has an 'inference' that is not an object"
    for key in _INFERENCE:
        value = inference.get(key)
        number = _number(value)
        if value is not None and (number is None or number < 0 or (key == "length_scale" and number == 0)):
            return f"has no usable number as {key}"
    return None


def _language(config: Mapping[str, Any], from_name: str) -> str:
    language = config.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    return bcp47(code if isinstance(code, str) and code else from_name or config["espeak"]["voice"])


def _description(model: Path, config: Mapping[str, Any], voice: str) -> str:
    language = config.get("language")
    parts = [voice.replace("_", " ")]
    if isinstance(language, dict) and isinstance(language.get("name_english"), str):
        country = language.get("country_english")
        parts.append(f"{language['name_english']} ({country})" if country else language["name_english"])
    quality = config["audio"].get("quality") or model.stem.rpartition("-")[2]
    if quality in ("x_low", "low", "medium", "high"):
        parts.append(f"{quality.replace('_', ' ')} quality")
    return ", ".join(parts)


def _card_licence(model: Path) -> str:
    """Return the licence from the model card; "unknown" if the card may be that of another voice."""
    card = model.with_name("MODEL_CARD")
    try:
        if sum(1 for _ in model.parent.glob("*.onnx")) != 1:
            return UNKNOWN_LICENCE
        text = read_start(card, _MAX_CARD_BYTES).decode(errors="replace")
    except OSError:
        return UNKNOWN_LICENCE
    found = _LICENCE_LINE.search(text)
    return found[1].strip() if found else UNKNOWN_LICENCE


def _is_id_list(ids: object) -> bool:
    return isinstance(ids, list) and bool(ids) and all(isinstance(number, int) for number in ids)
