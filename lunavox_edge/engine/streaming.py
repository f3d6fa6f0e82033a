"""A text of any kind through a speech, a recording of any length through an utterance, for who just waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lunavox_edge.engine.hearing.utterance import Utterance
from lunavox_edge.engine.scheduling.lanes import BackgroundThreads
from lunavox_edge.engine.speech.speech import Speech
from lunavox_edge.errors import Cancelled, TimedOut
from lunavox_edge.types import AudioChunk, Transcript

_READ_TIMEOUT_S = 120.0
_HEAR_TIMEOUT_S = 24 * 3600.0
_FEED_BYTES = 1 << 20


def listen(speech: Speech, text: str | Iterable[str], background: BackgroundThreads) -> Iterator[AudioChunk]:
    """Write `text` and yield the audio; ending the iteration early cancels the speech.

    An iterable is read on a thread of its own, so it may block; what it raises is raised here.
    To be iterated at least once, or the speech is left to whoever opened it.
    """
    writing = None
    try:
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


def hear(utterance: Utterance, pcm: bytes) -> Transcript:
    """Feed a recording as fast as it is heard and return its transcript; raises as that does."""
    try:
        for start in range(0, len(pcm), _FEED_BYTES):
            utterance.feed(pcm[start : start + _FEED_BYTES])
            if not utterance.wait_for_room(_HEAR_TIMEOUT_S):
                raise TimedOut("The transcript takes too long.")
        return utterance.finish(_HEAR_TIMEOUT_S)
    finally:
        utterance.cancel()
