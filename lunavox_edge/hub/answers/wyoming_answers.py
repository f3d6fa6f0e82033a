"""Answers of a Wyoming service that handles commands: `handle` or `intent`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStop, NotHandled
from wyoming.intent import Intent, NotRecognized

from lunavox_edge.address import Address
from lunavox_edge.errors import ProtocolError, Unreachable
from lunavox_edge.hub.answers.asking import Answerer, Question
from lunavox_edge.settings.model import LimitSettings
from lunavox_edge.settings.satellite_settings import Answer
from lunavox_edge.wire.errors_wire import error_from
from lunavox_edge.wire.event_stream import EventReader, encode_event
from lunavox_edge.wire.introduction import read_answer
from lunavox_edge.wire.opening import opened

_LAST = (Handled, HandledStop, NotHandled, Intent, NotRecognized)


class WyomingAnswerer(Answerer):
    """Asks one Wyoming service, over a new connection for each question."""

    def __init__(self, settings: Answer, limits: LimitSettings) -> None:
        """Use the address in the settings; `limits` bound the messages that are read."""
        self._address = Address.parse(settings.url or "")
        self._limits = limits

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer, in pieces if the service sends pieces."""
        try:
            stream, writer = await opened(self._address)
        except OSError as error:
            raise Unreachable("The service cannot be reached; is it running?") from error
        try:
            context = {"conversation_id": question.context.id, "satellite_id": question.satellite}
            asked = Transcript(text=question.text, language=question.language or None, context=context)
            writer.write(encode_event(asked.event()))
            await writer.drain()
            reader = EventReader(stream, self._limits)
            in_pieces = False
            while (event := await read_answer(reader)) is not None:
                if event.type == "error":
                    raise error_from(event)
                if HandledChunk.is_type(event.type):
                    in_pieces = True
                    yield _text(event)
                elif any(kind.is_type(event.type) for kind in _LAST):
                    if not in_pieces:
                        yield _text(event)
                    # After the pieces the whole text comes again, for clients that do not read pieces.
                    if not HandledStop.is_type(event.type) or in_pieces:
                        return
            raise Unreachable("The service closed the connection without an answer.")
        except ConnectionError as error:
            raise Unreachable("The service closed the connection without an answer.") from error
        finally:
            writer.transport.abort()


def _text(event: Event) -> str:
    text = event.data.get("text")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ProtocolError("The service's answer holds no text.")
    return text
