"""The queue of outgoing messages: ordered, limited, with expiry, and with unacknowledged messages kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lunavox_edge.mqtt.messages import Publication

# Messages sent but not acknowledged by the broker; more wait in the queue, where they can expire.
_WINDOW = 32
_MAX_WAITING = 1000
_MAX_WAITING_BYTES = 33_554_432

Send = Callable[[Publication, float], "int | None"]
"""Sends a message with its remaining seconds; returns its number, or None if it cannot be sent now."""


@dataclass(frozen=True, slots=True, eq=False)
class _Queued:
    publication: Publication
    expires_s: float


class Outbox:
    """Queues messages until the broker has acknowledged them.

    It has no clock: all times are seconds of the clock that the caller uses. Not thread-safe.
    """

    def __init__(self) -> None:
        """Create an empty queue."""
        self._waiting: deque[_Queued] = deque()
        self._waiting_bytes = 0
        self._sent: dict[int, _Queued] = {}

    def __len__(self) -> int:
        """Return the number of messages that the broker has not acknowledged."""
        return len(self._waiting) + len(self._sent)

    def put(self, publication: Publication, *, expires_s: float, expendable: bool) -> bool:
        """Queue a message; False if the queue is full, which leaves the queue unchanged.

        A retained message replaces a waiting one of the same topic. Expendable messages may use half of the
        queue only.
        """
        replaced = self._waiting_on(publication.topic) if publication.retain else []
        share = 2 if expendable else 1
        count = len(self._waiting) - len(replaced) + 1
        size_bytes = self._waiting_bytes - _size_bytes(replaced) + len(publication.payload)
        if count > _MAX_WAITING // share or size_bytes > _MAX_WAITING_BYTES // share:
            return False
        for queued in replaced:
            self._waiting.remove(queued)
        self._waiting.append(_Queued(publication, expires_s))
        self._waiting_bytes = size_bytes
        return True

    def send(self, send: Send, now_s: float) -> None:
        """Send waiting messages until the limit of unacknowledged ones; drop those that have expired."""
        while self._waiting and len(self._sent) < _WINDOW:
            queued = self._waiting[0]
            left_s = queued.expires_s - now_s
            if left_s > 0:
                number = send(queued.publication, left_s)
                if number is None:
                    return
                self._sent[number] = queued
            self._waiting.popleft()
            self._waiting_bytes -= len(queued.publication.payload)

    def delivered(self, number: int) -> None:
        """Remove a message that the broker has acknowledged."""
        self._sent.pop(number, None)

    def take_back(self) -> None:
        """Queue unacknowledged messages again, before all others, because the connection has ended.

        A retained message is dropped if a newer one of its topic waits.
        """
        newer = {queued.publication.topic for queued in self._waiting if queued.publication.retain}
        for queued in reversed(self._sent.values()):
            if not (queued.publication.retain and queued.publication.topic in newer):
                self._waiting.appendleft(queued)
                self._waiting_bytes += len(queued.publication.payload)
        self._sent.clear()

    def _waiting_on(self, topic: str) -> list[_Queued]:
        """Return the waiting retained messages of a topic."""
        return [
            queued
            for queued in self._waiting
            if queued.publication.retain and queued.publication.topic == topic
        ]


def _size_bytes(messages: list[_Queued]) -> int:
    return sum(len(queued.publication.payload) for queued in messages)
