"""From what a caller asked for to the entry, speaker and parameters to use."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import RecognizeRequest, SpeakRequest
from lunavox_edge.engine.catalog.catalog import NO_WAKE_WORDS, Catalog
from lunavox_edge.engine.hearing.hypotheses import GuessTime
from lunavox_edge.engine.hearing.transcription import ListenPlan
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.engine.values.language_tags import covers
from lunavox_edge.engine.values.naming import name_key, wake_word_key
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.voice import Voice, VoiceMode, check_supported
from lunavox_edge.engine.waking.spotting import SpottingRules
from lunavox_edge.engine.waking.wake_session import WakeTarget
from lunavox_edge.errors import LunavoxError, UnknownModel, UnknownSpeaker, UnknownVoice, UnsupportedLanguage
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.speech_settings import WakeWord
from lunavox_edge.types import ModelEntry, ModelKind, SourceKind

_MIN_SPEED, _MAX_SPEED = 0.25, 4.0
_MAX_VOLUME = 4.0
_DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class ResolvedVoice:
    """An entry and how to speak with it."""

    entry: ModelEntry
    plan: SpeechPlan


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """An entry and how to hear with it."""

    entry: ModelEntry
    plan: ListenPlan


@dataclass(frozen=True, slots=True)
class ResolvedWakeWords:
    """The words to wait for, at least one, and an error for each name that nothing installed has."""

    words: tuple[WakeTarget, ...]
    unknown: tuple[UnknownModel, ...] = ()


class Resolver:
    """Combines settings, catalog and request; every error names what to change."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        """Store the two."""
        self._settings = settings
        self._catalog = catalog
        self.stand_in: ModelEntry | None = None
        """Hears instead of the model of the settings, while the machine is under strain."""
        self._guess_times: dict[Path, GuessTime] = {}

    def speaking(
        self,
        voice: Voice | str | None,
        params: SynthesisParams | None,
        language: str | None,
        text_format: str,
    ) -> ResolvedVoice:
        """Raises UnknownVoice, UnknownSpeaker, UnsupportedVoice, UnsupportedLanguage, ValueError."""
        if text_format not in ("text", "ssml"):
            raise ValueError(f"text_format must be 'text' or 'ssml', not {text_format!r}")
        voice = Voice.custom(voice) if isinstance(voice, str) else voice or Voice.base()
        params = params or SynthesisParams()
        tts = self._settings.tts
        entry, speaker = self._find_voice(voice, language)
        check_supported(entry.backend, registry.backend(entry.backend).capabilities, voice, params)
        if voice.mode is VoiceMode.CUSTOM and language is not None and not covers(entry.languages, language):
            raise UnsupportedLanguage(f"The voice '{entry.name}' does not speak '{language}'.")
        alias = self._catalog.alias(entry.name) if entry.source_kind is SourceKind.CONFIG else None
        speed, volume = tts.speed * params.speed, tts.volume * params.volume
        noise_scale, noise_w = params.noise_scale, params.noise_w
        if alias is not None:
            speed *= alias.speed or 1.0
            volume *= 1.0 if alias.volume is None else alias.volume
            speaker = speaker or alias.speaker
            noise_scale = alias.noise_scale if noise_scale is None else noise_scale
            noise_w = alias.noise_w if noise_w is None else noise_w
        request = SpeakRequest(
            speaker=_speaker(entry, speaker),
            speed=min(_MAX_SPEED, max(_MIN_SPEED, speed)),
            seed=params.seed,
            noise_scale=noise_scale,
            noise_w=noise_w,
        )
        plan = SpeechPlan(
            request=request,
            language=language or (entry.languages[0] if entry.languages else _DEFAULT_LANGUAGE),
            volume=min(_MAX_VOLUME, volume),
            loudness_dbfs=tts.loudness_dbfs,
            sentence_silence_ms=tts.sentence_silence_ms,
            normalize_text=tts.normalize_text,
            ssml=text_format == "ssml",
            max_chars=self._settings.limits.max_text_chars,
            # A seed asks for the voice itself, and so for the model.
            voice_key=entry.content_key if params.seed is None else None,
            buffer_char_threshold=tts.buffer_char_threshold,
            max_buffer_delay_ms=tts.max_buffer_delay_ms,
        )
        return ResolvedVoice(entry, plan)

    def listening(
        self,
        model: str | None,
        language: str | None,
        request: RecognizeRequest,
        max_s: float | None,
        sensitivity: str | None,
    ) -> ResolvedModel:
        """Raises UnknownModel, UnsupportedLanguage, ValueError."""
        stt = self._settings.stt
        language = language or stt.language
        if model is not None:
            entry = self._catalog.find(model, ModelKind.STT)
            if language is not None and not covers(entry.languages, language):
                raise UnsupportedLanguage(f"The model '{entry.name}' does not understand '{language}'.")
        elif language is not None:
            preferred = self.stand_in.name if self.stand_in is not None else stt.model
            entry = self._catalog.select(ModelKind.STT, language, preferred)
        else:
            entry = self.default(ModelKind.STT)
        plan = RecognizeRequest(
            language=language,
            names=(*request.names, *stt.names),
            terms=(*request.terms, *stt.terms),
            words=request.words,
            beam_size=stt.beam_size,
            thorough=stt.window == "full",
        )
        fallback = entry.languages[0] if len(entry.languages) == 1 else _DEFAULT_LANGUAGE
        guess_time = self._guess_times.setdefault(entry.path, GuessTime())
        return ResolvedModel(
            entry, ListenPlan(plan, fallback, max_s, self._endpoint(sensitivity), guess_time)
        )

    def waking(self, names: tuple[str, ...]) -> ResolvedWakeWords:
        """The words of these names, or of the settings if there are none, each once.

        Raises UnknownModel if none of them is installed.
        """
        wanted = names or self._settings.wake.default
        entries = [] if wanted else list(self.entries(ModelKind.WAKE))
        unknown: list[UnknownModel] = []
        for name in wanted:
            try:
                entries.append(self._catalog.find(name, ModelKind.WAKE))
            except UnknownModel as error:
                unknown.append(error)
        if not entries:
            raise unknown[0] if unknown else UnknownModel(f"No wake word is installed. {NO_WAKE_WORDS}")
        words = tuple(WakeTarget(entry, self._spotting(entry)) for entry in dict.fromkeys(entries))
        return ResolvedWakeWords(words, tuple(unknown))

    def _spotting(self, entry: ModelEntry) -> SpottingRules:
        wake = self._settings.wake
        own = {wake_word_key(name): word for name, word in wake.words.items()}
        own.update({name_key(name): word for name, word in wake.words.items()})
        names = (entry.name, *entry.aliases)
        keys = (*map(name_key, names), *map(wake_word_key, names))
        word = next((own[key] for key in keys if key in own), WakeWord())
        return SpottingRules(
            sensitivity=wake.sensitivity if word.sensitivity is None else word.sensitivity,
            refractory_s=wake.refractory_s if word.refractory_s is None else word.refractory_s,
        )

    def _endpoint(self, sensitivity: str | None) -> EndpointRules | None:
        if sensitivity is None:
            return None
        stt = self._settings.stt
        pauses_ms = {
            "aggressive": stt.pause_aggressive_ms,
            "default": stt.pause_default_ms,
            "relaxed": stt.pause_relaxed_ms,
        }
        if sensitivity not in pauses_ms:
            raise ValueError(f"sensitivity must be one of {', '.join(pauses_ms)}, not {sensitivity!r}")
        pause_ms = pauses_ms[sensitivity]
        return EndpointRules(
            pause_s=pause_ms / 1000,
            unfinished_pause_s=max(pause_ms, stt.pause_default_ms) / 1000,
            no_speech_s=stt.no_speech_timeout_s,
            max_s=stt.max_command_s,
        )

    def default(self, kind: ModelKind) -> ModelEntry:
        """The model or voice for requests that name none."""
        if kind is ModelKind.STT and self.stand_in is not None:
            return self.stand_in
        return self.usual(kind)

    def ear(self, name: str) -> ModelEntry:
        """The speech-to-text model of this name. Raises UnknownModel."""
        return self._catalog.find(name, ModelKind.STT)

    def usual(self, kind: ModelKind) -> ModelEntry:
        """The model or voice of the settings; the first installed one where that is missing."""
        try:
            return self._catalog.find(self._wanted(kind), kind)
        except (UnknownModel, UnknownVoice):
            for entry in self._catalog.entries():
                if entry.kind is kind:
                    return entry
            raise

    def substitutes(self) -> dict[ModelKind, LunavoxError]:
        """Say of what the settings name and is not installed that another is used instead."""
        found: dict[ModelKind, LunavoxError] = {}
        for kind in (ModelKind.STT, ModelKind.TTS):
            try:
                self._catalog.find(self._wanted(kind), kind)
            except (UnknownModel, UnknownVoice) as error:
                with contextlib.suppress(UnknownModel, UnknownVoice):
                    found[kind] = type(error)(f"{error} '{self.usual(kind).name}' is used instead.")
        return found

    def unknown_names(self) -> dict[str, LunavoxError]:
        """Say what the settings name and nothing that is installed has, by the key and the name."""
        stt, tts, wake = self._settings.stt, self._settings.tts, self._settings.wake
        asked = [("stt.fallback_models", name, ModelKind.STT) for name in stt.fallback_models]
        asked += [("wake.default", name, ModelKind.WAKE) for name in wake.default]
        asked += [("wake.words", name, ModelKind.WAKE) for name in wake.words]
        spoken = (
            ("stt.language", stt.language, ModelKind.STT),
            ("tts.language", tts.language, ModelKind.TTS),
        )
        found: dict[str, LunavoxError] = {}
        for key, name, kind in asked:
            try:
                self._catalog.find(name, kind)
            except UnknownModel as error:
                found[f"{key}: {name}"] = UnknownModel(f"{key}: {error}")
        for key, language, kind in spoken:
            try:
                if language is not None:
                    self._catalog.select(kind, language, self._wanted(kind))
            except UnsupportedLanguage as error:
                found[f"{key}: {language}"] = UnsupportedLanguage(f"{key}: {error}")
        return found

    def _wanted(self, kind: ModelKind) -> str:
        return self._settings.stt.model if kind is ModelKind.STT else self._settings.tts.voice

    def entries(self, kind: ModelKind) -> tuple[ModelEntry, ...]:
        """Everything installed of a kind, what is used by default first."""
        entries = tuple(entry for entry in self._catalog.entries() if entry.kind is kind)
        if not entries or kind is ModelKind.WAKE:
            return entries
        first = self.default(kind)
        return (first, *(entry for entry in entries if entry != first))

    def entry(self, name: str) -> ModelEntry:
        """The voice, model or wake word of this name. Raises UnknownModel."""
        with contextlib.suppress(UnknownVoice):
            return self._catalog.find(name, ModelKind.TTS)
        try:
            return self._catalog.find(name, ModelKind.STT)
        except UnknownModel:
            with contextlib.suppress(UnknownModel):
                return self._catalog.find(name, ModelKind.WAKE)
            raise

    def _find_voice(self, voice: Voice, language: str | None) -> tuple[ModelEntry, str | None]:
        if voice.mode is not VoiceMode.CUSTOM:
            language = language or self._settings.tts.language
            if language is None:
                return self.default(ModelKind.TTS), None
            return self._catalog.select(ModelKind.TTS, language, self._settings.tts.voice), None
        name, speaker = voice.split_speaker()
        try:
            return self._catalog.find(name, ModelKind.TTS), speaker
        except UnknownVoice:
            default = self.default(ModelKind.TTS)
            if speaker is None and name in default.speakers:
                return default, name
            raise


def _speaker(entry: ModelEntry, speaker: str | None) -> str | None:
    """Check a speaker's name, or its number as a string."""
    if speaker is None:
        return None
    if speaker in entry.speakers:
        return speaker
    if speaker.isdecimal() and int(speaker) < len(entry.speakers):
        return entry.speakers[int(speaker)]
    if not entry.speakers and speaker in (entry.name, *entry.aliases, "default", "0"):
        return None
    if not entry.speakers:
        raise UnknownSpeaker(f"The voice '{entry.name}' has one speaker only; leave the speaker out.")
    shown = ", ".join(entry.speakers[:10]) + (" …" if len(entry.speakers) > 10 else "")  # noqa: PLR2004  # a line's worth
    raise UnknownSpeaker(f"The voice '{entry.name}' has no speaker '{speaker[:50]}'. It has: {shown}.")
