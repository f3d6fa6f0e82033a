"""The part of the protobuf format that ONNX files use, so that no protobuf library is needed."""

from __future__ import annotations

from collections.abc import Iterator

LENGTH = 2
"""Wire type of length-prefixed content."""
_WIDTHS = {1: 8, 5: 4}

Field = tuple[int, int, "memoryview | int"]
"""Number, wire type and value."""


def fields(view: memoryview) -> Iterator[Field]:
    """Yield the fields of a message. Raises ValueError if it is damaged or truncated."""
    place, size = 0, len(view)
    while place < size:
        tag, place = _read_varint(view, place)
        number, wire = divmod(tag, 8)
        if wire == 0:
            value, place = _read_varint(view, place)
            yield number, wire, value
            continue
        if wire == LENGTH:
            length, place = _read_varint(view, place)
        elif wire in _WIDTHS:
            length = _WIDTHS[wire]
        else:
            raise ValueError("it is damaged")
        if place + length > size:
            raise ValueError("it is cut short")
        yield number, wire, view[place : place + length]
        place += length


def packed(view: memoryview) -> list[int]:
    """Return the numbers of a packed list."""
    found, place = [], 0
    while place < len(view):
        value, place = _read_varint(view, place)
        found.append(value)
    return found


def content_of(field: Field) -> memoryview:
    """Return the content of a length-prefixed field. Raises ValueError for a varint."""
    value = field[2]
    if isinstance(value, int):
        raise ValueError("it is damaged")  # noqa: TRY004  # callers expect one type
    return value


def text_of(field: Field) -> str:
    """Return the content of a field as text. Raises ValueError."""
    return str(content_of(field), "utf-8")


def encode_again(field: Field) -> bytes:
    """Encode a field that was read, unchanged."""
    number, wire, value = field
    head = varint(number << 3 | wire)
    if isinstance(value, int):
        return head + varint(value)
    return head + (varint(len(value)) if wire == LENGTH else b"") + value


def encode(number: int, content: bytes | str | int) -> bytes:
    """Encode a field: an integer as varint, other content length-prefixed."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    body = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | LENGTH) + varint(len(body)) + body


def varint(number: int) -> bytes:
    """Encode an integer of at least 0 as varint."""
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004  # seven bits in a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _read_varint(view: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    for place_now in range(place, min(place + 10, len(view))):
        byte = view[place_now]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  # the continuation bit
            return value, place_now + 1
        shift += 7
    raise ValueError("it is damaged")
