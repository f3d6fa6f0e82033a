"""The default voice and language of MQTT requests: those chosen over MQTT, while they can be used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lunavox_edge import bridge
from lunavox_edge.engine.values import language_tags
from lunavox_edge.engine.values.voice import SPEAKER_SEPARATOR, speaker_of
from lunavox_edge.errors import LunavoxError
from lunavox_edge.mqtt import preferences
from lunavox_edge.mqtt.preferences import Preferences
from lunavox_edge.types import ModelKind

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine

_LOGGER = logging.getLogger(__name__)


class ChosenDefaults:
    """Keeps the choices in a file; used on the event loop only.

    A choice may become impossible later, because a voice was removed. It is then kept but not used, and the
    log says so once.
    """

    def __init__(self, engine: Engine, file: Path) -> None:
        """Create it and read the saved choices; blocks."""
        self._engine = engine
        self._file = file
        self.chosen = preferences.load(file)
        """The choices, also those that cannot be used; `with_voice` and `with_language` check new ones."""
        self._saving = asyncio.Lock()
        self._logged: set[str] = set()

    def usable(self) -> Preferences:
        """Return the choices that can be used at present."""
        spoken = ModelKind.TTS if self._engine.voices() else ModelKind.STT
        return Preferences(self._voice(), self.language(spoken))

    def language(self, kind: ModelKind) -> str | None:
        """Return the chosen language; None if there is none, or if no installed model of this kind has it."""
        chosen = self.chosen.language
        if chosen is None or not self._works("language", chosen, lambda: self._check_language(chosen, kind)):
            return None
        return str(language_tags.parse(chosen))

    def for_speech(self, voice: str | None, language: str | None) -> tuple[str | None, str | None]:
        """Fill in voice and language of a request; if it names a language, the chosen voice is not used."""
        if voice is not None or language is not None:
            return voice, language
        chosen = self._voice()
        return (chosen, None) if chosen is not None else (None, self.language(ModelKind.TTS))

    def with_voice(self, voice: str | None) -> Preferences:
        """Return the choices with another voice; None is that of the settings.

        Raises UnknownVoice, UnknownSpeaker.
        """
        if voice is not None:
            self._check_voice(voice)
        return Preferences(voice, self.chosen.language)

    def with_language(self, language: str | None) -> Preferences:
        """Return the choices with another language, that an installed voice speaks; None for the settings.

        Where no voice is installed, a speech-to-text model has to understand it. Raises UnsupportedLanguage.
        """
        if language is not None:
            self._check_language(language, ModelKind.TTS if self._engine.voices() else ModelKind.STT)
        return Preferences(self.chosen.voice, language)

    async def save(self, chosen: Preferences) -> None:
        """Write choices to the file, in the order of the calls; if that fails, it is logged."""
        try:
            async with self._saving:
                await bridge.blocking(lambda: preferences.save(self._file, chosen))
        except OSError as error:
            _LOGGER.warning("The chosen voice and language cannot be saved: %s", error)

    def _voice(self) -> str | None:
        chosen = self.chosen.voice
        if chosen is None or not self._works("voice", chosen, lambda: self._check_voice(chosen)):
            return None
        return chosen

    def _check_voice(self, voice: str) -> None:
        """Raise UnknownVoice or UnknownSpeaker if there is no such voice."""
        name, separator, speaker = voice.partition(SPEAKER_SEPARATOR)
        speaker_of(self._engine.catalog.find(name, ModelKind.TTS), speaker if separator else None)

    def _check_language(self, language: str, kind: ModelKind) -> None:
        """Raise UnsupportedLanguage if no installed model of this kind has the language."""
        settings = self._engine.settings
        preferred = settings.tts.voice if kind is ModelKind.TTS else settings.stt.model
        self._engine.catalog.select(kind, language, preferred)

    def _works(self, what: str, chosen: str, check: Callable[[], None]) -> bool:
        """Whether `check` raises no LunavoxError; the log gets each error once."""
        try:
            check()
        except LunavoxError as error:
            line = f"The {what} '{chosen}' that was chosen over MQTT is not used: {error}"
            if line not in self._logged:
                self._logged.add(line)
                _LOGGER.warning("%s", line)
            return False
        return True
