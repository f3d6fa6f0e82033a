"""Parsing of the hub's answers: voices, files, licences. Every path, size and digest is validated."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lunavox_edge.engine.catalog.known_models import WHISPER_ALIASES, WHISPER_REPOS
from lunavox_edge.engine.values.naming import SAFE_NAME, name_key
from lunavox_edge.errors import DownloadFailed

PIPER_REPO = "rhasspy/piper-voices"

MAX_FILE_BYTES = 50 << 30

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_WHISPER_FILE = re.compile(
    r"config\.json|preprocessor_config\.json|model\.bin|tokenizer\.json|vocabulary\.\w+"
)
_CARD_LICENCE = re.compile(
    r"^\W*Licen[sc]e\s*:\s*(?P<licence>\S[^\r\n]{0,199})", re.IGNORECASE | re.MULTILINE
)

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file to download: its path in the repository, its size and every digest that the hub announces."""

    path: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None
    """SHA-1 of the file as a git blob; the hub has it for small files, which are not in LFS."""
    md5: str | None = None

    @property
    def name(self) -> str:
        """The name of the file without folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class HubVoice:
    """A Piper voice that the hub offers."""

    name: str
    language: str
    quality: str
    speakers: int
    size_bytes: int
    folder: str
    md5: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        """The name without language and quality: `joe`."""
        return self.name.partition("-")[2].rpartition("-")[0] or self.name


def read_voices(index: object) -> tuple[HubVoice, ...]:
    """Parse `voices.json`; malformed voices are left out. Raises DownloadFailed if it is no JSON object."""
    if not isinstance(index, dict):
        raise DownloadFailed("The hub's index of voices is not in the format this version knows.")
    voices = []
    for name, data in index.items():
        try:
            voices.append(_read_voice(name, data))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _LOGGER.debug("Voice %.100r of the hub's index is left out: %s", name, error)
    return tuple(sorted(voices, key=lambda voice: voice.name))


def read_tree(tree: object) -> tuple[HubFile, ...]:
    """Parse the list of files of one folder; malformed items are left out."""
    files = []
    for item in tree if isinstance(tree, list) else ():
        try:
            if item["type"] == "file":
                files.append(_read_file(item))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _LOGGER.debug("A file of the hub's list is left out: %s", error)
    return tuple(files)


def whisper_repo(name: str) -> tuple[str, str] | None:
    """Return the name to install under and the repository, for a known name or `owner/repo`; else None."""
    known = {name_key(key): key for key in WHISPER_REPOS}
    known |= {name_key(alias): target for alias, target in WHISPER_ALIASES.items()}
    key = known.get(name_key(name))
    if key is not None:
        return key, WHISPER_REPOS[key]
    if not _REPO.fullmatch(name) or ".." in name:
        return None
    for key, repo in WHISPER_REPOS.items():
        if repo.casefold() == name.casefold():
            return key, repo
    return name.rpartition("/")[2].removeprefix("faster-whisper-"), name


def whisper_files(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """Return the files that CTranslate2 needs. Raises DownloadFailed if there is no such model in `files`."""
    wanted = tuple(file for file in files if file.path == file.name and _WHISPER_FILE.fullmatch(file.name))
    names = {file.name for file in wanted}
    words = any(name == "tokenizer.json" or name.startswith("vocabulary.") for name in names)
    if not ({"model.bin", "config.json"} <= names and words):
        raise DownloadFailed(
            "This repository contains no Whisper model in CTranslate2's format (model.bin, config.json, "
            "and tokenizer.json or vocabulary)."
        )
    return wanted


def licence_of_card(card: str) -> str:
    """Return the licence that a Piper model card names, or ''."""
    match = _CARD_LICENCE.search(card)
    return match["licence"].strip() if match else ""


def licence_of_repo(info: object) -> str:
    """Return the licence that the repository's description names, or ''."""
    if not isinstance(info, dict):
        return ""
    card, tags = info.get("cardData"), info.get("tags")
    if isinstance(card, dict) and isinstance(card.get("license"), str):
        return str(card["license"])[:200]
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str) and tag.startswith("license:"):
            return tag.removeprefix("license:")[:200]
    return ""


def revision_of(info: object) -> str:
    """Return the commit hash from a repository's description. Raises DownloadFailed if there is none."""
    revision = info.get("sha") if isinstance(info, dict) else None
    if not isinstance(revision, str) or not _SHA1.fullmatch(revision):
        raise DownloadFailed(
            "The hub did not send a revision. Is catalog.hub_endpoint the address of a model hub?"
        )
    return revision


def _read_voice(name: object, data: dict[str, object]) -> HubVoice:
    if not isinstance(name, str) or not SAFE_NAME.fullmatch(name):
        raise ValueError("unsafe name")
    files, language = data["files"], data["language"]
    if not isinstance(files, dict) or not isinstance(language, dict):
        raise TypeError("files or language is not an object")
    expected = {f"{name}.onnx", f"{name}.onnx.json", "MODEL_CARD"}
    folders, md5, size_bytes = set(), {}, 0
    for path, facts in files.items():
        folder, _, file_name = str(path).rpartition("/")
        if file_name in expected:
            folders.add(_safe_path(folder))
            size_bytes += _size(facts["size_bytes"])
            md5[file_name] = _digest(facts["md5_digest"], _MD5)
    if len(folders) != 1 or not {f"{name}.onnx", f"{name}.onnx.json"} <= set(md5):
        raise ValueError("not the files of one voice")
    aliases = data.get("aliases", [])
    return HubVoice(
        name=name,
        language=str(language["code"]).replace("_", "-")[:20],
        quality=str(data.get("quality", ""))[:20],
        speakers=_size(data.get("num_speakers", 1)),
        size_bytes=size_bytes,
        folder=folders.pop(),
        md5=md5,
        aliases=tuple(a for a in aliases if isinstance(a, str)) if isinstance(aliases, list) else (),
    )


def _read_file(item: dict[str, object]) -> HubFile:
    path, lfs = _safe_path(item["path"]), item.get("lfs")
    if isinstance(lfs, dict):
        return HubFile(path, _size(lfs["size"]), sha256=_digest(lfs["oid"], _SHA256))
    return HubFile(path, _size(item["size"]), git_sha1=_digest(item["oid"], _SHA1))


def _safe_path(path: object) -> str:
    if not isinstance(path, str) or not all(SAFE_NAME.fullmatch(part) for part in path.split("/")):
        raise ValueError("unsafe path")
    return path


def _size(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= MAX_FILE_BYTES:
        raise ValueError("not a size")
    return value


def _digest(value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("not a digest")
    return value
