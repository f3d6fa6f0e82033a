"""One running TTS session: text goes in as it comes, audio comes out as it is made."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

import numpy as np

from lunavox_edge.audio.loudness import apply_gain, gain_to
from lunavox_edge.audio.pcm import to_pcm16
from lunavox_edge.backends.base import Samples, SpeakRequest, TtsModel
from lunavox_edge.engine.lanes import Lane, Outcome
from lunavox_edge.engine.residency import Lease
from lunavox_edge.engine.results import MemStats, SynthesisStats
from lunavox_edge.engine.session import Session
from lunavox_edge.errors import Cancelled, EmptyText, LunavoxError, TextTooLong, TimedOut
from lunavox_edge.system import rss_bytes
from lunavox_edge.text.markup import Span, parse_ssml
from lunavox_edge.text.normalize import speakable, spell
from lunavox_edge.text.segments import Segmenter
from lunavox_edge.types import AudioChunk

_MAX_AHEAD_S = 20.0
"""Audio made but not fetched; a listener who stops fetching stops the work."""
_MAX_SEGMENT_CHARS = 160
"""What one inference needs grows with its text: about 1 MB for every character."""
_FIRST_SEGMENT_CHARS = 60
"""A longer first sentence ends at a clause, so that the first audio does not wait for all of it."""
_MARGIN_S = 0.25
"""The next audio is due this long before the listener has played the last."""
_MIN_FACTOR, _MAX_FACTOR = 0.25, 4.0
_MAX_PAUSE_MS = 10_000
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
_CLOSING = " \n\"'”’)»」"


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """How one speech is spoken, with settings, alias and request already combined."""

    request: SpeakRequest
    language: str
    volume: float = 1.0
    loudness_dbfs: float | None = None
    sentence_silence_ms: int = 0
    normalize_text: bool = True
    ssml: bool = False
    max_chars: int = 50_000


class Speech(Session):
    """Text in by `write`, audio out by `poll` or iteration.

    `write`, `flush`, `finish`, `poll` and `cancel` never block and may come from any thread.
    `on_ready` is called from a worker thread whenever `poll` may have news.
    """

    def __init__(
        self,
        *,
        plan: SpeechPlan,
        lane: Lane,
        lease: Future[Lease],
        relaxed: bool,
        on_end: Callable[[Session], None],
        on_ready: Callable[[], None] | None,
    ) -> None:
        """Built by the engine only."""
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self.sample_rate: int | None = None
        self._plan = plan
        self._on_ready = on_ready
        self._news = threading.Condition(self._lock)
        self._inbox: list[str] = []
        self._chars = 0
        self._flush = False
        self._finished_text = False
        self._out: deque[AudioChunk] = deque()
        self._out_s = 0.0
        # Below: touched by slices only.
        self._segmenter = Segmenter(_MAX_SEGMENT_CHARS, first_max_chars=_FIRST_SEGMENT_CHARS)
        self._spans: deque[Span] = deque()
        self._markup: list[str] = []
        self._pieces: Iterator[Samples] | None = None
        self._span = Span("")
        self._spoken = ""
        self._pause_ms = 0
        self._gain = 1.0
        self._first_audio_s: float | None = None
        self._audio_s = 0.0
        self._tokenize_s = self._generate_s = self._decode_s = 0.0
        self._rss_start = self._rss_peak = rss_bytes()

    def write(self, text: str) -> None:
        """Add text. Raises TextTooLong, which also ends the session."""
        with self._lock:
            self._chars += len(text)
            if self._chars <= self._plan.max_chars:
                self._inbox.append(text)
                fits = True
            else:
                fits = False
        if not fits:
            self.cancel()
            raise TextTooLong(f"The text is over the limit of {self._plan.max_chars} characters; send less.")
        self._lane.wake(self)

    def flush(self) -> None:
        """Speak what has been written so far, even if the sentence is not finished."""
        self._flush = True
        self._lane.wake(self)

    def finish(self) -> None:
        """No more text will come."""
        self._finished_text = True
        self._lane.wake(self)

    def poll(self) -> AudioChunk | None:
        """Return the next audio, or None if there is none yet or none any more (see `done`).

        Raises the session's error once all audio made before it has been fetched.
        """
        with self._lock:
            chunk = self._out.popleft() if self._out else None
            if chunk is None:
                if self._error is not None:
                    raise self._error
                return None
            was_full = self._out_s >= _MAX_AHEAD_S
            self._out_s -= chunk.duration_s
            wake = was_full and self._out_s < _MAX_AHEAD_S
        if wake:
            self._lane.wake(self)
        return chunk

    @property
    def done(self) -> bool:
        """Whether the speech is over and every piece of audio was fetched."""
        with self._lock:
            return self._ended and not self._out

    def read(self, timeout_s: float) -> AudioChunk | None:
        """Wait for the next audio; None at the end. Raises TimedOut and the session's error."""
        until = time.monotonic() + timeout_s
        while True:
            chunk = self.poll()
            if chunk is not None:
                return chunk
            with self._news:
                if self._ended and not self._out and self._error is None:
                    return None
                if not self._out and self._error is None:
                    left = until - time.monotonic()
                    if left <= 0 or not self._news.wait(left):
                        raise TimedOut("The speech takes too long.")

    @property
    def stats(self) -> SynthesisStats:
        """What it cost; complete once the session has ended."""
        ended = self._ended_s or time.monotonic()
        first = self._first_audio_s
        return SynthesisStats(
            t_tokenize_ms=self._tokenize_s * 1000,
            t_generate_ms=self._generate_s * 1000,
            t_decode_ms=self._decode_s * 1000,
            t_total_ms=(ended - self._opened_s) * 1000,
            audio_duration_ms=self._audio_s * 1000,
            first_audio_ms=(first - self._opened_s) * 1000 if first is not None else 0.0,
            queue_ms=self._queue_ms,
            mem=MemStats(
                rss_start_bytes=self._rss_start,
                rss_end_bytes=rss_bytes(),
                rss_peak_bytes=self._rss_peak,
            ),
        )

    @property
    def deadline_s(self) -> float:
        """When the listener runs dry; before the first audio, when the request came."""
        if self._first_audio_s is None:
            return self._opened_s + self._relaxed_s
        return self._first_audio_s + self._audio_s - _MARGIN_S + self._relaxed_s

    def _slice(self) -> Outcome:
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        model = cast("TtsModel", lease.model)
        if self.sample_rate is None:
            self.sample_rate = model.rate_hz
            if self._plan.loudness_dbfs is not None:
                self._gain = gain_to(model.dbfs, self._plan.loudness_dbfs)
        if self._out_s >= _MAX_AHEAD_S:
            return Outcome.WAIT
        if self._pieces is None and not self._next_span(model):
            return self._ran_dry()
        with lease.turn:
            self._speak_piece(model)
        return Outcome.MORE

    def _ran_dry(self) -> Outcome:
        with self._lock:
            if self._inbox or not self._finished_text:
                return Outcome.MORE if self._inbox else Outcome.WAIT
        if not self._audio_s:
            raise EmptyText("There is nothing to say in this text.")
        return Outcome.DONE

    def _next_span(self, model: TtsModel) -> bool:
        """Take in new text and start on the next span that can be spoken."""
        started = time.perf_counter()
        self._take_text()
        while self._spans:
            span = self._spans.popleft()
            text = self._prepare(span)
            if text:
                self._span, self._spoken = span, text
                request = self._plan.request
                speed = min(_MAX_FACTOR, max(_MIN_FACTOR, request.speed * span.speed))
                self._pieces = model.speak(
                    text,
                    SpeakRequest(request.speaker, speed, request.seed, request.noise_scale, request.noise_w),
                )
                break
            self._pause_ms = min(_MAX_PAUSE_MS, self._pause_ms + span.pause_ms)
        self._tokenize_s += time.perf_counter() - started
        return self._pieces is not None

    def _take_text(self) -> None:
        with self._lock:
            fresh, self._inbox = "".join(self._inbox), []
            finished, flush = self._finished_text, self._flush
            self._flush = False
        if self._plan.ssml:
            self._markup.append(fresh)
            if finished and any(self._markup):
                for span in parse_ssml("".join(self._markup)):
                    self._add_span(span)
                self._markup = []
            return
        segments = self._segmenter.push(fresh) if fresh else []
        if finished or flush:
            segments += self._segmenter.flush()
        self._spans.extend(Span(segment) for segment in segments)

    def _add_span(self, span: Span) -> None:
        """Cut a span of markup into segments; its pause follows the last one."""
        segmenter = Segmenter(_MAX_SEGMENT_CHARS)
        segments = [*segmenter.push(span.text), *segmenter.flush()] or [""]
        for segment in segments[:-1]:
            self._spans.append(Span(segment, span.speed, span.volume, 0, span.spell))
        self._spans.append(Span(segments[-1], span.speed, span.volume, span.pause_ms, span.spell))

    def _prepare(self, span: Span) -> str:
        if span.spell:
            return spell(span.text, self._plan.language)
        if self._plan.normalize_text:
            return speakable(span.text, self._plan.language)
        return span.text.strip()

    def _speak_piece(self, model: TtsModel) -> None:
        started = time.perf_counter()
        if self._pieces is None:
            return
        samples = next(self._pieces, None)
        generated = time.perf_counter()
        self._generate_s += generated - started
        if samples is None:
            self._pieces = None
            self._pause_ms = self._span.pause_ms
            if self._spoken.rstrip(_CLOSING).endswith(_SENTENCE_END):
                self._pause_ms += self._plan.sentence_silence_ms
            return
        if self._pause_ms and self._audio_s:
            silence = np.zeros(model.rate_hz * self._pause_ms // 1000, np.float32)
            samples = np.concatenate((silence, samples))
        self._pause_ms = 0
        volume = self._plan.volume * self._span.volume
        pcm = to_pcm16(apply_gain(samples, self._gain * volume))
        self._decode_s += time.perf_counter() - generated
        self._rss_peak = max(self._rss_peak, rss_bytes())
        if pcm:
            self._emit(AudioChunk(pcm, model.rate_hz))

    def _emit(self, chunk: AudioChunk) -> None:
        now = time.monotonic()
        if self._first_audio_s is None:
            self._first_audio_s = now
        self._audio_s += chunk.duration_s
        with self._news:
            self._out.append(chunk)
            self._out_s += chunk.duration_s
            self._news.notify_all()
        self._notify()

    def _ended_with(self, error: LunavoxError | None) -> None:
        with self._news:
            if isinstance(error, Cancelled):
                self._out.clear()
            self._news.notify_all()
        self._notify()

    def _notify(self) -> None:
        if self._on_ready is not None:
            self._on_ready()
