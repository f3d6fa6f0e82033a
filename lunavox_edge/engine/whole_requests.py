"""The blocking calls of the engine, for callers that have the whole text or recording."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lunavox_edge.audio.pcm import array_to_pcm16
from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.scheduling.lanes import BackgroundThreads
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.engine.values.checking import check_pcm, check_text
from lunavox_edge.engine.values.params import SynthesisParams
from lunavox_edge.engine.values.results import SynthesisResult
from lunavox_edge.engine.values.voice import Voice, VoiceMode
from lunavox_edge.errors import Cancelled, TimedOut
from lunavox_edge.types import AudioChunk, AudioFormat, Transcript

_READ_TIMEOUT_S = 120.0
_TRANSCRIBE_TIMEOUT_S = 24 * 3600.0
_FEED_BYTES = 1 << 20


class WholeRequests(ABC):
    """`synthesize`, `stream` and `transcribe`, made of the engine's sessions. Thread-safe."""

    _background: BackgroundThreads

    @abstractmethod
    def open_speech(
        self,
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
    ) -> Speech:
        """Open a speech to write text into."""

    @abstractmethod
    def open_utterance(  # noqa: PLR0913  # what a recording and a request have
        self,
        audio_format: AudioFormat,
        *,
        model: str | None = None,
        language: str | None = None,
        names: str | Iterable[str] = (),
        terms: str | Iterable[str] = (),
        words: bool = False,
        relaxed: bool = False,
        bounded: bool = True,
    ) -> Utterance:
        """Open an utterance to feed audio into."""

    def synthesize(
        self,
        text: str,
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
    ) -> SynthesisResult:
        """Speak a whole text and return the audio.

        Raises LunavoxSynthesisError (EmptyText, TextTooLong, BadMarkup, UnsupportedVoice),
        UnknownVoice, UnknownSpeaker, UnsupportedLanguage, BrokenModel, OutOfMemory, Busy,
        TimedOut, EngineClosed, TypeError.
        """
        speech = self.open_speech(voice=voice, params=params, language=language, text_format=text_format)
        pcm = [chunk.pcm for chunk in _audio_of(speech, text, self._background)]
        audio = np.frombuffer(b"".join(pcm), np.int16).astype(np.float32) / 32768.0
        mode = voice.mode if isinstance(voice, Voice) else VoiceMode.CUSTOM if voice else VoiceMode.BASE
        return SynthesisResult(audio, speech.sample_rate or 0, speech.stats, mode)

    def stream(
        self,
        text: str | Iterable[str],
        *,
        voice: Voice | str | None = None,
        params: SynthesisParams | None = None,
        language: str | None = None,
        text_format: str = "text",
    ) -> Iterator[AudioChunk]:
        """Speak text while more of it arrives; raises as `synthesize`, when iterated.

        An iterable of text is read on a thread of its own, so it may block. Closing the
        iterator early cancels the rest.
        """
        speech = self.open_speech(voice=voice, params=params, language=language, text_format=text_format)
        yield from _audio_of(speech, text, self._background)

    def transcribe(  # noqa: PLR0913  # what a recording and a request have
        self,
        pcm: bytes | NDArray[np.generic],
        *,
        sample_rate: int,
        width: int = 2,
        channels: int = 1,
        model: str | None = None,
        language: str | None = None,
        names: str | Iterable[str] = (),
        terms: str | Iterable[str] = (),
        words: bool = False,
        relaxed: bool = False,
    ) -> Transcript:
        """Transcribe a whole recording: PCM bytes, or an array of floats or int16, both interleaved.

        `names` (of people, rooms, devices) and `terms` are words that are likely to be said; `words` asks
        for the time of each word. A recording may last hours; with `relaxed` every other request goes
        first, between two pieces of it.
        Raises BadAudio, UnknownModel, UnsupportedLanguage, BrokenModel, OutOfMemory, Busy,
        TimedOut, EngineClosed, TypeError.
        """
        if isinstance(pcm, np.ndarray):
            pcm, width = array_to_pcm16(pcm), 2
        check_pcm(pcm)
        utterance = self.open_utterance(
            AudioFormat(sample_rate, width, channels),
            model=model,
            language=language,
            names=names,
            terms=terms,
            words=words,
            relaxed=relaxed,
            bounded=False,
        )
        return _transcript_of(utterance, pcm)


def _audio_of(
    speech: Speech, text: str | Iterable[str], background: BackgroundThreads
) -> Iterator[AudioChunk]:
    """Write `text` and yield the audio; ending the iteration early cancels the speech.

    An iterable is read on a thread of its own, so it may block; what it raises is raised here. Iterate
    at least once: before that nothing cancels the speech.
    """
    writing = None
    try:
        check_text(text)
        if isinstance(text, str):
            speech.write(text)
            speech.finish()
        else:
            writing = background.call("text", lambda: _write_all(speech, text))
            writing.add_done_callback(lambda written: speech.cancel() if written.exception() else None)
        while (chunk := speech.read(_READ_TIMEOUT_S)) is not None:
            yield chunk
    except Cancelled:
        failure = writing.exception() if writing is not None and writing.done() else None
        if failure is not None:
            raise failure from None
        raise
    finally:
        speech.cancel()


def _write_all(speech: Speech, pieces: Iterable[str]) -> None:
    for piece in pieces:
        if speech.done:
            return
        speech.write(piece)
    speech.finish()


def _transcript_of(utterance: Utterance, pcm: bytes) -> Transcript:
    """Feed a recording as fast as it is recognised and return its transcript; raises as `finish`."""
    try:
        for start in range(0, len(pcm), _FEED_BYTES):
            utterance.feed(pcm[start : start + _FEED_BYTES])
            if not utterance.wait_for_room(_TRANSCRIBE_TIMEOUT_S):
                raise TimedOut("The transcript takes too long.")
        return utterance.finish(_TRANSCRIBE_TIMEOUT_S)
    finally:
        utterance.cancel()
