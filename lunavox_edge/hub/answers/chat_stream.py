"""The text in what a chat endpoint sends: a stream of events, lines of JSON, or one JSON object.

Servers of this kind differ in line ends, blanks after `data:`, events that are empty, comments,
`"error": null`, lists for texts, and some send no stream at all although one was asked for.
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
    """Bytes in as they come, whole lines out; a line ends with LF, CR LF or CR."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._rest = b""
        self._begun = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now. Raises ProtocolError for one that is too long."""
        data = self._rest + data
        if not self._begun:
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                self._rest = data
                return []
            data, self._begun = data.removeprefix(_BYTE_ORDER_MARK), True
        # The second half of a line's end may still be on its way.
        held = b"\r" if data.endswith(b"\r") else b""
        text = data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = text.split(b"\n")
        self._rest = rest + held
        if len(self._rest) > _MAX_LINE_BYTES:
            raise ProtocolError("The answer has a line that is too long.")
        return [line.decode(errors="replace") for line in whole]

    def finish(self) -> str:
        """Return the line without an end that is left."""
        rest, self._rest = self._rest, b""
        return rest.decode(errors="replace").rstrip("\r")


class ChatStream:
    """Lines in, pieces of the answer out."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._waiting = ""
        self._streamed = False
        """Whether what waits came in an event, which a blank line ends."""
        self._fails = False
        self._in_pieces = False
        self.over = False
        """Whether the server said that this was all."""

    def feed(self, line: str) -> str:
        """Return the text of one more line. Raises ProtocolError, and Unreachable for a reported error."""
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
        """Return the text that is left at the end of the answer. Raises as `feed`."""
        waiting, self._waiting = self._waiting, ""
        return self._text(parsed(waiting)) if waiting else ""

    def _end_event(self) -> str:
        # What is no stream of events may have blank lines within its one object.
        text = self.finish() if self._waiting and self._streamed else ""
        self._fails = False
        return text

    def _text(self, found: dict[str, Any]) -> str:
        if found.get("error") or found.get("object") == "error" or self._fails:
            raise Unreachable("Whoever should answer reports an error.")
        choice = _first(found["choices"]) if found.get("choices") is not None else found
        if piece := _content(choice.get("delta")) or _plain(choice.get("text")):
            self._in_pieces = True
            return piece
        # After the pieces some send the whole once more.
        return "" if self._in_pieces else _content(choice.get("message"))


def _first(choices: object) -> dict[str, Any]:
    found = choices if isinstance(choices, list) else []
    return next((choice for choice in found if isinstance(choice, dict) and not choice.get("index")), {})


def _content(message: object) -> str:
    """Return the text of a message or a piece of one: a string, or a list of parts."""
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
    """Return the JSON object that a line is; None if it is a part of one, or something else."""
    if not (data.startswith("{") and data.endswith("}")):
        return None
    try:
        return parsed(data)
    except ProtocolError:
        return None


def parsed(raw: bytes | str) -> dict[str, Any]:
    """Return a JSON object. Raises ProtocolError."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The answer is not JSON.") from error
    if not isinstance(found, dict):
        raise ProtocolError("The answer is not a JSON object.")
    return found


def sound(text: str) -> str:
    """Return text that can be sent on: halves of a pair of surrogates, which JSON may hold, cannot."""
    return text.encode(errors="ignore").decode()
