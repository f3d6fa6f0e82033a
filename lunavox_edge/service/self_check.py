"""Self-check of a running service: speak a sentence and transcribe the audio, as a client of its port."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from lunavox_edge.types import AudioFormat
from lunavox_edge.wyoming_server import blocking_client

SENTENCE = "The kitchen light is on and dinner is ready."
_MIN_MATCHED = 0.7


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Transcript of the sentence that was spoken, and the time that both steps took."""

    transcript: str
    matched: float
    """Share of the sentence's words that the transcript contains, 0 to 1."""
    first_audio_ms: float
    transcript_ms: float
    english: bool = True
    """Whether the default voice and model are for English; if not, the words are not compared."""

    @property
    def ok(self) -> bool:
        """Whether enough words match, or the words are not compared."""
        return self.matched >= _MIN_MATCHED or not self.english

    @property
    def summary(self) -> str:
        """The result as one line for people."""
        verdict = "OK" if self.ok else f"NOT OK: said “{SENTENCE}”"
        if not self.english:
            verdict = "OK (words not compared, they are English and the defaults are not)"
        return (
            f"{verdict}: heard “{self.transcript}” (first audio after {self.first_audio_ms:.0f} ms, "
            f"transcript after {self.transcript_ms:.0f} ms)"
        )


def self_check(uri: str, *, timeout_s: float) -> SelfCheck:
    """Speak a sentence with the service at `uri` and transcribe it there. Raises LunavoxError."""
    info = blocking_client.describe(uri, timeout_s=timeout_s)
    languages = [voice.languages for program in info.tts[:1] for voice in program.voices[:1]]
    languages += [model.languages for program in info.asr[:1] for model in program.models[:1]]
    english = all(any(language.startswith("en") for language in known) for known in languages)
    started = time.perf_counter()
    first_audio_ms = 0.0
    pcm = bytearray()
    rate_hz = 0
    for chunk in blocking_client.speak(uri, SENTENCE, timeout_s=timeout_s):
        first_audio_ms = first_audio_ms or (time.perf_counter() - started) * 1000
        pcm += chunk.pcm
        rate_hz = chunk.sample_rate
    started = time.perf_counter()
    transcript = blocking_client.transcribe(uri, bytes(pcm), AudioFormat(rate_hz), timeout_s=timeout_s)
    transcript_ms = (time.perf_counter() - started) * 1000
    spoken, recognized = _words(SENTENCE), set(_words(transcript.text))
    return SelfCheck(
        transcript=transcript.text,
        matched=sum(word in recognized for word in spoken) / len(spoken),
        first_audio_ms=first_audio_ms,
        transcript_ms=transcript_ms,
        english=english,
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
