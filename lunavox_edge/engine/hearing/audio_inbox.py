"""Audio of an utterance that waits to be converted: its format, its limit, when it arrived."""

from __future__ import annotations

from collections import deque

from lunavox_edge.audio.wav import sniff_header
from lunavox_edge.types import AudioFormat

_BATCH_S = 5.0
_WAV_PREFIX_BYTES = 4096
_WAV_MAGIC = b"RIFF"


class AudioInbox:
    """Bytes from the client, in order. Not thread-safe: its owner holds a lock.

    `len()` and `waiting_s` may be read without the lock.
    """

    def __init__(self, audio_format: AudioFormat, *, max_s: float | None) -> None:
        """Start empty; at most `max_s` seconds are accepted in total, None: any number."""
        self.audio_format = audio_format
        """That of a WAV header once one was read."""
        self.is_open = True
        """Whether the utterance still takes audio; set by the owner."""
        self._max_s = max_s
        self._waiting = bytearray()
        self._fed_bytes = 0
        self._arrivals = ArrivalClock()

    def __len__(self) -> int:
        """Bytes waiting."""
        return len(self._waiting)

    @property
    def waiting_s(self) -> float:
        """Seconds of audio waiting."""
        return len(self._waiting) / self.audio_format.bytes_per_s

    def add(self, pcm: bytes, now_s: float) -> bool:
        """Add audio that arrived at `now_s`; False, and nothing is added, if it is over the limit."""
        self._fed_bytes += len(pcm)
        position_s = self._fed_bytes / self.audio_format.bytes_per_s
        if self._max_s is not None and position_s > self._max_s:
            return False
        self._waiting += pcm
        self._arrivals.mark(position_s, now_s)
        return True

    def arrived_since(self, position_s: float) -> float:
        """Return the seconds between the arrival of `position_s` and of the newest audio."""
        return self._arrivals.since(position_s)

    def read_header(self, *, is_all: bool) -> bool:
        """Remove a WAV header and use its format; False if more audio is needed to tell.

        `is_all` says that no more comes, so what is here decides.
        """
        prefix = bytes(self._waiting[:_WAV_PREFIX_BYTES])
        if prefix[:4] != _WAV_MAGIC[: len(prefix)]:
            return True
        if len(prefix) < _WAV_PREFIX_BYTES and not is_all:
            return False
        header = sniff_header(prefix)
        if header is not None:
            self.audio_format, offset = header
            del self._waiting[:offset]
        return True

    def take_batch(self) -> bytes:
        """Remove and return the next whole frames of audio, a few seconds at most."""
        batch_bytes = int(_BATCH_S * self.audio_format.rate_hz) * self.audio_format.frame_bytes
        batch = bytes(self._waiting[:batch_bytes])
        del self._waiting[:batch_bytes]
        return batch

    def clear(self) -> None:
        """Drop the audio that waits."""
        self._waiting.clear()


class ArrivalClock:
    """Arrival times of audio, so that a pause in a recording sent fast is not taken for a real one."""

    _KEEP = 4096

    def __init__(self) -> None:
        """Start before any audio."""
        self._marks: deque[tuple[float, float]] = deque(maxlen=self._KEEP)

    def mark(self, position_s: float, now_s: float) -> None:
        """Note that audio up to `position_s` has arrived by `now_s`."""
        self._marks.append((position_s, now_s))

    def since(self, position_s: float) -> float:
        """Return the seconds between the arrival of `position_s` and of the newest audio."""
        if not self._marks:
            return 0.0
        newest_s = arrived_s = self._marks[-1][1]
        for upto_s, at_s in reversed(self._marks):
            if upto_s < position_s:
                break
            arrived_s = at_s
        return newest_s - arrived_s
