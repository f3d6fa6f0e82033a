"""Sending the results of utterances: partial results while the person speaks, and the transcript."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from wyoming import asr

from lunavox_edge import bridge
from lunavox_edge.errors import Busy
from lunavox_edge.wire.event_stream import encode_event
from lunavox_edge.wyoming_server.partials import Partials
from lunavox_edge.wyoming_server.stt_options import SttOptions

if TYPE_CHECKING:
    from lunavox_edge.engine.hearing.utterance import Utterance
    from lunavox_edge.types import Transcript
    from lunavox_edge.wyoming_server.replies import Replies

# The longest utterance allowed by default, on a machine that recognises speech in real time only.
_TRANSCRIPT_TIMEOUT_S = 600.0

_LOGGER = logging.getLogger(__name__)


class TranscriptSender:
    """Sends the results of one connection's utterances by `replies`, in order; owns submitted utterances."""

    def __init__(
        self,
        *,
        send: Callable[[bytes], Awaitable[None]],
        replies: Replies,
        on_transcript: Callable[[Transcript, float], None] | None,
        peer: str,
    ) -> None:
        """Create it without utterances.

        `send` writes encoded messages and raises ConnectionError. `on_transcript` gets every transcript and
        the milliseconds since the end of the audio. `peer` is the client's name in the log.
        """
        self._send = send
        self._replies = replies
        self._on_transcript = on_transcript
        self._peer = peer
        self._utterances: set[Utterance] = set()

    def put(self, utterance: Utterance, options: SttOptions, partials: Partials | None) -> None:
        """Queue the transcript of an utterance, which the caller then submits. Raises Busy."""
        self._replies.put(lambda: self._reply(utterance, options, partials))
        self._utterances.add(utterance)

    def partial_callback(self, partials: Partials) -> Callable[[str], None]:
        """Return a callback for certain words, to be called from any thread; it sends them via `partials`."""
        return partial(self._put_words, asyncio.get_running_loop(), partials)

    def cancel(self) -> None:
        """Cancel the utterances whose transcripts are due."""
        for utterance in self._utterances:
            utterance.cancel()

    def _put_words(self, loop: asyncio.AbstractEventLoop, partials: Partials, words: str) -> None:
        def put() -> None:
            partials.add(words)
            # If too many replies wait, the words are sent with the transcript.
            with contextlib.suppress(Busy):
                self._replies.put(lambda: self._send_partials(partials))

        bridge.call_soon(loop, put)

    async def _send_partials(self, partials: Partials) -> None:
        events = partials.take()
        if events:
            await self._send(b"".join(encode_event(event) for event in events))

    async def _reply(self, utterance: Utterance, options: SttOptions, partials: Partials | None) -> None:
        began_s = time.monotonic()
        try:
            transcript = await bridge.transcript(utterance, _TRANSCRIPT_TIMEOUT_S)
        finally:
            self._utterances.discard(utterance)
        final = asr.Transcript(
            text=transcript.text, language=transcript.language, context=options.context
        ).event()
        final.data["confidence"] = round(transcript.confidence, 3)  # an extension; other clients ignore it
        events = [final]
        if partials is not None:
            events[:0] = partials.close(utterance.rest_of(transcript.text), transcript.language)
        await self._send(b"".join(encode_event(event) for event in events))
        latency_ms = (time.monotonic() - began_s) * 1000
        _LOGGER.info(
            "%s: heard %.1f s in %s, transcript after %.0f ms",
            self._peer,
            transcript.duration_s,
            transcript.language,
            latency_ms,
        )
        if self._on_transcript is not None:
            self._on_transcript(transcript, latency_ms)
