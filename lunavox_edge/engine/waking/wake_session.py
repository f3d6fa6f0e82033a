"""Wake-word session: audio in for hours, a detection out whenever a wake word was said."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

from lunavox_edge.audio.pcm import Converter
from lunavox_edge.backends.base import Samples, WakeModel, WakeStream
from lunavox_edge.engine.models.leases import JointLease, Lease
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.waking.spotting import Spotter, SpottingRules
from lunavox_edge.errors import Busy, LunavoxError
from lunavox_edge.types import AudioFormat, Detection, ModelEntry

MAX_BACKLOG_BYTES = 4 * 1024 * 1024
"""Audio that may wait; over two minutes of what microphones send."""

_RATE_HZ = 16_000
_BLOCK_S = 0.08
"""Audio that wakes the task; on average it delays a detection by half of this."""
_FRAME_S = 0.03
"""The deadline of a slice: when the models' next frame is complete."""
_BATCH_S = 1.0
_TINY_S = 1e-4
_FRONT_END_S = 0.1
"""How far back from the newest audio a detection may lie."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WakeTarget:
    """One wake word to detect, and how."""

    entry: ModelEntry
    rules: SpottingRules


class WakeSession(Session):
    """Audio in by `feed`, each detection out by `on_detection`, from a worker thread.

    `feed`, `submit` and `cancel` never block and may be called from any thread. The session goes on after
    a detection, until `submit`, `cancel` or an error; `outcome` is then the number of detections, or the
    error. A word that is unknown or does not load is left out as long as there is another one, and
    reported to `on_problem`, also from a worker thread. What the callbacks raise is logged.
    """

    def __init__(  # noqa: PLR0913  # built in one place, by keyword
        self,
        *,
        words: Sequence[WakeTarget],
        audio_format: AudioFormat,
        lane: Lane,
        lease: Future[Lease],
        on_end: Callable[[Session], None],
        on_detection: Callable[[Detection], None] | None = None,
        unknown: Sequence[LunavoxError] = (),
        on_problem: Callable[[LunavoxError], None] | None = None,
    ) -> None:
        """Create the session; `start` lets it run. Done by the engine only.

        `lease` is a joint one on the models of `words`, in this order. `unknown` are the errors of words
        that are not installed.
        """
        super().__init__(lane=lane, lease=lease, relaxed=False, on_end=on_end)
        self._words = tuple(words)
        self._bytes_per_s = audio_format.rate_hz * audio_format.frame_bytes
        self._block_bytes = int(_BLOCK_S * audio_format.rate_hz) * audio_format.frame_bytes
        self._batch_bytes = int(_BATCH_S * audio_format.rate_hz) * audio_format.frame_bytes
        self._on_detection = on_detection
        self._unknown = tuple(unknown)
        self._on_problem = on_problem
        self._inbox = bytearray()
        self._marks: deque[tuple[float, int]] = deque()
        self._fed_bytes = 0
        self._block_since_s: float | None = None
        self._submitted = False
        self.outcome: Future[int] = Future()
        self.outcome.set_running_or_notify_cancel()
        # Below: touched by slices only.
        self._converter: Converter | None = Converter(audio_format, _RATE_HZ)
        self._streams: list[_FamilyStream] = []
        self._samples = 0
        self._detections = 0

    def feed(self, pcm: bytes, timestamp_ms: int | None = None) -> None:
        """Add audio in the session's format. Raises Busy, and takes nothing, if too much waits.

        `timestamp_ms` is the time of its beginning on the sender's clock. Audio after the end of the
        session is ignored.
        """
        with self._lock:
            if self._ended or self._submitted:
                return
            if len(self._inbox) + len(pcm) > MAX_BACKLOG_BYTES:
                raise Busy("The audio comes faster than it can be processed.", retry_after_s=1.0)
            self._mark(timestamp_ms)
            self._inbox += pcm
            self._fed_bytes += len(pcm)
            due = self._block_since_s is None and len(self._inbox) >= self._block_bytes
            if due:
                self._block_since_s = self._lane.clock()
        if due:
            self._lane.wake(self)

    @property
    def backlog_bytes(self) -> int:
        """Audio taken in but not yet processed; a fast sender should wait while it is high."""
        return len(self._inbox)

    @property
    def words(self) -> tuple[ModelEntry, ...]:
        """The words that are detected, those included that were left out when loading failed."""
        return tuple(word.entry for word in self._words)

    def submit(self) -> Future[int]:
        """End the audio and return the future number of detections.

        It fails with Cancelled, BrokenModel, OutOfMemory, EngineClosed, InternalError.
        """
        with self._lock:
            self._submitted = True
        self._lane.wake(self)
        return self.outcome

    def finish(self, timeout_s: float) -> int:
        """End the audio and wait until all of it is processed. Raises TimedOut and as `submit`."""
        return self._result(self.submit(), timeout_s, "Processing the rest of the audio takes too long.")

    @property
    def deadline_s(self) -> float:
        """One frame after a block of audio arrived."""
        return (self._block_since_s or self._lane.clock()) + _FRAME_S

    def _slice(self) -> Outcome:
        """Process the next batch of audio; the first slice with the lease opens the streams."""
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        if not self._streams:
            held = cast("JointLease", lease)
            self._streams = _open_streams(held, self._words)
            for problem in (*self._unknown, *held.errors):
                self._left_out(problem)
        with self._lock:
            batch = bytes(self._inbox[: self._batch_bytes])
            del self._inbox[: self._batch_bytes]
            more = len(self._inbox) >= self._block_bytes
            self._block_since_s = self._lane.clock() if more else None
            over = self._submitted and not self._inbox
        if self._converter is None:
            return Outcome.DONE
        self._detect(self._converter.feed(batch))
        if over:
            self._detect(self._converter.finish())
            return Outcome.DONE
        return Outcome.MORE if more or self._submitted else Outcome.WAIT

    def _detect(self, samples: Samples) -> None:
        """Feed samples to the models, report detections, and forget timestamps no longer needed."""
        if not len(samples):
            return
        self._samples += len(samples)
        for family in self._streams:
            for score in family.stream.feed(samples):
                word, spotter = family.words[score.word]
                if spotter.spot(score.at_s, score.probability):
                    self._detected(word.entry, score.at_s, score.probability)
        until_s = self._samples / _RATE_HZ - _FRONT_END_S
        with self._lock:
            while len(self._marks) > 1 and self._marks[1][0] <= until_s:
                self._marks.popleft()

    def _detected(self, entry: ModelEntry, at_s: float, probability: float) -> None:
        self._detections += 1
        on_detection = self._on_detection
        if on_detection is not None:
            found = Detection(entry.name, entry.phrase, at_s, self._timestamp(at_s), probability)
            self._guarded(lambda: on_detection(found))

    def _left_out(self, problem: LunavoxError) -> None:
        on_problem = self._on_problem
        if on_problem is None:
            _LOGGER.warning("A wake word is left out: %s", problem)
            return
        self._guarded(lambda: on_problem(problem))

    def _mark(self, timestamp_ms: int | None) -> None:
        """Note the time of the next audio on the sender's clock, computed if `timestamp_ms` is None."""
        at_s = self._fed_bytes / self._bytes_per_s
        if timestamp_ms is None:
            if not self._marks:
                timestamp_ms = 0
            else:
                last_s, last_ms = self._marks[-1]
                timestamp_ms = last_ms + round((at_s - last_s) * 1000)
        self._marks.append((at_s, timestamp_ms))

    def _timestamp(self, at_s: float) -> int:
        """Return the sender's time of the audio chunk that holds a position of the stream."""
        with self._lock:
            marks = tuple(self._marks)
        before = [timestamp_ms for start_s, timestamp_ms in marks if start_s < at_s - _TINY_S]
        return before[-1] if before else 0

    def _close_model(self) -> None:
        streams, self._streams = self._streams, []
        for family in streams:
            self._guarded(family.stream.close)

    def _ended_with(self, error: LunavoxError | None) -> None:
        self._converter = None
        with self._lock:
            self._inbox.clear()
            self._marks.clear()
        if error is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(self._detections)


@dataclass(frozen=True, slots=True)
class _FamilyStream:
    """The stream of all models of one family, and their words in its order."""

    stream: WakeStream
    words: tuple[tuple[WakeTarget, Spotter], ...]


def _open_streams(lease: JointLease, words: Sequence[WakeTarget]) -> list[_FamilyStream]:
    """Open one stream for every family among the models."""
    families: dict[type[WakeModel], list[tuple[WakeModel, WakeTarget]]] = {}
    for place, model in lease.models:
        wake = cast("WakeModel", model)
        families.setdefault(type(wake), []).append((wake, words[place]))
    return [
        _FamilyStream(
            family.stream([model for model, _ in members]),
            tuple((word, Spotter(word.rules, model.threshold)) for model, word in members),
        )
        for family, members in families.items()
    ]
