"""A Whisper model in memory: encodes and decodes a short window, and the full one if in doubt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from lunavox_edge.backends.base import Recognition, RecognizeRequest, Samples, SttModel
from lunavox_edge.backends.out_of_memory import is_out_of_memory
from lunavox_edge.backends.stt.whisper_languages import code_for, tag_for
from lunavox_edge.backends.stt.whisper_window import (
    FRAMES_PER_S,
    LONG_FRAMES,
    allowed_tokens,
    doubtful,
    fill,
    looping,
    repetitive,
    windows,
)
from lunavox_edge.errors import BackendUnavailable, BadAudio, UnsupportedLanguage
from lunavox_edge.types import Word

RATE_HZ = 16_000
MAX_SAMPLES = 30 * RATE_HZ

_SLACK_SAMPLES = RATE_HZ // 10
_MIN_SAMPLES = RATE_HZ // 10
_SILENCE_PEAK = 1e-4
_MAX_HOTWORD_CHARS = 600
"""Whisper's prompt takes 223 tokens; more would push out the first names."""
_MAX_CONTEXT_TOKENS = 448
_NO_SPEECH = 0.5
_LOW_LOGPROB = -0.9
_LOOP_PENALTY = 1.1
"""Just enough for the decoder to stop after the first repetition of a command."""
_DOUBTFUL_LOGPROB = -0.5
"""Below this, a name may come from the prompt and not from the speaker."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    tokens: list[int]
    text: str
    logprob: float
    no_speech: float

    @property
    def silent(self) -> bool:
        return self.no_speech > _NO_SPEECH and self.logprob < _LOW_LOGPROB

    @property
    def repetitive(self) -> bool:
        return repetitive(self.text)


class WhisperModel(SttModel):
    """One Whisper model in memory. Thread-safe; as many calls run at once as it has workers."""

    def __init__(self, engine: Any, *, languages: tuple[str, ...], device: str) -> None:  # noqa: ANN401  # no types exist
        """Wrap the model of faster-whisper."""
        self.device = device
        self._engine = engine
        self._codes = frozenset(code for code in map(code_for, languages) if code is not None)
        self._tokenizers: dict[str, tuple[Any, list[int]]] = {}

    def recognize(self, samples: Samples, request: RecognizeRequest) -> Recognition:
        """Transcribe one piece of at most 30 s; the text is "" if it contains no speech.

        Raises BadAudio if it is longer, UnsupportedLanguage, MemoryError.
        """
        if len(samples) > MAX_SAMPLES + _SLACK_SAMPLES:
            raise BadAudio("The recogniser takes at most 30 seconds at once.")
        code = self._code(request.language)
        if len(samples) < _MIN_SAMPLES or float(np.abs(samples).max()) < _SILENCE_PEAK:
            return Recognition("", request.language or tag_for(code or "en"), 0.0)
        with _memory_errors():
            return self._recognize(samples[:MAX_SAMPLES], code, request)

    def warm_up(self) -> None:
        """Transcribe one second of faint noise on the real device. Raises BackendUnavailable, MemoryError."""
        noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32) * np.float32(0.01)
        try:
            with _memory_errors():
                features, request = self._features(noise), RecognizeRequest()
                encoded = self._engine.encode(fill(features, self._windows(features.shape[1], request)[0]))
                spoken_code = self._code(None) or self._detect(encoded)
                self._decode(encoded, spoken_code, request, features.shape[1], hotwords=None)
        except RuntimeError as error:
            if self.device == "cpu":
                raise
            raise BackendUnavailable(
                f"Whisper does not run on {self.device}; set stt.device to cpu."
            ) from error

    def close(self) -> None:
        """Free the model."""
        self._engine.model.unload_model()
        self._engine = None
        self._tokenizers = {}

    def _code(self, language: str | None) -> str | None:
        """Return Whisper's code of a language; None if it has to be detected. Raises UnsupportedLanguage."""
        if language is None:
            return None if self._engine.model.is_multilingual else "en"
        code = code_for(language)
        if code not in self._codes:
            raise UnsupportedLanguage(f"This model does not recognise the language '{language:.20}'.")
        return code

    def _recognize(self, samples: Samples, code: str | None, request: RecognizeRequest) -> Recognition:
        features = self._features(samples)
        frames = features.shape[1]
        lengths = self._windows(frames, request)
        for window in lengths:
            encoded = self._engine.encode(fill(features, window))
            spoken_code = self._detect(encoded) if code is None else code
            decoded = self._decode_surely(encoded, spoken_code, request, frames, final=window == lengths[-1])
            if not doubtful(decoded.tokens, decoded.text, decoded.logprob, frames=frames):
                break
        language = request.language or tag_for(spoken_code)
        text = decoded.text.strip()
        if not text or decoded.silent:
            return Recognition("", language, 0.0)
        words = self._words(encoded, spoken_code, decoded, frames) if request.words else ()
        return Recognition(text, language, min(1.0, math.exp(decoded.logprob)), words)

    def _features(self, samples: Samples) -> Any:  # noqa: ANN401
        return self._engine.feature_extractor(samples)[:, :-1]

    def _windows(self, frames: int, request: RecognizeRequest) -> tuple[int, ...]:
        # On a GPU the full window costs so little that a short one is not worth its risk.
        return windows(frames, full=request.thorough or self.device != "cpu")

    def _decode_surely(
        self,
        encoded: Any,  # noqa: ANN401
        code: str,
        request: RecognizeRequest,
        frames: int,
        *,
        final: bool,
    ) -> _Decoded:
        """Decode, and decode again with other parameters if the first result is not reliable.

        For a loop in a short command, one more decode here is ten times cheaper than the full window. In a
        long utterance, where words may be repeated, a loop is left to the full window, unless this is the
        `final` one.
        """
        hotwords = _hotwords(request)
        decoded = self._decode(encoded, code, request, frames, hotwords=hotwords)
        if not final and (decoded.repetitive or looping(decoded.tokens)):
            if frames >= LONG_FRAMES:
                return decoded
            return self._decode(
                encoded, code, request, frames, hotwords=hotwords, repetition_penalty=_LOOP_PENALTY
            )
        if hotwords and (decoded.logprob < _DOUBTFUL_LOGPROB or decoded.repetitive):
            plain = self._decode(encoded, code, request, frames, hotwords=None)
            if plain.silent or decoded.repetitive or plain.logprob > decoded.logprob:
                decoded = plain
        if decoded.repetitive and final:
            again = self._decode(encoded, code, request, frames, hotwords=None, repetition_penalty=1.2)
            decoded = decoded if again.repetitive else again
        return decoded

    def _detect(self, encoded: Any) -> str:  # noqa: ANN401
        for token, _ in self._engine.model.detect_language(encoded)[0]:
            code: str = token[2:-2]
            if code in self._codes:
                return code
        return "en"

    def _tokenizer(self, code: str) -> tuple[Any, list[int]]:
        """Return the tokenizer of a language and the tokens that are never speech."""
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        if code not in self._tokenizers:
            multilingual = self._engine.model.is_multilingual
            tokenizer = Tokenizer(self._engine.hf_tokenizer, multilingual, task="transcribe", language=code)
            self._tokenizers[code] = (tokenizer, list(get_suppressed_tokens(tokenizer, [-1])))
        return self._tokenizers[code]

    def _decode(
        self,
        encoded: Any,  # noqa: ANN401
        code: str,
        request: RecognizeRequest,
        frames: int,
        *,
        hotwords: str | None,
        repetition_penalty: float = 1.0,
    ) -> _Decoded:
        tokenizer, suppressed = self._tokenizer(code)
        prompt = self._engine.get_prompt(
            tokenizer, [], without_timestamps=frames < LONG_FRAMES, hotwords=hotwords
        )
        found = self._engine.model.generate(
            encoded,
            [prompt],
            beam_size=request.beam_size,
            repetition_penalty=repetition_penalty,
            max_length=min(_MAX_CONTEXT_TOKENS, len(prompt) + allowed_tokens(frames)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=suppressed,
        )[0]
        sequence = found.sequences_ids[0]
        # The score is the mean over the tokens without the end of text, which counts as one more.
        logprob = found.scores[0] * len(sequence) / (len(sequence) + 1)
        tokens = [token for token in sequence if token < tokenizer.eot]
        return _Decoded(tokens, tokenizer.decode(tokens), logprob, found.no_speech_prob)

    def _words(self, encoded: Any, code: str, decoded: _Decoded, frames: int) -> tuple[Word, ...]:  # noqa: ANN401
        tokenizer, _ = self._tokenizer(code)
        duration_s = frames / FRAMES_PER_S
        segment: dict[str, Any] = {"seek": 0, "start": 0.0, "end": duration_s, "tokens": decoded.tokens}
        self._engine.add_word_timestamps(
            [[segment]],
            tokenizer,
            encoded,
            frames,
            "\"'“¿([{-",
            "\"'.。,，!！?？:：”)]}、",
            last_speech_timestamp=0.0,
        )
        return tuple(
            Word(
                found["word"].strip(),
                min(float(found["start"]), duration_s),
                min(float(found["end"]), duration_s),
                float(found["probability"]),
            )
            for found in segment.get("words", ())
            if found["word"].strip()
        )


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise MemoryError("CTranslate2 ran out of memory") from error
        raise


def _hotwords(request: RecognizeRequest) -> str | None:
    """Join names, then terms, as far as they fit into the prompt; None if there are none.

    The text ends like a sentence, because the model continues in the style of its prompt: after a bare list
    it omits punctuation and is less certain.
    """
    chosen: list[str] = []
    size = 0
    for word in dict.fromkeys(" ".join(word.split()) for word in (*request.names, *request.terms)):
        size += len(word) + 2
        if size > _MAX_HOTWORD_CHARS:
            break
        if word:
            chosen.append(word)
    return ", ".join(chosen) + "." if chosen else None
