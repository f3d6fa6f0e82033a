"""How one utterance is to be heard, as `transcribe` asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from lunavox_edge.wire import fields

_DEFAULT_SENSITIVITY = "default"
_SENSITIVITIES = ("aggressive", _DEFAULT_SENSITIVITY, "relaxed")


@dataclass(frozen=True, slots=True)
class SttOptions:
    """What one `transcribe` asks for."""

    model: str | None = None
    language: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    sensitivity: str = _DEFAULT_SENSITIVITY
    context: dict[str, Any] | None = None

    @classmethod
    def read(cls, event: Event) -> SttOptions:
        """Read a `transcribe`. Raises ProtocolError."""
        data = event.data
        sensitivity = fields.optional_text(data, "vad_sensitivity")
        return cls(
            model=fields.name(data, "name"),
            language=fields.name(data, "language"),
            names=fields.terms(data, "transcript_names"),
            terms=fields.terms(data, "transcript_terms"),
            # What a later protocol may add is the default until we know it.
            sensitivity=sensitivity if sensitivity in _SENSITIVITIES else _DEFAULT_SENSITIVITY,
            context=fields.table(data, "context"),
        )
