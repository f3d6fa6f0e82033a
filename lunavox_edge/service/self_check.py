"""Does the service hear what it says? Asked through its own port, as any client would."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from lunavox_edge.types import AudioFormat
from lunavox_edge.wyoming_server import blocking_client

SENTENCE = "The kitchen light is on and dinner is ready."
_ENOUGH = 0.7


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """What was heard of the sentence that was said, and how long both took."""

    heard: str
    matched: float
    """Share of the words that came back."""
    first_audio_ms: float
    transcript_ms: float
    english: bool = True
    """Whether the default voice and model know the sentence's language; else its words say nothing."""

    @property
    def ok(self) -> bool:
        """Whether enough words came back, or the sentence was not theirs."""
        return self.matched >= _ENOUGH or not self.english

    @property
    def summary(self) -> str:
        """One line for a person."""
        verdict = "OK" if self.ok else f"NOT OK: said “{SENTENCE}”"
        if not self.english:
            verdict = "OK (words not compared, they are English and the defaults are not)"
        return (
            f"{verdict}: heard “{self.heard}” (first audio after {self.first_audio_ms:.0f} ms, "
            f"transcript after {self.transcript_ms:.0f} ms)"
        )


def self_check(uri: str, *, timeout_s: float) -> SelfCheck:
    """Say a sentence through `uri` and have it transcribed. Raises LunavoxError."""
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
    wanted, heard = _words(SENTENCE), set(_words(transcript.text))
    return SelfCheck(
        heard=transcript.text,
        matched=sum(word in heard for word in wanted) / len(wanted),
        first_audio_ms=first_audio_ms,
        transcript_ms=transcript_ms,
        english=english,
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
