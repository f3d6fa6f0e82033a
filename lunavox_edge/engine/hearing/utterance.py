"""One running STT session: audio goes in as it comes, a transcript comes out at the end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field, replace
from typing import cast

from lunavox_edge.audio.endpoint import EndpointRules
from lunavox_edge.audio.wav import sniff_header
from lunavox_edge.backends.base import RecognizeRequest, SttModel, Vad
from lunavox_edge.engine.hearing.audio_intake import ArrivalClock, AudioIntake, Piece
from lunavox_edge.engine.hearing.hypotheses import (
    GuessTime,
    RecognizedPiece,
    StablePrefix,
    text_of,
    transcript_of,
)
from lunavox_edge.engine.hearing.turn_detection import TurnDetector
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.lanes import Lane, Outcome
from lunavox_edge.engine.scheduling.session import Session
from lunavox_edge.errors import AudioTooLong, InternalError, LunavoxError, TimedOut
from lunavox_edge.types import AudioFormat, Transcript, TranscriptStats

_LISTEN_DELAY_S = 0.2
"""Audio may wait this long to be converted while it still comes."""
_GUESS_DELAY_S = 5.0
"""A guess gives way to everything that somebody waits for."""
_BATCH_S = 5.0
_WAKE_S, _WAKE_IN_PAUSE_S = 0.1, 0.03
"""So much audio is worth a look; in a pause that may be the end, less of it."""
_ROOM_S = 30.0
"""Audio that may wait to be converted before whoever reads a long recording should wait too."""
_WAV_PREFIX_BYTES = 4096
_WAV_MAGIC = b"RIFF"


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """How one utterance is heard.

    `max_s` None takes audio of any length, and transcribes it while it still comes; `endpoint`
    None waits for the client to end it.
    """

    request: RecognizeRequest
    fallback_language: str
    max_s: float | None = None
    endpoint: EndpointRules | None = None
    guess_time: GuessTime = field(default_factory=GuessTime)
    """Shared by all that hear by the same model."""


@dataclass(frozen=True, slots=True)
class _Listened:
    """What a slice has found in the audio, for other threads to read while the next one works."""

    run_s: float = 0.0
    run_probability: float = 0.0
    is_pausing: bool = False
    """Whether there is silence after speech."""
    wants_hearing: bool = False
    """Whether what is next is to hear what came so far, before the person has finished."""


class Utterance(Session):
    """Audio in by `feed`, the transcript out by `finish` or `submit`.

    `feed`, `submit` and `cancel` never block and may come from any thread. A WAV header at the
    start of the audio is recognised and then says the format. With endpoint rules the utterance
    ends by itself: `on_ended` is called, once, from a worker thread, when it has its transcript
    or its error. `on_partial` asks for words while the person speaks, as soon as they are
    certain; it is called from a worker thread too, and costs a decode every second.
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
        """Built by the engine only."""
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self._plan = plan
        self._find_vad = vad
        self._on_ended = on_ended
        self._on_partial = on_partial
        self._room = lane.threads.condition(self._lock)
        # Below: guarded by this lock; whether audio waits or is complete is also looked at without it.
        self._format = audio_format
        self._inbox = bytearray()
        self._takes_more = True
        self._fed_bytes = 0
        self._arrivals = ArrivalClock()
        self._submitted_s: float | None = None
        self._listened = _Listened()
        """Replaced as a whole by slices, read by any thread without the lock; so are the next two."""
        self._heard_s = 0.0
        self._moved_s = 0.0
        self._future: Future[Transcript] = Future()
        self._future.set_running_or_notify_cancel()
        self._turn = TurnDetector(
            plan.endpoint,
            plan.guess_time,
            tells=on_partial is not None,
            arrived_since=self._arrived_since,
        )
        # Below: touched by slices only.
        self._ear: AudioIntake | None = None
        self._pieces: deque[Piece] = deque()
        self._took_all = False
        """Whether the ear has all the audio."""
        self._complete = False
        self._heard: list[RecognizedPiece] = []
        self._stable = StablePrefix()
        self._decode_s = 0.0
        self._transcript: Transcript | None = None

    def feed(self, pcm: bytes) -> None:
        """Add audio in the session's format. Raises AudioTooLong, which ends the session.

        What comes after the end of the audio or of the session, of an error say, is passed over.
        """
        wake = False
        with self._lock:
            if self._ended or not self._takes_more:
                return
            self._fed_bytes += len(pcm)
            bytes_per_s = self._format.bytes_per_s
            seconds = self._fed_bytes / bytes_per_s
            fits = self._plan.max_s is None or seconds <= self._plan.max_s
            if fits:
                self._inbox += pcm
                self._arrivals.mark(seconds, self._lane.clock())
                wake = len(self._inbox) >= self._worth_a_look_s * bytes_per_s
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
    def _worth_a_look_s(self) -> float:
        return _WAKE_IN_PAUSE_S if self._listened.is_pausing else _WAKE_S

    @property
    def backlog_bytes(self) -> int:
        """Audio taken in but not yet converted; a fast sender should wait while it is high."""
        return len(self._inbox)

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until more audio is wanted; for readers of long recordings. False at the timeout."""

        def has_room() -> bool:
            return self._ended or len(self._inbox) < _ROOM_S * self._format.bytes_per_s

        with self._room:
            return self._room.wait_for(has_room, timeout_s)

    @property
    def ongoing_speech(self) -> tuple[float, float]:
        """Seconds of the speech that is going on and its mean probability; zeros in a pause."""
        listened = self._listened
        return listened.run_s, listened.run_probability

    @property
    def done(self) -> bool:
        """Whether the transcript or the error is there."""
        return self._future.done()

    def submit(self) -> Future[Transcript]:
        """No more audio will come: return the future transcript.

        It fails with Cancelled, Busy, OutOfMemory, BrokenModel, InternalError.
        """
        self._close_inbox()
        self._lane.wake(self)
        return self._future

    def finish(self, timeout_s: float) -> Transcript:
        """No more audio will come: wait for the transcript. Raises TimedOut and as `submit`."""
        try:
            return self.submit().result(timeout_s)
        except FutureTimeoutError as error:
            self.cancel()
            raise TimedOut("The transcript takes too long.") from error

    @property
    def heard_s(self) -> float:
        """Seconds of the audio that are done with; a long recording is transcribed while it comes."""
        return self._heard_s

    @property
    def deadline_s(self) -> float:
        """The end of speech once it came; a moment from now while audio still flows.

        Relaxed work is due some time after its last piece, so a long recording gives way every time.
        """
        if self._submitted_s is not None:
            if self._relaxed_s:
                return max(self._submitted_s, self._moved_s) + self._relaxed_s
            return self._submitted_s
        waiting = self._inbox or not self._listened.wants_hearing
        return self._lane.clock() + (_LISTEN_DELAY_S if waiting else _GUESS_DELAY_S)

    def _slice(self) -> Outcome:
        outcome = self._work()
        ear = self._ear
        listened = _Listened(wants_hearing=bool(self._pieces) or self._worth_hearing)
        if ear is not None and ear.endpointer is not None:
            found = ear.endpointer
            is_pausing = found.speech_s > 0 and found.silence_s > 0
            listened = replace(
                listened, run_s=found.run_s, run_probability=found.run_probability, is_pausing=is_pausing
            )
        self._listened = listened
        return outcome

    def _work(self) -> Outcome:
        if self._pieces:
            return self._hear_next()
        if self._convert():
            self._settle()
            return Outcome.MORE if self._work_follows else Outcome.WAIT
        if not self._took_all:
            return self._listen()
        if self._complete:
            self._transcript = self._whole()
            return Outcome.DONE
        self._complete = True
        self._pieces.extend(self._find_speech())
        return Outcome.MORE

    def _close_inbox(self) -> None:
        """The turn is over: what has come by now is all, and the transcript is due from now on."""
        with self._lock:
            if self._submitted_s is None:
                self._submitted_s = self._lane.clock()

    @property
    def _work_follows(self) -> bool:
        """Whether there is more to do than to wait for audio."""
        return bool(
            self._pieces
            or self._inbox
            or self._submitted_s is not None
            or self._is_over
            or self._worth_hearing
        )

    @property
    def _is_over(self) -> bool:
        return self._ear is not None and self._turn.is_over(self._ear)

    @property
    def _worth_hearing(self) -> bool:
        """Whether what came so far should be heard although the turn is not over."""
        ear, turn = self._ear, self._turn
        return ear is not None and (turn.may_be_over(ear) or turn.is_worth_telling(ear))

    def _arrived_since(self, position_s: float) -> float:
        with self._lock:
            return self._arrivals.since(position_s)

    def _settle(self) -> None:
        """Look for pieces of a long recording that can be transcribed already."""
        if self._plan.max_s is None and self._ear is not None:
            self._pieces.extend(self._ear.settle())
            if not self._pieces:
                self._heard_s = max(self._heard_s, self._ear.settled_s)

    def _hear_next(self) -> Outcome:
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        piece = self._pieces[0]
        self._heard.append(self._recognize(lease, piece))
        self._pieces.popleft()
        self._heard_s = piece[1]
        self._moved_s = self._lane.clock()
        return Outcome.MORE

    def _listen(self) -> Outcome:
        """Decide, with all audio heard that came so far, whether the person has finished."""
        if self._is_over:
            self._close_inbox()
            return Outcome.MORE
        ear = self._ear
        guesses = ear is not None and self._turn.may_be_over(ear)
        if ear is None or not (guesses or self._turn.is_worth_telling(ear)):
            return Outcome.WAIT
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        began_s = self._lane.clock()
        heard = tuple(self._recognize(lease, piece) for piece in ear.pieces())
        if guesses:
            self._turn.guess(ear, heard, self._lane.clock() - began_s)
        self._turn.told(ear)
        on_partial = self._on_partial
        if on_partial is not None:
            certain = self._stable.add(text_of(heard))
            if certain:
                self._guarded(lambda: on_partial(certain))
        return Outcome.MORE

    def _convert(self) -> bool:
        """Convert the next batch of audio and ask the VAD about it; False if there is none."""
        if self._ear is None and not self._open_ear():
            return False
        if self._ear is None:
            return False
        with self._lock:
            batch_bytes = int(_BATCH_S * self._format.rate_hz) * self._format.frame_bytes
            batch = bytes(self._inbox[:batch_bytes])
            del self._inbox[:batch_bytes]
            # Both at once: audio may come, and the end of it, at any time.
            self._took_all = not batch and self._submitted_s is not None
            self._takes_more = not self._took_all
            self._room.notify_all()
        if batch:
            self._ear.take(batch)
            return True
        if self._took_all and not self._complete:
            self._ear.finish()
        return False

    def _open_ear(self) -> bool:
        """Wait for enough audio to tell a WAV header from sound."""
        with self._lock:
            prefix = bytes(self._inbox[:_WAV_PREFIX_BYTES])
            final = self._submitted_s is not None
        header = None
        if prefix[:4] == _WAV_MAGIC[: len(prefix)]:
            if len(prefix) < _WAV_PREFIX_BYTES and not final:
                return False
            header = sniff_header(prefix)
        if header is not None:
            with self._lock:
                self._format, offset = header
                del self._inbox[:offset]
        self._ear = AudioIntake(self._format, self._find_vad())
        return True

    def _find_speech(self) -> list[Piece]:
        """Where to listen; a guess that came true has been heard already."""
        if self._ear is None:
            return []
        foreseen = self._turn.foreseen(self._ear)
        if foreseen is not None:
            self._heard = list(foreseen)
            return []
        return self._ear.pieces()

    def _recognize(self, lease: Lease, piece: Piece) -> RecognizedPiece:
        if self._ear is None:
            raise InternalError("A piece was asked for before any audio came.")
        started = time.perf_counter()
        request = self._plan.request
        if request.language is None:
            said = (heard.recognition.language for heard in self._heard if heard.recognition.text)
            request = replace(request, language=next(said, None))
        with lease.turn:
            recognition = cast("SttModel", lease.model).recognize(self._ear.samples(piece), request)
        self._decode_s += time.perf_counter() - started
        return RecognizedPiece.at(*piece, recognition)

    def _ended_with(self, error: LunavoxError | None) -> None:
        with self._lock:
            self._inbox.clear()
            self._room.notify_all()
        self._pieces.clear()
        self._ear = None
        if error is None and self._transcript is not None:
            self._future.set_result(self._transcript)
        else:
            self._future.set_exception(error or InternalError("The transcript was not made."))
        if self._on_ended is not None:
            self._on_ended()

    def rest_of(self, text: str) -> str:
        """What a final text adds to the words that `on_partial` was told."""
        return self._stable.rest(text)

    def _whole(self) -> Transcript:
        ended = self._lane.clock()
        return transcript_of(
            self._heard,
            language=self._plan.request.language,
            fallback_language=self._plan.fallback_language,
            duration_s=self._ear.duration_s if self._ear is not None else 0.0,
            stats=TranscriptStats(
                queue_ms=self._queue_ms,
                decode_ms=self._decode_s * 1000,
                total_ms=(ended - (self._submitted_s or ended)) * 1000,
                speech_s=sum(heard.seconds for heard in self._heard),
            ),
        )
