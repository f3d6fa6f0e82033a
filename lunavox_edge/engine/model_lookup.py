"""Installed models and voices by name or by default, and what the settings name that is not installed."""

from __future__ import annotations

import contextlib

from lunavox_edge.engine.catalog.catalog import Catalog
from lunavox_edge.errors import LunavoxError, UnknownModel, UnknownVoice, UnsupportedLanguage
from lunavox_edge.settings.model import Settings
from lunavox_edge.types import ModelEntry, ModelKind


class ModelLookup:
    """Finds entries of the catalog for one value of the settings. Thread-safe."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        """Look up in `catalog`; the defaults are those of `settings`."""
        self._settings = settings
        self._catalog = catalog
        self.stand_in: ModelEntry | None = None
        """Serves requests that name no speech-to-text model while memory or cooling run short."""

    def default(self, kind: ModelKind) -> ModelEntry:
        """Return the model or voice for requests that name none. Raises UnknownModel, UnknownVoice."""
        if kind is ModelKind.STT and self.stand_in is not None:
            return self.stand_in
        return self.usual(kind)

    def usual(self, kind: ModelKind) -> ModelEntry:
        """Return the model or voice of the settings; the first installed one if that is missing.

        Raises UnknownModel, UnknownVoice.
        """
        try:
            return self._catalog.find(self.name_in_settings(kind), kind)
        except (UnknownModel, UnknownVoice):
            for entry in self._catalog.entries():
                if entry.kind is kind:
                    return entry
            raise

    def stt_model(self, name: str) -> ModelEntry:
        """Return the speech-to-text model of this name. Raises UnknownModel."""
        return self._catalog.find(name, ModelKind.STT)

    def entry(self, name: str) -> ModelEntry:
        """Return the voice, speech-to-text model or wake word of this name. Raises UnknownModel."""
        with contextlib.suppress(UnknownVoice):
            return self._catalog.find(name, ModelKind.TTS)
        try:
            return self._catalog.find(name, ModelKind.STT)
        except UnknownModel:
            with contextlib.suppress(UnknownModel):
                return self._catalog.find(name, ModelKind.WAKE)
            raise

    def entries(self, kind: ModelKind) -> tuple[ModelEntry, ...]:
        """Return everything installed of a kind, the default first."""
        entries = tuple(entry for entry in self._catalog.entries() if entry.kind is kind)
        if not entries or kind is ModelKind.WAKE:
            return entries
        first = self.default(kind)
        return (first, *(entry for entry in entries if entry != first))

    def name_in_settings(self, kind: ModelKind) -> str:
        """Return the name of the default model (`STT`) or voice (`TTS`) as the settings have it."""
        return self._settings.stt.model if kind is ModelKind.STT else self._settings.tts.voice

    def substitutes(self) -> dict[ModelKind, LunavoxError]:
        """Return an error for each default of the settings that is not installed, with its substitute.

        Empty for a kind of which nothing is installed.
        """
        found: dict[ModelKind, LunavoxError] = {}
        for kind in (ModelKind.STT, ModelKind.TTS):
            try:
                self._catalog.find(self.name_in_settings(kind), kind)
            except (UnknownModel, UnknownVoice) as error:
                with contextlib.suppress(UnknownModel, UnknownVoice):
                    found[kind] = type(error)(f"{error} '{self.usual(kind).name}' is used instead.")
        return found

    def unknown_names(self) -> dict[str, LunavoxError]:
        """Return an error for each other name or language of the settings that nothing installed has.

        The keys are the setting and the name, as in `wake.default: hey_you`.
        """
        stt, tts, wake = self._settings.stt, self._settings.tts, self._settings.wake
        names = [("stt.fallback_models", name, ModelKind.STT) for name in stt.fallback_models]
        names += [("wake.default", name, ModelKind.WAKE) for name in wake.default]
        names += [("wake.words", name, ModelKind.WAKE) for name in wake.words]
        languages = (
            ("stt.language", stt.language, ModelKind.STT),
            ("tts.language", tts.language, ModelKind.TTS),
        )
        found: dict[str, LunavoxError] = {}
        for key, name, kind in names:
            try:
                self._catalog.find(name, kind)
            except UnknownModel as error:
                found[f"{key}: {name}"] = UnknownModel(f"{key}: {error}")
        for key, language, kind in languages:
            try:
                if language is not None:
                    self._catalog.select(kind, language, self.name_in_settings(kind))
            except UnsupportedLanguage as error:
                found[f"{key}: {language}"] = UnsupportedLanguage(f"{key}: {error}")
        return found
