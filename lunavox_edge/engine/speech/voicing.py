"""From the text of a speech to its audio, line by line and piece by piece, by one worker or several."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from lunavox_edge.audio.loudness import apply_gain, gain_to
from lunavox_edge.audio.pcm import to_pcm16
from lunavox_edge.backends.base import Piece, SpeakRequest, TtsModel
from lunavox_edge.engine.models.leases import Lease
from lunavox_edge.engine.scheduling.threads import Threads
from lunavox_edge.engine.speech.assembly import Assembly, LineWork, Slot
from lunavox_edge.engine.speech.pace import Cost, Pace
from lunavox_edge.engine.speech.phrases import Phrase, PhraseCache
from lunavox_edge.engine.speech.script import Script, ScriptLine
from lunavox_edge.types import AudioChunk

_MIN_FACTOR, _MAX_FACTOR = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """How one speech is spoken, with settings, alias and request already combined.

    `voice_key` identifies the model in the phrase cache; None: no cache. Streamed text that has stalled
    for `max_buffer_delay_ms` is spoken without the end of its sentence, if it seems whole or at least
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


class Voicing:
    """Makes the audio of one speech.

    `next_slot` and `script` are used by one worker at a time (the one that reads on), `make` by several
    at once. `emit` is called with every piece of audio and its line, in the order of the text, by any
    worker, with the lock `_ordering` held.
    """

    def __init__(
        self,
        plan: SpeechPlan,
        *,
        pace: Pace,
        phrases: PhraseCache,
        threads: Threads,
        emit: Callable[[AudioChunk, LineWork], None],
    ) -> None:
        """Start without text."""
        self.script = Script(
            language=plan.language,
            normalize=plan.normalize_text,
            ssml=plan.ssml,
            sentence_silence_ms=plan.sentence_silence_ms,
        )
        self._plan = plan
        self._pace = pace
        self._phrases = phrases
        self._clock = threads.clock
        self._emit = emit
        # Below: written only by the worker that reads on. Sample rate and gain, which are one number each
        # and are set before the first piece, are read by any worker.
        self.sample_rate: int | None = None
        self._gain = 1.0
        self.tokenize_s = 0.0
        self._line = ScriptLine("")
        self._work: LineWork | None = None
        self._ordering = threads.lock()
        # Below: guarded by this lock.
        self.generate_s = self.decode_s = 0.0
        self._has_spoken = False
        self._assembly = Assembly()

    @property
    def coming_s(self) -> float:
        """Estimated seconds of audio being made. Needs no lock: it reads one number."""
        return self._assembly.seconds

    @property
    def busy(self) -> bool:
        """Whether audio is being made or handed on, or a line waits for the model.

        To be read by the worker that reads on.
        """
        with self._ordering:  # a piece leaves the assembly a moment before it is handed on
            return bool(self._line.text or self._assembly)

    def chars_after(self, work: LineWork) -> int:
        """Count the characters to be spoken after a line. To be called by `emit`."""
        return self._assembly.chars_after(work) + self.script.pending_chars

    def next_slot(self, lease: Lease | None, *, hungry: Callable[[], bool]) -> Slot | None:
        """Return the next piece to be made; None if there is no text, or new text and no lease yet.

        If `hungry` is true when a line begins, its first piece is a small one that is there soon.
        """
        while True:
            if self._work is None:
                if not self._line.text and not self._next_line():
                    return None
                said = self._repeat()
                if said is not None or lease is None:
                    return said
                self._work = self._begin(cast("TtsModel", lease.model), eager=hungry())
            if lease is None:
                return None
            slot = self._next_piece(self._work, lease)
            if slot is not None:
                return slot
            self._work, self._line = None, ScriptLine("")

    def make(self, slot: Slot, lease: Lease | None) -> None:
        """Make the audio of a piece, unless it came from the cache."""
        if slot.pcm is not None or lease is None:
            return
        started = self._clock()
        with lease.turn:
            samples = slot.piece.make()
        made = self._clock()
        pcm = to_pcm16(apply_gain(samples, self._gain * self._plan.volume * slot.work.line.volume))
        self._put(slot, pcm, made - started, self._clock() - made)

    def close(self) -> None:
        """Close what was opened in the model. No worker may be making a piece, then or later."""
        work, self._work, self._line = self._work, None, ScriptLine("")
        with self._ordering:
            self._assembly.clear()
        close = getattr(work.pieces, "close", None) if work is not None else None
        if close is not None:
            close()

    def _next_line(self) -> bool:
        """Take the next line from the script; False if there is none."""
        started = self._clock()
        line = self.script.next_line()
        self.tokenize_s += self._clock() - started
        if line is not None:
            self._line = line
        return line is not None

    def _key(self) -> Hashable:
        """Return all that the sound of the line depends on, as the key in the phrase cache."""
        volume = self._plan.volume * self._line.volume
        return (self._plan.voice_key, self._line.text, self._request(), volume, self._plan.loudness_dbfs)

    def _request(self) -> SpeakRequest:
        speed = self._plan.request.speed * self._line.speed
        return replace(self._plan.request, speed=min(_MAX_FACTOR, max(_MIN_FACTOR, speed)))

    def _repeat(self) -> Slot | None:
        """Take the audio of the line from the phrase cache and hand it on; None if it is not there."""
        phrase = self._phrases.get(self._key()) if self._plan.voice_key is not None else None
        if phrase is None:
            return None
        self.sample_rate = phrase.rate_hz
        work = LineWork(self._line, None, iter(()), exhausted=True)
        self._line = ScriptLine("")
        piece = Piece(lambda: np.zeros(0, np.float32))
        with self._ordering:
            slots = [self._assembly.open(work, piece) for _ in phrase.pieces]
        for slot, pcm in zip(slots, phrase.pieces, strict=True):
            self._put(slot, pcm, 0.0, 0.0)
        return slots[-1]

    def _begin(self, model: TtsModel, *, eager: bool) -> LineWork:
        """Begin a line; `eager` makes its first piece a small one."""
        self.sample_rate = model.rate_hz
        if self._plan.loudness_dbfs is not None:
            self._gain = gain_to(model.dbfs, self._plan.loudness_dbfs)
        started = self._clock()
        pieces = model.pieces(self._line.text, self._request(), eager=eager)
        key = self._key() if self._plan.voice_key is not None else None
        spent_s = self._clock() - started
        return LineWork(self._line, key, pieces, eager, spent_s, Cost(len(self._line.text)))

    def _next_piece(self, work: LineWork, lease: Lease) -> Slot | None:
        """Return the next piece of a line; None at its end."""
        started = self._clock()
        with lease.turn:
            piece = next(work.pieces, None)
        work.spent_s += self._clock() - started
        with self._ordering:
            if piece is not None:
                return self._assembly.open(work, piece)
            work.exhausted = True
            if work.over:
                self._keep(work)
        return None

    def _put(self, slot: Slot, pcm: bytes, made_s: float, converted_s: float) -> None:
        """Hand on a piece and those that waited for it; keep it if earlier ones are missing."""
        with self._ordering:
            self.generate_s += slot.work_s + made_s
            self.decode_s += converted_s
            for ready in self._assembly.fill(slot, pcm, made_s + converted_s):
                self._hand_on(ready)

    def _hand_on(self, slot: Slot) -> None:
        """Pass a piece to `emit`, after the pause before its line; the caller holds the lock."""
        work, pcm, rate_hz = slot.work, slot.pcm, self.sample_rate
        if pcm and rate_hz:
            pause = rate_hz * work.line.pause_ms // 1000
            if pause and self._has_spoken and not work.made:
                self._emit(AudioChunk(bytes(2 * pause), rate_hz), work)
            self._has_spoken = True
            chunk = AudioChunk(pcm, rate_hz)
            work.made.append(pcm)
            work.cost = work.cost.plus(chunk.duration_s, slot.work_s)
            self._emit(chunk, work)
        if work.over:
            self._keep(work)

    def _keep(self, work: LineWork) -> None:
        """Keep the audio of a complete line in the phrase cache, and learn what it cost."""
        if work.made and work.key is not None and self.sample_rate is not None:
            self._phrases.put(work.key, Phrase(tuple(work.made), self.sample_rate))
            self._pace.learn(self._plan.voice_key, work.cost, eager=work.eager)
