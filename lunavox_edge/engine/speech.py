"""One running TTS session: text goes in as it comes, audio comes out as it is made."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import cast

from lunavox_edge.audio.loudness import apply_gain, gain_to
from lunavox_edge.audio.pcm import to_pcm16
from lunavox_edge.backends.base import Piece, SpeakRequest, TtsModel
from lunavox_edge.engine.lanes import Lane, Outcome
from lunavox_edge.engine.pace import Cost, Outlook, Pace
from lunavox_edge.engine.phrases import Phrase, PhraseCache
from lunavox_edge.engine.residency import Lease
from lunavox_edge.engine.results import MemStats, SynthesisStats
from lunavox_edge.engine.script import Line, Script
from lunavox_edge.engine.session import Session
from lunavox_edge.errors import Cancelled, EmptyText, LunavoxError, TextTooLong, TimedOut
from lunavox_edge.system import rss_bytes
from lunavox_edge.types import AudioChunk

_MAX_AHEAD_S = 20.0
"""Audio made but not fetched; a listener who stops fetching stops the work."""
_MAX_HEAD_START_S = 15.0
_YIELD_S = 1.0
"""A speech that nobody hears yet gives way to listeners who have less than this left."""
_MAX_YIELD_S = 30.0
_MIN_FACTOR, _MAX_FACTOR = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """How one speech is spoken, with settings, alias and request already combined.

    `voice_key` names the model for the phrase cache. Streamed text that has stalled for
    `max_buffer_delay_ms` is spoken before its sentence ends, if at least
    `buffer_char_threshold` characters wait.
    """

    request: SpeakRequest
    language: str
    volume: float = 1.0
    loudness_dbfs: float | None = None
    sentence_silence_ms: int = 0
    normalize_text: bool = True
    ssml: bool = False
    max_chars: int = 50_000
    voice_key: Hashable = None
    buffer_char_threshold: int = 40
    max_buffer_delay_ms: int = 1000


class Speech(Session):
    """Text in by `write`, audio out by `poll` or iteration.

    `write`, `flush`, `finish`, `poll` and `cancel` never block and may come from any thread.
    `on_ready` is called from a worker thread whenever `poll` may have news.
    """

    def __init__(  # noqa: PLR0913  # built in one place, by keyword
        self,
        *,
        plan: SpeechPlan,
        lane: Lane,
        lease: Future[Lease],
        pace: Pace,
        phrases: PhraseCache,
        relaxed: bool,
        on_end: Callable[[Session], None],
        on_ready: Callable[[], None] | None,
    ) -> None:
        """Built by the engine only."""
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self.sample_rate: int | None = None
        self._plan = plan
        self._pace = pace
        self._on_ready = on_ready
        self._news = threading.Condition(self._lock)
        self._inbox: list[str] = []
        self._chars = 0
        self._flush = False
        self._finished_text = False
        self._out: deque[AudioChunk] = deque()
        self._out_s = 0.0
        self._playing_since_s: float | None = None
        self._written_s = self._opened_s
        # Below: touched by slices only.
        self._script = Script(
            language=plan.language,
            normalize=plan.normalize_text,
            ssml=plan.ssml,
            sentence_silence_ms=plan.sentence_silence_ms,
        )
        self._phrases = phrases
        self._line = Line("")
        self._key: Hashable = None
        self._made: list[bytes] = []
        self._pieces: Iterator[Piece] | None = None
        self._cost = Cost(0)
        self._gain = 1.0
        self._audio_s = 0.0
        self._tokenize_s = self._generate_s = self._decode_s = 0.0
        self._rss_start = self._rss_peak = rss_bytes()

    def write(self, text: str) -> None:
        """Add text. Raises TextTooLong, which also ends the session."""
        with self._lock:
            self._chars += len(text)
            if self._chars <= self._plan.max_chars:
                self._inbox.append(text)
                self._written_s = self._lane.clock()
                fits = True
            else:
                fits = False
        if not fits:
            self.cancel()
            raise TextTooLong(f"The text is over the limit of {self._plan.max_chars} characters; send less.")
        self._pace.enter(self, playing=self._playing_since_s is not None)
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

        The first is held back until what follows can be expected to come in time. Raises the
        session's error once all audio made before it has been fetched.
        """
        with self._lock:
            ready = self._out and self._playing_since_s is not None
            chunk = self._out.popleft() if ready else None
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
                if self._playing_since_s is None or not (self._out or self._ended):
                    left = until - time.monotonic()
                    if left <= 0 or not self._news.wait(left):
                        raise TimedOut("The speech takes too long.")

    @property
    def stats(self) -> SynthesisStats:
        """What it cost; complete once the session has ended."""
        ended = self._ended_s or self._lane.clock()
        first = self._playing_since_s
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
        """When the listener runs dry; before the first audio, when the request came.

        What is made but held back is not missed before a listener who plays already.
        """
        if self._playing_since_s is None:
            patience_s = self._pace.patience_s(self._plan.voice_key)
            yielding_s = min(self._lane.clock() + _YIELD_S, self._opened_s + _MAX_YIELD_S)
            return min(self._opened_s + patience_s, yielding_s) + self._relaxed_s
        return self._playing_since_s + self._audio_s - self._lane.margin_s + self._relaxed_s

    @property
    def wake_at_s(self) -> float | None:
        """When text that waits for the end of its sentence has waited long enough."""
        if self._script.waiting_chars < max(1, self._plan.buffer_char_threshold):
            return None
        return self._written_s + self._plan.max_buffer_delay_ms / 1000

    def _slice(self) -> Outcome:
        if self._out_s >= _MAX_AHEAD_S:
            self._pace.leave(self)
            return Outcome.WAIT
        lease = self._lease()
        if self._pieces is None and not self._next_line():
            return self._ran_dry()
        if self._pieces is None and not self._repeat():
            if lease is None:
                return Outcome.WAIT
            self._begin(cast("TtsModel", lease.model))
        if self._pieces is not None and lease is not None:
            self._pace.enter(self, playing=self._playing_since_s is not None)
            with lease.turn:
                self._speak_piece(cast("TtsModel", lease.model))
        return Outcome.MORE

    def _ran_dry(self) -> Outcome:
        with self._lock:
            if self._inbox:
                return Outcome.MORE
            finished = self._finished_text
        if not finished:
            self._pace.leave(self)
            if self._audio_s:
                self._play()
            return Outcome.WAIT
        if not self._audio_s:
            raise EmptyText("There is nothing to say in this text.")
        return Outcome.DONE

    def _next_line(self) -> bool:
        """Take in new text and choose the next line, unless one waits for the model already."""
        if self._line.text:
            return True
        started = time.perf_counter()
        with self._lock:
            fresh, self._inbox = "".join(self._inbox), []
            finished, flush = self._finished_text, self._flush
            self._flush = False
        if fresh:
            self._script.add(fresh)
        due_s = self.wake_at_s
        if finished:
            self._script.finish()
        elif flush:
            self._script.flush()
        elif due_s is not None and self._lane.clock() >= due_s:
            self._script.flush_words()
        line = self._script.next_line()
        if line is not None:
            self._line = line
        self._tokenize_s += time.perf_counter() - started
        return line is not None

    def _request(self) -> SpeakRequest:
        speed = self._plan.request.speed * self._line.speed
        return replace(self._plan.request, speed=min(_MAX_FACTOR, max(_MIN_FACTOR, speed)))

    def _repeat(self) -> bool:
        """Say the line as it was said before, if it was."""
        self._key = (
            self._plan.voice_key,
            self._line.text,
            self._request(),
            self._plan.volume * self._line.volume,
        )
        phrase = self._phrases.get(self._key) if self._plan.voice_key is not None else None
        if phrase is None:
            return False
        self.sample_rate = phrase.rate_hz
        self._rest_before_line(phrase.rate_hz)
        for pcm in phrase.pieces:
            self._emit(AudioChunk(pcm, phrase.rate_hz))
        self._line = Line("")
        return True

    def _begin(self, model: TtsModel) -> None:
        self.sample_rate = model.rate_hz
        if self._plan.loudness_dbfs is not None:
            self._gain = gain_to(model.dbfs, self._plan.loudness_dbfs)
        self._made = []
        self._cost = Cost(len(self._line.text))
        self._pieces = model.pieces(self._line.text, self._request())

    def _speak_piece(self, model: TtsModel) -> None:
        if self._pieces is None:
            return
        started = self._lane.clock()
        piece = next(self._pieces, None)
        samples = None if piece is None else piece.make()
        generated = self._lane.clock()
        self._generate_s += generated - started
        if samples is None:
            if self._plan.voice_key is not None:
                self._phrases.put(self._key, Phrase(tuple(self._made), model.rate_hz))
                self._pace.learn(self._plan.voice_key, self._cost)
            self._pieces, self._line, self._made = None, Line(""), []
            return
        if not self._made:
            self._rest_before_line(model.rate_hz)
        pcm = to_pcm16(apply_gain(samples, self._gain * self._plan.volume * self._line.volume))
        self._decode_s += self._lane.clock() - generated
        self._rss_peak = max(self._rss_peak, rss_bytes())
        chunk = AudioChunk(pcm, model.rate_hz)
        if pcm:
            self._cost = self._cost.plus(chunk.duration_s, self._lane.clock() - started)
            self._made.append(pcm)
            self._emit(chunk)

    def _rest_before_line(self, rate_hz: int) -> None:
        samples = rate_hz * self._line.pause_ms // 1000
        if samples and self._audio_s:
            self._emit(AudioChunk(bytes(2 * samples), rate_hz))

    def _emit(self, chunk: AudioChunk) -> None:
        self._audio_s += chunk.duration_s
        with self._news:
            self._out.append(chunk)
            self._out_s += chunk.duration_s
            playing = self._playing_since_s is not None
            self._news.notify_all()
        if playing:
            self._notify()
        elif self._may_start(chunk.duration_s):
            self._play()

    def _play(self) -> None:
        """Hand out what was held back; nothing to do if the listener plays already."""
        with self._news:
            if self._playing_since_s is not None:
                return
            self._playing_since_s = self._lane.clock()
            self._pace.enter(self, playing=True)
            self._news.notify_all()
        self._notify()

    def _may_start(self, piece_s: float) -> bool:
        """Whether the audio to come will stay ahead of a listener who starts now."""
        outlook = Outlook(
            line=self._cost,
            piece_s=piece_s,
            waiting_chars=self._script.pending_chars + sum(map(len, self._inbox)),
            open_ended=not self._finished_text,
        )
        needed_s = min(_MAX_HEAD_START_S, self._pace.head_start_s(self._plan.voice_key, outlook))
        return self._audio_s >= needed_s

    def _ended_with(self, error: LunavoxError | None) -> None:
        self._pace.leave(self)
        with self._news:
            if isinstance(error, Cancelled):
                self._out.clear()
            if self._playing_since_s is None:
                self._playing_since_s = self._ended_s
            self._news.notify_all()
        self._notify()

    def _notify(self) -> None:
        if self._on_ready is not None:
            self._on_ready()
