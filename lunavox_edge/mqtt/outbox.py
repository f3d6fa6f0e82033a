"""What waits to be sent and what the broker has not acknowledged yet: bounded, in order, not for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lunavox_edge.mqtt.messages import Publication

# Messages that the broker may still have to acknowledge; more wait here, where they can expire.
_WINDOW = 32
_MAX_WAITING = 1000
_MAX_WAITING_BYTES = 33_554_432

Send = Callable[[Publication, float], "int | None"]
"""Hands a message with its remaining seconds on; returns its number, None if that is impossible now."""


@dataclass(frozen=True, slots=True, eq=False)
class _Letter:
    publication: Publication
    expires_s: float


class Outbox:
    """Knows no network and no clock: `now_s` is passed in."""

    def __init__(self) -> None:
        """Empty."""
        self._waiting: deque[_Letter] = deque()
        self._waiting_bytes = 0
        self._sent: dict[int, _Letter] = {}

    def __len__(self) -> int:
        """Messages that the broker does not have."""
        return len(self._waiting) + len(self._sent)

    def put(self, publication: Publication, *, expires_s: float, expendable: bool) -> bool:
        """Take a message; False if there is no room, and then nothing has changed.

        A retained one replaces the one of its topic that still waits. Expendable ones leave half of
        the room to the others.
        """
        replaced = self._waiting_on(publication.topic) if publication.retain else []
        share = 2 if expendable else 1
        count = len(self._waiting) - len(replaced) + 1
        size_bytes = self._waiting_bytes - _size_bytes(replaced) + len(publication.payload)
        if count > _MAX_WAITING // share or size_bytes > _MAX_WAITING_BYTES // share:
            return False
        for letter in replaced:
            self._waiting.remove(letter)
        self._waiting.append(_Letter(publication, expires_s))
        self._waiting_bytes = size_bytes
        return True

    def send(self, send: Send, now_s: float) -> None:
        """Hand on what may go now; what has expired goes nowhere."""
        while self._waiting and len(self._sent) < _WINDOW:
            letter = self._waiting[0]
            left_s = letter.expires_s - now_s
            if left_s > 0:
                number = send(letter.publication, left_s)
                if number is None:
                    return
                self._sent[number] = letter
            self._waiting.popleft()
            self._waiting_bytes -= len(letter.publication.payload)

    def delivered(self, number: int) -> None:
        """The broker has a message."""
        self._sent.pop(number, None)

    def take_back(self) -> None:
        """The connection is gone: what was not acknowledged waits again, before the rest.

        A retained message is dropped if a newer one waits.
        """
        newer = {letter.publication.topic for letter in self._waiting if letter.publication.retain}
        for letter in reversed(self._sent.values()):
            if not (letter.publication.retain and letter.publication.topic in newer):
                self._waiting.appendleft(letter)
                self._waiting_bytes += len(letter.publication.payload)
        self._sent.clear()

    def _waiting_on(self, topic: str) -> list[_Letter]:
        return [
            letter
            for letter in self._waiting
            if letter.publication.retain and letter.publication.topic == topic
        ]


def _size_bytes(letters: list[_Letter]) -> int:
    return sum(len(letter.publication.payload) for letter in letters)
