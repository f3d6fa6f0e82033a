"""Parser of a chat endpoint's answer: server-sent events, lines of JSON, or one JSON object.

Servers differ in line ends, blanks after `data:`, empty events, comments, `"error": null`, and lists instead
of texts; some send no stream although one was requested.
"""

from __future__ import annotations

import json
from typing import Any

from lunavox_edge.errors import ProtocolError, Unreachable

_MAX_LINE_BYTES = 1_048_576
_MAX_EVENT_CHARS = 1_048_576
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DATA = "data:"
_CONTROL = (":", "event:", "id:", "retry:")
_DONE = "[DONE]"
_TEXT_PARTS = (None, "text", "output_text")


class Lines:
    """Splits bytes into lines, which end with LF, CR LF or CR."""

    def __init__(self) -> None:
        """Create an empty splitter."""
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are now complete. Raises ProtocolError for a line over 1 MiB."""
        data = self._rest + data
        if not self._begun:
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                self._rest = data
                return []
            data, self._begun = data.removeprefix(_BYTE_ORDER_MARK), True
        # After CR, the LF of the same line end may still come.
        held = b"\r" if data.endswith(b"\r") else b""
        text = data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = text.split(b"\n")
        self._rest = rest + held
        if len(self._rest) > _MAX_LINE_BYTES:
            raise ProtocolError("The answer has a line that is too long.")
        return [line.decode(errors="replace") for line in whole]

    def finish(self) -> str:
        """Return the rest: the last line, if it has no end."""
        rest, self._rest = self._rest, b""
        return rest.decode(errors="replace").rstrip("\r")


class ChatStream:
    """Turns the lines of an answer into its text."""

    def __init__(self) -> None:
        """Create a parser for one answer."""
        self._waiting = ""
        """Data that is not yet a complete JSON object."""
        self._streamed = False
        """Whether that data came in a server-sent event, which a blank line ends."""
        self._fails = False
        """Whether the current event is an error."""
        self._in_pieces = False
        self.over = False
        """Whether the server sent the end marker."""

    def feed(self, line: str) -> str:
        """Return the text in the next line. Raises ProtocolError, and Unreachable for a reported error."""
        line = line.strip()
        if self.over:
            return ""
        if not line:
            return self._end_event()
        if line.startswith(_CONTROL):
            kind, _, value = line.partition(":")
            self._fails = self._fails or (kind == "event" and value.strip() == "error")
            return ""
        streamed = line.startswith(_DATA)
        data = line.removeprefix(_DATA).strip()
        if data == _DONE:
            self.over = True
            return self.finish()
        if not self._waiting and (found := _object(data)) is not None:
            return self._text(found)
        if not data or not (streamed or self._waiting or data.startswith("{")):
            return ""
        self._streamed = streamed
        self._waiting += f"{data}\n"
        if len(self._waiting) > _MAX_EVENT_CHARS:
            raise ProtocolError("The answer has an event that is too long.")
        return ""

    def finish(self) -> str:
        """Return the text of data that still waits. Raises as `feed`."""
        waiting, self._waiting = self._waiting, ""
        return self._text(parsed(waiting)) if waiting else ""

    def _end_event(self) -> str:
        # Without a stream, the one JSON object may contain blank lines.
        text = self.finish() if self._waiting and self._streamed else ""
        self._fails = False
        return text

    def _text(self, found: dict[str, Any]) -> str:
        if found.get("error") or found.get("object") == "error" or self._fails:
            raise Unreachable("The chat server reports an error.")
        choice = _first(found["choices"]) if found.get("choices") is not None else found
        if piece := _content(choice.get("delta")) or _plain(choice.get("text")):
            self._in_pieces = True
            return piece
        # After the pieces some servers send the whole text once more.
        return "" if self._in_pieces else _content(choice.get("message"))


def _first(choices: object) -> dict[str, Any]:
    found = choices if isinstance(choices, list) else []
    return next((choice for choice in found if isinstance(choice, dict) and not choice.get("index")), {})


def _content(message: object) -> str:
    """Return the text of a message or a delta, whose content is a string or a list of parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return _plain(content)
    texts = (
        part.get("text") if isinstance(part, dict) and part.get("type") in _TEXT_PARTS else part
        for part in content
    )
    return "".join(_plain(text) for text in texts)


def _plain(text: object) -> str:
    return sound(text) if isinstance(text, str) else ""


def _object(data: str) -> dict[str, Any] | None:
    """Return the JSON object in a line; None if the line is not a complete one."""
    if not (data.startswith("{") and data.endswith("}")):
        return None
    try:
        return parsed(data)
    except ProtocolError:
        return None


def parsed(raw: bytes | str) -> dict[str, Any]:
    """Parse a JSON object. Raises ProtocolError."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The answer is not JSON.") from error
    if not isinstance(found, dict):
        raise ProtocolError("The answer is not a JSON object.")
    return found


def sound(text: str) -> str:
    """Return the text without lone surrogates, which JSON may hold and UTF-8 cannot."""
    return text.encode(errors="ignore").decode()
