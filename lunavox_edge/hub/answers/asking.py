"""A question, the conversation it belongs to, and asking somebody with patience."""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from lunavox_edge.bridge import within
from lunavox_edge.errors import EmptyText, LunavoxError, TimedOut
from lunavox_edge.text.thoughts import ThoughtFilter

END_OF_THOUGHT = "</think>"
"""Begins a piece of an answer if all pieces before were a thought."""

_MAX_TURNS = 20
_RETRY_PAUSE_S = 0.3

_LOGGER = logging.getLogger(__name__)


@dataclass
class ConversationContext:
    """What was said before at one satellite, as long as it counts."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    remote_id: str | None = None
    """The answerer's own id of this conversation."""
    turns: list[tuple[str, str]] = field(default_factory=list)
    """Questions with their answers, the newest last."""

    def add(self, question: str, answer: str) -> None:
        """Remember a turn, and forget what is too long ago."""
        self.turns.append((question, answer))
        del self.turns[:-_MAX_TURNS]


@dataclass(frozen=True)
class Question:
    """What was said, where."""

    text: str
    language: str
    satellite: str
    area: str | None
    context: ConversationContext


class Answerer(ABC):
    """Answers questions, in pieces of text as they come."""

    @abstractmethod
    def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """Yield the answer. Raises LunavoxError; closing the generator gives the question up."""

    async def prepare(self) -> None:  # noqa: B027  # most have nothing to prepare
        """Do what the first question would wait for; nobody has to call it."""

    async def close(self) -> None:  # noqa: B027  # most hold nothing
        """Let go of what is held between questions; none is asked any more. Idempotent."""


async def ask(
    answerer: Answerer, question: Question, *, timeout_s: float, retries: int
) -> AsyncGenerator[str, None]:
    """Yield the answer without a language model's thoughts, asking again while nothing was said yet.

    `timeout_s` bounds the wait for the first word and for each next one; blanks and thoughts are none.
    Where text turns out to have been a thought after it was yielded, the next piece begins with
    `END_OF_THOUGHT`. Raises what the last attempt raised, TimedOut, EmptyText.
    """
    for attempt in range(retries + 1):
        said = False
        try:
            async with aclosing(_attempt(answerer, question, timeout_s)) as texts:
                async for text in texts:
                    said = bool(text.removeprefix(END_OF_THOUGHT).strip()) or (
                        said and not text.startswith(END_OF_THOUGHT)
                    )
                    yield text
            if not said:
                raise EmptyText("The answer is empty.")
        except LunavoxError as error:
            if said or attempt == retries or not (error.retryable or isinstance(error, EmptyText)):
                raise
            _LOGGER.info("the answer failed (%s: %s), asking again", error.code, error)
            await asyncio.sleep(_RETRY_PAUSE_S)
        else:
            return


async def _attempt(answerer: Answerer, question: Question, timeout_s: float) -> AsyncGenerator[str, None]:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + timeout_s
    thoughts, any_text = ThoughtFilter(), False
    async with aclosing(answerer.answer(question)) as pieces:
        while (piece := await _next(pieces, until_s - loop.time())) is not None:
            text = thoughts.feed(piece)
            withdrawn = thoughts.withdrawn and any_text
            if withdrawn or text.strip():
                until_s = loop.time() + timeout_s
            any_text = any_text or bool(text)
            if withdrawn or text:
                yield END_OF_THOUGHT + text if withdrawn else text
    if text := thoughts.finish():
        yield text


async def _next(pieces: AsyncGenerator[str, None], timeout_s: float) -> str | None:
    try:
        return await within(pieces.__anext__(), timeout_s)
    except StopAsyncIteration:
        return None
    except asyncio.TimeoutError as error:
        raise TimedOut("The answer takes too long.") from error
