"""A cache of finished audio, because the same sentences are spoken again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Phrase:
    """The audio of one line: 16-bit mono PCM in the pieces that the voice made."""

    pieces: tuple[bytes, ...]
    rate_hz: int

    @property
    def size_bytes(self) -> int:
        """Memory it takes, in bytes."""
        return sum(len(piece) for piece in self.pieces) + _OVERHEAD_BYTES


class PhraseCache:
    """Keeps the phrases used last in memory, up to `max_bytes`. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        """Start empty; `max_bytes` 0 keeps nothing."""
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._phrases: OrderedDict[Hashable, Phrase] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Memory that all phrases take, in bytes."""
        return self._bytes

    def get(self, key: Hashable) -> Phrase | None:
        """Return the phrase of a key and mark it as used, or None."""
        with self._lock:
            phrase = self._phrases.get(key)
            if phrase is not None:
                self._phrases.move_to_end(key)
            return phrase

    def put(self, key: Hashable, phrase: Phrase) -> None:
        """Keep a phrase, dropping those used least recently; one over `max_bytes / 4` is not kept."""
        if phrase.size_bytes > self._max_bytes // 4:
            return
        with self._lock:
            replaced = self._phrases.pop(key, None)
            if replaced is not None:
                self._bytes -= replaced.size_bytes
            self._phrases[key] = phrase
            self._bytes += phrase.size_bytes
            while self._bytes > self._max_bytes:
                _, oldest = self._phrases.popitem(last=False)
                self._bytes -= oldest.size_bytes
