"""One running STT session: audio goes in as it comes, a transcript comes out at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from lunavox_edge.audio.pcm import Converter
from lunavox_edge.audio.vad import chunks, speech_spans
from lunavox_edge.audio.wav import sniff_header
from lunavox_edge.backends.base import Recognition, RecognizeRequest, Samples, SttModel, Vad, VadStream
from lunavox_edge.engine.lanes import Lane, Outcome
from lunavox_edge.engine.residency import Lease
from lunavox_edge.engine.session import Session
from lunavox_edge.errors import AudioTooLong, LunavoxError, TimedOut
from lunavox_edge.types import AudioFormat, Transcript, TranscriptStats, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL_RATE_HZ = 16_000
MAX_PIECE_S = 30.0
"""The longest audio a recogniser takes in one slice."""

_LISTEN_DELAY_S = 0.5
"""Audio may wait this long to be converted while it still comes."""
_BATCH_S = 5.0
_WAKE_BYTES = 32_768
_WAV_PREFIX_BYTES = 4096
_WAV_MAGIC = b"RIFF"


@dataclass(frozen=True, slots=True)
class ListenPlan:
    """How one utterance is heard. `max_s` None takes audio of any length."""

    request: RecognizeRequest
    fallback_language: str
    max_s: float | None = None


class Utterance(Session):
    """Audio in by `feed`, the transcript out by `finish` or `submit`.

    `feed`, `submit` and `cancel` never block and may come from any thread. A WAV header at the
    start of the audio is recognised and then says the format.
    """

    def __init__(
        self,
        *,
        plan: ListenPlan,
        audio_format: AudioFormat,
        vad: Callable[[], Vad | None],
        lane: Lane,
        lease: Future[Lease],
        relaxed: bool,
        on_end: Callable[[Session], None],
    ) -> None:
        """Built by the engine only."""
        super().__init__(lane=lane, lease=lease, relaxed=relaxed, on_end=on_end)
        self._plan = plan
        self._format = audio_format
        self._inbox = bytearray()
        self._fed_bytes = 0
        self._submitted_s: float | None = None
        self._future: Future[Transcript] = Future()
        self._future.set_running_or_notify_cancel()
        # Below: touched by slices only.
        self._converter: Converter | None = None
        self._audio: list[NDArray[np.int16]] = []
        self._samples = 0
        self._find_vad = vad
        self._vad: Vad | None = None
        self._vad_stream: VadStream | None = None
        self._probabilities: list[NDArray[np.float32]] = []
        self._pieces: list[tuple[float, float]] | None = None
        self._heard: list[tuple[float, Recognition]] = []
        self._decode_s = 0.0

    def feed(self, pcm: bytes) -> None:
        """Add audio in the session's format. Raises AudioTooLong, which ends the session.

        What comes after the end of the session, of an error say, is passed over.
        """
        wake = False
        with self._lock:
            if self._ended:
                return
            self._fed_bytes += len(pcm)
            seconds = self._fed_bytes / (self._format.frame_bytes * self._format.rate_hz)
            fits = self._plan.max_s is None or seconds <= self._plan.max_s
            if fits:
                self._inbox += pcm
                wake = len(self._inbox) >= _WAKE_BYTES
        if not fits:
            self.cancel()
            raise AudioTooLong(f"The audio is over the limit of {self._plan.max_s:g} seconds; send less.")
        if wake:
            self._lane.wake(self)

    @property
    def backlog_bytes(self) -> int:
        """Audio taken in but not yet converted; a fast sender should wait while it is high."""
        return len(self._inbox)

    def submit(self) -> Future[Transcript]:
        """No more audio will come: return the future transcript.

        It fails with Cancelled, Busy, OutOfMemory, BrokenModel, InternalError.
        """
        with self._lock:
            if self._submitted_s is None:
                self._submitted_s = time.monotonic()
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
    def progress(self) -> float:
        """How much of the speech has been recognised, from 0 to 1, once the audio is complete."""
        pieces = self._pieces
        if pieces is None:
            return 0.0
        total_s = sum(end - start for start, end in pieces)
        return sum(seconds for seconds, _ in self._heard) / total_s if total_s else 1.0

    @property
    def deadline_s(self) -> float:
        """The end of speech once it came; a moment from now while audio still flows."""
        if self._submitted_s is None:
            return time.monotonic() + _LISTEN_DELAY_S
        return self._submitted_s + self._relaxed_s

    def _slice(self) -> Outcome:
        if self._convert():
            return Outcome.MORE
        if self._submitted_s is None:
            return Outcome.WAIT
        if self._pieces is None:
            self._pieces = self._find_speech()
        if len(self._heard) == len(self._pieces):
            return Outcome.DONE
        lease = self._lease()
        if lease is None:
            return Outcome.WAIT
        with lease.turn:
            self._recognize(cast("SttModel", lease.model), *self._pieces[len(self._heard)])
        return Outcome.MORE

    def _convert(self) -> bool:
        """Convert the next batch of audio and ask the VAD about it; False if there is none."""
        final = self._submitted_s is not None
        if self._converter is None and not self._open_converter(final=final):
            return False
        if self._converter is None:
            return False
        batch_bytes = int(_BATCH_S * self._format.rate_hz) * self._format.frame_bytes
        with self._lock:
            batch = bytes(self._inbox[:batch_bytes])
            del self._inbox[:batch_bytes]
        if batch:
            self._keep(self._converter.feed(batch))
            return True
        if final and self._pieces is None:
            self._keep(self._converter.finish())
        return False

    def _open_converter(self, *, final: bool) -> bool:
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
        self._converter = Converter(self._format, MODEL_RATE_HZ)
        self._vad = self._find_vad()
        self._vad_stream = self._vad.stream() if self._vad is not None else None
        return True

    def _keep(self, samples: Samples) -> None:
        if not len(samples):
            return
        self._audio.append((samples * 32767.0).astype(np.int16))
        self._samples += len(samples)
        if self._vad_stream is not None:
            self._probabilities.append(self._vad_stream.feed(samples))

    def _find_speech(self) -> list[tuple[float, float]]:
        duration_s = self._samples / MODEL_RATE_HZ
        if not self._samples:
            return []
        if self._vad is None or not self._probabilities:
            return chunks([(0.0, duration_s)], max_s=MAX_PIECE_S)
        spans = speech_spans(np.concatenate(self._probabilities), self._vad.frame_s)
        return chunks([(start, min(end, duration_s)) for start, end in spans], max_s=MAX_PIECE_S)

    def _recognize(self, model: SttModel, start_s: float, end_s: float) -> None:
        started = time.perf_counter()
        if len(self._audio) > 1:
            self._audio = [np.concatenate(self._audio)]
        piece = self._audio[0][int(start_s * MODEL_RATE_HZ) : int(end_s * MODEL_RATE_HZ)]
        request = self._plan.request
        if request.language is None and self._heard:
            request = replace(request, language=self._heard[0][1].language)
        heard = model.recognize(piece.astype(np.float32) / 32768.0, request)
        shifted = tuple(
            Word(word.word, word.start_s + start_s, word.end_s + start_s, word.probability)
            for word in heard.words
        )
        self._heard.append((end_s - start_s, replace(heard, words=shifted)))
        self._decode_s += time.perf_counter() - started

    def _ended_with(self, error: LunavoxError | None) -> None:
        if error is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(self._transcript())
        with self._lock:
            self._inbox.clear()
        self._audio = []
        self._probabilities = []

    def _transcript(self) -> Transcript:
        ended = self._ended_s or time.monotonic()
        speech_s = sum(seconds for seconds, _ in self._heard)
        said = [(seconds, heard) for seconds, heard in self._heard if heard.text]
        weight = sum(seconds for seconds, _ in said)
        language = said[0][1].language if said else self._plan.request.language
        return Transcript(
            text=" ".join(heard.text for _, heard in said),
            language=language or self._plan.fallback_language,
            confidence=sum(seconds * heard.confidence for seconds, heard in said) / weight if weight else 0.0,
            duration_s=self._samples / MODEL_RATE_HZ,
            words=tuple(word for _, heard in said for word in heard.words),
            stats=TranscriptStats(
                queue_ms=self._queue_ms,
                decode_ms=self._decode_s * 1000,
                total_ms=(ended - (self._submitted_s or ended)) * 1000,
                speech_s=speech_s,
            ),
        )
