"""The parameters of one synthesis and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real

from lunavox_edge.engine.values.checking import check_type

_RANGES: dict[str, tuple[float, float]] = {
    "max_audio_tokens": (0, 1_000_000),
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "top_k": (0, 100_000),
    "n_threads": (0, 1024),
    "repetition_penalty": (0.1, 10.0),
    "language_id": (-1, 10_000),
    "speed": (0.25, 4.0),
    "volume": (0.0, 4.0),
    "seed": (0, 2**63 - 1),
    "noise_scale": (0.0, 2.0),
    "noise_w": (0.0, 2.0),
}
_WHOLE = frozenset({"max_audio_tokens", "top_k", "n_threads", "language_id", "seed"})
_OPTIONAL = frozenset({"seed", "noise_scale", "noise_w"})


@dataclass(frozen=True, slots=True)
class SynthesisParams:
    """How to synthesize. Raises TypeError for a wrong type, ValueError for a wrong value.

    Numbers may be of any type that is one, such as numpy's; they are converted to int and float.

    `speed` 2.0 is twice as fast, `volume` 0.5 half as loud; both are multiplied with those of the voice
    and the settings. `n_threads` 0 leaves the choice to the engine. Parameters that a voice does not
    support are refused with UnsupportedVoice when it is used.
    """

    max_audio_tokens: int = 0
    temperature: float = 0.6
    top_p: float = 1.0
    top_k: int = 50
    n_threads: int = 0
    repetition_penalty: float = 1.05
    language_id: int = -1
    ref_text: str | None = None
    speed: float = 1.0
    volume: float = 1.0
    seed: int | None = None
    noise_scale: float | None = None
    noise_w: float | None = None

    def __post_init__(self) -> None:
        """Check every number's type and range, and convert it."""
        check_type("ref_text", self.ref_text, str, type(None))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number:
                raise TypeError(f"{name} must be a number, not {type(value).__name__}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}, not {value}")
            if name in _WHOLE and value != int(value):
                raise ValueError(f"{name} must be a whole number, not {value}")
            object.__setattr__(self, name, int(value) if name in _WHOLE else float(value))

    @classmethod
    def from_overrides(cls, **overrides: object) -> SynthesisParams:
        """Return the defaults with some values replaced; None means "not given".

        Raises TypeError for an unknown name or a wrong type, ValueError for a wrong value.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise TypeError(f"unknown synthesis parameters: {', '.join(unknown)}")
        given = {name: value for name, value in overrides.items() if value is not None}
        return cls(**given)  # type: ignore[arg-type]  # __post_init__ checks the types
