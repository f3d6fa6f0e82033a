"""Settings of speech recognition, speech synthesis, wake words and voice aliases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lunavox_edge.settings.section import Language, Name, Names, Section

Device = Literal["auto", "cpu", "cuda"]


class SttSettings(Section):
    """Speech recognition (speech to text)."""

    model: Name = "base"
    """Model for requests that do not name one. `lunavox-edge models list` shows the names."""

    fallback_models: Names = ()
    """Smaller models, tried in this order, that replace the model while memory is short or the machine is too
    hot, if unloading unused models did not help. Empty: the model is never replaced."""

    language: Language | None = None
    """Language of requests that do not name one, such as `en` or `pt-BR`. `null`: it is detected from the
    audio."""

    device: Device = "auto"
    """Where models run: `cpu`, `cuda` (NVIDIA GPU), or `auto`: the GPU if it works, else the CPU."""

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
    """Number format of the model's weights. `default`: chosen for the model and the device. `int8` needs
    little memory and is fast."""

    beam_size: int = Field(1, ge=1, le=20)
    """Number of alternatives that the recogniser follows at the same time. More are slower and a little more
    accurate."""

    window: Literal["auto", "full"] = "auto"
    """How much audio Whisper processes at once. `auto`: only the length of the utterance, and again with 30
    seconds if the result is doubtful. `full`: always 30 seconds, filled with silence; this takes about three
    times as long and is sometimes better for unclear speech. A GPU always uses 30 seconds."""

    names: Names = ()
    """Names of people, rooms and devices that are often said in your home. They are then recognised
    better."""

    terms: Names = ()
    """Other unusual words that are often said in your home. They are then recognised better."""

    endpointing: Literal["server", "client"] = "server"
    """Who decides that the person has finished speaking. `server`: the service does, and sends the transcript
    while the client still sends audio. `client`: the service waits for the client's `audio-stop`. An
    `audio-stop` ends an utterance in both cases."""

    pause_aggressive_ms: int = Field(450, ge=100, le=10_000)
    """Milliseconds of silence that end an utterance for clients that ask for `aggressive` endpointing. If the
    words so far sound unfinished ("a coffee with"), `pause_default_ms` is used instead."""

    pause_default_ms: int = Field(600, ge=100, le=10_000)
    """Milliseconds of silence that end an utterance for clients that ask for `default` endpointing or do not
    choose."""

    pause_relaxed_ms: int = Field(1250, ge=100, le=10_000)
    """Milliseconds of silence that end an utterance for clients that ask for `relaxed` endpointing."""

    no_speech_timeout_s: float = Field(10.0, ge=1.0, le=600.0)
    """Seconds without any speech after which the request ends with an empty transcript."""

    max_command_s: float = Field(20.0, ge=1.0, le=600.0)
    """Maximum length of a spoken command, in seconds. It ends then even if speech goes on, for example from a
    radio. Applies only with `endpointing: server` and to audio that arrives while it is spoken."""

    streaming: bool = False
    """Whether clients get words while the person still speaks, as soon as the words are certain. The audio is
    then recognised once more for every second of speech."""


class TtsSettings(Section):
    """Speech synthesis (text to speech)."""

    voice: Name = "en_US-joe-medium"
    """Voice for requests that do not name one. `lunavox-edge voices list` shows the names."""

    language: Language | None = None
    """Language of requests that name neither a voice nor a language. `null`: the language of the voice."""

    device: Device = "cpu"
    """Where voices run: `cpu`, `cuda` (NVIDIA GPU) or `auto`. The CPU is often faster for speech
    synthesis."""

    speed: float = Field(1.0, ge=0.25, le=4.0)
    """Speaking rate: 2.0 is twice as fast."""

    volume: float = Field(1.0, ge=0.0, le=4.0)
    """Volume: 0.5 is half the amplitude."""

    loudness_dbfs: float | None = Field(-20.0, ge=-60.0, le=-6.0)
    """Loudness that every voice is adjusted to, in dBFS (decibels below full scale). `null`: voices are not
    adjusted."""

    sentence_silence_ms: int = Field(150, ge=0, le=10_000)
    """Milliseconds of silence between sentences."""

    normalize_text: bool = True
    """Whether numbers, units, markdown, emoji and links are first rewritten as words."""

    buffer_char_threshold: int = Field(40, ge=1, le=10_000)
    """When streamed text stalls within a sentence, what is there is spoken if it has at least this many
    characters. A complete sentence is always spoken."""

    max_buffer_delay_ms: int = Field(1000, ge=50, le=60_000)
    """Milliseconds without new text after which streamed text counts as stalled."""

    phrase_cache_mb: int = Field(16, ge=0, le=4096)
    """Memory for the audio of sentences that were spoken before, in megabytes. Nothing is written to disk. 0
    turns the cache off."""


class WakeWord(Section):
    """Settings of one wake word."""

    sensitivity: float | None = Field(None, ge=0.0, le=1.0)
    """How easily the word is detected, as in `wake.sensitivity`. `null`: the value of `wake.sensitivity`."""

    refractory_s: float | None = Field(None, ge=0.0, le=600.0)
    """Seconds after a detection in which the word is not detected again. `null`: the value of
    `wake.refractory_s`."""


class WakeSettings(Section):
    """Wake words, such as "okay nabu"."""

    default: Names = ()
    """Wake words for clients that do not name any. Empty: all installed ones. `lunavox-edge models list`
    shows the names."""

    sensitivity: float = Field(0.5, ge=0.0, le=1.0)
    """How easily wake words are detected. 0.5 is what the author of each model intended; higher values detect
    them in less clear speech, with more false detections."""

    refractory_s: float = Field(2.0, ge=0.0, le=600.0)
    """Seconds after a detection in which the same word is not detected again."""

    max_streams: int = Field(64, ge=1, le=10_000)
    """Maximum number of microphones that are searched for wake words at the same time; further ones get the
    error "busy". They do not count for `limits.max_sessions`."""

    words: dict[Name, WakeWord] = Field(default_factory=dict)
    """Settings of individual wake words, such as `{okay_nabu: {sensitivity: 0.7}}`."""


class VoiceAlias(Section):
    """A name for a voice with fixed parameters. Speed and volume are multiplied with those of `tts`."""

    voice: Name
    """The voice that the name stands for."""

    speaker: Name | None = None
    """The speaker, for a voice with several speakers."""

    language: Language | None = None
    """Language that clients find the name under. `null`: the language of the voice."""

    speed: float | None = Field(None, ge=0.25, le=4.0)
    """Speaking rate, multiplied with `tts.speed`."""

    volume: float | None = Field(None, ge=0.0, le=4.0)
    """Volume, multiplied with `tts.volume`."""

    noise_scale: float | None = Field(None, ge=0.0, le=2.0)
    """How much the sound of the voice varies. `null`: the value of the voice."""

    noise_w: float | None = Field(None, ge=0.0, le=2.0)
    """How much the speaking rhythm varies. `null`: the value of the voice."""
