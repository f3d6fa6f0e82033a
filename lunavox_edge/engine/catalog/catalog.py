"""The catalog: every usable model and voice by name, from all sources.

If two sources have the same name, the first of these wins: the settings' `voices:`, the folders
in their order, the hub, packages. The other one can be named `name@folder`, `name@hub` or
`name@package`, and so can the winner.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge.backends import registry
from lunavox_edge.backends.base import Backend
from lunavox_edge.engine.catalog.known_models import WHISPER_REPOS
from lunavox_edge.engine.catalog.sources import Sources
from lunavox_edge.engine.values.language_tags import misfit, parse
from lunavox_edge.engine.values.naming import did_you_mean, name_key, shortened, wake_word_key
from lunavox_edge.errors import UnknownModel, UnknownVoice, UnsupportedLanguage
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import BrokenEntry, ModelEntry, ModelKind, SourceKind

if TYPE_CHECKING:
    from lunavox_edge.settings.speech_settings import VoiceAlias

_LOGGER = logging.getLogger(__name__)

_SOURCE_ORDER = (SourceKind.CONFIG, SourceKind.FOLDER, SourceKind.HUB, SourceKind.PACKAGE)
_PIPER_NAME = re.compile(r"[a-z]{2,3}_[A-Z]{2}-[A-Za-z0-9_]+-(x_low|low|medium|high)")
_MAX_LANGUAGES_SHOWN = 12

NO_WAKE_WORDS = "There is none; install some with: pip install 'lunavox-edge[wake]'"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The result of one scan, with its index; immutable, replaced as a whole."""

    entries: tuple[ModelEntry, ...] = ()
    shadowed: tuple[ModelEntry, ...] = ()
    broken: tuple[BrokenEntry, ...] = ()
    index: Mapping[tuple[ModelKind, str], ModelEntry] = field(default_factory=dict)
    aliases: Mapping[str, VoiceAlias] = field(default_factory=dict)
    version: int = 0
    signature: bytes = b""
    settling: bool = False


class Catalog:
    """The installed models and voices. Thread-safe; readers wait for no scan but the first."""

    def __init__(
        self,
        *,
        folders: Sequence[Path],
        cache_dir: Path,
        aliases: Mapping[str, VoiceAlias],
        backends: Sequence[type[Backend]],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Scan these places at the first `refresh` or the first read; nothing is read yet."""
        self._sources = Sources(folders=folders, cache_dir=cache_dir, backends=backends, now_s=now_s)
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._set_aliases(aliases)

    @classmethod
    def of(cls, settings: Settings) -> Catalog:
        """Create it from the settings, with all backends that can be used here."""
        return cls(
            folders=settings.catalog.folders,
            cache_dir=settings.catalog.resolved_cache_dir(),
            aliases=settings.voices,
            backends=registry.usable(),
        )

    def configure(self, *, folders: Sequence[Path], aliases: Mapping[str, VoiceAlias]) -> None:
        """Use other folders and aliases, and scan now."""
        with self._lock:
            self._sources = self._sources.elsewhere(folders)
            self._set_aliases(aliases)
        self.refresh(force=True)

    def entries(self) -> tuple[ModelEntry, ...]:
        """Return everything usable, one entry per name and kind, in the order of the sources."""
        return self._current().entries

    def shadowed(self) -> tuple[ModelEntry, ...]:
        """Return usable entries whose name another source has taken; they are found as `name@source`."""
        return self._current().shadowed

    def broken(self) -> tuple[BrokenEntry, ...]:
        """Return what looks like a model, or an alias, but cannot be used, and why."""
        return self._current().broken

    @property
    def version(self) -> int:
        """A number that grows whenever the entries change."""
        return self._current().version

    @property
    def settling(self) -> bool:
        """Whether files changed so recently that another scan soon is useful."""
        return self._current().settling

    def refresh(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - the one flag, named at calls
        """Scan if files changed since the last scan, or if forced. Return whether entries changed."""
        with self._lock:
            before = self._snapshot
            signature = self._sources.signature()
            if before is not None and not (force or before.settling or before.signature != signature):
                return False
            after = self._scan(signature)
            changed = before is None or (before.entries, before.shadowed, before.broken) != (
                after.entries,
                after.shadowed,
                after.broken,
            )
            version = (0 if before is None else before.version) + (1 if changed else 0)
            self._snapshot = replace(after, version=version)
        if changed:
            _LOGGER.info("Catalog: %d usable, %d broken", len(after.entries), len(after.broken))
            for item in after.broken:
                _LOGGER.info("Left out of the catalog: %s: %s", item.path, item.reason)
        return changed

    def find(self, name: str, kind: ModelKind) -> ModelEntry:
        """Return the entry of this name or alias, in any spelling of case, `-` and `_`.

        A wake word is also found without its version, or with another version. Raises UnknownVoice or
        UnknownModel with similar names. The name is only looked up, never used as a path.
        """
        snapshot = self._current()
        entry = snapshot.index.get((kind, name_key(name)))
        if entry is None and kind is ModelKind.WAKE:
            entry = snapshot.index.get((kind, wake_word_key(name)))
        if entry is None:
            raise _unknown(name, kind, [found.name for found in snapshot.entries if found.kind is kind])
        return entry

    def alias(self, name: str) -> VoiceAlias | None:
        """Return the settings' alias of this name, or None if the name is that of a voice."""
        snapshot = self._current()
        entry = snapshot.index.get((ModelKind.TTS, name_key(name)))
        if entry is None or entry.source_kind is not SourceKind.CONFIG:
            return None
        return snapshot.aliases.get(name_key(entry.name))

    def select(self, kind: ModelKind, language: str, preferred: str) -> ModelEntry:
        """Return the best entry for a language: its region, else another region of the language.

        Among entries that fit equally well the one called `preferred` wins, then the most likely region
        (`en` -> `en-US`). An alias is returned only if it is `preferred`. Raises UnsupportedLanguage if
        no entry fits or the language is not a BCP-47 tag.
        """
        wanted = parse(language)
        snapshot = self._current()
        favourite = snapshot.index.get((kind, name_key(preferred)))
        of_kind = [entry for entry in snapshot.entries if entry.kind is kind]
        candidates = [entry for entry in of_kind if entry.source_kind is not SourceKind.CONFIG]
        if favourite is not None and favourite not in candidates:
            candidates.insert(0, favourite)
        ranked = []
        for order, entry in enumerate(candidates):
            fit = misfit(wanted, entry.languages)
            if fit is not None:
                ranked.append((fit[0], entry is not favourite, fit[1], order, entry))
        if not ranked:
            raise _unsupported(str(wanted), kind, of_kind)
        return min(ranked, key=lambda item: item[:-1])[-1]

    def _current(self) -> _Snapshot:
        if self._snapshot is None:
            self.refresh()
        snapshot = self._snapshot
        assert snapshot is not None  # noqa: S101 - refresh always sets it
        return snapshot

    def _set_aliases(self, aliases: Mapping[str, VoiceAlias]) -> None:
        self._aliases = dict(aliases)
        self._alias_keys = {name_key(name): alias for name, alias in self._aliases.items()}

    def _scan(self, signature: bytes) -> _Snapshot:
        """Scan all sources; `signature` is the one taken just before."""
        findings = self._sources.scan()
        found = sorted(findings.entries, key=lambda entry: _SOURCE_ORDER.index(entry.source_kind))
        aliases, bad_aliases = self._alias_entries(_index((), found))
        entries: dict[tuple[ModelKind, str], ModelEntry] = {}
        for entry in (*aliases, *found):
            entries.setdefault((entry.kind, name_key(entry.name)), entry)
        winners = {id(entry) for entry in entries.values()}
        shadowed = [entry for entry in found if id(entry) not in winners]
        return _Snapshot(
            entries=tuple(entries.values()),
            shadowed=tuple(shadowed),
            broken=(*findings.broken, *bad_aliases),
            index=_index(entries.values(), shadowed),
            aliases=self._alias_keys,
            signature=signature,
            settling=findings.settling,
        )

    def _alias_entries(
        self, voices: Mapping[tuple[ModelKind, str], ModelEntry]
    ) -> tuple[list[ModelEntry], list[BrokenEntry]]:
        entries, broken = [], []
        for name, alias in self._aliases.items():
            target = voices.get((ModelKind.TTS, name_key(alias.voice)))
            problem = _alias_problem(alias, target, self._alias_keys)
            if target is None or problem:
                broken.append(BrokenEntry(Path(name), "", f"voices: {name}: {problem}"))
                continue
            entries.append(
                replace(
                    target,
                    name=name,
                    aliases=(),
                    languages=(alias.language,) if alias.language else target.languages,
                    speakers=(alias.speaker,) if alias.speaker else target.speakers,
                    source=f"alias of {target.name}",
                    source_kind=SourceKind.CONFIG,
                )
            )
        return entries, broken


def _index(
    winners: Iterable[ModelEntry], others: Iterable[ModelEntry]
) -> dict[tuple[ModelKind, str], ModelEntry]:
    """Map every accepted spelling to its entry.

    Names win over `name@source`, that over aliases, and those over wake words without their version.
    """
    entries = (*winners, *others)
    index: dict[tuple[ModelKind, str], ModelEntry] = {}
    for entry in entries:
        index.setdefault((entry.kind, name_key(entry.name)), entry)
    for entry in entries:
        index.setdefault((entry.kind, name_key(f"{entry.name}@{entry.source_kind.value}")), entry)
    for entry in entries:
        for alias in entry.aliases:
            index.setdefault((entry.kind, name_key(alias)), entry)
    for entry in entries:
        if entry.kind is ModelKind.WAKE:
            for name in (entry.name, *entry.aliases):
                index.setdefault((entry.kind, wake_word_key(name)), entry)
    return index


def _alias_problem(alias: VoiceAlias, target: ModelEntry | None, alias_keys: Mapping[str, VoiceAlias]) -> str:
    if target is None:
        if name_key(alias.voice) in alias_keys:
            return f"'{alias.voice}' is an alias too; name the voice itself."
        return f"The voice '{alias.voice}' is not installed."
    if alias.speaker and alias.speaker not in target.speakers and not alias.speaker.isdigit():
        return f"The voice '{target.name}' has no speaker '{alias.speaker}'."
    return ""


def _unknown(name: str, kind: ModelKind, known: Sequence[str]) -> UnknownModel | UnknownVoice:
    """Return the error for a name that is not installed, with similar names and how to get it."""
    if kind is ModelKind.WAKE:
        return UnknownModel(_no_wake_word(name, known))
    thing, command, get = (
        ("voice", "voices list", "voices install")
        if kind is ModelKind.TTS
        else ("model", "models list", "models pull")
    )
    shown = shortened(name)
    hint = did_you_mean(name, known)
    if name in WHISPER_REPOS if kind is ModelKind.STT else _PIPER_NAME.fullmatch(name):
        hint += f" `lunavox-edge {get} {shown}` fetches it."
    message = (
        f"No installed {thing} is named '{shown}'.{hint} `lunavox-edge {command}` shows what is installed."
    )
    return UnknownVoice(message) if kind is ModelKind.TTS else UnknownModel(message)


def _no_wake_word(name: str, known: Sequence[str]) -> str:
    there_is = f"There is: {', '.join(known)}." if known else NO_WAKE_WORDS
    return f"No installed wake word is named '{shortened(name)}'.{did_you_mean(name, known)} {there_is}"


def _unsupported(language: str, kind: ModelKind, entries: Iterable[ModelEntry]) -> UnsupportedLanguage:
    speaks = "voice speaks" if kind is ModelKind.TTS else "model understands"
    languages = sorted({language for entry in entries for language in entry.languages})
    more = (
        f" and {len(languages) - _MAX_LANGUAGES_SHOWN} more" if len(languages) > _MAX_LANGUAGES_SHOWN else ""
    )
    offer = f" There is: {', '.join(languages[:_MAX_LANGUAGES_SHOWN])}{more}." if languages else ""
    return UnsupportedLanguage(f"No installed {speaks} '{language}'.{offer}")
