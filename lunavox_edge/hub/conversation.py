"""One conversation at a satellite: listen, ask, speak, and listen on where that is wanted."""

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
    """How conversations go at one satellite."""

    answer: Answer
    answerer: Answerer | None
    voice: str | None
    language: str | None
    sensitivity: str
    follow_up: str
    context_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """Why a satellite listens, and what it has heard since then."""

    wake_word: str | None = None
    audio: bytes = b""
    audio_format: AudioFormat | None = None


class ConversationHost(Protocol):
    """The satellite, as a conversation needs it."""

    id: str

    @property
    def area(self) -> str | None:
        """The room."""

    def move(self, happening: SatelliteEvent) -> bool:
        """Go on to the next state; False if that cannot be."""

    def go_on(self) -> None:
        """Raise CancelledError if this conversation was ended: foreign code may swallow a cancellation."""

    def heard(self, heard: HeardUtterance) -> None:
        """Tell the house."""

    async def play(self, chunks: AsyncIterator[AudioChunk]) -> None:
        """Play to the end."""


@dataclass
class ConversationMemory:
    """The conversation that the next question may belong to."""

    context: ConversationContext = field(default_factory=ConversationContext)
    until_s: float = 0.0


class Conversation:
    """Runs conversations at one satellite, one at a time."""

    def __init__(
        self,
        engine: Engine,
        stage: ConversationHost,
        manner: ConversationOptions,
        *,
        ear: AudioRouter,
        microphone: StreamingMicrophone,
    ) -> None:
        """Store the parts."""
        self._engine = engine
        self._stage = stage
        self._manner = manner
        self._ear = ear
        self._microphone = microphone
        self._memory = ConversationMemory()
        self._failed = False
        self.expects_announcement = False
        """Whether an announcement would be the answer."""

    async def run(self, call: Call, listening: UtteranceListener) -> None:
        """Listen and answer until there is nothing more to say."""
        stage = self._stage
        while True:
            transcript = await self._understand(listening)
            stage.go_on()
            text = transcript.text.strip() if transcript is not None else ""
            self._microphone.heard(text, listens_on=bool(text) and self._manner.follow_up != "off")
            if transcript is None or not text or not stage.move(SatelliteEvent.HEARD):
                return
            _LOGGER.info("satellite %s: heard %.1f s", stage.id, transcript.duration_s)
            stage.heard(HeardUtterance(stage.id, transcript, transcript.stats.total_ms, call.wake_word))
            answer = await self._answer(transcript, text)
            stage.go_on()
            if (
                not answer
                or not self.goes_on(asks=is_question(answer))
                or not stage.move(SatelliteEvent.CALLED)
            ):
                return
            self._microphone.request()
            call, listening = Call(), self._ear.begin()

    async def _understand(self, listening: UtteranceListener) -> Transcript | None:
        try:
            return await listening.transcript()
        except Cancelled:
            return None
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: nothing understood (%s): %s", self._stage.id, error.code, error)
            return None
        finally:
            self._ear.listen_no_more(listening)

    async def _answer(self, transcript: Transcript, text: str) -> str:
        """Have the question answered, aloud; return the answer."""
        manner, context = self._manner, self._context()
        if manner.answerer is None:
            return await self._wait_for_announcement()
        question = Question(text, transcript.language, self._stage.id, self._stage.area, context)
        pieces = ask(
            manner.answerer, question, timeout_s=manner.answer.timeout_s, retries=manner.answer.retries
        )
        began_s = time.monotonic()
        answer = await self._speak(self._with_apology(pieces))
        _LOGGER.info("satellite %s: answered within %.1f s", self._stage.id, time.monotonic() - began_s)
        if not self._failed:
            context.add(text, answer)
        self._memory.until_s = time.monotonic() + manner.context_s
        return answer

    async def _wait_for_announcement(self) -> str:
        """Whoever announces something here ends this conversation."""
        self.expects_announcement = True
        try:
            await asyncio.sleep(self._manner.answer.timeout_s)
        finally:
            self.expects_announcement = False
        _LOGGER.warning("satellite %s: nobody answered over MQTT in time", self._stage.id)
        await self._speak(_one(self._manner.answer.error_text))
        return ""

    async def _with_apology(self, pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """Yield an answer, and what is said instead if there is none."""
        said: list[str] = []
        self._failed = False
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    said.append(piece)
                    yield piece
        except LunavoxError as error:
            _LOGGER.warning("satellite %s: no answer (%s): %s", self._stage.id, error.code, error)
            self._failed = True
            if not without_thoughts("".join(said)).strip():
                yield self._manner.answer.error_text

    async def _speak(self, pieces: AsyncGenerator[str, None]) -> str:
        """Speak text as it comes; return it. What turns out to have been a thought is broken off."""
        async with aclosing(pieces):
            said: list[str] = []
            rest: str | None = ""
            while rest is not None:
                # With nothing to say there is no speech to open.
                said = [await _first_words(rest, pieces)]
                rest = await self._speak_until_withdrawn(said, pieces) if said[0] else None
        return "".join(said)

    async def _speak_until_withdrawn(self, said: list[str], pieces: AsyncGenerator[str, None]) -> str | None:
        """Speak what was said already and what comes; return what follows a thought, None at the end."""
        wakeup = bridge.Wakeup()
        self._stage.go_on()
        speech = self._engine.open_speech(
            voice=self._manner.voice,
            language=None if self._manner.voice else self._manner.language,
            on_ready=wakeup.notify,
        )
        max_chars = self._engine.settings.limits.max_text_chars
        writing = asyncio.create_task(
            _write(speech, said, pieces, max_chars=max_chars), name="satellite answer"
        )
        rest: str | None = None
        try:
            async with aclosing(bridge.audio(speech, wakeup)) as chunks:
                await self._stage.play(chunks)
        except Cancelled:
            if writing.done() and not writing.cancelled():
                rest = writing.result()
            if rest is None:
                raise
        finally:
            await bridge.ended(writing)
        return rest

    def _context(self) -> ConversationContext:
        if time.monotonic() > self._memory.until_s:
            self._memory = ConversationMemory()
        return self._memory.context

    def goes_on(self, *, asks: bool) -> bool:
        """Whether it is listened on after an answer, which may have been a question."""
        follow_up = self._manner.follow_up
        return follow_up == "always" or (follow_up == "question" and asks)


async def _first_words(text: str, pieces: AsyncGenerator[str, None]) -> str:
    """Return the first text that is more than blanks, without those before it; "" if there is none."""
    while not text.strip() and (piece := await anext(pieces, None)) is not None:
        text = piece.removeprefix(END_OF_THOUGHT)
    return text.lstrip()


async def _write(
    speech: Speech, said: list[str], pieces: AsyncGenerator[str, None], *, max_chars: int
) -> str | None:
    """Hand text on as it comes, as much as one speech may hold; the speech ends with it, whatever happens.

    Where all of it turns out to have been a thought, the speech is cancelled; returns what follows.
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
