"""One running TTS session: text goes in as it comes, audio comes out as it is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.helper import Helped
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.assembly import LineWork, Slot
from lunavox_edge.engine.speech.pace import Outlook, Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.voicing import SpeechPlan, Voicing
from lunavox_edge.engine.values.results import MemStats, SynthesisStats
from lunavox_edge.errors import EmptyText, LunavoxError, TextTooLong, TimedOut
from lunavox_edge.host.system import rss_bytes
from lunavox_edge.types import AudioChunk

_MAX_AHEAD_S = 20.0
"""Audio made but not fetched; a listener who stops fetching stops the work."""
_MAX_HEAD_START_S = 15.0
_YIELD_S = 1.0
"""A speech that nobody hears yet gives way to listeners who have less than this left."""
_MAX_YIELD_S = 30.0
_PLENTY_S = 2.0
"""With so much time until the listener needs the next line, it is made as cheaply as can be."""


class Speech(Helped):
    """Text in by `write`, audio out by `poll` or `read`.

    `write`, `finish`, `poll` and `cancel` never block and may come from any thread. `on_ready` is
    called from a worker thread, with no lock held, whenever `poll` may have news. Who opens a speech
    owes it a `cancel`, whether or not it was ever written to or fetched from.
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
        self._plan = plan
        self._pace = pace
        self._on_ready = on_ready
        self._news = lane.threads.condition(self._lock)
        # Below: guarded by this lock. Single numbers are read without it where the next moment will do.
        self._inbox: list[str] = []
        self._chars = 0
        self._finished_text = False
        self._out: deque[AudioChunk] = deque()
        self._out_s = 0.0
        self._audio_s = 0.0
        self._playing_since_s: float | None = None
        self._written_s = self._opened_s
        self._has_news = False
        self._rss_start = self._rss_peak = rss_bytes()
        self._reading_on = lane.threads.lock()
        """Held by the worker that takes in text and chooses what is made next."""
        # Below: guarded by it.
        self._took_all = False
        """Whether the script has the whole text."""
        self._flushed_chars = 0
        """How much was written when the text had stalled; it is waited for no longer."""
        self._voicing = Voicing(plan, pace=pace, phrases=phrases, threads=lane.threads, emit=self._emit)

    def write(self, text: str) -> None:
        """Add text. Raises TextTooLong, which also ends the session, and TypeError.

        What comes after `finish`, or after the end of the session, is passed over.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        with self._lock:
            if self._ended or self._finished_text:
                return
            self._chars += len(text)
            fits = self._chars <= self._plan.max_chars
            if fits:
                self._inbox.append(text)
                self._written_s = self._lane.clock()
                self._enter_pace()
        if not fits:
            limit = self._plan.max_chars
            error = TextTooLong(f"The text is over the limit of {limit} characters; send less.")
            self.cancel(error)
            raise error
        self._lane.wake(self)

    def finish(self) -> None:
        """No more text will come. Idempotent."""
        with self._lock:
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
    def sample_rate(self) -> int | None:
        """Of the audio; None before it is known."""
        return self._voicing.sample_rate

    @property
    def done(self) -> bool:
        """Whether the speech is over and every piece of audio was fetched."""
        with self._lock:
            return self._ended and not self._out

    def read(self, timeout_s: float) -> AudioChunk | None:
        """Wait for the next audio; None at the end. Raises TimedOut and the session's error."""
        until = self._lane.clock() + timeout_s
        while True:
            chunk = self.poll()
            if chunk is not None:
                return chunk
            with self._news:
                if self._ended and not self._out and self._error is None:
                    return None
                if self._playing_since_s is None or not (self._out or self._ended):
                    left = until - self._lane.clock()
                    if left <= 0 or not self._news.wait(left):
                        raise TimedOut("The speech takes too long.")

    @property
    def stats(self) -> SynthesisStats:
        """What it cost; complete once the session has ended."""
        ended = self._ended_s or self._lane.clock()
        first = self._playing_since_s
        return SynthesisStats(
            t_tokenize_ms=self._voicing.tokenize_s * 1000,
            t_generate_ms=self._voicing.generate_s * 1000,
            t_decode_ms=self._voicing.decode_s * 1000,
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

        What is on its way counts as there. What is made but held back is not missed before a
        listener who plays already.
        """
        later_s = self._voicing.coming_s + self._relaxed_s
        if self._playing_since_s is None:
            patience_s = self._pace.patience_s(self._plan.voice_key)
            yielding_s = min(self._lane.clock() + _YIELD_S, self._opened_s + _MAX_YIELD_S)
            return min(self._opened_s + patience_s, yielding_s) + later_s
        return self._playing_since_s + self._audio_s - self._lane.margin_s + later_s

    @property
    def wake_at_s(self) -> float | None:
        """When text that waits for the end of its sentence has waited long enough.

        Once for each time that text came: what still waits then is one word, which may grow.
        """
        left = self._voicing.script.backlog
        if not left.waiting_chars or self._flushed_chars == self._chars:
            return None
        if left.waiting_chars < self._plan.buffer_char_threshold and not left.seems_whole:
            return None
        return self._written_s + self._plan.max_buffer_delay_ms / 1000

    def _slice(self) -> Outcome:
        outcome = self._make_next(idle=self._pause, tell_other=self._call_help)
        self._tell_news()
        return outcome

    def _help(self) -> Outcome:
        outcome = self._make_next(idle=lambda: Outcome.WAIT, tell_other=lambda: self._lane.wake(self))
        self._tell_news()
        return outcome

    def _make_next(self, *, idle: Callable[[], Outcome], tell_other: Callable[[], None]) -> Outcome:
        """Choose what is next, let the other worker read on, and make it; `idle` if there is nothing."""
        if not self._reading_on.acquire(blocking=False):
            return Outcome.WAIT  # the other does, and wakes us then
        try:
            lease = self._lease()
            slot = self._next_slot(lease)
            if slot is None:
                return idle()
        except Exception as error:
            # Now, so that the other does not take a line that broke off for one that is over.
            self._failure = error
            raise
        finally:
            self._reading_on.release()
        if lease is not None and lease.parallel:
            tell_other()
        self._voicing.make(slot, lease)
        rss = rss_bytes()
        with self._lock:
            self._rss_peak = max(self._rss_peak, rss)
        return Outcome.MORE

    def _next_slot(self, lease: Lease | None) -> Slot | None:
        """Take in the text that came, and choose what to make. Raises what broke it off elsewhere."""
        if self._failure is not None:
            raise self._failure
        if self._is_ahead:
            return None
        started_s = self._lane.clock()
        script = self._voicing.script
        with self._lock:
            fresh, self._inbox = "".join(self._inbox), []
            finished, chars = self._finished_text, self._chars
            self._enter_pace()
        if fresh:
            script.add(fresh)
        due_s = self.wake_at_s
        if finished:
            script.finish()
            self._took_all = True
        elif due_s is not None and self._lane.clock() >= due_s:
            script.flush_words()
            self._flushed_chars = chars
        self._voicing.tokenize_s += self._lane.clock() - started_s
        return self._voicing.next_slot(lease, hungry=self._is_hungry)

    def _enter_pace(self) -> None:
        """Count as a room that is spoken to, unless it is over; the caller holds the lock."""
        if not self._ended:
            self._pace.enter(self, playing=self._playing_since_s is not None)

    @property
    def _is_ahead(self) -> bool:
        return self._out_s + self._voicing.coming_s >= _MAX_AHEAD_S

    def _is_hungry(self) -> bool:
        return self._playing_since_s is None or self.deadline_s < self._lane.clock() + _PLENTY_S

    def _pause(self) -> Outcome:
        """Nothing is to be made now: wait, or end."""
        if self._is_ahead:
            self._pace.leave(self)
            return Outcome.WAIT
        return Outcome.WAIT if self._voicing.busy else self._ran_dry()

    def _ran_dry(self) -> Outcome:
        """All is made of what the script was given: go on with what came since, wait, or end."""
        with self._lock:
            if self._inbox or self._finished_text != self._took_all:
                return Outcome.MORE
        if not self._took_all:
            if self._audio_s:
                self._play()
            with self._lock:
                if not self._inbox:
                    self._pace.leave(self)
            return Outcome.WAIT
        if not self._audio_s:
            raise EmptyText("There is nothing to say in this text.")
        return Outcome.DONE

    def _emit(self, chunk: AudioChunk, work: LineWork) -> None:
        with self._news:
            if self._ended:
                return
            self._audio_s += chunk.duration_s
            self._out.append(chunk)
            self._out_s += chunk.duration_s
            self._has_news = True
            playing = self._playing_since_s is not None
            waiting_chars = 0 if playing else sum(map(len, self._inbox))
            self._news.notify_all()
        if not playing and self._may_start(work, chunk.duration_s, waiting_chars):
            self._play()

    def _play(self) -> None:
        """Hand out what was held back; nothing to do if the listener plays already."""
        with self._news:
            if self._ended or self._playing_since_s is not None:
                return
            self._playing_since_s = self._lane.clock()
            self._enter_pace()
            self._has_news = True
            self._news.notify_all()

    def _may_start(self, work: LineWork, piece_s: float, waiting_chars: int) -> bool:
        """Whether the audio to come will stay ahead of a listener who starts now."""
        outlook = Outlook(
            line=work.cost,
            piece_s=piece_s,
            waiting_chars=self._voicing.chars_after(work) + waiting_chars,
            open_ended=not self._finished_text,
        )
        needed_s = min(_MAX_HEAD_START_S, self._pace.head_start_s(self._plan.voice_key, outlook))
        return self._audio_s >= needed_s

    def _close_model(self) -> None:
        self._voicing.close()

    def _ended_with(self, error: LunavoxError | None) -> None:
        self._pace.leave(self)
        self._dismiss_help()
        with self._news:
            if error is not None and error is self._cancelled:
                self._out.clear()
            if self._playing_since_s is None:
                self._playing_since_s = self._ended_s
            self._has_news = True
            self._news.notify_all()
        self._tell_news()

    def _tell_news(self) -> None:
        """Call `on_ready` if there is news; to be called without a lock."""
        with self._lock:
            has_news, self._has_news = self._has_news, False
        if has_news and self._on_ready is not None:
            self._guarded(self._on_ready)
