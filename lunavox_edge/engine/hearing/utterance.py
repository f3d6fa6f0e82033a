"""Speech recognition session: audio in as it arrives, one transcript out at the end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from lunavox_edge.backends.base import Vad
from lunavox_edge.engine.hearing.audio_inbox import AudioInbox
from lunavox_edge.engine.hearing.audio_intake import AudioIntake
from lunavox_edge.engine.hearing.transcription import AudioState, ListenPlan, Transcription
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.errors import AudioTooLong, InternalError, LunavoxError
from lunavox_edge.types import AudioFormat, Transcript

_CONVERT_DELAY_S = 0.2
"""How long audio may wait to be converted while more arrives."""
_EARLY_DELAY_S = 5.0
"""Recognition before the end of the turn yields to all work that a client waits for."""
_WAKE_S, _WAKE_IN_PAUSE_S = 0.1, 0.03
"""So much waiting audio wakes the task; less in a pause that may be the end of the turn."""
_ROOM_S = 30.0
"""With more audio waiting to be converted, the reader of a long recording should wait too."""


class Utterance(Session):
    """Audio in by `feed`, the transcript out by `finish` or `submit`.

    `feed`, `submit` and `cancel` never block and may be called from any thread. A WAV header at the
    start of the audio is recognised, and its format is used. With endpoint rules the utterance
    ends by itself: `on_ended` is called, once, from a worker thread, when the transcript or the error
    is there. `on_partial` is called with words that have become certain while the person speaks, also
    from a worker thread; it costs a decode every second.
    """

    def __init__(  # noqa: PLR0913  # built in one place, by keyword
        self,
        *,
        plan: ListenPlan,
        audio_format: AudioFormat,
        vad: Callable[[], Vad | None],
        lane: Lane,
        lease: Future[Lease],
        relaxed: bool,
        on_end: Callable[[Session], None],
        on_ended: Callable[[], None] | None = None,
        on_partial: Callable[[str], None] | None = None,
    ) -> None:
        """Create the session; `start` lets it run. Done by the engine only.

        `vad` returns the voice activity detector; it is called by the first slice that has audio.
        """
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self._plan = plan
        self._find_vad = vad
        self._on_ended = on_ended
        self._on_partial = on_partial
        self._room = lane.threads.condition(self._lock)
        # Below: guarded by this lock; how much waits, and the end, are also read without it.
        self._inbox = AudioInbox(audio_format, max_s=plan.max_s)
        self._submitted_s: float | None = None
        self._audio_state = AudioState()
        """Replaced as a whole by slices, read by any thread without the lock; so is the next one."""
        self._last_piece_s = 0.0
        """When the last piece was recognised, on the lane's clock."""
        self._future: Future[Transcript] = Future()
        self._future.set_running_or_notify_cancel()
        # Below: touched by slices only, but for `recognized_s` and, after the end, `rest_of`.
        self._work = Transcription(
            plan, wants_partials=on_partial is not None, arrived_since=self._arrived_since
        )
        self._took_all = False
        """Whether all the audio was converted."""
        self._transcript: Transcript | None = None

    def feed(self, pcm: bytes) -> None:
        """Add audio in the session's format. Raises AudioTooLong, which ends the session.

        Audio after the end of the utterance or of the session (after an error, for example) is ignored.
        """
        wake = False
        with self._lock:
            if self._ended or not self._inbox.is_open:
                return
            fits = self._inbox.add(pcm, self._lane.clock())
            wake = fits and self._inbox.waiting_s >= self._wake_after_s
        if not fits:
            error = AudioTooLong(
                f"The audio is over the limit of {self._plan.max_s:g} seconds "
                "(limits.max_utterance_s); send less."
            )
            self.cancel(error)
            raise error
        if wake:
            self._lane.wake(self)

    @property
    def _wake_after_s(self) -> float:
        return _WAKE_IN_PAUSE_S if self._audio_state.is_pausing else _WAKE_S

    @property
    def backlog_bytes(self) -> int:
        """Audio taken in but not yet converted; a fast sender should wait while it is high."""
        return len(self._inbox)

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until more audio is wanted; for readers of long recordings. False at the timeout."""

        def has_room() -> bool:
            return self._ended or self._inbox.waiting_s < _ROOM_S

        with self._room:
            return self._room.wait_for(has_room, timeout_s)

    @property
    def ongoing_speech(self) -> tuple[float, float]:
        """Seconds of the speech that is going on and its mean probability; zeros in a pause."""
        state = self._audio_state
        return state.run_s, state.run_probability

    @property
    def done(self) -> bool:
        """Whether the transcript or the error is there."""
        return self._future.done()

    def submit(self) -> Future[Transcript]:
        """End the audio and return the future transcript.

        It fails with Cancelled, Busy, OutOfMemory, BrokenModel, InternalError.
        """
        self._close_inbox()
        self._lane.wake(self)
        return self._future

    def finish(self, timeout_s: float) -> Transcript:
        """End the audio and wait for the transcript. Raises TimedOut and as `submit`."""
        return self._result(self.submit(), timeout_s, "The transcript takes too long.")

    @property
    def recognized_s(self) -> float:
        """Seconds of audio that need no more work; a long recording is transcribed while it arrives."""
        return self._work.recognized_s

    def rest_of(self, text: str) -> str:
        """Return what a final text adds to the words that were passed to `on_partial`."""
        return self._work.rest_of(text)

    @property
    def deadline_s(self) -> float:
        """The end of the audio once it is known; a moment from now while audio still arrives.

        Relaxed work is due some time after its last piece, so a long recording yields every time.
        """
        if self._submitted_s is not None:
            if self._relaxed_s:
                return max(self._submitted_s, self._last_piece_s) + self._relaxed_s
            return self._submitted_s
        waiting = len(self._inbox) or not self._audio_state.wants_early
        return self._lane.clock() + (_CONVERT_DELAY_S if waiting else _EARLY_DELAY_S)

    def _slice(self) -> Outcome:
        outcome = self._next_work()
        self._audio_state = self._work.state()
        return outcome

    def _next_work(self) -> Outcome:
        """Recognise a waiting piece, else convert audio, else look for the end, else join the transcript."""
        work = self._work
        if work.has_pieces:
            lease = self._lease()
            if lease is None:
                return Outcome.WAIT
            work.recognize_next(lease)
            self._last_piece_s = self._lane.clock()
            return Outcome.MORE
        if self._convert():
            work.settle()
            return Outcome.MORE if self._work_follows else Outcome.WAIT
        if not self._took_all:
            return self._detect_turn()
        if work.found_all:
            now_s = self._lane.clock()
            total_ms = (now_s - (self._submitted_s or now_s)) * 1000
            self._transcript = work.transcript(queue_ms=self._queue_ms, total_ms=total_ms)
            return Outcome.DONE
        work.find_last()
        return Outcome.MORE

    @property
    def _work_follows(self) -> bool:
        """Whether there is more to do than to wait for audio."""
        work = self._work
        return bool(
            work.has_pieces
            or len(self._inbox)
            or self._submitted_s is not None
            or work.is_over
            or work.wants_early
        )

    def _detect_turn(self) -> Outcome:
        """Decide, with all arrived audio converted, whether the turn is over; else recognise it early."""
        if self._work.is_over:
            self._close_inbox()
            return Outcome.MORE
        guesses = self._work.may_be_over
        if not (guesses or self._work.wants_partial):
            return Outcome.WAIT
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        certain = self._work.recognize_early(lease, self._lane.clock, guesses=guesses)
        on_partial = self._on_partial
        if on_partial is not None and certain:
            self._guarded(lambda: on_partial(certain))
        return Outcome.MORE

    def _convert(self) -> bool:
        """Convert the next batch of audio and run the VAD on it; False if there is none."""
        intake = self._work.intake
        if intake is None:
            with self._lock:
                header_is_read = self._inbox.read_header(is_all=self._submitted_s is not None)
                audio_format = self._inbox.audio_format
            if not header_is_read:
                return False
            self._work.intake = intake = AudioIntake(audio_format, self._find_vad())
        with self._lock:
            batch = self._inbox.take_batch()
            # Decided under the same lock as taking the batch: audio, and its end, may come at any time.
            self._took_all = not batch and self._submitted_s is not None
            self._inbox.is_open = not self._took_all
            self._room.notify_all()
        if batch:
            intake.take(batch)
            return True
        if self._took_all and not self._work.found_all:
            intake.finish()
        return False

    def _close_inbox(self) -> None:
        """End the turn: the audio that arrived by now is all, and the transcript is due from now on."""
        with self._lock:
            if self._submitted_s is None:
                self._submitted_s = self._lane.clock()

    def _arrived_since(self, position_s: float) -> float:
        with self._lock:
            return self._inbox.arrived_since(position_s)

    def _ended_with(self, error: LunavoxError | None) -> None:
        with self._lock:
            self._inbox.clear()
            self._room.notify_all()
        self._work.close()
        if error is None and self._transcript is not None:
            self._future.set_result(self._transcript)
        else:
            self._future.set_exception(error or InternalError("The transcript was not made."))
        if self._on_ended is not None:
            self._on_ended()
