"""A text of any kind into a speech, and its audio out, for callers that just iterate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lunavox_edge.engine.lanes import Background
from lunavox_edge.engine.speech import Speech
from lunavox_edge.errors import LunavoxError
from lunavox_edge.types import AudioChunk

_READ_TIMEOUT_S = 120.0


def listen(speech: Speech, text: str | Iterable[str], background: Background) -> Iterator[AudioChunk]:
    """Write `text` and yield the audio; ending the iteration early cancels the speech.

    An iterable is read on a thread of its own, so it may block.
    """
    if isinstance(text, str):
        speech.write(text)
        speech.finish()
    else:
        background.call("text", lambda: _write_all(speech, text))
    try:
        while (chunk := speech.read(_READ_TIMEOUT_S)) is not None:
            yield chunk
    finally:
        speech.cancel()


def _write_all(speech: Speech, pieces: Iterable[str]) -> None:
    try:
        for piece in pieces:
            if speech.done:
                return
            speech.write(piece)
    except LunavoxError:
        return  # the reader of the speech gets the same error
    except BaseException:
        speech.cancel()
        raise
    speech.finish()
