"""Speech synthesis session: text in as it arrives, audio out as it is made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.helper import Helped
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.engine.speech.assembly import LineWork, Slot
from lunavox_edge.engine.speech.pace import Outlook, Pace
from lunavox_edge.engine.speech.phrases import PhraseCache
from lunavox_edge.engine.speech.playback import Playback
from lunavox_edge.engine.speech.text_feed import TextFeed
from lunavox_edge.engine.speech.voicing import SpeechPlan, Voicing
from lunavox_edge.engine.values.results import MemStats, SynthesisStats
from lunavox_edge.errors import EmptyText, LunavoxError, TextTooLong, TimedOut
from lunavox_edge.host.system import rss_bytes
from lunavox_edge.types import AudioChunk

_PLENTY_S = 2.0
"""With this much time until the listener needs the next line, it is made in the cheapest way."""


class Speech(Helped):
    """Text in by `write`, audio out by `poll` or `read`.

    `write`, `finish`, `poll` and `cancel` never block and may be called from any thread. `on_ready` is
    called from a worker thread, with no lock held, whenever `poll` may return something new. Who opened a
    speech must `cancel` it, also if nothing was ever written or fetched.
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
        """Create the session; `start` lets it run. Done by the engine only."""
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self._max_chars = plan.max_chars
        self._on_ready = on_ready
        self._updated = lane.threads.condition(self._lock)
        self._reading_on = lane.threads.lock()
        """Held by the worker that reads on: takes in text and chooses what is made next."""
        self._voicing = Voicing(plan, pace=pace, phrases=phrases, threads=lane.threads, emit=self._emit)
        self._text = TextFeed(self._voicing.script, plan, now_s=self._opened_s)
        # Below: guarded by the session's lock, but for single numbers read where a moment's delay is no harm.
        self._playback = Playback(pace, plan.voice_key, opened_s=self._opened_s, clock=lane.clock)
        self._has_update = False
        self._rss_start = self._rss_peak = rss_bytes()

    def write(self, text: str) -> None:
        """Add text. Raises TextTooLong, which also ends the session, and TypeError.

        Text after `finish`, or after the end of the session, is ignored.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be str, not {type(text).__name__}")
        with self._lock:
            if self._ended or self._text.is_finished:
                return
            fits = self._text.write(text, self._lane.clock())
            if fits:
                self._enter_pace()
        if not fits:
            error = TextTooLong(f"The text is over the limit of {self._max_chars} characters; send less.")
            self.cancel(error)
            raise error
        self._lane.wake(self)

    def finish(self) -> None:
        """End the text. Idempotent."""
        with self._lock:
            self._text.finish()
        self._lane.wake(self)

    def poll(self) -> AudioChunk | None:
        """Return the next audio, or None if there is none yet or none any more (see `done`).

        The first audio is held back until the rest can be expected to come in time. Raises the
        session's error once all audio made before it has been fetched.
        """
        with self._lock:
            was_full = self._playback.is_full()
            if (chunk := self._playback.take()) is None:
                if self._error is not None:
                    raise self._error
                return None
            wake = was_full and not self._playback.is_full()
        if wake:
            self._lane.wake(self)
        return chunk

    @property
    def sample_rate(self) -> int | None:
        """Sample rate of the audio in Hz; None before it is known."""
        return self._voicing.sample_rate

    @property
    def done(self) -> bool:
        """Whether the speech is over and every piece of audio was fetched."""
        with self._lock:
            return self._ended and not len(self._playback)

    @property
    def waits_for_text(self) -> bool:
        """Whether all that can be spoken of the text so far was fetched, and `finish` was not called."""
        with self._lock:
            return self._text.wants_more and not self._ended and not len(self._playback)

    def read(self, timeout_s: float) -> AudioChunk | None:
        """Wait for the next audio; None at the end. Raises TimedOut and the session's error."""
        until = self._lane.clock() + timeout_s
        while True:
            chunk = self.poll()
            if chunk is not None:
                return chunk
            with self._updated:
                waiting = len(self._playback)
                if self._ended and not waiting and self._error is None:
                    return None
                if not self._playback.has_started or not (waiting or self._ended):
                    left = until - self._lane.clock()
                    if left <= 0 or not self._updated.wait(left):
                        raise TimedOut("The speech takes too long.")

    @property
    def stats(self) -> SynthesisStats:
        """Times and memory of this speech; complete once the session has ended."""
        return SynthesisStats(
            t_tokenize_ms=self._voicing.tokenize_s * 1000,
            t_generate_ms=self._voicing.generate_s * 1000,
            t_decode_ms=self._voicing.decode_s * 1000,
            t_total_ms=((self._ended_s or self._lane.clock()) - self._opened_s) * 1000,
            audio_duration_ms=self._playback.made_s * 1000,
            first_audio_ms=self._playback.first_audio_ms,
            queue_ms=self._queue_ms,
            mem=MemStats(self._rss_start, rss_bytes(), self._rss_peak),
        )

    @property
    def deadline_s(self) -> float:
        """When the listener runs dry; before the first audio, when the request came.

        Audio that is being made counts as made.
        """
        coming_s = self._voicing.coming_s
        return self._playback.deadline_s(margin_s=self._lane.margin_s, later_s=coming_s + self._relaxed_s)

    @property
    def wake_at_s(self) -> float | None:
        """When text that waits for the end of its sentence is spoken without it."""
        return self._text.flush_at_s

    def _slice(self) -> Outcome:
        outcome = self._make_next(idle=self._pause, tell_other=self._call_help)
        self._notify_client()
        return outcome

    def _help(self) -> Outcome:
        outcome = self._make_next(idle=lambda: Outcome.WAIT, tell_other=lambda: self._lane.wake(self))
        self._notify_client()
        return outcome

    def _make_next(self, *, idle: Callable[[], Outcome], tell_other: Callable[[], None]) -> Outcome:
        """Choose the next piece, let the other worker read on, and make the piece.

        Without a piece the outcome is that of `idle`.
        """
        if not self._reading_on.acquire(blocking=False):
            return Outcome.WAIT  # the other worker reads on, and wakes this one after that
        try:
            lease = self._lease()
            slot = self._next_slot(lease)
            if slot is None:
                return idle()
        except Exception as error:
            # Before the lock is released, or the other worker would take the broken line for a finished one.
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
        """Take in the text that came, and choose what to make. Raises the failure of the other worker."""
        if self._failure is not None:
            raise self._failure
        if self._is_ahead:
            return None
        started_s = self._lane.clock()
        with self._lock:
            written = self._text.take()
            self._enter_pace()
        self._text.pass_on(written, self._lane.clock)
        self._voicing.tokenize_s += self._lane.clock() - started_s
        return self._voicing.next_slot(lease, hungry=self._is_hungry)

    def _enter_pace(self) -> None:
        """Count as a room that is spoken to, unless the session is over; the caller holds the lock."""
        if not self._ended:
            self._playback.enter_pace()

    @property
    def _is_ahead(self) -> bool:
        return self._playback.is_full(self._voicing.coming_s)

    def _is_hungry(self) -> bool:
        return not self._playback.has_started or self.deadline_s < self._lane.clock() + _PLENTY_S

    def _pause(self) -> Outcome:
        """Wait or end, as nothing is to be made now."""
        if self._is_ahead:
            self._playback.leave_pace()
            return Outcome.WAIT
        return Outcome.WAIT if self._voicing.busy else self._ran_dry()

    def _ran_dry(self) -> Outcome:
        """All text that was taken in is spoken: go on with text that came since, wait, or end."""
        with self._lock:
            if self._text.has_more:
                return Outcome.MORE
        if not self._text.took_all:
            if self._playback.made_s:
                self._play()
            with self._lock:
                if self._text.rest():
                    self._playback.leave_pace()
            return Outcome.WAIT
        if not self._playback.made_s:
            raise EmptyText("There is nothing to say in this text.")
        return Outcome.DONE

    def _emit(self, chunk: AudioChunk, work: LineWork) -> None:
        """Take finished audio from `Voicing`; start playback if what follows will come in time."""
        with self._updated:
            if self._ended:
                return
            self._playback.add(chunk)
            self._has_update = True
            playing = self._playback.has_started
            waiting_chars = 0 if playing else self._text.waiting_chars
            self._updated.notify_all()
        if playing:
            return
        outlook = Outlook(
            line=work.cost,
            piece_s=chunk.duration_s,
            waiting_chars=self._voicing.chars_after(work) + waiting_chars,
            open_ended=not self._text.is_finished,
        )
        if self._playback.may_start(outlook):
            self._play()

    def _play(self) -> None:
        """Hand out the audio that was held back; does nothing once playback has started."""
        with self._updated:
            if self._ended or self._playback.has_started:
                return
            self._playback.started_s = self._lane.clock()
            self._enter_pace()
            self._has_update = True
            self._updated.notify_all()

    def _close_model(self) -> None:
        self._voicing.close()

    def _ended_with(self, error: LunavoxError | None) -> None:
        self._playback.leave_pace()
        self._dismiss_help()
        with self._updated:
            if error is not None and error is self._cancelled:
                self._playback.clear()
            if not self._playback.has_started:
                self._playback.started_s = self._ended_s
            self._has_update = True
            self._updated.notify_all()
        self._notify_client()

    def _notify_client(self) -> None:
        """Call `on_ready` if `poll` may return something new; to be called without a lock."""
        with self._lock:
            has_update, self._has_update = self._has_update, False
        if has_update and self._on_ready is not None:
            self._guarded(self._on_ready)
