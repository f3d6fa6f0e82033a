"""One running STT session: audio goes in as it comes, a transcript comes out at the end."""

from __future__ import annotations

import threading
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
from lunavox_edge.engine.ear import ArrivalClock, Ear, Piece
from lunavox_edge.engine.hearing import GuessTime, Heard, StablePrefix, text_of, transcript_of
from lunavox_edge.engine.lanes import Lane, Outcome
from lunavox_edge.engine.residency import Lease
from lunavox_edge.engine.session import Session
from lunavox_edge.engine.turn import Turn
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
        self._format = audio_format
        self._find_vad = vad
        self._on_ended = on_ended
        self._on_partial = on_partial
        self._inbox = bytearray()
        self._takes_more = True
        self._room = threading.Condition(self._lock)
        self._fed_bytes = 0
        self._arrivals = ArrivalClock()
        self._submitted_s: float | None = None
        self._future: Future[Transcript] = Future()
        self._future.set_running_or_notify_cancel()
        self._turn = Turn(
            plan.endpoint,
            plan.guess_time,
            tells=on_partial is not None,
            arrived_since=self._arrived_since,
        )
        # Below: touched by slices only.
        self._ear: Ear | None = None
        self._pieces: deque[Piece] = deque()
        self._complete = False
        self._moved_s = 0.0
        self._heard: list[Heard] = []
        self._stable = StablePrefix()
        self._decode_s = 0.0
        self._heard_s = 0.0

    def feed(self, pcm: bytes) -> None:
        """Add audio in the session's format. Raises AudioTooLong, which ends the session.

        What comes after the end of the audio or of the session, of an error say, is passed over.
        """
        wake = False
        with self._lock:
            if self._ended or not self._takes_more:
                return
            self._fed_bytes += len(pcm)
            bytes_per_s = self._format.frame_bytes * self._format.rate_hz
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
        ear = self._ear
        if ear is None or ear.endpointer is None:
            return _WAKE_S
        pausing = ear.endpointer.speech_s > 0 and ear.endpointer.silence_s > 0
        return _WAKE_IN_PAUSE_S if pausing else _WAKE_S

    @property
    def backlog_bytes(self) -> int:
        """Audio taken in but not yet converted; a fast sender should wait while it is high."""
        return len(self._inbox)

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until more audio is wanted; for readers of long recordings. False at the timeout."""
        room_bytes = _ROOM_S * self._format.frame_bytes * self._format.rate_hz
        with self._room:
            return self._room.wait_for(lambda: self._ended or len(self._inbox) < room_bytes, timeout_s)

    @property
    def ongoing_speech(self) -> tuple[float, float]:
        """Seconds of the speech that is going on and its mean probability; zeros in a pause."""
        ear = self._ear
        if ear is None or ear.endpointer is None:
            return 0.0, 0.0
        return ear.endpointer.run_s, ear.endpointer.run_probability

    @property
    def done(self) -> bool:
        """Whether the transcript or the error is there."""
        return self._future.done()

    def submit(self) -> Future[Transcript]:
        """No more audio will come: return the future transcript.

        It fails with Cancelled, Busy, OutOfMemory, BrokenModel, InternalError.
        """
        with self._lock:
            if self._submitted_s is None:
                self._submitted_s = self._lane.clock()
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
        waiting = self._inbox or not (self._pieces or self._worth_hearing)
        return self._lane.clock() + (_LISTEN_DELAY_S if waiting else _GUESS_DELAY_S)

    def _slice(self) -> Outcome:
        if self._pieces:
            return self._hear_next()
        if self._convert():
            self._settle()
            return Outcome.MORE if self._work_follows else Outcome.WAIT
        if self._submitted_s is None:
            return self._listen()
        if self._complete:
            return Outcome.DONE
        self._complete = True
        self._pieces.extend(self._find_speech())
        return Outcome.MORE

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
            self._submitted_s = self._lane.clock()
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
        if self._on_partial is not None:
            certain = self._stable.add(text_of(heard))
            if certain:
                self._on_partial(certain)
        return Outcome.MORE

    def _convert(self) -> bool:
        """Convert the next batch of audio and ask the VAD about it; False if there is none."""
        final = self._submitted_s is not None
        if self._ear is None and not self._open_ear(final=final):
            return False
        if self._ear is None:
            return False
        batch_bytes = int(_BATCH_S * self._format.rate_hz) * self._format.frame_bytes
        with self._lock:
            batch = bytes(self._inbox[:batch_bytes])
            del self._inbox[:batch_bytes]
            self._takes_more = bool(batch) or not final
            self._room.notify_all()
        if batch:
            self._ear.take(batch)
            return True
        if final and not self._complete:
            self._ear.finish()
        return False

    def _open_ear(self, *, final: bool) -> bool:
        """Wait for enough audio to tell a WAV header from sound."""
        with self._lock:
            prefix = bytes(self._inbox[:_WAV_PREFIX_BYTES])
        offset = 0
        if prefix[:4] == _WAV_MAGIC[: len(prefix)]:
            if len(prefix) < _WAV_PREFIX_BYTES and not final:
                return False
            header = sniff_header(prefix)
            if header is not None:
                self._format, offset = header
        with self._lock:
            del self._inbox[:offset]
        self._ear = Ear(self._format, self._find_vad())
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

    def _recognize(self, lease: Lease, piece: Piece) -> Heard:
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
        return Heard.at(*piece, recognition)

    def _ended_with(self, error: LunavoxError | None) -> None:
        if error is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(self._transcript())
        with self._lock:
            self._inbox.clear()
            self._room.notify_all()
        self._pieces.clear()
        self._ear = None
        if self._on_ended is not None:
            self._on_ended()

    def rest_of(self, text: str) -> str:
        """What a final text adds to the words that `on_partial` was told."""
        return self._stable.rest(text)

    def _transcript(self) -> Transcript:
        ended = self._ended_s or self._lane.clock()
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
