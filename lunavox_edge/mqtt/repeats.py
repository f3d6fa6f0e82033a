"""Detection of messages that are delivered twice, which QoS 1 allows."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from lunavox_edge.mqtt.messages import Message

_REMEMBERED_S = 120.0
_MAX_REMEMBERED = 1024


class Repeats:
    """Remembers accepted messages for two minutes, up to a limited number."""

    def __init__(self) -> None:
        """Create it empty."""
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def seen(self, message: Message, request_id: str | None, now_s: float) -> bool:
        """Whether the message has been accepted in the last two minutes.

        Compares the request's id, or without one the whole message if the broker marked it as a duplicate.
        """
        if request_id is None and not message.duplicate:
            return False
        accepted_s = self._seen.get(_key(message, request_id))
        return accepted_s is not None and now_s - accepted_s < _REMEMBERED_S

    def note(self, message: Message, request_id: str | None, now_s: float) -> None:
        """Remember a message as accepted."""
        key = _key(message, request_id)
        self._seen[key] = now_s
        self._seen.move_to_end(key)
        if len(self._seen) > _MAX_REMEMBERED:
            self._seen.popitem(last=False)


def _key(message: Message, request_id: str | None) -> bytes:
    topic = message.topic.encode(errors="replace")
    if request_id is not None:
        return _digest(b"id", topic, request_id.encode())
    return _digest(b"all", topic, message.payload, message.correlation or b"")


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
