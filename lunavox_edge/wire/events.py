"""Reading and writing Wyoming messages, with a bound on everything a peer can send.

A message is one line of JSON, `{"type", "data"?, "data_length"?, "payload_length"?}`, then
`data_length` bytes of JSON, then `payload_length` bytes of audio.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from wyoming.event import Event
from wyoming.version import __version__ as protocol_version

from lunavox_edge.bridge import within
from lunavox_edge.errors import LunavoxError, ProtocolError, TimedOut

if TYPE_CHECKING:
    from lunavox_edge.settings_model import LimitSettings

STATUS_TYPE = "lunavox-status"
"""Our own extension: answered with an event of this type that holds the engine's status."""

# A request is flat. The parser recurses with the depth and allocates per value, so both are
# counted before it runs.
MAX_JSON_DEPTH = 16
MAX_JSON_VALUES = 10_000
# Longest of the protocol: 18 characters.
MAX_TYPE_CHARS = 64
# Above this much unsent data a writer waits for the peer. Speech is made faster than it is
# played, so what a slow peer leaves unread stays in the engine, which stops making more.
WRITE_HIGH_WATER_BYTES = 65_536

_READ_BYTES = 65_536
_LITTLE_BYTES = 16_384
_MAX_DIGITS = 400
_JUNK_WAIT_S = 0.2
_JUNK_BYTES = 8
_NEWLINE = b"\n"
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HTTP_METHODS = (
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"OPTIONS ",
    b"DELETE ",
    b"CONNECT ",
    b"PATCH ",
    b"PRI ",
)
_TLS_HANDSHAKE = b"\x16\x03"


class BrokenStreamError(ProtocolError):
    """Where the next message starts cannot be known; nothing is left but to close."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a message. `problem` is set if only its content is wrong."""

    type: str
    data: dict[str, Any]
    data_bytes: int
    payload_bytes: int
    problem: ProtocolError | None = None


class EventReader:
    """Reads events from one connection."""

    def __init__(self, stream: asyncio.StreamReader, limits: LimitSettings) -> None:
        """Store the stream, from which nobody else may read."""
        self._stream = stream
        self._limits = limits
        self._buffer = bytearray()
        self._deadline_s: float | None = None
        self._received_bytes = 0

    @property
    def drained(self) -> bool:
        """Whether all that has come was read, and it was little: the peer sends as it speaks."""
        return not self._buffer and self._received_bytes <= _LITTLE_BYTES

    async def read(self) -> Event | None:
        """Return the next event, however long it takes to begin; None if the peer has left.

        Raises ProtocolError for a message with wrong content, after which reading may go on,
        and BrokenStreamError or TimedOut if it may not.
        """
        if not self._buffer and not await self._fill():
            return None
        self._deadline_s = None
        header = parse_header(await self._line())
        data_bytes = await self._body("data_length", header.data_bytes)
        payload = await self._body("payload_length", header.payload_bytes)
        return make_event(header, data_bytes, payload)

    def forget(self) -> None:
        """Give back the memory of a message that did not come to its end."""
        self._buffer.clear()

    async def _line(self) -> bytes:
        if self._buffer[0] != ord("{"):
            await self._refuse_junk()
        limit = self._limits.max_header_bytes
        searched = 0
        while (end := self._buffer.find(_NEWLINE, searched)) < 0 and len(self._buffer) <= limit:
            searched = len(self._buffer)
            await self._need_more()
        if not 0 <= end <= limit:
            raise BrokenStreamError(f"The first line of a message is longer than {limit} bytes.")
        return self._take(end + 1)

    async def _body(self, key: str, size: int) -> bytes:
        limit = self._limits.max_message_bytes
        if size > limit:
            raise BrokenStreamError(f"The '{key}' of a message is over the limit of {limit} bytes.")
        while len(self._buffer) < size:
            await self._need_more()
        return self._take(size)

    async def _need_more(self) -> None:
        """Wait for the rest of a begun message, for which there is one deadline."""
        now_s = asyncio.get_running_loop().time()
        if self._deadline_s is None:
            self._deadline_s = now_s + self._limits.read_timeout_s
        try:
            received = await within(self._fill(), self._deadline_s - now_s)
        except asyncio.TimeoutError as error:
            raise TimedOut(
                f"The rest of a message did not come within {self._limits.read_timeout_s:g} seconds."
            ) from error
        if not received:
            raise BrokenStreamError("The connection ended in the middle of a message.")

    async def _fill(self) -> bool:
        received = await self._stream.read(_READ_BYTES)
        self._received_bytes = len(received)
        self._buffer += received
        return bool(received)

    def _take(self, size: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return taken

    async def _refuse_junk(self) -> NoReturn:
        """Say what the peer may be speaking, for which a few bytes are needed."""
        with contextlib.suppress(asyncio.TimeoutError):
            while len(self._buffer) < _JUNK_BYTES and await within(self._fill(), _JUNK_WAIT_S):
                pass
        raise BrokenStreamError(_describe_junk(bytes(self._buffer[:_JUNK_BYTES])))


class EventWriter:
    """Writes whole messages to one connection; from any number of tasks of its loop."""

    def __init__(self, stream: asyncio.StreamWriter, timeout_s: float) -> None:
        """Bound what may stay unsent."""
        self._stream = stream
        self._timeout_s = timeout_s
        self._transport = stream.transport
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        self._draining = asyncio.Lock()

    async def send(self, message: bytes) -> None:
        """Send encoded messages; wait while the peer is behind.

        Raises ConnectionError if the peer has left, or has not read for so long that the
        connection was broken off.
        """
        if self._transport.is_closing():
            raise ConnectionResetError("The connection is closed.")
        self._stream.write(message)
        if self._transport.get_write_buffer_size() <= WRITE_HIGH_WATER_BYTES:
            return
        async with self._draining:
            try:
                await within(self._stream.drain(), self._timeout_s)
            except asyncio.TimeoutError as error:
                self._transport.abort()
                raise ConnectionAbortedError("The peer does not read.") from error
            except OSError as error:
                raise ConnectionResetError("The connection is lost.") from error

    async def close(self, timeout_s: float) -> None:
        """Send what is left, but for no longer than `timeout_s`, and close."""
        self._stream.close()
        try:
            await within(self._stream.wait_closed(), timeout_s)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            self._transport.abort()


def encode_event(event: Event) -> bytes:
    """Return the bytes of one message."""
    header: dict[str, Any] = {"type": event.type, "version": protocol_version}
    data = b""
    if event.data:
        data = _dump(event.data)
        header["data_length"] = len(data)
    payload = event.payload or b""
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((_dump(header), _NEWLINE, data, payload))


def parse_header(line: bytes) -> Header:
    """Parse the first line of a message. Raises BrokenStreamError if its lengths are not known."""
    try:
        fields = _parse_json(line)
    except ProtocolError as error:
        raise BrokenStreamError(str(error)) from error
    if not isinstance(fields, dict):
        raise BrokenStreamError("A message must begin with a JSON object.")
    data_bytes, payload_bytes = _length(fields, "data_length"), _length(fields, "payload_length")
    problem = None
    kind, data = fields.get("type"), fields.get("data")
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_TYPE_CHARS:
        problem = ProtocolError("A message must have a 'type', a short text.")
    elif data is not None and not isinstance(data, dict):
        problem = ProtocolError("The 'data' of a message must be a JSON object.")
    if problem is not None:
        return Header("", {}, data_bytes, payload_bytes, problem)
    return Header(str(kind), data or {}, data_bytes, payload_bytes)


def make_event(header: Header, data_bytes: bytes, payload: bytes) -> Event:
    """Join the parts of a message. Raises ProtocolError."""
    if header.problem is not None:
        raise header.problem
    data = header.data
    if data_bytes:
        more = _parse_json(data_bytes)
        if more is not None and not isinstance(more, dict):
            raise ProtocolError("The data of a message must be a JSON object.")
        data = {**data, **(more or {})}
    return Event(type=header.type, data=data, payload=payload or None)


def _length(fields: dict[str, Any], key: str) -> int:
    value = fields.get(key)
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise BrokenStreamError(f"The '{key}' of a message must be a whole number of bytes.")
    return value


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _parse_json(raw: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """Parse within the bounds. Raises ProtocolError, and nothing else whatever the bytes are."""
    _check_size(raw)
    try:
        text = raw.decode("utf-8")
        value = _DECODER.decode(text)
        if b"\\u" in raw:
            # Halves of a surrogate pair can be written, but are no text and cannot be sent on.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise ProtocolError("A message holds text that is not valid UTF-8.") from error
    except LunavoxError:
        raise
    except ValueError as error:
        raise ProtocolError("A message is not valid JSON.") from error
    return value


def _check_size(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= MAX_JSON_DEPTH and raw.count(b",") <= MAX_JSON_VALUES:
        return
    unescaped = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = b"".join(unescaped.split(b'"')[::2])
    if sum(structure.count(mark) for mark in (b"[", b"{", b",")) > MAX_JSON_VALUES:
        raise ProtocolError(f"A message holds more than {MAX_JSON_VALUES} values.")
    depth = 0
    for bracket in structure.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise ProtocolError(f"A message is nested deeper than {MAX_JSON_DEPTH} levels.")


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError(f"A message holds {name}, which is not valid JSON.")


def _parse_int(digits: str) -> int:
    # Old Pythons take seconds for a million digits; new ones refuse some thousands.
    if len(digits) > _MAX_DIGITS:
        raise ProtocolError("A message holds a number that is too long.")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_parse_int)


def _describe_junk(start: bytes) -> str:
    if start.startswith(_TLS_HANDSHAKE):
        return "This is a Wyoming port without TLS; connect with plain TCP."
    if start.startswith(_HTTP_METHODS):
        return "This is a Wyoming port, not HTTP; use a Wyoming client."
    return "This is a Wyoming port; a message must begin with a line of JSON."
