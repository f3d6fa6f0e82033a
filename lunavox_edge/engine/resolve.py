"""From a request, the settings and the catalog to the model and the parameters to use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.backends import registry
from lunavox_edge.backends.base import RecognizeRequest, SpeakRequest
from lunavox_edge.engine.catalog.catalog import NO_WAKE_WORDS, Catalog
from lunavox_edge.engine.hearing.hypotheses import GuessTime
from lunavox_edge.engine.hearing.transcription import ListenPlan
from lunavox_edge.engine.model_lookup import ModelLookup
from lunavox_edge.engine.speech.voicing import SpeechPlan
from lunavox_edge.engine.values.checking import check_type
from lunavox_edge.engine.values.language_tags import covers
from lunavox_edge.engine.values.naming import name_key, wake_word_key
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.voice import Voice, VoiceMode, check_supported, speaker_of
from lunavox_edge.engine.waking.spotting import SpottingRules
from lunavox_edge.engine.waking.wake_session import WakeTarget
from lunavox_edge.errors import UnknownModel, UnknownVoice, UnsupportedLanguage
from lunavox_edge.settings.model import Settings
from lunavox_edge.settings.speech_settings import WakeWord
from lunavox_edge.types import ModelEntry, ModelKind, SourceKind

_MIN_SPEED, _MAX_SPEED = 0.25, 4.0
_MAX_VOLUME = 4.0
_DEFAULT_LANGUAGE = "en"
_NONE = type(None)


@dataclass(frozen=True, slots=True)
class ResolvedVoice:
    """A voice of the catalog and how to speak with it."""

    entry: ModelEntry
    plan: SpeechPlan


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A speech-to-text model of the catalog and how to recognise with it."""

    entry: ModelEntry
    plan: ListenPlan


@dataclass(frozen=True, slots=True)
class ResolvedWakeWords:
    """The wake words to detect, at least one, and an error for each name that is not installed."""

    words: tuple[WakeTarget, ...]
    unknown: tuple[UnknownModel, ...] = ()


class Resolver:
    """Combines settings, catalog and request into plans; every error names what to change. Thread-safe."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        """Resolve with these settings; other settings need another resolver."""
        self._settings = settings
        self._catalog = catalog
        self.models = ModelLookup(settings, catalog)
        self._guess_times: dict[Path, GuessTime] = {}

    def speaking(
        self,
        voice: Voice | str | None,
        params: SynthesisParams | None,
        language: str | None,
        text_format: str,
    ) -> ResolvedVoice:
        """Return the voice and the plan of a speech; `text_format` is `text` or `ssml`.

        Raises UnknownVoice, UnknownSpeaker, UnsupportedVoice, UnsupportedLanguage, ValueError, TypeError.
        """
        check_type("voice", voice, Voice, str, _NONE)
        check_type("params", params, SynthesisParams, _NONE)
        check_type("language", language, str, _NONE)
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
            speaker=speaker_of(entry, speaker),
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
            # A request with a seed is not answered from the phrase cache.
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
        """Return the model and the plan of an utterance of at most `max_s` seconds.

        `sensitivity` (`aggressive`, `default`, `relaxed`) turns endpointing on. Raises UnknownModel,
        UnsupportedLanguage, ValueError, TypeError.
        """
        check_type("language", language, str, _NONE)
        stt = self._settings.stt
        language = language or stt.language
        if model is not None:
            entry = self._catalog.find(model, ModelKind.STT)
            if language is not None and not covers(entry.languages, language):
                raise UnsupportedLanguage(f"The model '{entry.name}' does not understand '{language}'.")
        elif language is not None:
            stand_in = self.models.stand_in
            preferred = stand_in.name if stand_in is not None else stt.model
            entry = self._catalog.select(ModelKind.STT, language, preferred)
        else:
            entry = self.models.default(ModelKind.STT)
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
        """Return the wake words of these names, each once; those of the settings if `names` is empty.

        Without names in the settings either it is every installed one. Raises UnknownModel if none of
        them is installed.
        """
        wanted = names or self._settings.wake.default
        entries = [] if wanted else list(self.models.entries(ModelKind.WAKE))
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
        """Return the rules of `wake.words` for a wake word, filled up with those of `wake`."""
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
        """Return the endpointing rules of a sensitivity. Raises ValueError."""
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

    def _find_voice(self, voice: Voice, language: str | None) -> tuple[ModelEntry, str | None]:
        """Return the entry of a voice and the speaker asked for. A speaker alone is one of the default."""
        if voice.mode is not VoiceMode.CUSTOM:
            language = language or self._settings.tts.language
            if language is None:
                return self.models.default(ModelKind.TTS), None
            return self._catalog.select(ModelKind.TTS, language, self._settings.tts.voice), None
        name, speaker = voice.split_speaker()
        try:
            return self._catalog.find(name, ModelKind.TTS), speaker
        except UnknownVoice:
            default = self.models.default(ModelKind.TTS)
            if speaker is None and name in default.speakers:
                return default, name
            raise
