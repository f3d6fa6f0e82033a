"""One conversation at a satellite: listen, ask the answerer, speak, and perhaps listen again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lunavox_edge import bridge
from lunavox_edge.announcements.house import HeardUtterance
from lunavox_edge.errors import Cancelled, LunavoxError
from lunavox_edge.hub.answers.asking import END_OF_THOUGHT, Answerer, ConversationContext, Question, ask
from lunavox_edge.hub.audio_router import AudioRouter
from lunavox_edge.hub.microphone_listeners import UtteranceListener
from lunavox_edge.hub.satellite_microphone import StreamingMicrophone
from lunavox_edge.hub.satellite_state import SatelliteEvent
from lunavox_edge.settings.satellite_settings import Answer
from lunavox_edge.text.question import is_question
from lunavox_edge.text.thoughts import without_thoughts
from lunavox_edge.types import AudioChunk, AudioFormat, Transcript

if TYPE_CHECKING:
    from lunavox_edge.engine.engine import Engine
    from lunavox_edge.engine.speech.speech import Speech

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """The settings of the conversations at one satellite."""

    answer: Answer
    answerer: Answerer | None
    """None where the answer comes as an announcement, over MQTT."""
    voice: str | None
    language: str | None
    sensitivity: str
    follow_up: str
    context_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """What starts a conversation: a wake word, and the audio that followed it."""

    wake_word: str | None = None
    """None without a wake word, such as after an answer."""
    audio: bytes = b""
    audio_format: AudioFormat | None = None


class ConversationHost(Protocol):
    """What a conversation needs of its satellite."""

    id: str

    @property
    def area(self) -> str | None:
        """The room; None if it is not known."""

    def move(self, event: SatelliteEvent) -> bool:
        """Go on to the state that follows `event`; False if the event is not possible now."""

    def check_active(self) -> None:
        """Raise CancelledError if this conversation was ended: foreign code may swallow a cancellation."""

    def publish_utterance(self, heard: HeardUtterance) -> None:
        """Notify the listeners of what was said."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end."""


@dataclass
class ConversationMemory:
    """The context of the next question, and until when it counts."""

    context: ConversationContext = field(default_factory=ConversationContext)
    until_s: float = 0.0


class Conversation:
    """Runs the conversations at one satellite, one at a time; used on the event loop only."""

    def __init__(
        self,
        engine: Engine,
        host: ConversationHost,
        options: ConversationOptions,
        *,
        router: AudioRouter,
        microphone: StreamingMicrophone,
    ) -> None:
        """Create the conversation of `host`, whose audio goes through `router`."""
        self._engine = engine
        self._host = host
        self._options = options
        self._router = router
        self._microphone = microphone
        self._memory = ConversationMemory()
        self._failed = False
        self.expects_announcement = False
        """Whether the next announcement at this satellite is the answer."""

    async def run(self, call: Call, utterance: UtteranceListener) -> None:
        """Listen and answer, until there is no answer or no follow-up is wanted."""
        host = self._host
        while True:
            transcript = await self._transcribe(utterance)
            host.check_active()
            text = transcript.text.strip() if transcript is not None else ""
            may_follow_up = bool(text) and self._options.follow_up != "off"
            self._microphone.utterance_ended(text, may_follow_up=may_follow_up)
            if transcript is None or not text or not host.move(SatelliteEvent.HEARD):
                return
            _LOGGER.info("satellite %s: heard %.1f s", host.id, transcript.duration_s)
            host.publish_utterance(
                HeardUtterance(host.id, transcript, transcript.stats.total_ms, call.wake_word)
            )
            answer = await self._answer(transcript, text)
            host.check_active()
            if (
                not answer
                or not self.follows_up(asks=is_question(answer))
                or not host.move(SatelliteEvent.CALLED)
            ):
                return
            self._microphone.request_turn()
            call, utterance = Call(), self._router.open_utterance()

    async def _transcribe(self, utterance: UtteranceListener) -> Transcript | None:
        try:
            return await utterance.transcript()
        except Cancelled:
            return None
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: no transcript (%s): %s", self._host.id, error.code, error)
            return None
        finally:
            self._router.release_utterance(utterance)

    async def _answer(self, transcript: Transcript, text: str) -> str:
        """Get the answer to a question, speak it and return it."""
        options, context = self._options, self._context()
        if options.answerer is None:
            return await self._wait_for_announcement()
        question = Question(text, transcript.language, self._host.id, self._host.area, context)
        pieces = ask(
            options.answerer, question, timeout_s=options.answer.timeout_s, retries=options.answer.retries
        )
        began_s = time.monotonic()
        answer = await self._speak(self._or_error_text(pieces))
        _LOGGER.info("satellite %s: answered within %.1f s", self._host.id, time.monotonic() - began_s)
        if not self._failed:
            context.add(text, answer)
        self._memory.until_s = time.monotonic() + options.context_s
        return answer

    async def _wait_for_announcement(self) -> str:
        """Wait for an announcement as the answer; its start cancels this conversation."""
        self.expects_announcement = True
        try:
            await asyncio.sleep(self._options.answer.timeout_s)
        finally:
            self.expects_announcement = False
        _LOGGER.warning("satellite %s: no answer came over MQTT in time", self._host.id)
        await self._speak(_one(self._options.answer.error_text))
        return ""

    async def _or_error_text(self, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """Yield the answer, or the error text of the settings if it fails before a word was said."""
        said: list[str] = []
        self._failed = False
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    said.append(piece)
                    yield piece
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: no answer (%s): %s", self._host.id, error.code, error)
            self._failed = True
            if not without_thoughts("".join(said)).strip():
                yield self._options.answer.error_text

    async def _speak(self, pieces: AsyncGenerator[str, None]) -> str:
        """Speak text as it comes; return it. A language model's thought is cut off once it shows as one."""
        async with aclosing(pieces):
            said: list[str] = []
            rest: str | None = ""
            while rest is not None:
                # Without text no speech is opened.
                said = [await _first_words(rest, pieces)]
                rest = await self._speak_until_withdrawn(said, pieces) if said[0] else None
        return "".join(said)

    async def _speak_until_withdrawn(self, said: list[str], pieces: AsyncGenerator[str, None]) -> str | None:
        """Speak the texts of `said` and the pieces that come.

        Returns the text after a thought, if all of it was one; None at the end.
        """
        wakeup = bridge.Wakeup()
        self._host.check_active()
        speech = self._engine.open_speech(
            voice=self._options.voice,
            language=None if self._options.voice else self._options.language,
            on_ready=wakeup.notify,
        )
        max_chars = self._engine.settings.limits.max_text_chars
        writing = asyncio.create_task(
            _write(speech, said, pieces, max_chars=max_chars), name="satellite answer"
        )
        rest: str | None = None
        try:
            async with aclosing(bridge.audio(speech, wakeup)) as chunks:
                await self._host.play(chunks)
        except Cancelled:
            if writing.done() and not writing.cancelled():
                rest = writing.result()
            if rest is None:
                raise
        finally:
            await bridge.cancel_and_wait(writing)
        return rest

    def _context(self) -> ConversationContext:
        if time.monotonic() > self._memory.until_s:
            self._memory = ConversationMemory()
        return self._memory.context

    def follows_up(self, *, asks: bool) -> bool:
        """Whether the satellite listens again after an answer; `asks` if the answer was a question."""
        follow_up = self._options.follow_up
        return follow_up == "always" or (follow_up == "question" and asks)


async def _first_words(text: str, pieces: AsyncGenerator[str, None]) -> str:
    """Return the first text that is not blank, without leading blanks; "" if there is none."""
    while not text.strip() and (piece := await anext(pieces, None)) is not None:
        text = piece.removeprefix(END_OF_THOUGHT)
    return text.lstrip()


async def _write(
    speech: Speech, said: list[str], pieces: AsyncGenerator[str, None], *, max_chars: int
) -> str | None:
    """Write the texts of `said` and the pieces to the speech, at most `max_chars`; always finish the speech.

    If all of it turns out to be a language model's thought, cancel the speech and return the text after it.
    """
    try:
        chars = len("".join(said))
        speech.write("".join(said)[:max_chars])
        while chars <= max_chars and (piece := await anext(pieces, None)) is not None:
            if piece.startswith(END_OF_THOUGHT):
                speech.cancel()
                return piece.removeprefix(END_OF_THOUGHT)
            said.append(piece)
            speech.write(piece[: max_chars - chars])
            chars += len(piece)
        if chars > max_chars:
            _LOGGER.warning("an answer was cut short: it is over the limit of %d characters", max_chars)
            await pieces.aclose()
    except LunavoxError as error:
        _LOGGER.warning("an answer was cut short (%s): %s", error.code, error)
    finally:
        speech.finish()
    return None


async def _one(text: str) -> AsyncGenerator[str, None]:
    yield text
