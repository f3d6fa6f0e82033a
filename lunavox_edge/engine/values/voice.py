"""The `Voice` value, which says how to speak, and the checks that a backend and a voice support it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from lunavox_edge.backends.base import Capabilities
from lunavox_edge.engine.values.checking import check_type
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.errors import UnknownSpeaker, UnsupportedVoice
from lunavox_edge.types import ModelEntry

SPEAKER_SEPARATOR = "#"


class VoiceMode(str, Enum):
    """The four ways to choose a voice."""

    BASE = "base"
    CUSTOM = "custom"
    CLONE = "clone"
    DESIGN = "design"


@dataclass(frozen=True, slots=True)
class Voice:
    """A way to speak. Build one with `base`, `custom`, `clone_file` or `design`."""

    mode: VoiceMode
    reference_path: Path | None = None
    speaker: str = ""
    instruct: str = ""

    @classmethod
    def base(cls) -> Voice:
        """The default voice of the engine."""
        return cls(VoiceMode.BASE)

    @classmethod
    def custom(cls, speaker: str, instruct: str = "") -> Voice:
        """A voice of the catalog: `joe`, or `libritts#p225` for one speaker of many.

        Raises ValueError if `speaker` is blank, TypeError if it is no text.
        """
        check_type("the speaker of a voice", speaker, str)
        if not speaker.strip():
            raise ValueError("A custom voice needs a speaker name.")
        return cls(VoiceMode.CUSTOM, speaker=speaker, instruct=instruct)

    @classmethod
    def clone_file(cls, path: str | Path) -> Voice:
        """The voice in a recording. Raises ValueError if the path is blank, TypeError if it is none."""
        check_type("the path of a recording", path, str, os.PathLike)
        if not str(path).strip():
            raise ValueError("A cloned voice needs the path of a recording.")
        return cls(VoiceMode.CLONE, reference_path=Path(path))

    @classmethod
    def design(cls, instruct: str) -> Voice:
        """A voice described in words. Raises ValueError if it is blank, TypeError if it is no text."""
        check_type("the description of a voice", instruct, str)
        if not instruct.strip():
            raise ValueError("A designed voice needs a description.")
        return cls(VoiceMode.DESIGN, instruct=instruct)

    def split_speaker(self) -> tuple[str, str | None]:
        """Return the catalog name and the speaker inside it, or None for the default one."""
        name, separator, speaker = self.speaker.partition(SPEAKER_SEPARATOR)
        return name, (speaker if separator else None)


def check_supported(backend: str, capabilities: Capabilities, voice: Voice, params: SynthesisParams) -> None:
    """Raise UnsupportedVoice for the first requested ability that the backend does not declare."""
    defaults = SynthesisParams()
    sampling = ("max_audio_tokens", "temperature", "top_p", "top_k", "repetition_penalty")
    asked = {
        "cloning a voice": voice.mode is VoiceMode.CLONE and not capabilities.clone,
        "designing a voice": voice.mode is VoiceMode.DESIGN and not capabilities.design,
        "instructions on how to speak": bool(voice.instruct) and not capabilities.instruct,
        "a seed": params.seed is not None and not capabilities.seed,
        "a reference text": params.ref_text is not None and not capabilities.clone,
        "another speed": params.speed != defaults.speed and not capabilities.speed,
        "noise_scale or noise_w": (params.noise_scale is not None or params.noise_w is not None)
        and not capabilities.noise,
        "sampling parameters": any(getattr(params, name) != getattr(defaults, name) for name in sampling)
        and not capabilities.sampling,
        "language_id (give `language` instead)": params.language_id != defaults.language_id,
        "n_threads per request (set engine.threads instead)": params.n_threads != defaults.n_threads,
    }
    for ability, refused in asked.items():
        if refused:
            raise UnsupportedVoice(f"The {backend} engine does not support {ability}.")


def speaker_of(entry: ModelEntry, speaker: str | None) -> str | None:
    """Return the name of a voice's speaker, given by name or number. Raises UnknownSpeaker."""
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
