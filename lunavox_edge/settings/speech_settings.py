"""What can be set about hearing, speaking and wake words: which model, where it runs, and how it behaves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lunavox_edge.settings.section import Language, Name, Names, Section

Device = Literal["auto", "cpu", "cuda"]


class SttSettings(Section):
    """Speech to text."""

    model: Name = "base"
    """Model for utterances that name none. `lunavox-edge models list` shows the names."""

    fallback_models: Names = ()
    """Smaller models that hear instead, in this order, while memory or cooling run short and unloading
    what is idle did not help. Empty: it is never changed."""

    language: Language | None = None
    """Language of utterances that name none, such as `en` or `pt-BR`. `null`: it is detected."""

    device: Device = "auto"
    """Where models run: `cpu`, `cuda`, or `auto` for the first that really works."""

    compute_type: Literal[
        "default",
        "auto",
        "int8",
        "int8_float32",
        "int8_float16",
        "int8_bfloat16",
        "int16",
        "float16",
        "bfloat16",
        "float32",
    ] = "default"
    """Number format of the weights. `default`: what suits the model and the device; `int8` is small
    and quick."""

    beam_size: int = Field(1, ge=1, le=20)
    """Guesses that are followed at once: more are slower and a little more accurate."""

    window: Literal["auto", "full"] = "auto"
    """How much Whisper's encoder is given: `auto` what was said, and all 30 seconds where the result
    is in doubt; `full` always 30 seconds, which costs about three times as much and is now and then
    better on unclear speech. A GPU always gets 30 seconds."""

    names: Names = ()
    """Names of people, rooms and devices that are often said here."""

    terms: Names = ()
    """Other words that are often said here and seldom elsewhere."""

    endpointing: Literal["server", "client"] = "server"
    """Who finds out that a person has finished: `server` sends the transcript while audio still
    flows; `client` waits for the client's `audio-stop`, which ends an utterance in any case."""

    pause_aggressive_ms: int = Field(450, ge=100, le=10_000)
    """Milliseconds of silence that end an utterance for clients that ask for `aggressive`.
    Where the words so far sound unfinished ("a coffee with"), the pause is that of `default`."""

    pause_default_ms: int = Field(600, ge=100, le=10_000)
    """The same for clients that ask for `default`, or for nothing."""

    pause_relaxed_ms: int = Field(1250, ge=100, le=10_000)
    """The same for clients that ask for `relaxed`."""

    no_speech_timeout_s: float = Field(10.0, ge=1.0, le=600.0)
    """Seconds without any speech after which the answer is an empty transcript."""

    max_command_s: float = Field(20.0, ge=1.0, le=600.0)
    """Seconds after which an utterance ends even if speech goes on, from a radio say; with
    `endpointing: server` and audio that comes as it is spoken."""

    streaming: bool = False
    """Whether clients get words while the person speaks, once they are certain. It costs a decode every
    second of speech."""


class TtsSettings(Section):
    """Text to speech."""

    voice: Name = "en_US-joe-medium"
    """Voice for text that names none. `lunavox-edge voices list` shows the names."""

    language: Language | None = None
    """Language of text that names neither voice nor language. `null`: that of the voice."""

    device: Device = "cpu"
    """Where voices run: `cpu`, `cuda` or `auto`. The CPU is often the quicker one for speech."""

    speed: float = Field(1.0, ge=0.25, le=4.0)
    """How fast to speak: 2.0 is twice as fast."""

    volume: float = Field(1.0, ge=0.0, le=4.0)
    """How loud to speak: 0.5 is half the amplitude."""

    loudness_dbfs: float | None = Field(-20.0, ge=-60.0, le=-6.0)
    """Loudness that every voice is brought to, in dB below full scale. `null`: as each voice is."""

    sentence_silence_ms: int = Field(150, ge=0, le=10_000)
    """Milliseconds of silence between sentences."""

    normalize_text: bool = True
    """Whether numbers, units, markdown, emoji and links are made speakable first."""

    buffer_char_threshold: int = Field(40, ge=1, le=10_000)
    """Streamed text that stalls in mid-sentence is spoken if at least so many characters wait; a whole
    sentence is in any case."""

    max_buffer_delay_ms: int = Field(1000, ge=50, le=60_000)
    """Milliseconds without new text after which streamed text counts as stalled."""

    phrase_cache_mb: int = Field(16, ge=0, le=4096)
    """Megabytes for the audio of sentences said before, in memory only; 0 keeps nothing."""


class WakeWord(Section):
    """What holds for one wake word."""

    sensitivity: float | None = Field(None, ge=0.0, le=1.0)
    """How readily it is heard. `null`: as `wake.sensitivity` says."""

    refractory_s: float | None = Field(None, ge=0.0, le=600.0)
    """Seconds in which it is not heard again. `null`: as `wake.refractory_s` says."""


class WakeSettings(Section):
    """Wake words: what is waited for in the sound of a room."""

    default: Names = ()
    """Words for clients that name none. Empty: every installed one. `lunavox-edge models list` shows
    the names."""

    sensitivity: float = Field(0.5, ge=0.0, le=1.0)
    """How readily words are heard: 0.5 as the author of each meant, more hears fainter ones and is
    mistaken more often."""

    refractory_s: float = Field(2.0, ge=0.0, le=600.0)
    """Seconds after a detection in which the same word is not heard again."""

    max_streams: int = Field(64, ge=1, le=10_000)
    """Microphones listened to at once; one more is answered "busy". They do not count as sessions."""

    words: dict[Name, WakeWord] = Field(default_factory=dict)
    """What holds for single words, such as `{okay_nabu: {sensitivity: 0.7}}`."""


class VoiceAlias(Section):
    """A name for a voice with fixed parameters. Speed and volume multiply those of `tts`."""

    voice: Name
    """The voice it stands for."""

    speaker: Name | None = None
    """Speaker of a voice that has several."""

    language: Language | None = None
    """Language it is offered for. `null`: that of the voice."""

    speed: float | None = Field(None, ge=0.25, le=4.0)
    """How fast to speak."""

    volume: float | None = Field(None, ge=0.0, le=4.0)
    """How loud to speak."""

    noise_scale: float | None = Field(None, ge=0.0, le=2.0)
    """How much the sound varies."""

    noise_w: float | None = Field(None, ge=0.0, le=2.0)
    """How much the rhythm varies."""
