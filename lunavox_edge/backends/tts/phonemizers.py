"""Phonemisers of Piper voices: which one a voice needs and whether it is installed, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lunavox_edge.backends.packages import package_folder

PHONEME_TYPES: Mapping[str, tuple[str, ...]] = {
    "espeak": (),
    "text": (),
    "hebrew": (),
    "pinyin": ("unicode_rbnf", "sentence_stream", "transformers"),
    "japanese": ("pyopenjtalk",),
    "thai": ("tltk", "unicode_rbnf"),
}
"""The phoneme types of piper-tts, and the additional Python packages that each needs."""

_ENUM_NAME = "phonemetype."
_DEFAULT = "espeak"
_DEFAULT_PRIORITY = 5


def phoneme_type(value: object) -> str | None:
    """Return the phoneme type from the value in a voice's JSON, None if it is unknown.

    `espeak`, `ESPEAK` and `PhonemeType.ESPEAK` are the same; the default is `espeak`.
    """
    if value is None:
        return _DEFAULT
    if not isinstance(value, str):
        return None
    name = value.strip().casefold().removeprefix(_ENUM_NAME)
    return name if name in PHONEME_TYPES else None


def phonemizer_problem(kind: str, espeak_voice: str, folder: Path) -> str | None:
    """Return what a voice in `folder` lacks for its phonemes, as the end of a sentence; None if nothing."""
    if kind == "espeak" and known_espeak_voice(espeak_voice) is None:
        return f"names the espeak voice '{espeak_voice:.40}', which espeak-ng does not have"
    # Without it piper-tts would download this model during a request.
    if kind == "pinyin" and not (folder / "g2pW" / "g2pw.onnx").is_file():
        return "needs the folder g2pW with g2pw.onnx beside it"
    absent = [module for module in PHONEME_TYPES[kind] if find_spec(module) is None]
    if absent:
        return f"needs the Python package {', '.join(absent)} to read its language"
    return None


def known_espeak_voice(name: str) -> str | None:
    """Return the name under which espeak-ng finds a voice, None if there is no such voice.

    Voices are found by file name, as in espeak-ng, and also by the languages that the files list (`es-mx`,
    `no`, `zh`), which espeak-ng does not accept. Without piper-tts, `name` is returned unchanged.
    """
    root = package_folder("piper")
    if root is None or not (root / "espeak-ng-data" / "lang").is_dir():
        return name
    wanted, _, variant = name.replace("_", "-").casefold().partition("+")
    files = _voice_files(root / "espeak-ng-data" / "lang")
    folder, _, file = wanted.rpartition("/")
    path = files.get(file)
    if path is not None and folder in {"", path.parent.name.casefold()}:
        found = f"{path.parent.name}/{path.name}" if folder else file
    else:
        found = _listed_voices(root / "espeak-ng-data" / "lang").get(wanted, "")
    if not found:
        return None
    return f"{found}+{variant}" if variant else found


@lru_cache(maxsize=1)
def _voice_files(folder: Path) -> dict[str, Path]:
    return {path.name.casefold(): path for path in sorted(folder.glob("*/*")) if path.is_file()}


@lru_cache(maxsize=1)
def _listed_voices(folder: Path) -> dict[str, str]:
    """Return every name and language that espeak-ng's files list, with the best matching file."""
    best: dict[str, tuple[int, int, str]] = {}
    for path in _voice_files(folder).values():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(" ")
            words = value.split()
            if key == "name" and words:
                listed, priority = value.strip().casefold(), 0
            elif key == "language" and words:
                listed = words[0].casefold()
                priority = int(words[1]) if words[1:] and words[1].isdecimal() else _DEFAULT_PRIORITY
            else:
                continue
            candidate = (priority, len(path.name), path.name.casefold())
            best[listed] = min(candidate, best.get(listed, candidate))
    return {listed: name for listed, (_, _, name) in best.items()}
