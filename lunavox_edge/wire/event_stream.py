"""Encoding Wyoming messages, and reading them from a connection with a limit on everything a peer can send.

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
from lunavox_edge.errors import ProtocolError, TimedOut
from lunavox_edge.wire.bounded_json import parse_json
from lunavox_edge.wire.foreign import describe_foreign

if TYPE_CHECKING:
    from lunavox_edge.settings.model import LimitSettings

STATUS_TYPE = "lunavox-status"
"""Extension of the protocol: a request of this type is answered with the engine's status."""

# The longest type of the protocol has 18 characters.
MAX_TYPE_CHARS = 64

_AUDIO_TYPE = "audio-chunk"
# A longer payload of an 'audio-chunk' is returned in pieces of this size.
AUDIO_PIECE_BYTES = 262_144
# One second of the largest format that audio.pcm converts. Not imported from there, because that import
# would delay every command of the CLI.
MAX_AUDIO_BYTES_PER_S = 192_000 * 4 * 8
_WAV_HEADER_BYTES = 4096

_READ_BYTES = 65_536
_LIVE_READ_BYTES = 16_384
_JUNK_WAIT_S = 0.2
_JUNK_BYTES = 8
_NEWLINE = b"\n"
_CUT = "The connection ended in the middle of a message."


class BrokenStreamError(ProtocolError):
    """The start of the next message cannot be found; the connection has to be closed."""


class NotWyomingError(BrokenStreamError):
    """What the peer sends begins with no JSON object; the text is for a client of our port."""


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a message. `problem` is set if its content is wrong but its lengths are known."""

    type: str
    data: dict[str, Any]
    data_bytes: int
    payload_bytes: int
    problem: ProtocolError | None = None


class EventReader:
    """Reads events from one connection; for one task of its event loop.

    An `audio-chunk` may be as long as `limits.max_utterance_s` allows. A long one is returned in pieces,
    each as an event of its own once it has arrived, so that memory use does not depend on its length.
    """

    def __init__(self, stream: asyncio.StreamReader, limits: LimitSettings) -> None:
        """Take over the reading side of a connection: nothing else may read from `stream`."""
        self._stream = stream
        self._limits = limits
        self._buffer = bytearray()
        self._deadline_s: float | None = None
        self._received_bytes = 0
        self._audio: Event | None = None
        """The head of the pieces that are still to be returned."""
        self._audio_bytes = 0
        """Bytes of the current long payload that have not been returned yet."""

    @property
    def drained(self) -> bool:
        """Whether the buffer is empty and the last read was small, as with live audio."""
        return not self._buffer and self._received_bytes <= _LIVE_READ_BYTES

    async def read(self) -> Event | None:
        """Return the next event, or None at the end of the stream.

        There is no timeout for the start of a message, only for the rest of one that has begun. Raises
        ProtocolError for a message with wrong content, after which reading may continue, and
        BrokenStreamError or TimedOut, after which it may not.
        """
        if self._audio is not None:
            return await self._next_piece(self._audio)
        while self._audio_bytes:  # the head of this payload was wrong and has been answered with an error
            await self._piece()
        self._deadline_s = None
        if not self._buffer and not await self._fill():
            return None
        header = parse_header(await self._line())
        data_bytes = await self._body("data_length", header.data_bytes)
        if header.type == _AUDIO_TYPE and header.payload_bytes > AUDIO_PIECE_BYTES:
            return await self._first_piece(header, data_bytes)
        payload = await self._body("payload_length", header.payload_bytes)
        return make_event(header, data_bytes, payload)

    def forget(self) -> None:
        """Free the memory of an incomplete message."""
        self._buffer.clear()

    async def _line(self) -> bytes:
        if self._buffer[0] != ord("{"):
            await self._refuse_junk()
        limit = self._limits.max_header_bytes
        searched = 0
        while (end := self._buffer.find(_NEWLINE, searched)) < 0 and len(self._buffer) <= limit:
            searched = len(self._buffer)
            if not await self._receive_more():
                return self._last_line()
        if not 0 <= end <= limit:
            raise BrokenStreamError(
                f"The first line of a message is longer than {limit} bytes (limits.max_header_bytes)."
            )
        return self._take(end + 1)

    def _last_line(self) -> bytes:
        """Return the last line before the end of the stream, which may lack its newline."""
        line = self._take(len(self._buffer))
        try:
            parse_json(line)
        except ProtocolError:
            raise BrokenStreamError(_CUT) from None
        return line

    async def _body(self, key: str, size: int) -> bytes:
        limit = self._limits.max_message_bytes
        if size > limit:
            raise BrokenStreamError(
                f"The '{key}' of a message is over the limit of {limit} bytes (limits.max_message_bytes)."
            )
        while len(self._buffer) < size:
            await self._need_more()
        return self._take(size)

    async def _first_piece(self, header: Header, data_bytes: bytes) -> Event:
        limit_s = self._limits.max_utterance_s
        limit = max(self._limits.max_message_bytes, int(limit_s * MAX_AUDIO_BYTES_PER_S) + _WAV_HEADER_BYTES)
        if header.payload_bytes > limit:
            raise BrokenStreamError(
                f"The 'payload_length' of a message is more than {limit_s:g} seconds of audio have "
                "(limits.max_utterance_s)."
            )
        # Set first: if `make_event` raises, `read` skips the payload.
        self._audio_bytes = header.payload_bytes
        first = make_event(header, data_bytes, b"")
        # The timestamp of the message holds for its first piece only.
        self._audio = Event(first.type, {key: first.data[key] for key in first.data if key != "timestamp"})
        return await self._next_piece(first)

    async def _next_piece(self, audio: Event) -> Event:
        piece = Event(audio.type, audio.data, await self._piece())
        if not self._audio_bytes:
            self._audio = None
        return piece

    async def _piece(self) -> bytes:
        """Return the next piece of a long payload; each piece has its own read timeout."""
        self._deadline_s = None
        size = min(self._audio_bytes, AUDIO_PIECE_BYTES)
        while len(self._buffer) < size:
            await self._need_more()
        self._audio_bytes -= size
        return self._take(size)

    async def _need_more(self) -> None:
        if not await self._receive_more():
            raise BrokenStreamError(_CUT)

    async def _receive_more(self) -> bool:
        """Receive more of a message that has begun; False at the end of the stream.

        All calls for one message share one deadline. Raises TimedOut.
        """
        now_s = asyncio.get_running_loop().time()
        if self._deadline_s is None:
            self._deadline_s = now_s + self._limits.read_timeout_s
        try:
            return await within(self._fill(), self._deadline_s - now_s)
        except asyncio.TimeoutError as error:
            raise TimedOut(
                f"The rest of a message did not come within {self._limits.read_timeout_s:g} seconds."
            ) from error

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
        """Raise NotWyomingError that names the peer's protocol, after waiting briefly for enough bytes."""
        with contextlib.suppress(asyncio.TimeoutError):
            while len(self._buffer) < _JUNK_BYTES and await within(self._fill(), _JUNK_WAIT_S):
                pass
        raise NotWyomingError(describe_foreign(bytes(self._buffer[:_JUNK_BYTES])))


def encode_event(event: Event) -> bytes:
    """Return the bytes of one message: header line, data, payload."""
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
    """Parse the first line of a message. Raises BrokenStreamError if its lengths cannot be read."""
    try:
        fields = parse_json(line)
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
    """Build the event from header, data and payload. Raises ProtocolError if the content is wrong."""
    if header.problem is not None:
        raise header.problem
    data = header.data
    if data_bytes:
        more = parse_json(data_bytes)
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
