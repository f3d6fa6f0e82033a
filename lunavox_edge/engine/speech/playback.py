"""The listener's side of a speech: audio that waits to be fetched, and when playback starts and runs dry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable

from lunavox_edge.engine.speech.pace import Outlook, Pace
from lunavox_edge.types import AudioChunk

_MAX_AHEAD_S = 20.0
"""Audio made but not fetched; if the client stops fetching, the work stops."""
_MAX_HEAD_START_S = 15.0
_YIELD_S = 1.0
"""A speech that has not started to play yields to listeners who have less than this left."""
_MAX_YIELD_S = 30.0


class Playback:
    """Finished audio and the playback position of one speech.

    Not thread-safe: its owner holds a lock. `started_s`, `made_s` and `waiting_s` are single numbers
    that may be read without it, and so may what is said to need no lock.
    """

    def __init__(
        self, pace: Pace, voice_key: Hashable, *, opened_s: float, clock: Callable[[], float]
    ) -> None:
        """Start without audio; `opened_s` is when the request came, on `clock`."""
        self._pace = pace
        self._voice_key = voice_key
        self._opened_s = opened_s
        self._clock = clock
        self._chunks: deque[AudioChunk] = deque()
        self.waiting_s = 0.0
        """Seconds of audio not fetched yet."""
        self.made_s = 0.0
        """Seconds of audio made in total."""
        self.started_s: float | None = None
        """When audio was first handed out; None while it is held back."""

    def __len__(self) -> int:
        """Chunks that wait."""
        return len(self._chunks)

    @property
    def has_started(self) -> bool:
        """Whether audio is handed out. Needs no lock."""
        return self.started_s is not None

    @property
    def first_audio_ms(self) -> float:
        """Milliseconds from the request to the start of playback; 0 before that. Needs no lock."""
        return (self.started_s - self._opened_s) * 1000 if self.started_s is not None else 0.0

    def is_full(self, coming_s: float = 0.0) -> bool:
        """Whether enough audio waits, with `coming_s` that is being made. Needs no lock."""
        return self.waiting_s + coming_s >= _MAX_AHEAD_S

    def add(self, chunk: AudioChunk) -> None:
        """Append finished audio."""
        self._chunks.append(chunk)
        self.made_s += chunk.duration_s
        self.waiting_s += chunk.duration_s

    def take(self) -> AudioChunk | None:
        """Remove and return the next audio; None if there is none or it is held back."""
        if not self._chunks or not self.has_started:
            return None
        chunk = self._chunks.popleft()
        self.waiting_s -= chunk.duration_s
        return chunk

    def clear(self) -> None:
        """Drop the audio that was not fetched."""
        self._chunks.clear()

    def enter_pace(self) -> None:
        """Count as a room that is spoken to, or that waits for its first audio."""
        self._pace.enter(self, playing=self.has_started)

    def leave_pace(self) -> None:
        """Stop counting as a room. Needs no lock."""
        self._pace.leave(self)

    def may_start(self, outlook: Outlook) -> bool:
        """Whether the audio to come will stay ahead of a listener who starts now. Needs no lock."""
        needed_s = min(_MAX_HEAD_START_S, self._pace.head_start_s(self._voice_key, outlook))
        return self.made_s >= needed_s

    def deadline_s(self, *, margin_s: float, later_s: float) -> float:
        """Return when the listener runs dry, less `margin_s`; before the start, when the request came.

        `later_s` is added in both cases. Needs no lock.
        """
        if self.started_s is None:
            patience_s = self._pace.patience_s(self._voice_key)
            yielding_s = min(self._clock() + _YIELD_S, self._opened_s + _MAX_YIELD_S)
            return min(self._opened_s + patience_s, yielding_s) + later_s
        return self.started_s + self.made_s - margin_s + later_s
