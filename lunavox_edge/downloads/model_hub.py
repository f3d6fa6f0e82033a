"""The model hub: finding a model or voice by name, installing and removing it.

Downloads use `download.py` instead of `huggingface_hub`, which does not resume an interrupted file in a
later process, takes its timeouts from the environment only, and may download from other services than the
endpoint it was given.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lunavox_edge.downloads.download import Patience, Web
from lunavox_edge.downloads.hub_index import (
    PIPER_REPO,
    HubFile,
    HubVoice,
    licence_of_repo,
    read_tree,
    read_voices,
    revision_of,
    whisper_files,
    whisper_repo,
)
from lunavox_edge.downloads.installer import DownloadOffer, Installer, Progress, disk_trouble
from lunavox_edge.engine.catalog.known_models import WHISPER_REPOS
from lunavox_edge.engine.catalog.manifest import Manifest, installed_manifests
from lunavox_edge.engine.values.naming import SAFE_NAME, did_you_mean, name_key, shortened
from lunavox_edge.errors import CatalogError, DownloadFailed, UnknownModel, UnknownVoice
from lunavox_edge.types import ModelKind

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """Result of a pull. `fetched` is False if the same files were already installed."""

    manifest: Manifest
    fetched: bool


class ModelHub:
    """One hub and the models installed from it. Every method blocks."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        endpoint: str,
        patience: Patience | None = None,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create it without touching network or disk; `free_bytes` returns the free space of a folder."""
        self._cache_dir = cache_dir
        self._endpoint = endpoint
        self._patience = patience or Patience()
        self._sleep = sleep
        self._installer = Installer(cache_dir=cache_dir, free_bytes=free_bytes)

    def voices(self) -> tuple[HubVoice, ...]:
        """Return the voices that the hub offers. Raises HubUnreachable, DownloadFailed."""
        web = self._web()
        return _voices(web, revision_of(_info(web, PIPER_REPO)))

    def pull(self, name: str, kind: ModelKind | None, on_progress: Progress | None = None) -> Pulled:
        """Install or update a model or voice; without `kind` the name decides which (`kind_of`).

        Raises UnknownModel or UnknownVoice, HubUnreachable, DownloadFailed (also if the disk is
        full), and Busy while another process installs or removes the same model.
        """
        web = self._web()
        is_voice = (kind or kind_of(name)) is ModelKind.TTS
        offer = _voice_offer(web, name, kind) if is_voice else _model_offer(web, name)

        def fetch(file: HubFile, target: Path, on_bytes: Callable[[int], None]) -> None:
            web.fetch(
                f"/{offer.repo}/resolve/{offer.revision}/{file.path}", target, file.size_bytes, on_bytes
            )

        try:
            with self._installer.locked(offer.kind, offer.name):
                installed = self._installer.as_offered(offer)
                if installed is not None:
                    return Pulled(installed, fetched=False)
                return Pulled(self._installer.install(offer, fetch, on_progress), fetched=True)
        except OSError as error:
            _LOGGER.warning("Installing %s failed: %s", offer.name, error)
            raise disk_trouble(error) from error

    def installed(self, kind: ModelKind) -> tuple[Manifest, ...]:
        """Return the manifests of the models or voices that were installed from the hub."""
        return installed_manifests(self._cache_dir, kind)

    def remove(self, name: str, kind: ModelKind) -> Manifest:
        """Remove a model or voice that was installed from the hub; return its manifest.

        Raises UnknownModel or UnknownVoice if nothing of this name was installed from the hub, CatalogError
        if it cannot be deleted, Busy while another process installs or removes it.
        """
        installed = {name_key(manifest.name): manifest for manifest in self.installed(kind)}
        manifest = installed.get(name_key(name))
        if manifest is None:
            raise _unknown(name, kind, [known.name for known in installed.values()], "installed from the hub")
        try:
            with self._installer.locked(kind, manifest.name):
                self._installer.discard(self._installer.home(kind, manifest.name))
        except OSError as error:
            _LOGGER.warning("Removing %s failed: %s", manifest.name, error)
            raise CatalogError(f"'{manifest.name}' cannot be removed: {error.strerror}.") from error
        return manifest

    def _web(self) -> Web:
        return Web(self._endpoint, patience=self._patience, sleep=self._sleep)


def kind_of(name: str) -> ModelKind:
    """Return STT for the name of a Whisper model or `owner/repo`, else TTS."""
    return ModelKind.TTS if whisper_repo(name) is None else ModelKind.STT


def _info(web: Web, repo: str) -> object | None:
    return web.json(f"/api/models/{repo}/revision/main")


def _voices(web: Web, revision: str) -> tuple[HubVoice, ...]:
    return read_voices(web.json(f"/{PIPER_REPO}/resolve/{revision}/voices.json"))


def _tree(web: Web, repo: str, revision: str, folder: str) -> tuple[HubFile, ...]:
    return read_tree(web.json(f"/api/models/{repo}/tree/{revision}{f'/{folder}' if folder else ''}"))


def _voice_offer(web: Web, name: str, kind: ModelKind | None) -> DownloadOffer:
    if not SAFE_NAME.fullmatch(name):
        raise _unknown(name, kind, (), "on the hub")
    revision = revision_of(_info(web, PIPER_REPO))
    voice = _pick_voice(name, kind, _voices(web, revision))
    listed = {file.name: file for file in _tree(web, PIPER_REPO, revision, voice.folder)}
    if voice.md5.keys() - listed.keys():
        raise DownloadFailed(f"The hub's index and its files disagree about '{voice.name}'; try again later.")
    files = tuple(replace(listed[file], md5=md5) for file, md5 in voice.md5.items())
    return DownloadOffer(
        voice.name, ModelKind.TTS, PIPER_REPO, revision, "see MODEL_CARD", files, voice.aliases
    )


def _model_offer(web: Web, name: str) -> DownloadOffer:
    found = whisper_repo(name)
    info = None if found is None else _info(web, found[1])
    if found is None or info is None:
        raise _unknown(name, ModelKind.STT, tuple(WHISPER_REPOS), "on the hub")
    key, repo = found
    revision = revision_of(info)
    files = whisper_files(_tree(web, repo, revision, ""))
    return DownloadOffer(key, ModelKind.STT, repo, revision, licence_of_repo(info), files)


def _pick_voice(name: str, kind: ModelKind | None, voices: Sequence[HubVoice]) -> HubVoice:
    key = name_key(name)
    for voice in voices:
        if key in map(name_key, (voice.name, *voice.aliases)):
            return voice
    same = [voice for voice in voices if name_key(voice.short_name) == key]
    if len(same) == 1:
        return same[0]
    if same:
        names = ", ".join(voice.name for voice in same)
        raise UnknownVoice(f"Several voices of the hub are named '{shortened(name)}'; say which: {names}.")
    raise _unknown(name, kind, [voice.name for voice in voices], "on the hub")


def _unknown(
    name: str, kind: ModelKind | None, known: Sequence[str], where: str
) -> UnknownModel | UnknownVoice:
    """Return the error for an unknown name; without `kind`, a model or a voice may have been meant."""
    if kind is None:
        known = (*WHISPER_REPOS, *known)
    hint = did_you_mean(name, [other for other in known if other != name])
    if kind is ModelKind.TTS:
        return UnknownVoice(f"No voice named '{shortened(name)}' is {where}.{hint}")
    if kind is None:
        return UnknownModel(
            f"No model or voice named '{shortened(name)}' is {where}.{hint} A model is named by its size "
            "('base') or by its repository ('owner/name'), a voice as `voices list --available` shows it."
        )
    return UnknownModel(
        f"No model named '{shortened(name)}' is {where}.{hint} A model is named by its size ('base') or by "
        "its repository ('owner/name')."
    )
