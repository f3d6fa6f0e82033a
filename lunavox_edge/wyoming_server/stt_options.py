"""The options of one `transcribe` request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wyoming.event import Event

from lunavox_edge.wire import fields

_DEFAULT_SENSITIVITY = "default"
_SENSITIVITIES = ("aggressive", _DEFAULT_SENSITIVITY, "relaxed")


@dataclass(frozen=True, slots=True)
class SttOptions:
    """The options of one utterance, as `transcribe` gives them."""

    model: str | None = None
    language: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    sensitivity: str = _DEFAULT_SENSITIVITY
    context: dict[str, Any] | None = None

    @classmethod
    def read(cls, event: Event) -> SttOptions:
        """Read a `transcribe` event. Raises ProtocolError."""
        data = event.data
        sensitivity = fields.optional_text(data, "vad_sensitivity")
        return cls(
            model=fields.name(data, "name"),
            language=fields.name(data, "language"),
            names=fields.terms(data, "transcript_names"),
            terms=fields.terms(data, "transcript_terms"),
            # A value of a later version of the protocol counts as the default.
            sensitivity=sensitivity if sensitivity in _SENSITIVITIES else _DEFAULT_SENSITIVITY,
            context=fields.table(data, "context"),
        )
