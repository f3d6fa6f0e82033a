"""Conversion between LunavoxError and the Wyoming `error` event, in both directions."""

from __future__ import annotations

from wyoming.error import Error
from wyoming.event import Event

from lunavox_edge.errors import Busy, InternalError, LunavoxError
from lunavox_edge.wire import fields

_INTERNAL_TEXT = "Something went wrong inside the server; its log says more."
_DEFAULT_RETRY_S = 1.0
_MAX_RETRY_S = 3600.0


def error_event(error: Exception) -> Event:
    """Return the `error` event for an exception; one that is no LunavoxError becomes a bare `internal`."""
    if not isinstance(error, LunavoxError):
        return Error(text=_INTERNAL_TEXT, code=InternalError.code).event()
    event = Error(text=str(error), code=error.code).event()
    if isinstance(error, Busy):
        event.data["retry_after_s"] = error.retry_after_s
    return event


def error_from(event: Event) -> LunavoxError:
    """Return the exception for an `error` event; a LunavoxError itself if the code is unknown."""
    text, code = event.data.get("text"), event.data.get("code")
    message = text if isinstance(text, str) else "The server refused the request."
    if code == Busy.code:
        retry_s = fields.number(event.data, "retry_after_s", _DEFAULT_RETRY_S)
        return Busy(message, retry_after_s=min(max(0.0, retry_s), _MAX_RETRY_S))
    kinds = [LunavoxError]
    for kind in kinds:
        if kind.code == code:
            return kind(message)
        kinds.extend(kind.__subclasses__())
    return LunavoxError(message)
