"""Asking a Wyoming service to describe itself; nothing but `describe` is sent."""

from __future__ import annotations

import asyncio

from wyoming.event import Event
from wyoming.info import Describe, Info

from lunavox_edge.address import Address
from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxError, ProtocolError, TimedOut, Unreachable, printable
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.wire import fields
from lunavox_edge.wire.event_stream import EventReader, NotWyomingError, encode_event
from lunavox_edge.wire.opening import opened

_SHOWN_CHARS = 200


async def satellite_info(reader: EventReader, writer: asyncio.StreamWriter) -> Info:
    """Send `describe` on an open connection and return the satellite's Info.

    Raises ProtocolError if the peer is no satellite, Unreachable if it closes the connection.
    """
    writer.write(encode_event(Describe().event()))
    while (event := await read_answer(reader)) is not None:
        if not Info.is_type(event.type):
            continue
        info = info_from(event)
        if info.satellite is None:
            raise ProtocolError("There is a Wyoming service, but it is no satellite.")
        return info
    raise Unreachable("It has closed the connection; is another hub using it?")


async def read_answer(reader: EventReader) -> Event | None:
    """Return the next event, or None at the end of the stream.

    For connections that we made. Raises ProtocolError with a text for our own user; that of NotWyomingError
    is for a client of our port.
    """
    try:
        return await reader.read()
    except NotWyomingError as error:
        raise ProtocolError(
            "It does not speak the Wyoming protocol: what it sent begins with no line of JSON."
        ) from error


def info_from(event: Event) -> Info:
    """Parse an `info` event. Raises ProtocolError, also if a satellite's name or area is too long."""
    try:
        info = Info.from_event(event)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise ProtocolError("It describes itself in a way that is not understood.") from error
    if info.satellite is not None:
        for key in ("name", "area"):
            fields.name(vars(info.satellite), key)
    return info


def shown(text: str) -> str:
    """Return a text from an untrusted peer in a form that is safe to print: short, without control codes."""
    return printable(text[:_SHOWN_CHARS])


async def satellite_at(uri: str, limits: LimitSettings, *, timeout_s: float) -> Info:
    """Connect to `uri`, ask with `describe`, disconnect; all within `timeout_s`. Raises LunavoxError."""
    writer: asyncio.StreamWriter | None = None

    async def asked() -> Info:
        nonlocal writer
        stream, writer = await opened(Address.parse(uri))
        return await satellite_info(EventReader(stream, limits), writer)

    try:
        return await within(asked(), timeout_s)
    except asyncio.TimeoutError as error:
        raise TimedOut("It does not answer.") from error
    except LunavoxError:
        raise
    except (OSError, UnicodeError) as error:
        raise Unreachable("It cannot be reached.") from error
    finally:
        if writer is not None:
            writer.transport.abort()
